"""Logging in and unlocking with one password."""

from __future__ import annotations

from django.contrib.auth.backends import ModelBackend

from strongroom.django.user_vaults.opening import open_at_login

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from django.http import HttpRequest


class UserVaultBackend(ModelBackend):  # type: ignore[misc]  # Django carries no types
    """Django's own backend, which opens the user's vault with the password that was right; makes it at first.

    ``AUTHENTICATION_BACKENDS = ["strongroom.django.user_vaults.backends.UserVaultBackend"]``
    """

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> Any:
        """As Django's; costs one more derivation."""
        user = super().authenticate(request, username=username, password=password, **kwargs)
        if user is not None and password is not None:
            open_at_login(user, password)
        return user
