"""The backend for log-ins: within the limits, at the same cost for every name, and with the vault opened.

    AUTHENTICATION_BACKENDS = ["strongroom.django.user_vaults.backends.UserVaultBackend"]

A wrong password costs one run of Django's first password hasher, whether the name is nobody's, somebody's with
a vault or somebody's without one: a vault is touched only once the password is known to be right.
"""

from __future__ import annotations

from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.views.decorators.debug import sensitive_variables

from strongroom.django.user_vaults.opening import open_at_login
from strongroom.django.user_vaults.password_hooks import in_thread
from strongroom.django.user_vaults.pressure import apassword_work, is_acceptable, password_work
from strongroom.secret import SecretStr

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from django.http import HttpRequest

_NAME_CHARACTERS_MAX = 1_024


class UserVaultBackend(ModelBackend):  # type: ignore[misc]  # Django carries no types
    """Django's own, with limits before it and the user's vault after it.

    Raises: TooManyAttempts: over a limit; the password was not looked at, which is not the same as wrong.
    """

    @sensitive_variables("password", "kwargs")  # type: ignore[untyped-decorator]
    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> Any:
        """The user whose name and password these are, with the vault open; None if there is none."""
        name = _name(username, kwargs)
        if name is None or password is None:
            return None
        with password_work(request, name) as attempt:
            if not (_can_be_a_name(name) and is_acceptable(password)):
                return None
            user = super().authenticate(request, username=name, password=password)
            if user is not None:
                attempt.succeeded()
                open_at_login(user, password)
        return user

    @sensitive_variables("password", "kwargs")  # type: ignore[untyped-decorator]
    async def aauthenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> Any:
        """As `authenticate`; whatever is slow runs in a thread, which in Django's own it does not."""
        name = _name(username, kwargs)
        if name is None or password is None:
            return None
        async with apassword_work(request, name) as attempt:
            if not (_can_be_a_name(name) and is_acceptable(password)):
                return None
            model = get_user_model()
            try:
                user = await model._default_manager.aget_by_natural_key(name)
            except model.DoesNotExist:
                await in_thread(model().set_password, password)
                return None
            if not (await user.acheck_password(password) and self.user_can_authenticate(user)):
                return None
            attempt.succeeded()
            # In the thread that has this request's connections to the database; what leads there prints its arguments.
            await sync_to_async(open_at_login)(user, SecretStr(password))
        return user


def _name(username: str | None, kwargs: dict[str, Any]) -> str | None:
    name = kwargs.get(get_user_model().USERNAME_FIELD) if username is None else username
    return None if name is None else str(name)


def _can_be_a_name(name: str) -> bool:
    """What no database takes is refused before it is asked; PostgreSQL fails at a NUL, drivers at half a character."""
    if len(name) > _NAME_CHARACTERS_MAX or "\0" in name:
        return False
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
