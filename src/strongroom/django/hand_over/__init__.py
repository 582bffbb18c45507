"""Handing a credential over to a worker: a web process leaves it in a vault that it cannot read, and a program of
another Unix user works with it.

    INSTALLED_APPS = [..., "strongroom.django.hand_over"]

    from strongroom.django.hand_over import hand_over, withdraw

    handed = hand_over(request.user, "my photos", {"username": "ann", "password": password}, service="photos")

``manage.py sync_external`` is the worker. What is promised, and to whom: docs/django-worker.md. Nothing is imported
before it is asked for, as Django imports this package before its models may be.
"""

from __future__ import annotations

from strongroom.django.late import late_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.django.hand_over.deposits import ahand_over, awithdraw, hand_over, withdraw
    from strongroom.django.hand_over.models import HandedOver
    from strongroom.django.hand_over.oauth import connect, connected
    from strongroom.django.hand_over.rounds import Worker

_HOMES = {
    "strongroom.django.hand_over.deposits": "ahand_over awithdraw hand_over withdraw",
    "strongroom.django.hand_over.models": "HandedOver",
    "strongroom.django.hand_over.oauth": "connect connected",
    "strongroom.django.hand_over.rounds": "Worker",
}

__all__ = ["HandedOver", "Worker", "ahand_over", "awithdraw", "connect", "connected", "hand_over", "withdraw"]

__getattr__, __dir__ = late_names(globals(), _HOMES)
