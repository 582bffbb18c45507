"""An item as a text in the user's editor, on memory-backed storage, wiped whatever happens.

Where no such storage is, editing is refused: a secret on a disk cannot be taken back.
"""

from __future__ import annotations

import os

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import EndedBySignal, UsageError
from strongroom.doors.cli.fields import fields_from_json, fields_to_json
from strongroom.doors.cli.inputs import read_file
from strongroom.errors import WouldPrompt
from strongroom.items import quoted
from strongroom.locate.memory_files import MemoryFile, memory_directory, wipe_left_behind
from strongroom.locate.terminal import Terminal
from strongroom.secret import wipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeVar

    from strongroom.items import Field, Item

    T = TypeVar("T")

# Vi would keep what was yanked in ~/.viminfo, and undo files where its settings say.
_VI_ARGUMENTS = ("-n", "-i", "NONE", "--cmd", "set nobackup nowritebackup noundofile noswapfile")
_VI_NAMES = ("vi", "vim", "nvim", "view", "gvim")


def edited_fields(path: str, item: Item | None) -> dict[str, Field] | None:
    """Let the user edit *item*, and read what came back.

    Args:
        path: the item's path, for messages.
        item: what is there; None for an item that is new.

    Returns: the fields; None when the text was left as it was, or emptied.
    Raises:
        Denied: this machine has no memory-backed storage to edit on.
        WouldPrompt: the editor failed, or the text is wrong and there is nobody to correct it.
        UsageError: the text is not an item, and the user did not want to correct it.
    """
    before = _as_text(item)
    return edited_text(
        before, lambda after: fields_from_json(after, known=item), instead=f"strongroom set {quoted(path)} --json"
    )


def edited_text(
    before: bytearray, read: Callable[[bytearray], T], *, instead: str, name: str = "item.json"
) -> T | None:
    """Let the user edit a text, until *read* takes it.

    Args:
        read: makes something of the text, or raises UsageError; the text is wiped afterwards.
        instead: the command for who has no terminal.
        name: of the file that the editor is shown.

    Returns: what *read* made of it; None when the text was left as it was, or emptied.
    Raises: as `edited_fields`.
    """
    command = editor_command()
    if not (os.environ.get("VISUAL") or os.environ.get("EDITOR")):
        terminal = Terminal.open()
        if terminal is None:
            raise WouldPrompt("vi needs a terminal, and there is none", advice=instead)
        terminal.close()
    for left in wipe_left_behind():
        output.note(f"wiped what an edit that was killed had left: {left}")
    with MemoryFile(memory_directory(), name) as file:
        file.write(before)
        while True:
            _run_editor(command, file.path)
            after = read_file(file.path)
            if after == before or not after.strip():
                return None
            try:
                return read(after)
            except UsageError as error:
                if not _wants_to_correct(error):
                    raise
            finally:
                wipe(after)


def editor_command(environment: Mapping[str, str] = os.environ) -> list[str]:
    """The editor and its arguments: ``VISUAL``, else ``EDITOR``, else vi; words as in a shell.

    Raises: UsageError: the variable is not a command.
    """
    from shlex import split

    chosen = environment.get("VISUAL") or environment.get("EDITOR") or "vi"
    try:
        words = split(chosen)
    except ValueError:
        words = []
    if not words:
        raise UsageError("VISUAL or EDITOR is not a command")
    if os.path.basename(words[0]) in _VI_NAMES:
        words += _VI_ARGUMENTS
    return words


def _as_text(item: Item | None) -> bytearray:
    from json import dumps

    shown = dumps({} if item is None else fields_to_json(item), indent=2, ensure_ascii=False)
    # Inside JSON these can only stand in strings, where an escape means the same.
    safe = "".join(
        f"\\u{ord(one):04x}" if one != "\n" and output.is_control(one) else one for one in shown
    )
    return bytearray(safe + "\n", "utf-8")


def _run_editor(command: list[str], path: str) -> None:
    import signal
    import subprocess

    # Ctrl-C belongs to the editor; this process must live to wipe the file.
    before = {signal.SIGINT: signal.signal(signal.SIGINT, signal.SIG_IGN)}
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        before[number] = signal.signal(number, _end)
    try:
        with subprocess.Popen([*command, path], restore_signals=True, preexec_fn=_default_interrupt) as editor:
            code = editor.wait()
    except OSError as error:
        raise UsageError(
            f"cannot start the editor {command[0]}: {(error.strerror or '').lower()}",
            advice="name one that is there: export EDITOR=vi",
        ) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if code:
        how = f"ended with exit code {code}" if code > 0 else f"was ended by signal {-code}"
        raise WouldPrompt(f"the editor {how}; nothing was stored")


def _end(number: int, _frame: object) -> None:
    # An exception instead of a sudden end, so that the file is wiped on the way out.
    raise EndedBySignal(number)


def _default_interrupt() -> None:
    import signal

    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _wants_to_correct(error: UsageError) -> bool:
    terminal = Terminal.open()
    if terminal is None:
        return False
    with terminal:
        output.error(error)
        return terminal.confirm("Edit it again?", default=True)
