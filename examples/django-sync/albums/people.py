"""Pages about oneself: signing up, the recovery code, the password."""

from django.contrib import messages
from django.contrib.auth import authenticate, login
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from albums.forms import ChangeForm, SignUpForm


@sensitive_post_parameters("password1", "password2")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_up(request):
    """A new person, logged in at once, whose vault the log-in has made."""
    if request.user.is_authenticated:
        return redirect("home")
    form = SignUpForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            form.save()
        typed = {"username": form.cleaned_data["username"], "password": form.cleaned_data["password1"]}
        login(request, authenticate(request, **typed))
        return redirect("welcome")
    return render(request, "albums/sign_up.html", {"form": form})


@login_required
@require_safe
def welcome(request):
    """Says what the password does here, and offers the recovery code."""
    return render(request, "albums/welcome.html")


@login_required
@require_safe
def you(request):
    """What somebody can change about themselves."""
    return render(request, "albums/you.html", {"vault": request.user_vault})


class ChangePassword(auth_views.PasswordChangeView):
    """Django's own view: the vault is opened by the new password as soon as the user is saved."""

    form_class = ChangeForm
    success_url = reverse_lazy("you")

    def form_valid(self, form):
        """Say what became of the vault."""
        response = super().form_valid(form)
        messages.success(self.request, "Your password is changed. It opens your vault, and the old one no longer does.")
        return response
