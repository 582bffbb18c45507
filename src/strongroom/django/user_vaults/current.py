"""Whose vault is in use: one for each request, or for a block of a program that says so."""

from __future__ import annotations

from contextvars import ContextVar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.django.user_vaults.handle import UserVaultHandle

in_use: ContextVar[UserVaultHandle | None] = ContextVar("strongroom_user_vault", default=None)
"""The vault that values are read and written with."""
