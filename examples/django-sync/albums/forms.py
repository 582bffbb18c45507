"""What people type."""

from django import forms
from django.contrib.auth import get_user_model
from django.contrib.auth.forms import AuthenticationForm, BaseUserCreationForm, PasswordChangeForm, SetPasswordForm

from albums.models import Account

# For people; what the validators say of themselves is for whoever runs into them.
GOOD_PASSWORD = "At least 10 characters, and not one that others use as well."


class SignUpForm(BaseUserCreationForm):
    """Name, address for a forgotten password, and the password that opens the vault."""

    email = forms.EmailField(label="E-mail address", widget=forms.EmailInput(attrs={"autocomplete": "email"}))

    class Meta:
        model = get_user_model()
        fields = ("username", "email")
        help_texts = {"username": "Letters, digits and @ . + - _"}  # noqa: RUF012 - as Django's class has it


    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.fields["password1"].help_text = GOOD_PASSWORD
        self.fields["password2"].label = "The same password again"
        self.fields["password2"].help_text = ""


class NewPassword:
    """A new password, typed twice."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.fields["new_password1"].help_text = GOOD_PASSWORD
        self.fields["new_password2"].label = "The same password again"
        self.fields["new_password2"].help_text = ""


class ChangeForm(NewPassword, PasswordChangeForm):
    """For somebody who knows the old one."""


class ResetForm(NewPassword, SetPasswordForm):
    """For somebody who came with a link."""


class LogInForm(AuthenticationForm):
    """Django's, with a sentence that says what is wrong and not more."""

    error_messages = {  # noqa: RUF012 - as Django's class has it
        "invalid_login": "That is not a username and password of this site.",
        "inactive": "That is not a username and password of this site.",
    }


class AddForm(forms.ModelForm):
    """An account elsewhere of *owner*, with its password."""

    password = forms.CharField(
        label="Password there",
        max_length=200,
        strip=False,
        # Not what a browser fills in: it would be the password of this site.
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="Encrypted under your own password before it is stored.",
    )
    hand_over = forms.BooleanField(
        label="Let the worker fetch my photos",
        required=False,
        initial=True,
        help_text="It gets a copy, and logs in there while you are away. You can take it back at any time.",
    )

    class Meta:
        model = Account
        fields = ("label", "username", "password")

    def __init__(self, *args, owner, **options):
        super().__init__(*args, **options)
        self.instance.owner = owner
        self.fields["username"].required = True
        self.fields["username"].widget.attrs["autocomplete"] = "off"

    def clean_label(self):
        """One of its own: the worker, too, knows the account by it."""
        label = self.cleaned_data["label"]
        if self.instance.owner.accounts.filter(label=label).exists():
            raise forms.ValidationError("You have an account of this name already.")
        return label


class EditForm(AddForm):
    """The same for an account that is stored; an empty password stays what it is."""

    hand_over = None

    class Meta(AddForm.Meta):
        fields = ("username", "password")

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.fields["password"].required = False
        self.fields["password"].help_text = "Leave it empty to keep the one that is stored."

    def clean_password(self):
        """What is stored, when nothing was typed."""
        return self.cleaned_data["password"] or self.instance.password
