"""The forms of the pages: passwords and codes are typed, and never come back in a page."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

PASSWORD_MAX = 4_096
RESET_WORD = "give up"


def _password(label: str, autocomplete: str, help_text: str = "", *, required: bool = True) -> forms.CharField:
    return forms.CharField(
        label=label,
        strip=False,
        max_length=PASSWORD_MAX,
        required=required,
        help_text=help_text,
        widget=forms.PasswordInput(attrs={"autocomplete": autocomplete}),
    )


class UnlockForm(forms.Form):  # type: ignore[misc]  # Django carries no types
    """The password of the log-in."""

    password = _password(_("Password"), "current-password")


class RecoverForm(forms.Form):  # type: ignore[misc]
    """What still opens the vault, and the password that is to open it from now on."""

    recovery_code = forms.CharField(
        label=_("Recovery code"),
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
    )
    old_password = _password(_("Or your old password"), "off", required=False)
    password = _password(_("Your password of today"), "current-password")

    def clean(self) -> dict[str, str]:
        """One of the two ways."""
        cleaned: dict[str, str] = super().clean()
        if bool(cleaned.get("recovery_code")) == bool(cleaned.get("old_password")):
            raise forms.ValidationError(_("Give the recovery code or the old password, one of them."), code="one")
        return cleaned


class RecoveryCodeForm(forms.Form):  # type: ignore[misc]
    """Nothing to fill in."""


class ResetForm(forms.Form):  # type: ignore[misc]
    """The word that is typed, and the password of the log-in."""

    confirm = forms.CharField(
        label=_('Type "give up"'), max_length=50, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    password = _password(_("Password"), "current-password")

    def clean_confirm(self) -> str:
        """The very word."""
        said: str = self.cleaned_data["confirm"]
        if said.strip().casefold() != RESET_WORD:
            raise forms.ValidationError(_('Type the words "give up" to go on.'), code="confirm")
        return said
