"""The pages of a user's vault: unlock, recover, a new recovery code, give up."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.auth.signals import user_login_failed
from django.contrib.auth.views import RedirectURLMixin
from django.http import HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.generic import FormView

from strongroom.django.user_vaults import forms
from strongroom.django.user_vaults.pressure import password_work
from strongroom.errors import NotFound, Tampered, WrongKey

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from django.http import HttpRequest, HttpResponse

    from strongroom.django.user_vaults.login_limits import Attempt
    from strongroom.django.user_vaults.requests import RequestVault


@method_decorator(sensitive_variables("password", "data", "code"), name="dispatch")
@method_decorator([sensitive_post_parameters(), csrf_protect, never_cache], name="dispatch")
class _VaultView(LoginRequiredMixin, RedirectURLMixin, FormView):  # type: ignore[misc]  # Django carries no types
    """What the pages have in common: who is logged in, the vault, and where to go on."""

    next_page = ""

    @property
    def vault(self) -> RequestVault:
        """The vault of who asks."""
        vault: RequestVault = self.request.user_vault
        return vault

    def get_default_redirect_url(self) -> str:
        """Where to go without a ``next``."""
        return str(resolve_url(settings.LOGIN_REDIRECT_URL))

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        """The vault's state for the template."""
        said = {"vault": self.vault, "next": self.get_redirect_url(), **context}
        return dict(super().get_context_data(**said))

    def refused(self, form: Any, message: str, field: str | None = None) -> HttpResponse:
        """The form again, with what is wrong."""
        user_login_failed.send(
            sender=__name__,
            credentials={"username": self.request.user.get_username(), "password": "*" * 20},
            request=self.request,
        )
        form.add_error(field, message)
        return self.form_invalid(form)

    def tampered(self, form: Any) -> HttpResponse:
        """The form again: this vault is not to be opened."""
        form.add_error(None, _("Your vault has been changed from outside and was not opened. Tell the administrator."))
        return self.form_invalid(form)


class UnlockView(_VaultView):
    """The password once more: `KeyUnavailable` leads here."""

    form_class = forms.UnlockForm
    template_name = "strongroom/user_vaults/unlock.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The form; where the vault is open already, on to the page."""
        if self.vault.is_unlocked:
            return HttpResponseRedirect(self.get_success_url())
        return super().get(request, *args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        """Open the vault, or make it where there is none."""
        with password_work(self.request, self.request.user.get_username()) as attempt:
            return self._opened(form, attempt)

    def _opened(self, form: Any, attempt: Attempt) -> HttpResponse:
        password = form.cleaned_data["password"]
        user = self.request.user
        # The vault is not asked before: a wrong password costs what it costs at the log-in.
        if not user.check_password(password):
            return self.refused(form, _("This is not your password."), "password")
        try:
            self.vault.open_or_create(password)
        except WrongKey:
            form.add_error("password", _("Your vault is still under your old password: recover it."))
            return self.form_invalid(form)
        except Tampered:
            return self.tampered(form)
        attempt.succeeded()
        return HttpResponseRedirect(self.get_success_url())


class RecoverView(_VaultView):
    """The recovery code or the old password opens the vault, and the password of today wraps it."""

    form_class = forms.RecoverForm
    template_name = "strongroom/user_vaults/recover.html"

    def form_valid(self, form: Any) -> HttpResponse:
        """Open and wrap."""
        # Around all of it: who knows today's password cannot guess old ones and codes without limit.
        with password_work(self.request, self.request.user.get_username()) as attempt:
            return self._recovered(form, attempt)

    def _recovered(self, form: Any, attempt: Attempt) -> HttpResponse:
        data = form.cleaned_data
        if not self.request.user.check_password(data["password"]):
            return self.refused(form, _("This is not your password of today."), "password")
        try:
            if data["recovery_code"]:
                self.vault.open_with_recovery_code(data["recovery_code"], new_password=data["password"])
            else:
                self.vault.open_with_password(data["old_password"])
                self.vault.change_password(data["password"])
        except (WrongKey, ValueError):
            field = "recovery_code" if data["recovery_code"] else "old_password"
            return self.refused(form, _("This does not open your vault."), field)
        except NotFound:
            return self.refused(form, _("You have no vault yet: there is nothing to recover."))
        except Tampered:
            return self.tampered(form)
        attempt.succeeded()
        return HttpResponseRedirect(self.get_success_url())


class RecoveryCodeView(_VaultView):
    """A new recovery code, made by POST and shown once."""

    form_class = forms.RecoveryCodeForm
    template_name = "strongroom/user_vaults/recovery_code.html"

    def form_valid(self, form: Any) -> HttpResponse:
        """The code, in this one page."""
        code = self.vault.new_recovery_code()
        self.vault.was_revealed = True
        return self.render_to_response(self.get_context_data(form=form, code=code))


class ResetView(_VaultView):
    """Give up the old vault and begin with a new one, empty."""

    form_class = forms.ResetForm
    template_name = "strongroom/user_vaults/reset.html"

    def form_valid(self, form: Any) -> HttpResponse:
        """Delete the vault and make a new one."""
        password = form.cleaned_data["password"]
        if not self.request.user.check_password(password):
            return self.refused(form, _("This is not your password."), "password")
        self.vault.give_up()
        self.vault.create(password)
        return HttpResponseRedirect(self.get_success_url())
