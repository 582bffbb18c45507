"""Where a scan's texts come from: files of a work tree, what is staged, the history; in batches of bounded size."""

from __future__ import annotations

import os
import stat

from strongroom.doors.cli.exit_codes import UsageError
from strongroom.doors.cli.scan_git import repository_of
from strongroom.errors import NotFound, StoreUnavailable
from strongroom.formats.scanner import OVERLAP_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from strongroom.doors.cli.scan_git import Object, Repository

BATCH_BYTES = 512 * 1024
_TEXTS_MAX = 2_000
_NEW_BYTES = BATCH_BYTES - OVERLAP_BYTES
_READ_FLAGS = os.O_RDONLY
for _name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"):  # no system has all of them
    _READ_FLAGS |= getattr(os, _name, 0)


class Place:
    """One file, or one object of the history.

    Attributes:
        blob: the name of the history's object; empty for a file.
    """

    __slots__ = ("_hidden", "_name", "blob")

    def __init__(self, name: str, *, blob: str = "") -> None:
        self._name = name
        self._hidden: list[tuple[int, int]] = []
        self.blob = blob

    def hide(self, start: int, end: int) -> None:
        """A secret stands at these bytes of the name."""
        self._hidden.append((start, end))

    @property
    def shown(self) -> str:
        """Its name, for people, without the secrets in it."""
        name = bytearray(os.fsencode(self._name))
        for start, end in self._hidden:
            name[start:end] = b"*" * (end - start)
        return os.fsdecode(bytes(name))


class Piece:
    """A text to be scanned, or a part of one that is long.

    Attributes:
        offset, lines: what of the place lies before it, in bytes and in lines.
        is_name: it is the name of the place.
    """

    __slots__ = ("data", "is_name", "lines", "offset", "place")

    def __init__(self, place: Place, data: bytes, *, offset: int = 0, lines: int = 0, is_name: bool = False) -> None:
        self.place = place
        self.data = data
        self.offset = offset
        self.lines = lines
        self.is_name = is_name

    @property
    def new_bytes(self) -> int:
        """How many bytes were in no piece before it."""
        return 0 if self.is_name else len(self.data) - (OVERLAP_BYTES if self.offset else 0)


class Source:
    """Texts to be scanned.

    Attributes:
        total: bytes, as far as known before.
        count: how many files or objects.
        unread: files that could not be read, and why.
    """

    def __init__(self) -> None:
        self.total = 0
        self.count = 0
        self.what = "files"
        self.unread: list[tuple[str, str]] = []

    def pieces(self) -> Iterator[Piece]:
        """All of them."""
        raise NotImplementedError

    def commit_with(self, _place: Place) -> str:
        """The commit that brought it there, in the history."""
        return ""

    def batches(self) -> Iterator[list[Piece]]:
        """All of them, together as many as one request takes."""
        batch: list[Piece] = []
        length = 0
        for piece in self.pieces():
            if batch and (length + len(piece.data) > BATCH_BYTES or len(batch) == _TEXTS_MAX):
                yield batch
                batch, length = [], 0
            batch.append(piece)
            length += len(piece.data)
        if batch:
            yield batch


def _cut(place: Place, read: Callable[[int], bytes]) -> Iterator[Piece]:
    """Pieces that share `OVERLAP_BYTES` with the next one."""
    offset = lines = 0
    kept = b""
    while True:
        new = read(BATCH_BYTES - len(kept))
        if not new and (kept or offset):
            return
        data = kept + new
        yield Piece(place, data, offset=offset, lines=lines)
        if not new or len(data) < BATCH_BYTES:
            return
        passed = len(data) - OVERLAP_BYTES
        kept = data[passed:]
        offset += passed
        lines += data.count(b"\n", 0, passed)


class Files(Source):
    """The files of a directory; in a git work tree those that git has or would take.

    Args:
        start: a file or a directory.
        with_ignored: also what git ignores.

    Raises:
        NotFound: there is no such file.
        UsageError, StoreUnavailable: git does not list it.
    """

    def __init__(self, start: str, *, with_ignored: bool) -> None:
        super().__init__()
        try:
            is_directory = stat.S_ISDIR(os.stat(start).st_mode)
        except OSError as error:
            raise NotFound(f"cannot scan {start}: {(error.strerror or '').lower()}") from None
        self._start = start
        self._names = self._listed(start, with_ignored=with_ignored) if is_directory else [""]
        self.count = len(self._names)
        for name in self._names:
            try:
                self.total += os.lstat(os.path.join(start, name) if name else start).st_size
            except OSError:
                continue  # gone since, or not to be looked at: said when it is read

    def _listed(self, start: str, *, with_ignored: bool) -> list[str]:
        """The files below *start*, as they are called from there."""
        repository = None if with_ignored else repository_of(start, is_needed=False)
        # A directory that git ignores and that was named is meant, with all that is in it.
        if repository is not None and repository.ask("check-ignore", "-q", "--", ".", may_fail=True) is None:
            found = []
            # A file that is staged in three versions is listed three times.
            for name in dict.fromkeys(repository.names("ls-files", "-z", "-co", "--exclude-standard", "--", ".")):
                inner = os.path.join(start, name.rstrip("/"))
                # Of another repository, a submodule or not, git lists no more than its directory.
                is_inner = os.path.isdir(inner) and not os.path.islink(inner)
                below = self._listed_inside(inner) if is_inner else [""]
                found += [os.path.join(name, one) if one else name for one in below]
            return found
        return self._walked(start)

    def _listed_inside(self, inner: str) -> list[str]:
        """The files of a repository inside of another one."""
        if os.path.lexists(os.path.join(inner, ".git")):
            try:
                repository = repository_of(inner, is_needed=False)
                top = (repository.ask("rev-parse", "--show-toplevel") or b"") if repository is not None else b""
                if top and os.path.samefile(top.rstrip(b"\n"), inner):
                    return self._listed(inner, with_ignored=False)
            except (OSError, StoreUnavailable):
                return self._walked(inner)  # git does not read it: then all of it
        return self._walked(inner)

    def _walked(self, start: str) -> list[str]:
        found = []
        for folder, folders, names in os.walk(start, onerror=self._note_folder):
            # A repository's own files are its history, which --history looks through.
            folders[:] = sorted(name for name in folders if name != ".git")
            found += [os.path.relpath(os.path.join(folder, name), start) for name in sorted(names)]
        return found

    def _note_folder(self, error: OSError) -> None:
        self.unread.append((str(error.filename), (error.strerror or "").lower()))

    def pieces(self) -> Iterator[Piece]:
        """Every file's name and content; of a link where it leads."""
        for name in self._names:
            path = os.path.join(self._start, name) if name else self._start
            place = Place(os.path.normpath(path))
            yield Piece(place, os.fsencode(os.path.normpath(path)), is_name=True)
            try:
                yield from self._content(place, path)
            except FileNotFoundError:
                continue  # tracked, and deleted in the work tree
            except OSError as error:
                self.unread.append((path, (error.strerror or "").lower()))

    def _content(self, place: Place, path: str) -> Iterator[Piece]:
        kind = os.lstat(path).st_mode
        if stat.S_ISLNK(kind):
            yield Piece(place, os.fsencode(os.readlink(path)))
            return
        if not stat.S_ISREG(kind):
            return  # a pipe, a socket
        descriptor = os.open(path, _READ_FLAGS)
        try:
            yield from _cut(place, lambda size: _read_full(descriptor, size))
        finally:
            os.close(descriptor)


def _read_full(descriptor: int, size: int) -> bytes:
    data = os.read(descriptor, size)
    while data and len(data) < size:
        more = os.read(descriptor, size - len(data))
        if not more:
            break
        data += more
    return data


class Objects(Source):
    """Objects of a git repository: what is staged, or all of the history.

    Args:
        is_history: name each with what brought it.
    """

    def __init__(self, repository: Repository, objects: Sequence[Object], *, is_history: bool) -> None:
        super().__init__()
        self._repository = repository
        self._objects = objects
        self._is_history = is_history
        self.total = sum(one.size for one in objects)
        self.count = len(objects)
        self.what = "objects" if is_history else "staged files"

    def pieces(self) -> Iterator[Piece]:
        """Every object's path and content."""
        for one, read in self._repository.contents(self._objects):
            shown = one.path or f"{one.kind} {one.name[:12]}"
            place = Place(shown, blob=one.name if self._is_history else "")
            if one.path:
                yield Piece(place, os.fsencode(one.path), is_name=True)
            yield from _cut(place, read)

    def commit_with(self, place: Place) -> str:
        """The oldest commit that has the object."""
        return self._repository.commit_with(place.blob)


def source_for(start: str, *, staged: bool, history: bool, ignored: bool) -> Source:
    """What the options of ``scan`` name.

    Raises: StrongroomError: there is no such file or repository.
    """
    if not (staged or history):
        return Files(start, with_ignored=ignored)
    if ignored:
        raise UsageError("--ignored is about the work tree")
    repository = repository_of(start, is_needed=True)
    if repository is None:
        raise UsageError(f"{start} is in no git work tree")
    return Objects(repository, repository.history() if history else repository.staged(), is_history=history)
