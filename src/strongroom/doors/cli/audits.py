"""The parts of `strongroom audit`: what to show, in which words, and checkpoints."""

from __future__ import annotations

from argparse import ArgumentTypeError

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import UsageError
from strongroom.errors import Tampered
from strongroom.vault.audit_file import AuditKeys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from strongroom.doors.cli.commands.audit import Arguments
    from strongroom.vault.audit_checkpoint import Checkpoint
    from strongroom.vault.vault import Vault

_UNKNOWN = "(unknown)"


def moment(text: str) -> datetime:
    """A date or time, or how long ago: ``2026-12-31``, ``2h``.

    Raises: ArgumentTypeError: something else.
    """
    from datetime import UTC, datetime

    from strongroom.doors.cli.spans import span

    if "-" not in text:
        return datetime.now(UTC) - span(text)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError("takes a time span such as 2h, or a date such as 2026-12-31") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def directory_of(arguments: Arguments, vault: Vault) -> str:
    """Where the files lie."""
    from strongroom.doors.cli.opening import location_of
    from strongroom.locate.audit_files import audit_directory

    return arguments.audit_dir or audit_directory(location_of(arguments), vault.vault_id)


class Filter:
    """Which lines to show; what is None does not matter.

    Raises: UsageError: there is no such user.
    """

    def __init__(self, vault: Vault, *, since: datetime | None, user: str | None, path: str | None) -> None:
        self._since_us = 0 if since is None else int(since.timestamp() * 1_000_000)
        self._uid = None if user is None else _uid(user)
        self._hidden = None if path is None else AuditKeys(vault._core).hide(path)

    def takes(self, entry: Mapping[str, object]) -> bool:
        """Whether a line is to be shown."""
        time = entry.get("time")
        return (
            isinstance(time, int)
            and time >= self._since_us
            and self._uid in (None, entry.get("uid"))
            and self._hidden in (None, entry.get("path"))
        )


def names_of(vault: Vault) -> dict[str, str]:
    """The names behind the hashes, of everything that is in the vault."""
    from strongroom.locate.audit_review import hidden_names
    from strongroom.vault.records import TOP

    core = vault._core
    with core.reading() as rows:
        # Also what is reserved, which `Vault.walk` does not show.
        paths = [path for path, _ in core.tree.walk(rows, TOP, "")]
    return hidden_names(core, paths)


def describe(entry: Mapping[str, object], names: Mapping[str, str]) -> dict[str, object]:
    """A line for people and programs: names instead of hashes where they are known, time in UTC."""
    from datetime import UTC, datetime, timedelta

    shown = {name: one for name, one in entry.items() if name not in ("link", "fields")}
    time, path = entry.get("time"), str(entry.get("path", ""))
    if isinstance(time, int):
        shown["time"] = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time)).isoformat()
    shown["path"] = names.get(path, f"{_UNKNOWN} {path}" if path else "")
    return shown


def shown_line(described: Mapping[str, object]) -> str:
    """One line of text."""
    # What is short and always there first: lines are shown as they are read, so that no column knows its width.
    who = f"uid {described.get('uid')} pid {described.get('pid')}"
    what = f"{described.get('operation')} {described.get('path') or '-'}"
    time = str(described.get("time"))[:19].replace("T", " ")
    return f"{time}  {who:<20}  {described.get('outcome')!s:<8}  {what}  {described.get('program') or '-'}"


def checkpoints(vault: Vault, files: Sequence[str]) -> list[Checkpoint]:
    """The checkpoints in *files*.

    Raises: NotFound, Tampered: one cannot be read, or is none of this vault's.
    """
    from strongroom.locate.audit_review import read_checkpoint_file
    from strongroom.vault.audit_checkpoint import read_checkpoint

    found = []
    for file in files:
        try:
            found.append(read_checkpoint(vault._core, read_checkpoint_file(file)))
        except Tampered as error:
            raise Tampered(
                f"{file}: {error.message}", advice="name a file that strongroom audit checkpoint has written"
            ) from None
    return found


def write_checkpoint(vault: Vault, directory: str, file: object) -> None:
    """Make a checkpoint of files that are intact.

    Args:
        file: where to; None for standard output.

    Raises:
        Tampered: they are not.
        Conflict: the file exists.
    """
    from strongroom.locate.audit_review import review
    from strongroom.stores import durable
    from strongroom.vault.audit_checkpoint import make_checkpoint
    from strongroom.vault.opening import wall_clock_us

    found = review(vault._core, directory)
    if found.findings:
        raise Tampered("the audit files are not what was written", findings=tuple(found.findings))
    text = make_checkpoint(vault._core, wall_clock_us(), found.newest)
    if not isinstance(file, str):
        output.text(text.decode("ascii"))
        return
    # Signed, and without names or values: everybody may read it, nobody else write it.
    durable.write_new(file, text, 0o644)
    output.note(f"wrote {file}; keep it where the agent's user cannot write")


def _uid(user: str) -> int:
    if user.isascii() and user.isdigit():
        return int(user)
    import pwd

    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError:
        raise UsageError(f"there is no user {output.escape(user)}") from None
