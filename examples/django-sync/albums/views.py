"""Pages about accounts elsewhere. What needs the owner's key may send them to the unlock page and back."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from albums.forms import AddForm, EditForm
from albums.models import Account
from strongroom import SecretStr, Tampered
from strongroom.django.hand_over import HandedOver, hand_over, withdraw

# What the worker tries at all: what a service has refused waits for its user.
TRIED = ("waiting", "active", "failing")
CLOSED = "This password was locked by a vault that you have given up, and cannot be opened any more. Type it in again."


@require_safe
def home(request):
    """The accounts, or for a stranger what this site is."""
    if not request.user.is_authenticated:
        return render(request, "albums/landing.html")
    accounts = request.user.accounts.select_related("handed").prefetch_related("photos")
    return render(request, "albums/home.html", {"accounts": accounts})


@login_required
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def add(request):
    """Store an account, and hand it over where that was asked for."""
    # Asked for before anything is typed, and not behind a form that is lost then.
    request.user_vault.unlocked()
    form = AddForm(request.POST or None, owner=request.user)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            account = form.save()
            if form.cleaned_data["hand_over"]:
                give(account)
        messages.success(request, f"{account.label} is stored.")
        return redirect("account", account.pk)
    return render(request, "albums/add.html", {"form": form, "photos_address": settings.PHOTOS})


@login_required
@require_safe
def account(request, key):
    """One account, and what the worker says of it."""
    return render(request, "albums/account.html", {"account": mine(request, key)})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def show_password(request, key):
    """The stored password, for a person who asked for it."""
    account = mine(request, key)
    # By GET one comes back from the unlock page: nothing is shown that was not asked for on this page.
    if request.method != "POST":
        return redirect("account", key)
    try:
        return render(request, "albums/account.html", {"account": account, "password": account.password.reveal()})
    except Tampered:
        messages.error(request, CLOSED)
        return redirect("account", key)


@login_required
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request, key):
    """Change username or password; the worker's copy with them."""
    account = mine(request, key)
    request.user_vault.unlocked()
    form = EditForm(request.POST or None, instance=account, owner=request.user)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            account = form.save()
            if account.is_with_worker:
                give(account)
        messages.success(request, f"{account.label} is changed.")
        return redirect("account", key)
    return render(request, "albums/edit.html", {"form": form, "account": account})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def hand_over_account(request, key):
    """Give the worker a copy."""
    account = mine(request, key)
    if request.method == "POST":
        try:
            give(account)
            messages.success(request, "The worker has a copy now, and comes by in a moment.")
        except Tampered:
            messages.error(request, CLOSED)
    return redirect("account", key)


@login_required
@require_POST
def fetch_now(request, key):
    """Have the worker go there now, and not when it is due."""
    account = mine(request, key)
    if account.is_with_worker:
        HandedOver.objects.filter(pk=account.handed.pk, state__in=TRIED).update(next_sync=timezone.now())
        messages.success(request, "The worker goes there now. Look again in a moment.")
    return redirect("account", key)


@login_required
@require_POST
def withdraw_account(request, key):
    """Take the worker's copy back."""
    account = mine(request, key)
    take_back(account)
    messages.success(request, "Taken back: the worker destroys its copy when it comes by next.")
    return redirect("account", key)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def remove(request, key):
    """Forget the account here and at the worker."""
    account = mine(request, key)
    if request.method == "POST":
        with transaction.atomic():
            take_back(account)
            account.delete()
        messages.success(request, f"{account.label} is removed.")
        return redirect("home")
    return render(request, "albums/remove.html", {"account": account})


def mine(request, key):
    """The account, if it is this person's; others' do not exist."""
    return get_object_or_404(request.user.accounts.select_related("handed"), pk=key)


def give(account: Account) -> None:
    """Leave username and password for the worker; what it had of this account is replaced."""
    fields = {"username": account.username, "password": SecretStr(account.password.reveal())}
    account.handed = hand_over(account.owner, account.label, fields, service="kestrel")
    account.save(update_fields=["handed"])


def take_back(account: Account) -> None:
    """Withdraw what the worker has, if it has anything."""
    if account.is_with_worker:
        withdraw(account.handed)
