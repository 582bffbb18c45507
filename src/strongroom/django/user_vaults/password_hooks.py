"""Every check of a user's password passes the limits, whichever view asks for it.

Django calls nothing before it hashes: not in its password change, nor in the admin, nor in what projects
write ("type your password again"). So three methods of its base class for users are replaced when the app starts, and
do what they did, within `password_work`. The async one also leaves the event loop free, which Django's does not.
"""

from __future__ import annotations

from functools import wraps

from asgiref.sync import sync_to_async
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.hashers import verify_password
from django.views.decorators.debug import sensitive_variables

from strongroom.credentials.passwords import PASSWORD_BYTES_MAX
from strongroom.django.user_vaults.marks import hidden
from strongroom.django.user_vaults.pressure import apassword_work, is_acceptable, password_work

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from strongroom.secret import SecretStr

_MARK = "_strongroom_limited"
_hides = sensitive_variables("raw_password", "password")


def install() -> None:
    """Replace the three methods, once."""
    for name, replacement in (
        ("check_password", _check), ("acheck_password", _acheck), ("set_password", _set),
    ):  # fmt: skip
        original = getattr(AbstractBaseUser, name)
        if not hasattr(original, _MARK):
            replaced = replacement(original)
            setattr(replaced, _MARK, original)
            setattr(AbstractBaseUser, name, replaced)


def _check(original: Callable[..., bool]) -> Callable[..., bool]:
    @wraps(original)
    @_hides  # type: ignore[untyped-decorator]
    def check_password(self: Any, raw_password: Any) -> bool:
        with password_work(name=self.get_username()) as attempt:
            # None is Django's own case: it takes as long as a password, and is never right.
            if raw_password is not None and not is_acceptable(raw_password):
                return False
            is_right = original(self, raw_password)
            if is_right:
                attempt.succeeded()
            return is_right

    return check_password


def _acheck(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    @_hides  # type: ignore[untyped-decorator]
    async def acheck_password(self: Any, raw_password: Any) -> bool:
        async with apassword_work(name=self.get_username()) as attempt:
            if raw_password is not None and not is_acceptable(raw_password):
                return False
            is_right, is_outdated = await in_thread(verify_password, raw_password, self.password)
            if is_right:
                attempt.succeeded()
                if is_outdated:
                    await in_thread(self.set_password, raw_password)
                    self._password = None  # the same password: nothing that hears of new ones is to hear of it
                    await self.asave(update_fields=["password"])
            return bool(is_right)

    return acheck_password


def _set(original: Callable[..., None]) -> Callable[..., None]:
    @wraps(original)
    @_hides  # type: ignore[untyped-decorator]
    def set_password(self: Any, raw_password: Any) -> None:
        if raw_password is None:  # an unusable one: nothing is hashed
            original(self, raw_password)
            return
        if not is_acceptable(raw_password):
            raise ValueError(f"a password is text of at most {PASSWORD_BYTES_MAX:,} bytes of UTF-8, without NUL")
        # Without the name: a new password is no guess. For a sign-up this is the one limit there is.
        with password_work() as attempt:
            original(self, raw_password)
            attempt.succeeded()

    return set_password


@_hides  # type: ignore[untyped-decorator]
async def in_thread(function: Callable[..., Any], raw_password: str | None, *others: Any) -> Any:
    """Call *function* in a thread, of which the limits let only a few run.

    Reports of errors show the arguments of all that leads there: the password is covered on its way.
    """
    covered = None if raw_password is None else hidden(raw_password)
    return await sync_to_async(_call, thread_sensitive=False)(function, covered, *others)


@_hides  # type: ignore[untyped-decorator]
def _call(function: Callable[..., Any], password: SecretStr | None, *others: Any) -> Any:
    return function(None if password is None else password.reveal(), *others)
