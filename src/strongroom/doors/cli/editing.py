"""An item as a text in the user's editor, on memory-backed storage, wiped whatever happens.

The file lies in a directory of its own, so that what an editor puts beside it (swap
files, backups) is in memory too and wiped with it. Where no such storage is, editing is
refused: a secret on a disk cannot be taken back.
"""

from __future__ import annotations

import os

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import EndedBySignal, UsageError
from strongroom.doors.cli.fields import fields_from_json, fields_to_json
from strongroom.errors import Denied, StoreUnavailable, WouldPrompt
from strongroom.items import quoted
from strongroom.locate.terminal import Terminal
from strongroom.secret import wipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from strongroom.items import Field, Item

_MEMORY_FILE_SYSTEMS = (b"tmpfs", b"ramfs")
# Vi would keep what was yanked in ~/.viminfo, and undo files where its settings say.
_VI_ARGUMENTS = ("-n", "-i", "NONE", "--cmd", "set nobackup nowritebackup noundofile noswapfile")
_WIPE_BYTES = 1024 * 1024
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
    command = editor_command()
    if not (os.environ.get("VISUAL") or os.environ.get("EDITOR")):
        terminal = Terminal.open()
        if terminal is None:
            raise WouldPrompt("vi needs a terminal, and there is none", advice=f"strongroom set {quoted(path)} --json")
        terminal.close()
    before = _as_text(item)
    with _MemoryFile(memory_directory()) as file:
        file.write(before)
        while True:
            _run_editor(command, file.path)
            after = file.read()
            if after == before or not after.strip():
                return None
            try:
                return fields_from_json(after, known=item)
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


def memory_directory(environment: Mapping[str, str] = os.environ) -> str:
    """A directory whose files live in memory, to make a private one in.

    Raises: Denied: there is none.
    """
    from strongroom.stores.sqlite_file import file_system_kind

    try:
        with open("/proc/self/mountinfo", "rb") as mounts:
            listed = mounts.read()
    except OSError:
        listed = b""
    for place in ("/dev/shm", environment.get("XDG_RUNTIME_DIR", "")):  # noqa: S108 - its kind is checked below
        try:
            device = os.stat(place).st_dev
        except OSError:
            continue
        kind = file_system_kind(listed, f"{os.major(device)}:{os.minor(device)}".encode())
        if kind in _MEMORY_FILE_SYSTEMS and os.access(place, os.W_OK | os.X_OK):
            return place
    raise Denied(
        "there is no memory-backed storage here, and a secret must not be edited on a disk",
        advice="change single fields instead: strongroom set PATH FIELD",
    )


class _MemoryFile:
    """One file in a private directory; both gone, and wiped, at the end of the block."""

    def __init__(self, directory: str) -> None:
        self._directory = os.path.join(directory, f"strongroom-{os.urandom(8).hex()}")
        self.path = os.path.join(self._directory, "item.json")

    def __enter__(self) -> Self:
        try:
            os.mkdir(self._directory, 0o700)
        except OSError as error:
            raise StoreUnavailable(f"cannot make {self._directory}: {(error.strerror or '').lower()}") from None
        return self

    def __exit__(self, *_exc: object) -> None:
        try:
            self._remove()
        except OSError as error:
            raise StoreUnavailable(
                f"cannot remove {self._directory}: {(error.strerror or '').lower()}",
                advice=f"nothing was stored; remove it, for it may hold what was edited: rm -r {self._directory}",
            ) from None

    def _remove(self) -> None:
        for folder, folders, names in os.walk(self._directory, topdown=False):
            for name in names:
                _wipe_file(os.path.join(folder, name))
            for name in folders:
                if os.path.islink(os.path.join(folder, name)):
                    os.unlink(os.path.join(folder, name))
            os.rmdir(folder)

    def write(self, data: bytearray) -> None:
        """Make the file with *data* in it."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            descriptor = os.open(self.path, flags, 0o600)
            try:
                view = memoryview(data)
                while view:
                    view = view[os.write(descriptor, view) :]
            finally:
                os.close(descriptor)
        except OSError as error:
            raise StoreUnavailable(f"cannot write {self.path}: {(error.strerror or '').lower()}") from None

    def read(self) -> bytearray:
        """What the editor left there; the caller wipes it."""
        from strongroom.doors.cli.inputs import read_file

        return read_file(self.path)


def _wipe_file(path: str) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW)
    except OSError:
        # A link or a socket that the editor left: there is nothing of ours in it.
        os.unlink(path)
        return
    try:
        left = os.fstat(descriptor).st_size
        while left > 0:
            left -= os.write(descriptor, bytes(min(left, _WIPE_BYTES)))
    finally:
        os.close(descriptor)
        os.unlink(path)


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
            f"cannot start the editor {command[0]}: {(error.strerror or '').lower()}", advice="export EDITOR=nano"
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
