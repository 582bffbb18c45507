"""`agent status` for people and for programs."""

from __future__ import annotations

from strongroom.doors.cli import output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_WORDS = {
    "scrubbing_allocator": "freed memory is overwritten",
    "no_core_dumps": "no core dumps",
    "not_dumpable": "closed to debuggers of the same user",
    "no_new_privileges": "no new privileges",
    "environment_wiped": "environment wiped",
}
_MEMORY = {
    "memfd_secret": "keys in memory that not even the kernel reads (memfd_secret)",
    "locked": "keys in memory that is never swapped out",
    "ordinary": "KEYS IN ORDINARY MEMORY, which may be swapped out",
}


def show(status: Mapping[str, object], *, as_json: bool) -> None:
    """Print it; nothing in it is secret."""
    if as_json:
        output.json(status)
        return
    output.lines(_lines(status))
    if not status["running"] or status["locked"]:
        output.hint("strongroom unlock")


def unlocked_for(status: Mapping[str, object]) -> str:
    """The state of an agent that is unlocked, and for how long it is."""
    left = status["seconds_left"]
    return f"unlocked, for {_shown(left)} more" if isinstance(left, int) else "unlocked"


def _shown(seconds: int) -> str:
    """A time in its two largest units."""
    left = seconds
    parts: list[str] = []
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        if left >= size or (unit == "s" and not parts):
            parts.append(f"{left // size} {unit}")
            left %= size
    return " ".join(parts[:2])


def _lines(status: Mapping[str, object]) -> Iterator[str]:
    yield f"vault:          {status['vault']}"
    if not status["running"]:
        left_behind = " (its socket was left behind)" if status["left_behind"] else ""
        yield f"agent:          none runs{left_behind}"
        return
    yield f"agent:          process {status['pid']}, user {status['user']}, clients: {status['connections']}"
    yield f"socket:         {status['socket']}"
    if status["locked"]:
        yield f"state:          locked: {status['locked_because']}"
    else:
        yield f"state:          {unlocked_for(status)}"
    if failed := status["failed_attempts"]:
        yield f"failed:         {failed} attempt{'' if failed == 1 else 's'} to unlock"
    verified = status["verified"]
    if isinstance(verified, dict) and verified:
        yield f"verified:       {verified['says']}"
    yield f"protections:    {_MEMORY.get(str(status['key_memory']), str(status['key_memory']))}"
    protections = status["protections"]
    if isinstance(protections, dict):
        for name, obtained in protections.items():
            yield f"                {'' if obtained else 'NOT OBTAINED: '}{_WORDS.get(name, name)}"
    notes = status["notes"]
    if isinstance(notes, list):
        for note in notes:
            yield f"note:           {note}"
