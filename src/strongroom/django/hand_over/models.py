"""What the site knows of the credentials that were handed over: whose, for what, and how the last sync went.

No secret is here, and the worker believes none of it: which user, service and name a credential was given for stands
in the vault, beside the credential.
"""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy

NAME_MAX = 200
SERVICE_MAX = 50
RESULT_MAX = 500


WAITING, ACTIVE, FAILING = "waiting", "active", "failing"
REFUSED, REVOKED, WITHDRAWN = "refused", "revoked", "withdrawn"
STATES = (
    (WAITING, gettext_lazy("waiting for its first sync")),
    (ACTIVE, gettext_lazy("in use")),
    (FAILING, gettext_lazy("failing, will be tried again")),
    (REFUSED, gettext_lazy("refused by the service")),
    (REVOKED, gettext_lazy("revoked at the service")),
    (WITHDRAWN, gettext_lazy("withdrawn")),
)
TRIED = (WAITING, ACTIVE, FAILING)
"""What the worker tries. What a service has refused waits for its user: another wrong try may lock the account."""


class HandedOver(models.Model):  # type: ignore[misc]  # Django carries no types
    """One credential that a user has handed over to the worker.

    Attributes:
        last_result: one line that the connector has returned, or what went wrong; the credential's own values
            are masked in it.
        next_sync: when the worker tries next; None when it does not.
        failures: how often it has failed since it last succeeded, or since it was handed over.
        deposit: which deposit the row is about; an older one that lies in the vault still is not used.
        claim: the worker that is busy with it, until *claimed_until*.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="handed_over")
    service = models.CharField(max_length=SERVICE_MAX)
    name = models.CharField(max_length=NAME_MAX)
    state = models.CharField(max_length=16, choices=STATES, default=WAITING)
    created = models.DateTimeField(default=timezone.now, editable=False)
    last_sync = models.DateTimeField(null=True, blank=True)
    last_result = models.CharField(max_length=RESULT_MAX, blank=True)
    next_sync = models.DateTimeField(null=True, blank=True, default=timezone.now)
    failures = models.PositiveIntegerField(default=0)
    deposit = models.UUIDField(default=uuid.uuid4, editable=False)
    claim = models.UUIDField(null=True, blank=True, editable=False)
    claimed_until = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = "credential handed over"
        verbose_name_plural = "credentials handed over"
        ordering = ("created",)
        indexes = (models.Index(fields=("state", "next_sync"), name="strongroom_handed_over_due"),)
        constraints = (
            models.UniqueConstraint(
                fields=("user", "service", "name"),
                condition=~models.Q(state="withdrawn"),
                name="strongroom_handed_over_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.service}: {self.name}"
