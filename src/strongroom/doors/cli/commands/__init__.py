"""The verbs, in the order in which ``strongroom help`` shows them; one file each."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.doors.cli.interface import Command

GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("items", ("init", "set", "get", "edit", "ls", "rm", "mv", "log", "restore", "require", "configure")),
    ("moving in, and programs", ("import", "example", "run", "allow", "render", "export", "scan")),
    ("files, keys and passwords", ("sign", "check", "encrypt", "decrypt", "file", "key", "hash", "token", "ca")),
    ("the agent, and other users", ("unlock", "lock", "agent", "audit", "grant", "deposit")),
    (
        "the vault itself",
        (
            *("status", "doctor", "verify", "slot", "rotate"),
            *("backup", "restore-backup", "copy", "upgrade", "completion"),
        ),
    ),
)
"""What belongs together, as ``strongroom help`` shows it."""

VERBS = tuple(verb for _, verbs in GROUPS for verb in verbs)


def load(verb: str) -> Command:
    """The module of *verb*, which is one of `VERBS`."""
    name = verb.replace("-", "_")
    command: Command = __import__(f"{__name__}.{name}", fromlist=[name])
    return command
