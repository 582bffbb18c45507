"""The verbs, in the order in which ``strongroom help`` shows them; one file each."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.doors.cli.interface import Command

VERBS = (
    "init",
    "set",
    "get",
    "edit",
    "ls",
    "rm",
    "mv",
    "log",
    "restore",
    "require",
    "import",
    "example",
    "configure",
    "run",
    "allow",
    "render",
    "export",
    "scan",
    "sign",
    "check",
    "encrypt",
    "decrypt",
    "file",
    "key",
    "hash",
    "token",
    "ca",
    "unlock",
    "lock",
    "agent",
    "audit",
    "verify",
    "status",
    "doctor",
    "slot",
    "grant",
    "deposit",
    "rotate",
    "backup",
    "restore-backup",
    "copy",
    "upgrade",
    "completion",
)


def load(verb: str) -> Command:
    """The module of *verb*, which is one of `VERBS`."""
    name = verb.replace("-", "_")
    command: Command = __import__(f"{__name__}.{name}", fromlist=[name])
    return command
