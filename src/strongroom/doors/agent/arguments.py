"""What the agent's process was started with, by the command line's ``agent`` and ``unlock``.

An inner interface between two programs of one version: strict, without abbreviations or help.
"""

from __future__ import annotations

from strongroom.errors import StrongroomError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_TEXTS = ("vault", "socket", "user", "key-file", "audit-dir", "expect-vault")
_NUMBERS = ("for", "idle", "ready-fd", "expect-counter")


class AgentArguments:
    """The options of the agent's process.

    Attributes:
        vault: the location, absolute.
        socket: where to listen; empty for the usual place.
        user: become this user before anything is served; empty to stay.
        key_file: unlock with this key file at the start; empty for what lies at hand.
        audit_dir: where the audit files lie; empty for beside the vault.
        life_seconds, idle_seconds: of the keys; None for no end.
        ready_fd: a pipe's end that receives a byte when clients are served; then the standard streams are
            let go of, and what lies at hand is not tried at the start; -1 for an agent in the foreground.
        expect_counter: the commit that the vault must have reached.
        expect_vault: the fingerprint that it must have, or have had.
    """

    def __init__(self) -> None:
        self.vault = ""
        self.socket = ""
        self.user = ""
        self.key_file = ""
        self.audit_dir = ""
        self.life_seconds: int | None = None
        self.idle_seconds: int | None = None
        self.ready_fd = -1
        self.expect_counter: int | None = None
        self.expect_vault: str | None = None


def parse(words: Sequence[str]) -> AgentArguments:
    """Read ``--NAME VALUE`` pairs.

    Raises: StrongroomError: anything else.
    """
    given: dict[str, str] = {}
    numbers: dict[str, int] = {}
    for name, value in zip(words[::2], words[1::2], strict=False):
        name = name.removeprefix("--")
        if name in _TEXTS and value:
            given[name] = value
        elif name in _NUMBERS and value.isascii() and value.isdigit():
            numbers[name] = int(value)
        else:
            raise StrongroomError("this program is started by: strongroom agent")
    if len(words) % 2 or "vault" not in given:
        raise StrongroomError("this program is started by: strongroom agent")
    arguments = AgentArguments()
    arguments.vault = given["vault"]
    arguments.socket = given.get("socket", "")
    arguments.user = given.get("user", "")
    arguments.key_file = given.get("key-file", "")
    arguments.audit_dir = given.get("audit-dir", "")
    arguments.life_seconds = numbers.get("for")
    arguments.idle_seconds = numbers.get("idle")
    arguments.ready_fd = numbers.get("ready-fd", -1)
    arguments.expect_counter = numbers.get("expect-counter")
    arguments.expect_vault = given.get("expect-vault")
    return arguments
