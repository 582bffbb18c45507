"""Shares from people: typed one after another, or handed over as lines."""

from __future__ import annotations

from strongroom.errors import FormatUnsupported, WrongKey
from strongroom.keys.slots import shares
from strongroom.secret import wipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from strongroom.keys.slots.bound import BoundCredential
    from strongroom.locate.terminal import Terminal
    from strongroom.stores.interface import Store

_MISTAKES_MAX = 5


def combine_shares(store: Store, given: Iterable[bytearray]) -> BoundCredential:
    """The secret that shares make; the caller wipes it.

    Args:
        given: no more of them is taken than is needed; each is wiped.

    Raises:
        WrongKey: too few, mistyped, twice the same, of another vault, or of different sets.
        FormatUnsupported: the extra ``shamir`` is not installed.
    """
    collector = _collector(store)
    for typed in given:
        collector.add(typed)
        if not collector.missing:
            break
    return collector.credential()


def ask_for_shares(store: Store, terminal: Terminal, first: bytearray) -> BoundCredential:
    """The secret that shares make, the further ones asked for without echo; the caller wipes it.

    Args:
        first: what was typed already; wiped.

    Raises:
        WrongKey: five mistakes, or shares that do not belong together.
        WouldPrompt: no answer.
        FormatUnsupported: the extra ``shamir`` is not installed.
    """
    return _ask(store, terminal, first, bytearray()).credential()


def ask_for_share_lines(store: Store, terminal: Terminal, first: bytearray) -> bytearray:
    """As `ask_for_shares`, but the shares themselves, for another process to combine.

    Returns: a line for each; the caller wipes it.
    """
    lines = bytearray()
    try:
        _ask(store, terminal, first, lines)
    except BaseException:
        wipe(lines)
        raise
    return lines


def _ask(store: Store, terminal: Terminal, first: bytearray, lines: bytearray) -> shares.ShareCollector:
    """Enough shares, each of which is also appended to *lines*."""
    collector = _collector(store)
    typed = first
    mistakes = 0
    while True:
        line = typed + b"\n"
        try:
            collector.add(typed)
            lines += line
        except WrongKey as error:
            mistakes += 1
            if mistakes == _MISTAKES_MAX:
                raise
            terminal.show(f"{error.message}\n")
        finally:
            wipe(line)
        if not collector.missing:
            return collector
        more = "1 more share" if collector.missing == 1 else f"{collector.missing} more shares"
        typed = terminal.ask_hidden(f"next share ({more} needed): ")


def is_share(typed: bytearray) -> bool:
    """Whether somebody meant to type a share; without the extra ``shamir`` nothing is one."""
    try:
        return shares.looks_like_share(typed)
    except FormatUnsupported:
        return False


def _collector(store: Store) -> shares.ShareCollector:
    from strongroom.vault.opening import slot_records

    slots = [record.parameters for record in slot_records(store) if record.kind == shares.KIND]
    if not slots:
        raise WrongKey(
            f"no key slot of {store.location} opens with shares", advice="see what opens it: strongroom slot list"
        )
    return shares.ShareCollector(slots)
