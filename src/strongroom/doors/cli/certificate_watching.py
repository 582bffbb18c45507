"""``strongroom ca issue --watch``: a file that always holds a good certificate, and a program that is told."""

from __future__ import annotations

from strongroom.doors.cli import certificate_files, certificates, output
from strongroom.doors.cli.exit_codes import OK, UsageError
from strongroom.doors.cli.opening import open_items
from strongroom.errors import Conflict, StrongroomError
from strongroom.secret import wipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta

    from strongroom.doors.cli.commands.ca import Arguments

RETRY_SECONDS = 60
# Short, because a machine that was asleep does not wake in time for a long one.
_NAP_SECONDS = 30


def check(arguments: Arguments) -> None:
    """Refuse what cannot be watched or executed.

    Raises: UsageError: no file, somebody else's key, or no command.
    """
    command_of(arguments)
    if arguments.watch and (arguments.out in (None, "-") or arguments.csr is not None):
        raise UsageError("--watch needs --out FILE, and a key of its own")


def command_of(arguments: Arguments) -> list[str]:
    """The words of ``--exec``, as a shell reads them; no shell runs them.

    Raises: UsageError: a quotation mark is open, or there is no word.
    """
    from shlex import split

    if arguments.exec is None:
        return []
    try:
        words = split(arguments.exec)
    except ValueError as error:
        raise UsageError(f"--exec: {str(error).lower()}") from None
    if not words:
        raise UsageError("--exec takes a command")
    return words


def reload(arguments: Arguments) -> int:
    """Run the command, if there is one; its exit code."""
    import subprocess

    from strongroom.doors.cli.executing import code_of, explain

    words = command_of(arguments)
    if not words:
        return OK
    try:
        code = subprocess.run(words, stdin=subprocess.DEVNULL).returncode
    except OSError as error:
        said, hint = explain(words[0], error.errno or 0)
        output.note(said)
        output.hint(hint)
        return code_of(error.errno or 0)
    if code:
        output.note(f"{words[0]} ended with exit code {code}")
    return code if code >= 0 else 128 - code


def watch(arguments: Arguments, issue: Callable[[Arguments], int]) -> int:
    """Issue the certificate unless FILE holds it, then renew it whenever two thirds of its life are over; for ever.

    Only what goes wrong at the beginning ends this: later the vault may be locked for a while.
    """
    from os.path import exists

    path = arguments.out or ""
    if not exists(path):
        issue(arguments)
        reload(arguments)
    due = _due(path, arguments)
    while True:
        _sleep_until(due)
        try:
            _renew(path, arguments)
            due = _due(path, arguments)
            reload(arguments)
        except StrongroomError as error:
            output.error(error)
            due = _now() + _seconds(RETRY_SECONDS)


def _due(path: str, arguments: Arguments) -> datetime:
    """When the certificate in the file is to be renewed.

    Raises: Conflict: it is for other names.
    """
    from strongroom.crypto.x509.names import parse_names

    data = certificate_files.read_service(path)
    try:
        certificate = certificate_files.chain_of(data)[0]
    finally:
        wipe(data)
    try:
        is_same = set(certificate.names) == set(parse_names(arguments.names))
    except ValueError as error:
        raise UsageError(str(error)) from None
    if not is_same or certificate.profile != arguments.profile:
        raise Conflict(f"{path} holds a certificate for something else", advice="choose another --out FILE")
    return certificate.not_after - certificate.lifetime / 3


def _renew(path: str, arguments: Arguments) -> None:
    data = certificate_files.read_service(path)
    try:
        with open_items(arguments) as vault:
            current = certificate_files.chain_of(data)[0]
            issued = certificate_files.renewed(vault.ca, current, data, arguments)
    finally:
        wipe(data)
    certificates.put(arguments, issued, path, replace=True)


def _sleep_until(due: datetime) -> None:
    from time import sleep

    while (left := (due - _now()).total_seconds()) > 0:
        sleep(min(left, _NAP_SECONDS))


def _now() -> datetime:
    from datetime import UTC, datetime

    return datetime.now(UTC)


def _seconds(count: int) -> timedelta:
    from datetime import timedelta

    return timedelta(seconds=count)
