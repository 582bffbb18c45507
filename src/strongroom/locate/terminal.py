"""The terminal: questions to a person, and secrets typed without echo into wipeable memory.

It is the controlling terminal, ``/dev/tty``, not standard input: a value may arrive on
standard input while the passphrase is typed. A process without one, or in the
background where reading would stop it for ever, has no terminal.
"""

from __future__ import annotations

import os

from strongroom.errors import WouldPrompt
from strongroom.secret import HiddenBuffer, wipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

LINE_BYTES_MAX = 4096  # the longest passphrase; also the longest line of Linux's own line editing
_TRIES = 3
# Between two pieces of what is pasted, also over a slow line; nobody types that fast.
_PASTE_SECONDS = 0.05


class Terminal:
    """This process's controlling terminal, open for one conversation; a context manager."""

    __slots__ = ("_descriptor",)

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def open(cls) -> Self | None:
        """The terminal of a process in the foreground, or None."""
        try:
            descriptor = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        except (OSError, AttributeError):  # AttributeError: Windows has no O_NOCTTY
            return None
        try:
            # A job in the background that reads its terminal is stopped by SIGTTIN: a hang.
            is_foreground = os.tcgetpgrp(descriptor) == os.getpgrp()
        except OSError:
            is_foreground = False
        if not is_foreground:
            os.close(descriptor)
            return None
        return cls(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the terminal."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def show(self, text: str) -> None:
        """Write *text* to the terminal itself, wherever standard output goes.

        Args:
            text: without control characters that came from outside.

        Raises: WouldPrompt: the terminal is gone.
        """
        data = text.encode("utf-8", "backslashreplace")
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError:
            raise WouldPrompt("the terminal is gone") from None

    def ask(self, prompt: str) -> str:
        """One line, typed with echo.

        Raises: WouldPrompt: the terminal is gone, or Ctrl-D was typed instead.
        """
        self.show(prompt)
        line = self._read_line()
        try:
            return line.decode("utf-8", "replace").strip()
        finally:
            wipe(line)

    def confirm(self, question: str, *, default: bool = False) -> bool:
        """A yes-or-no question; anything but an answer is asked again, three times at most."""
        choices = "[Y/n]" if default else "[y/N]"
        for _ in range(_TRIES):
            answer = self.ask(f"{question} {choices} ").lower()
            if not answer:
                return default
            if answer in ("y", "yes", "n", "no"):
                return answer.startswith("y")
        return False

    def ask_hidden(self, prompt: str) -> bytearray:
        """One line, typed without echo, never held in an immutable object.

        Args:
            prompt: what is asked for, with its closing ``": "``.

        Returns: the bytes without the newline; the caller wipes them.
        Raises:
            WouldPrompt: the terminal is gone, Ctrl-D was typed instead, or several lines were pasted.
            KeyboardInterrupt: Ctrl-C; echo is on again.
        """
        with _EchoOff(self._descriptor, prompt) as echo:
            # Inside the block, so that a Ctrl-C at any moment finds its way to the end of it.
            echo.off()
            self.show(prompt)
            try:
                line = self._read_line()
            finally:
                # The newline that was typed has not been echoed either.
                self.show("\n")
            if echo.swallow_rest():
                wipe(line)
                raise WouldPrompt(
                    "several lines were pasted, and a prompt takes one: nothing of it was used",
                    advice="a text of several lines comes from a file: strongroom set PATH FIELD < FILE",
                )
            return line

    def ask_new(self, what: str) -> bytearray:
        """A new secret, typed twice.

        Args:
            what: as in ``"passphrase"``.

        Returns: the bytes; the caller wipes them.
        Raises: WouldPrompt: nothing was typed, or the two differed, three times.
        """
        for _ in range(_TRIES):
            first = self.ask_hidden(f"{what}: ")
            if not first:
                self.show("nothing was typed\n")
                continue
            second = bytearray()
            try:
                second = self.ask_hidden(f"{what}, once more: ")
                if first == second:  # both were typed by the same hand a moment ago
                    return first
            except BaseException:
                wipe(first)
                raise
            finally:
                wipe(second)
            wipe(first)
            self.show("they differ\n")
        raise WouldPrompt("nothing was entered", advice="start again, and type the same twice")

    def _read_line(self) -> bytearray:
        # The kernel edits the line (backspace, Ctrl-U) and hands it over with Enter.
        buffer = HiddenBuffer(LINE_BYTES_MAX + 1)
        length = 0
        try:
            while length < len(buffer):
                try:
                    got = os.readv(self._descriptor, [memoryview(buffer)[length:]])
                except OSError:  # EIO: the terminal hung up
                    got = 0
                end = buffer.find(b"\n", length, length + got)
                if end >= 0:
                    return HiddenBuffer(memoryview(buffer)[:end])
                length += got
                if not got and not length:
                    raise WouldPrompt("the question was left without an answer")
                if not got:
                    return HiddenBuffer(memoryview(buffer)[:length])
            raise WouldPrompt(f"the line is longer than {LINE_BYTES_MAX} bytes")
        finally:
            wipe(buffer)


class _EchoOff:
    """Echo off for a block, on again whatever ends it: return, exception, or a signal.

    SIGTERM, SIGHUP, SIGQUIT and Ctrl-Z act by the system's default, without running
    Python's ``finally``; so they are caught, the terminal put right, and raised again.
    """

    __slots__ = ("_before", "_caught", "_descriptor", "_prompt", "_quiet")

    def __init__(self, descriptor: int, prompt: str) -> None:
        import termios

        self._descriptor = descriptor
        self._prompt = prompt
        self._caught: list[int] = []
        try:
            self._before = termios.tcgetattr(descriptor)
            self._quiet = termios.tcgetattr(descriptor)
        except termios.error:
            raise WouldPrompt("the terminal is gone") from None
        self._quiet[3] &= ~termios.ECHO
        # Line editing and Ctrl-C stay with the kernel, also where a program left them off.
        self._quiet[3] |= termios.ICANON | termios.ISIG

    def __enter__(self) -> Self:
        return self

    def off(self) -> None:
        """Stop the echo, and drop what was typed before the prompt stood there."""
        import signal
        import termios
        import threading

        # Python installs handlers in the main thread only; elsewhere `finally` must do.
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP):
                if signal.getsignal(number) is signal.SIG_DFL:
                    self._caught.append(number)
                    signal.signal(number, self._on_signal)
        try:
            termios.tcsetattr(self._descriptor, termios.TCSAFLUSH, self._quiet)
        except termios.error:
            # Reading on would echo what is typed, if anybody is there to type.
            raise WouldPrompt("the terminal is gone") from None

    def swallow_rest(self) -> bool:
        """Take away what came together with the line: a shell would echo and execute the rest of a pasted key.

        Returns: whether there was more than line ends.
        """
        import select
        import termios

        eager = [*self._quiet[:6], list(self._quiet[6])]
        # Without line editing the beginning of a further line counts, too.
        eager[3] &= ~termios.ICANON
        eager[6][termios.VMIN], eager[6][termios.VTIME] = 1, 0
        buffer = HiddenBuffer(LINE_BYTES_MAX)
        has_more = False
        try:
            termios.tcsetattr(self._descriptor, termios.TCSANOW, eager)
            while select.select([self._descriptor], [], [], _PASTE_SECONDS)[0]:
                got = os.readv(self._descriptor, [buffer])
                if not got:
                    break
                has_more |= any(byte not in b"\r\n" for byte in memoryview(buffer)[:got])
        except (OSError, termios.error):  # The terminal hung up behind the line.
            return has_more
        finally:
            wipe(buffer)
        return has_more

    def __exit__(self, *_exc: object) -> None:
        import signal

        self._restore()
        for number in self._caught:
            signal.signal(number, signal.SIG_DFL)

    def _restore(self) -> None:
        import termios

        try:
            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._before)
        except termios.error:
            # The terminal hung up: there is no echo left to put right.
            return

    def _on_signal(self, number: int, _frame: object) -> None:
        import signal
        import termios

        self._restore()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        # Only Ctrl-Z comes back here, when the job is continued in the foreground.
        signal.signal(number, self._on_signal)
        termios.tcsetattr(self._descriptor, termios.TCSAFLUSH, self._quiet)
        os.write(self._descriptor, self._prompt.encode("utf-8", "backslashreplace"))
