"""Connecting without a password: the service is asked for a grant, which goes straight to the worker."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from albums.models import Account
from strongroom import Denied, Expired, ServiceUnavailable
from strongroom.django.hand_over import connect, connected

SERVICE = "kestrel-oauth"
AGAIN = "connect-again"
NAMES_MAX = 1000


@login_required
@require_safe
def ask(request):
    """Say what will be asked for, before the browser goes there."""
    return render(request, "albums/connect.html", {"again": request.GET.get("again", "")})


@login_required
@require_safe
def go(request):
    """Off to the service; `again` names an account that was connected before."""
    again = request.GET.get("again", "")
    if again:
        # Looked up now: nobody is sent away to be told afterwards that there is no such account.
        get_object_or_404(request.user.accounts, pk=uuid_of(again), kind=Account.TOKEN)
    request.session[AGAIN] = again
    return connect(request, service=SERVICE, redirect_uri=request.build_absolute_uri(reverse("back")))


@login_required
@require_safe
def back(request):
    """Back with a grant, or with a no."""
    account = chosen(request)
    try:
        with transaction.atomic():
            account.handed = connected(request, account.label, service=SERVICE)
            account.save()
    except Denied:
        messages.error(request, "Kestrel was not allowed to let Shoebox in; nothing was connected.")
        return redirect("add")
    except (Expired, ServiceUnavailable):
        messages.error(request, "That did not work out at Kestrel. Try it again.")
        return redirect("connect")
    messages.success(request, f"{account.label} is connected.")
    return redirect("account", account.pk)


def uuid_of(text: str) -> UUID:
    """What *text* says.

    Raises: Http404: it is none.
    """
    try:
        return UUID(text)
    except ValueError:
        raise Http404 from None


def chosen(request) -> Account:
    """The account that is connected again, or a new one with a name that is free."""
    again = request.session.pop(AGAIN, "")
    if again:
        return get_object_or_404(request.user.accounts, pk=again, kind=Account.TOKEN)
    taken = set(request.user.accounts.values_list("label", flat=True))
    names = ("Kestrel", *(f"Kestrel {number}" for number in range(2, NAMES_MAX)))
    return Account(owner=request.user, label=next(name for name in names if name not in taken), kind=Account.TOKEN)
