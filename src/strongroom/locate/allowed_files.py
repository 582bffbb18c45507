"""Which files with references this user has allowed, by their content: `strongroom allow`.

A project's own file says which of the user's values go to whom, and came with the project.
It is believed once the user has looked at it, until a byte of it changes.
Source: docs/format.md#allowed-files
"""

from __future__ import annotations

import os

from strongroom.crypto.digest import sha256
from strongroom.errors import NotFound, Tampered
from strongroom.formats.references import SCHEME, Reference, parse, percent_decoded, percent_encoded
from strongroom.items import quoted
from strongroom.locate.state_directory import Mutex, make_directory, state_directory
from strongroom.stores import files
from strongroom.stores.durable import os_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Final

_FIRST: Final = "strongroom-allowed-files-v1"
_BYTES_MAX = 1_000_000
_FILES_MAX = 2_000
_WHAT = "list of allowed files"
_EVERYTHING = "*"
_HEX = frozenset("0123456789abcdef")


class Allowed:
    """One file that was allowed.

    Attributes:
        digest: SHA-256 of its content, in hex.
        prefixes: the items and folders that it may name; empty for all.
        place: where it lay, for people.
    """

    __slots__ = ("digest", "place", "prefixes")

    def __init__(self, digest: str, prefixes: Sequence[str], place: str) -> None:
        self.digest = digest
        self.prefixes = tuple(prefixes)
        self.place = place

    def covers(self, reference: Reference) -> bool:
        """Whether the file may name this."""
        path = reference.path
        return not self.prefixes or any(path == one or path.startswith(f"{one}/") for one in self.prefixes)

    def __repr__(self) -> str:
        return f"Allowed({self.place!r}, prefixes={self.prefixes})"


def digest_of(data: bytes | bytearray) -> str:
    """What a file's content is known by."""
    return sha256(bytes(data)).hex()


def find_allowed(data: bytes | bytearray, environment: Mapping[str, str] = os.environ) -> Allowed | None:
    """What was allowed of a file with this content; None when nothing was.

    Raises: StrongroomError: as `list_allowed`.
    """
    digest = digest_of(data)
    return next((one for one in list_allowed(environment) if one.digest == digest), None)


def list_allowed(environment: Mapping[str, str] = os.environ) -> list[Allowed]:
    """Every file that was allowed, the newest last.

    Raises:
        Tampered: the list is damaged.
        UnsafePermissions: somebody else could have written it.
        StoreUnavailable: it cannot be read.
    """
    path = _path(environment)
    try:
        data = files.read_private(path, _BYTES_MAX, _WHAT)
    except NotFound:
        return []
    try:
        return _decode(bytes(data))
    except ValueError:
        raise Tampered(
            f"the list of allowed files {path} is damaged", advice=f"begin anew, and allow again: rm {quoted(path)}"
        ) from None


def allow(
    data: bytes | bytearray, place: str, prefixes: Iterable[str], environment: Mapping[str, str] = os.environ
) -> Allowed:
    """Remember a file's content; what was said of the same content before is replaced.

    Args:
        place: its absolute path.
        prefixes: paths of items and folders without a slash at the end; none for everything.

    Raises: StrongroomError: as `list_allowed`, or the list cannot be written.
    """
    made = Allowed(digest_of(data), tuple(prefixes), place)
    _write(lambda known: [one for one in known if one.digest != made.digest] + [made], environment)
    return made


def forget(places: Iterable[str], environment: Mapping[str, str] = os.environ) -> list[Allowed]:
    """Take back what was allowed of the files at these absolute paths, in every content that they had.

    Returns: what was taken back.
    Raises: StrongroomError: as `list_allowed`, or the list cannot be written.
    """
    gone = set(places)
    removed: list[Allowed] = []

    def without(known: list[Allowed]) -> list[Allowed]:
        removed.extend(one for one in known if one.place in gone)
        return [one for one in known if one.place not in gone]

    _write(without, environment)
    return removed


def _path(environment: Mapping[str, str]) -> str:
    return os.path.join(state_directory(environment), "allowed-files")


def _write(change: Callable[[list[Allowed]], list[Allowed]], environment: Mapping[str, str]) -> None:
    path = _path(environment)
    make_directory(os.path.dirname(path))
    try:
        with Mutex(os.path.join(os.path.dirname(path), "lock")):
            known = change(list_allowed(environment))
            files.replace_private(path, _encode(known[-_FILES_MAX:]))
    except OSError as error:
        raise os_error(error, path, _WHAT) from None


def _encode(known: Sequence[Allowed]) -> bytes:
    lines = [_FIRST]
    for one in known:
        prefixes = "|".join(_spelled(prefix) for prefix in one.prefixes) or _EVERYTHING
        lines.append(f"allow {one.digest} {prefixes} {percent_encoded(os.fsencode(one.place)).decode()}")
    return "".join(f"{line}\n" for line in lines).encode("ascii")


def _decode(data: bytes) -> list[Allowed]:
    """The inverse of `_encode`.

    Raises: ValueError: it is no such text.
    """
    first, *lines = data.decode("ascii").split("\n")
    if first != _FIRST or not lines or lines.pop() or len(lines) > _FILES_MAX:
        raise ValueError
    return [_decode_line(line) for line in lines]


def _decode_line(line: str) -> Allowed:
    word, digest, prefixes, place = line.split(" ")
    if word != "allow" or len(digest) != 64 or not _HEX.issuperset(digest):
        raise ValueError
    # A limit that cannot be read must not turn into none.
    paths = [] if prefixes == _EVERYTHING else [parse(SCHEME + one).path for one in prefixes.split("|")]
    return Allowed(digest, paths, os.fsdecode(percent_decoded(place)))


def _spelled(prefix: str) -> str:
    return str(Reference(prefix)).removeprefix(SCHEME)
