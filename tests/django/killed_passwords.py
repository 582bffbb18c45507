"""Changes of a user's password in children that are killed at one statement after another, and in many at once."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from tests.django import project
from tests.django.vault_site import options

OLD, NEW = "velvet quarter 9317", "copper lantern 4410"
MANY = 6


def user_of() -> Any:
    from django.contrib.auth.models import User

    return User.objects.get(username="ann")


def opened(password: str) -> Any:
    from strongroom.django.user_vaults import user_vault

    vault = user_vault(user_of())
    vault.open_with_password(password)
    return vault


def change(old: str, new: str) -> Callable[[], None]:
    """As Django's own page does it."""

    def run() -> None:
        with opened(old) as vault, vault.in_use():
            vault.user.set_password(new)
            vault.user.save()

    return run


def recover(code: str, new: str) -> Callable[[], None]:
    def run() -> None:
        from strongroom.django.user_vaults import user_vault

        user_vault(user_of()).open_with_recovery_code(code, new_password=new)

    return run


def run_child(task: Callable[[], None], stop_at: int) -> bool:
    """Whether the child got to the end; at the statement *stop_at* it dies by SIGKILL."""
    from django.db import connection

    connection.close()
    pid = os.fork()
    if pid:
        return os.waitpid(pid, 0)[1] == 0
    count = 0

    def wrapper(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal count
        count += 1
        if count == stop_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(sql, params, many, context)

    code = 1
    try:
        with connection.execute_wrapper(wrapper):
            task()
        code = 0
    finally:
        os._exit(code)


def opens(password: str) -> bool:
    from strongroom.errors import WrongKey

    try:
        opened(password).forget()
    except WrongKey:
        return False
    return True


def kill_changes() -> None:
    """The hash and the slot are always of the same password."""
    stop_at, done = 1, False
    while not done:
        done = run_child(change(OLD, NEW), stop_at)
        user = user_of()
        assert user.check_password(NEW) == opens(NEW) == done, stop_at
        assert user.check_password(OLD) == opens(OLD) == (not done), stop_at
        stop_at += 1
    print("password killed", stop_at - 2)
    change(NEW, OLD)()


def kill_recoveries() -> None:
    """Either the code still opens, or the new password does; both keep the same key."""
    with opened(OLD) as vault:
        code, key = vault.new_recovery_code().reveal(), vault.unlocked().user_key.reveal()
    stop_at, done = 1, False
    while not done:
        done = run_child(recover(code, NEW), stop_at)
        assert opens(OLD) == (not done), stop_at
        with opened(NEW if done else OLD) as vault:
            assert vault.has_recovery_code == (not done)
            assert vault.unlocked().user_key.reveal() == key
        stop_at += 1
    print("recovery killed", stop_at - 2)
    with opened(NEW) as vault:
        vault.change_password(OLD)


def change_at_once() -> None:
    """Several sessions change the password at once: the last hash and the last slot are of the same one."""
    from django.db import connection

    vaults = [opened(OLD) for _ in range(MANY)]
    connection.close()
    children = []
    for number, vault in enumerate(vaults):
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                with vault.in_use():
                    vault.user.set_password(f"{NEW} {number}")
                    vault.user.save()
                code = 0
            finally:
                os._exit(code)
        children.append(pid)
    codes = [os.waitpid(pid, 0)[1] for pid in children]
    assert codes == [0] * MANY, codes
    right = [f"{NEW} {number}" for number in range(MANY) if user_of().check_password(f"{NEW} {number}")]
    assert len(right) == 1
    assert [f"{NEW} {number}" for number in range(MANY) if opens(f"{NEW} {number}")] == right
    assert not opens(OLD)
    print("at once", MANY)


def main() -> None:
    project.configure()
    from django.conf import settings
    from django.contrib.auth.models import User
    from django.db import connection

    from strongroom.django.user_vaults import user_vault

    settings.STRONGROOM = options()
    # Others may hold the file for as long as a loaded machine lets them.
    connection.settings_dict["OPTIONS"] = {"timeout": 60}
    project.make_tables("default")
    User.objects.create_user("ann", password=OLD)
    with user_vault(user_of()) as vault:
        vault.create(OLD)
    kill_changes()
    kill_recoveries()
    change_at_once()


if __name__ == "__main__":
    sys.exit(main())
