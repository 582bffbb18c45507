"""The terminal's lines, on a real pseudo-terminal: lengths, ends, echo, threads."""

from __future__ import annotations

import os
import termios
import threading
from collections.abc import Iterator

import pytest

from strongroom.errors import WouldPrompt
from strongroom.locate.asking import printable
from strongroom.locate.terminal import LINE_BYTES_MAX, Terminal


class Desk:
    """A terminal, and the hands at its other end."""

    def __init__(self) -> None:
        self.hands, self.slave = os.openpty()
        self.terminal = Terminal(os.dup(self.slave))

    def flags(self) -> int:
        return termios.tcgetattr(self.slave)[3]

    def types_when_asked(self, *lines: bytes) -> threading.Thread:
        """Type each line after its prompt: echo is off by then, and what was typed earlier is dropped."""

        def work() -> None:
            for line in lines:
                seen = b""
                while not seen.endswith(b": "):
                    seen += os.read(self.hands, 1)
                os.write(self.hands, line)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        return thread


@pytest.fixture
def desk() -> Iterator[Desk]:
    """A desk; cleared away afterwards."""
    made = Desk()
    yield made
    made.terminal.close()
    os.close(made.hands)
    os.close(made.slave)


def test_a_visible_line(desk: Desk) -> None:
    """Typed with echo, with white space at the ends left out."""
    os.write(desk.hands, b" dustin \n")
    assert desk.terminal.ask("username: ") == "dustin"


def test_a_hidden_line_in_any_thread(desk: Desk) -> None:
    """Without echo, byte for byte; signal handlers are not needed for it."""
    hands = desk.types_when_asked(b" p\xc3\xa4ss \xff\n")
    answers: list[bytearray] = []
    asking = threading.Thread(target=lambda: answers.append(desk.terminal.ask_hidden("passphrase: ")))
    asking.start()
    asking.join(60)
    hands.join(60)
    assert answers == [bytearray(b" p\xc3\xa4ss \xff")]
    assert desk.flags() & termios.ECHO


def test_what_was_typed_too_early_is_dropped(desk: Desk) -> None:
    """It was echoed already, so it is no secret any more."""
    os.write(desk.hands, b"too early\n")
    hands = desk.types_when_asked(b"in time\n")
    assert desk.terminal.ask_hidden("passphrase: ") == b"in time"
    hands.join(60)


@pytest.mark.parametrize("rest", [b"second\nthird\n", b"second", b"\n\nthird\n"])
def test_several_pasted_lines(desk: Desk, rest: bytes) -> None:
    """They are refused, and what is left of them reaches neither the screen nor the shell."""
    hands = desk.types_when_asked(b"-----BEGIN-----\n" + rest)
    with pytest.raises(WouldPrompt, match="several lines") as caught:
        desk.terminal.ask_hidden("key: ")
    hands.join(60)
    assert "BEGIN" not in str(caught.value) + caught.value.advice
    assert desk.flags() & termios.ECHO
    assert desk.flags() & termios.ICANON
    os.write(desk.hands, b"next command\n")
    assert desk.terminal.ask("$ ") == "next command"
    os.set_blocking(desk.hands, False)
    assert b"second" not in os.read(desk.hands, 4096)


def test_a_second_enter_is_no_paste(desk: Desk) -> None:
    """Hands that tremble have typed one line."""
    hands = desk.types_when_asked(b"hunter2\n\n")
    assert desk.terminal.ask_hidden("passphrase: ") == b"hunter2"
    hands.join(60)


def test_end_of_file(desk: Desk) -> None:
    """Ctrl-D on an empty line is no answer; after some characters, twice, it ends the line."""
    hands = desk.types_when_asked(b"\x04", b"abc\x04\x04")
    with pytest.raises(WouldPrompt):
        desk.terminal.ask_hidden("passphrase: ")
    assert desk.terminal.ask_hidden("passphrase: ") == b"abc"
    hands.join(60)
    assert desk.flags() & termios.ECHO


def test_a_line_that_is_too_long(desk: Desk) -> None:
    """More than 4,096 bytes without a newline is refused, not cut."""
    piece = b"x" * 1000 + b"\x04"
    hands = desk.types_when_asked(piece * 5)
    with pytest.raises(WouldPrompt, match=str(LINE_BYTES_MAX)):
        desk.terminal.ask_hidden("passphrase: ")
    hands.join(60)
    assert desk.flags() & termios.ECHO


def test_a_terminal_that_hangs_up() -> None:
    """A closed window is no answer, and no error of the operating system."""
    hands, slave = os.openpty()
    terminal = Terminal(slave)
    closing = threading.Timer(0.3, os.close, (hands,))
    closing.start()
    with pytest.raises(WouldPrompt):
        terminal.ask_hidden("passphrase: ")
    closing.join()
    for again in (terminal.ask, terminal.ask_hidden):
        with pytest.raises(WouldPrompt, match="gone"):
            again("passphrase: ")
    terminal.close()
    terminal.close()


def test_a_new_secret_gives_up_after_three(desk: Desk) -> None:
    """Three times nothing is no passphrase."""
    hands = desk.types_when_asked(b"\n", b"\n", b"\n")
    with pytest.raises(WouldPrompt, match="nothing was entered"):
        desk.terminal.ask_new("passphrase")
    hands.join(60)


@pytest.mark.parametrize(
    ("typed", "default", "answer"),
    [
        (b"y\n", False, True),
        (b"YES\n", False, True),
        (b"n\n", True, False),
        (b"\n", True, True),
        (b"\n", False, False),
        (b"what\nmaybe\nhm\n", True, False),
    ],
)
def test_yes_or_no(desk: Desk, typed: bytes, default: bool, answer: bool) -> None:
    """Enter is the default; three answers that are none are a no."""
    os.write(desk.hands, typed)
    assert desk.terminal.confirm("Sure?", default=default) is answer


def test_prompts_hold_no_control_characters() -> None:
    """What a path or a location brings along is not obeyed."""
    assert printable("a\x1b[2Jb\u202ec") == "a?[2Jb?c"
