"""What ``deposit`` does: the depositor's part, and the part of whoever holds the vault's keys."""

from __future__ import annotations

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import OK, UsageError
from strongroom.doors.cli.opening import checked_path, open_items, open_vault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.doors.cli.commands.deposit import Arguments
    from strongroom.vault.deposits import Pending, TakenIn


def leave(arguments: Arguments) -> int:
    """Deposit an item: with a depositor's key if one is named, else through the agent."""
    import os

    from strongroom.doors.cli.values import check_words, collect
    from strongroom.locate.depositing import VARIABLE, Depositor

    path = checked_path(arguments.path)
    if arguments.length is not None and not arguments.generate:
        raise UsageError("--length goes with --generate")
    check_words(arguments)
    key_file = arguments.deposit_key or os.environ.get(VARIABLE, "")
    try:
        if not key_file:
            # Whoever may merely deposit is told the version's number and nothing of what is there.
            with open_items(arguments) as vault:
                version = vault.set(path, collect(path, arguments))
            shown: dict[str, object] = {"path": path, "version": version.number}
        else:
            with Depositor(arguments.vault, key_file) as depositor:
                shown = {"path": path, "deposit": depositor.deposit(path, collect(path, arguments))}
    except ValueError as error:
        # A name or a size; the message holds no value.
        raise UsageError(f"{path} cannot be deposited: {error}") from None
    if arguments.json:
        output.json(shown)
    else:
        output.note(f"deposited {path}" + ("" if key_file else f", version {shown['version']}"))
    return OK


def add_key(arguments: Arguments) -> int:
    """Make a depositor, and write its file."""
    from strongroom.doors.cli.grants import subject_of
    from strongroom.locate.depositing import refuse_existing_file, write_depositor_file

    out = arguments.out or ""
    # Looked at first: a key that is in the vault and in no file would be of no use.
    refuse_existing_file(out)
    group = None if arguments.group is None else subject_of(None, arguments.group)[1]
    with open_vault(arguments) as vault:
        try:
            key = vault.deposit_key(arguments.name, arguments.pattern, group=group)
        except ValueError as error:
            raise UsageError(f"this cannot be a depositor: {error}") from None
        try:
            write_depositor_file(out, key)
        except BaseException:
            vault.remove_depositor(arguments.name)
            raise
        finally:
            key.wipe()
    if arguments.json:
        output.json({"name": arguments.name, "id": key.depositor_id.hex(), "file": out})
    else:
        output.note(f"wrote the key of depositor {arguments.name} to {out}: it writes and opens nothing")
    return OK


def show_pending(arguments: Arguments) -> None:
    """Print what waits in the inbox."""
    with open_vault(arguments) as vault:
        waiting = vault.pending_deposits()
    if arguments.json:
        output.json([_as_json(pending) for pending in waiting])
        return
    rows = [
        (
            pending.id[:12],
            f"{pending.received:%Y-%m-%d %H:%M}",
            str(pending.user),
            pending.depositor or "-",
            pending.path or "-",
            pending.reason or "in order",
        )
        for pending in waiting
    ]
    output.table(("ID", "RECEIVED", "UID", "DEPOSITOR", "PATH", "WHY IT WAITS"), rows, none="no deposit waits")


def accept(arguments: Arguments) -> None:
    """Take in one deposit, or all that are in order."""
    with open_vault(arguments) as vault:
        # Opening the vault has taken in what was in order a moment ago.
        if arguments.id:
            one = vault.accept_deposit(_checked_id(arguments.id), approve=lambda found: _approve(arguments, found))
            taken = [] if one is None else [one]
        else:
            taken = vault.collect_deposits()
        waiting = len(vault.pending_deposits())
    if arguments.json:
        output.json({"taken_in": [_taken_as_json(one) for one in taken], "waiting": waiting})
        return
    for one in taken:
        output.note(f"took in {one.path}, version {one.version.number}, from {one.depositor or 'a stranger'}")
    if waiting:
        output.note(f"{waiting:,} still wait: strongroom deposit list")


def _approve(arguments: Arguments, found: Pending) -> bool:
    """Ask about what was read, not about what was listed a while ago."""
    from strongroom.doors.cli.inputs import confirm

    by = f"{found.depositor} (uid {found.user})" if found.depositor else f"a stranger (uid {found.user})"
    return confirm(arguments, f"Take in {found.path} ({', '.join(found.fields) or 'no fields'}) from {by}?")


def discard(arguments: Arguments) -> None:
    """Remove one deposit from the inbox."""
    with open_vault(arguments) as vault:
        gone = vault.discard_deposit(_checked_id(arguments.id))
    if arguments.json:
        output.json(_as_json(gone))
    else:
        output.note(f"discarded the deposit {gone.id}")


def show_keys(arguments: Arguments) -> None:
    """Print the depositors."""
    with open_vault(arguments) as vault:
        known = vault.depositors()
    if arguments.json:
        output.json([{"id": one.id.hex(), "name": one.name, "patterns": one.shown_patterns()} for one in known])
    else:
        output.table(
            ("NAME", "ID", "MAY WRITE TO"),
            [(one.name, one.id.hex(), " ".join(one.shown_patterns())) for one in known],
            none="no depositors yet: strongroom deposit add-key NAME PATTERN --out FILE",
        )


def remove_key(arguments: Arguments) -> None:
    """Take a depositor away."""
    with open_vault(arguments) as vault:
        gone = vault.remove_depositor(arguments.name)
    if arguments.json:
        output.json({"id": gone.id.hex(), "name": gone.name, "patterns": gone.shown_patterns()})
    else:
        output.note(f"removed the depositor {gone.name}: what it leaves from now on waits for a person")


def _checked_id(text: str) -> str:
    if not text or len(text) > 32 or not all(digit in "0123456789abcdef" for digit in text):
        raise UsageError("a deposit's id is hex digits", advice="see them: strongroom deposit list")
    return text


def _as_json(pending: Pending) -> dict[str, object]:
    return {
        "id": pending.id,
        "path": pending.path or None,
        "fields": list(pending.fields),
        "depositor": pending.depositor or None,
        "user": pending.user,
        "bytes": pending.size,
        "received": pending.received.isoformat(),
        "reason": pending.reason or None,
        "can_be_accepted": pending.can_be_accepted,
    }


def _taken_as_json(one: TakenIn) -> dict[str, object]:
    return {"path": one.path, "version": one.version.number, "depositor": one.depositor or None}
