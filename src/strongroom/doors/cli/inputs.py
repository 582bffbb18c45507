"""What comes in beside the words: standard input, descriptors, files, new passphrases, questions."""

from __future__ import annotations

import os

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import UsageError
from strongroom.errors import NotFound, StoreUnavailable, WouldPrompt
from strongroom.items import ITEM_BYTES_MAX
from strongroom.locate.terminal import LINE_BYTES_MAX, Terminal
from strongroom.secret import HiddenBuffer, wipe
from strongroom.stores.files import read_into

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from strongroom.doors.cli.interface import GlobalArguments

_STDIN = 0


def stdin_is_terminal() -> bool:
    """Whether a person would have to type what is read from standard input."""
    return output.is_terminal(_STDIN)


def read_stdin() -> bytearray:
    """All of standard input, up to what an item may hold; the caller wipes it.

    Raises: UsageError: it is longer than an item may be, or closed.
    """
    if output.is_terminal(_STDIN):
        # Else it would look as if nothing happened.
        output.note("type it, and end it with Ctrl-D on a line of its own")
    return _read_all(_STDIN, "standard input")


def read_file(path: str) -> bytearray:
    """All of a file the user named, up to what an item may hold; the caller wipes it.

    Raises:
        NotFound: there is none.
        UsageError: it cannot be read, or is longer than an item may be.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}") from None
    except OSError as error:
        raise UsageError(f"cannot read {path}: {(error.strerror or '').lower()}") from None
    try:
        return _read_all(descriptor, path)
    finally:
        os.close(descriptor)


def read_passphrase_line(descriptor: int) -> bytearray:
    """One line, byte for byte, so that what follows stays readable for others; the caller wipes it.

    Raises: UsageError: the descriptor is closed, at its end, or the line is too long.
    """
    line = _read_line(descriptor, "passphrase")
    if not line:
        raise UsageError(f"there is no passphrase on descriptor {descriptor}")
    return line


def read_share_lines(descriptor: int) -> Iterator[bytearray]:
    """Line after line, as they are asked for and without empty ones; the caller wipes them.

    Raises: UsageError: the descriptor is closed, or a line is too long.
    """
    while (line := _read_line(descriptor, "share")) is not None:
        if line.strip():
            yield line


def new_passphrase(arguments: GlobalArguments, what: str = "new passphrase", *, of: str = "vault") -> bytearray:
    """A passphrase to be: typed twice on a terminal, else one line of standard input.

    Args:
        of: what it shall open, for the remark that it is weak.

    Raises: WouldPrompt: neither is there.
    """
    if stdin_is_terminal():
        with terminal_for(what) as terminal:
            passphrase = terminal.ask_new(what)
        remark_on_strength(passphrase, of=of)
        return passphrase
    try:
        passphrase = read_passphrase_line(_STDIN)
    except UsageError:
        raise WouldPrompt(
            f"there is no terminal to type the {what} on, and nothing on standard input",
            advice="write it to standard input as one line",
        ) from None
    remark_on_strength(passphrase, of=of)
    return passphrase


def remark_on_strength(passphrase: bytearray, *, of: str = "vault") -> None:
    """Say so when a new passphrase is hopeless. It is taken all the same: whose vault it is decides."""
    from strongroom.keys.slots.strength import WEAK_BITS, bits_at_most

    bits = bits_at_most(passphrase)
    if passphrase and bits < WEAK_BITS:
        output.note(f"this passphrase is weak: 2^{bits} guesses find it, and whoever has a copy of the {of} may guess")
        output.hint("six words that nobody else would put together are better: strongroom token passphrase")
        if of == "vault":
            output.hint("to take them instead: strongroom slot change passphrase")


def secret_line(what: str) -> bytearray:
    """Something secret that is there already: typed once on a terminal, else one line of standard input.

    Returns: its bytes, which the caller wipes.
    Raises: WouldPrompt: neither is there.
    """
    if stdin_is_terminal():
        with terminal_for(what) as terminal:
            return terminal.ask_hidden(f"{what}: ")
    line = _read_line(_STDIN, what)
    if line is None:
        raise WouldPrompt(
            f"there is no terminal to type the {what} on, and nothing on standard input",
            advice="write it to standard input as one line",
        )
    return line


def confirm(arguments: GlobalArguments, question: str) -> bool:
    """Ask before something that cannot be undone; ``--yes`` answers.

    Returns: whether to go on.
    Raises: WouldPrompt: there is no terminal to ask on.
    """
    if arguments.yes:
        return True
    terminal = Terminal.open() if stdin_is_terminal() else None
    if terminal is None:
        raise WouldPrompt(f"not done without a yes: {question.rstrip('?')}", advice="add --yes to say it in advance")
    with terminal:
        return terminal.confirm(output.escape(question))


def terminal_for(what: str) -> Terminal:
    """The terminal, to ask for *what*.

    Raises: WouldPrompt: there is none, or this is a job in the background.
    """
    terminal = Terminal.open()
    if terminal is None:
        raise WouldPrompt(f"there is no terminal to type the {what} on")
    return terminal


def _read_line(descriptor: int, what: str) -> bytearray | None:
    """One line without its newline, or None at the end."""
    buffer = HiddenBuffer(LINE_BYTES_MAX)
    length = 0
    byte = bytearray(1)
    try:
        while read_into(descriptor, byte):
            if byte == b"\n":
                return HiddenBuffer(memoryview(buffer)[:length])
            if length == LINE_BYTES_MAX:
                raise UsageError(f"the {what} on descriptor {descriptor} is longer than {LINE_BYTES_MAX} bytes")
            buffer[length] = byte[0]
            length += 1
        return HiddenBuffer(memoryview(buffer)[:length]) if length else None
    except OSError as error:
        raise UsageError(f"cannot read descriptor {descriptor}: {(error.strerror or '').lower()}") from None
    finally:
        wipe(buffer)


def _read_all(descriptor: int, what: str) -> bytearray:
    # Grown by hand: a bytearray that grows by itself leaves the old bytes behind.
    buffer = HiddenBuffer(64 * 1024)
    length = 0
    while True:
        if length > ITEM_BYTES_MAX:
            wipe(buffer)
            raise UsageError(
                f"{what} is longer than an item may be ({ITEM_BYTES_MAX // 2**20} MiB)",
                advice="a file of any size: strongroom encrypt FILE --key NAME",
            )
        if length == len(buffer):
            larger = HiddenBuffer(4 * length)
            larger[:length] = buffer
            wipe(buffer)
            buffer = larger
        try:
            got = read_into(descriptor, memoryview(buffer)[length:])
        except OSError as error:
            wipe(buffer)
            raise StoreUnavailable(f"cannot read {what}: {(error.strerror or '').lower()}") from None
        if not got:
            result = HiddenBuffer(memoryview(buffer)[:length])
            wipe(buffer)
            return result
        length += got
