"""Questions of an open vault to a person: what `Vault.require` asks for."""

from __future__ import annotations

from strongroom.errors import WouldPrompt
from strongroom.secret import SecretStr, wipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_TRIES = 3


def asker() -> Callable[[str, str], SecretStr] | None:
    """What `Vault.ask` shall be: asks on the terminal, or None where there is none."""
    from strongroom.locate.terminal import Terminal

    terminal = Terminal.open()
    if terminal is None:
        return None
    terminal.close()
    return _ask_field


def _ask_field(path: str, field: str) -> SecretStr:
    from strongroom.items import is_secret_name
    from strongroom.locate.terminal import Terminal

    terminal = Terminal.open()
    if terminal is None:
        raise WouldPrompt(f"{path} has no {field}, and the terminal is gone")
    with terminal:
        if is_secret_name(field):
            return SecretStr(_utf8(terminal.ask_new(printable(f"{field} of {path}")), field))
        for _ in range(_TRIES):
            answer = terminal.ask(printable(f"{field} of {path}: "))
            if answer:
                return SecretStr(answer)
        raise WouldPrompt(f"nothing was entered for {field} of {path}")


def _utf8(typed: bytearray, field: str) -> bytearray:
    try:
        typed.decode("utf-8")
    except UnicodeDecodeError:
        wipe(typed)
        raise WouldPrompt(f"what was typed for {field} is not UTF-8 text") from None
    return typed


def printable(text: str) -> str:
    """*text* with a question mark for each character that a terminal might obey."""
    return "".join(one if one.isprintable() else "?" for one in text)
