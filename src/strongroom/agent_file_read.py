"""The plain ``file get``, answered by the agent: the file goes there, the value comes back, and no library is loaded.

As `agent_read`, which hands over to it: whatever is not plain, or does not go well at once, is left to the
command line, and until the value has come nothing is written.
"""

import os

from strongroom import agent_read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_FILE_BYTES_MAX = 32 * 1024
# The module stat would be one more.
_KIND, _REGULAR = 0o170000, 0o100000
_KEY_MARK = b" key "
_IDENTITY = "STRONGROOM_IDENTITY_FILE"


def read_value(words: "Sequence[str]") -> bytearray | None:
    """The value that a plain ``file get FILE KEY...`` asks for, from the agent; as `agent_read.read_through_agent`.

    Args:
        words: those behind ``file get``.
    """
    plain: list[str] = []
    named = None
    position = 0
    while position < len(words):
        word = words[position]
        position += 1
        if not word.startswith("-"):
            plain.append(word)
        elif word.startswith("--vault="):
            named = word[8:]
        elif word == "--vault" and position < len(words):
            named = words[position]
            position += 1
        else:
            return None
    # An identity file comes before the keys of the vault.
    if len(plain) < 2 or os.environ.get(_IDENTITY) or not agent_read._has_plain_output():
        return None
    place = agent_read._place(named)
    if place is None:
        return None
    try:
        data = _content(plain[0])
        if _KEY_MARK not in data:
            return None
        target = f"file-value?name={agent_read._quote('.'.join(plain[1:]))}"
        return agent_read._ask(place, target, is_named=named is not None, body=data)
    except (OSError, ValueError, LookupError, ImportError):
        return None


def _content(path: str) -> bytes:
    """The bytes of a short file; of anything else none, and what can be read once is not read."""
    if os.stat(path).st_mode & _KIND != _REGULAR:
        return b""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        data = os.read(descriptor, _FILE_BYTES_MAX + 1)
        # Shorter than asked for is the end of a file, and of nothing else for certain.
        return data if len(data) <= _FILE_BYTES_MAX and not os.read(descriptor, 1) else b""
    finally:
        os.close(descriptor)
