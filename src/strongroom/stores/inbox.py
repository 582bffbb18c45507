"""The inbox: a directory of deposits beside the vault's file, written by others than its owner.

Each file belongs, by the kernel's word, to the Unix user who wrote it, and the sticky bit keeps
the others from it; so every bound here is one for each user. Nothing in it is believed: what
it holds is `vault.deposits`' business. Source: docs/format.md#deposits.
"""

from __future__ import annotations

import os
import stat
from time import time

from strongroom.errors import Conflict, Denied, NotFound, StoreUnavailable, StrongroomError, UnsafePermissions
from strongroom.stores import durable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

DEPOSIT_BYTES_MAX = 1_114_112
USER_DEPOSITS_MAX = 1_024
USER_BYTES_MAX = 64 * 1024 * 1024
NOTICE_NAME = "key"

# Members of the group may write; the sticky bit keeps each to files of their own.
_SHARED_MODE = 0o1770
_ENDING = ".deposit"
_UNFINISHED = ".new"
_ID_DIGITS = 32
_STALE_SECONDS = 3_600
_READ_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    # A pipe planted under the name must not hang the open.
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


class Letter:
    """One file in the inbox, before anybody has looked into it.

    Attributes:
        deposit_id: 16 bytes, as its name says.
        user: who wrote it, by the kernel's word.
        size: bytes.
        changed_ns: when it was last changed, by the kernel's word.
    """

    __slots__ = ("changed_ns", "deposit_id", "size", "user")

    def __init__(self, deposit_id: bytes, status: os.stat_result) -> None:
        self.deposit_id = deposit_id
        self.user = status.st_uid
        self.size = status.st_size
        self.changed_ns = status.st_ctime_ns

    @property
    def age(self) -> tuple[int, bytes]:
        """For sorting, the oldest first."""
        return self.changed_ns, self.deposit_id


class Inbox:
    """The directory at *path*, which may be absent."""

    __slots__ = ("path",)

    def __init__(self, path: str) -> None:
        self.path = path

    @property
    def exists(self) -> bool:
        """Whether there is one."""
        return os.path.lexists(self.path)

    def create(self, group: int | None = None) -> None:
        """Make the directory, for its owner or also for a group; change what is there to that.

        Raises: UnsafePermissions, Denied, StoreUnavailable: it is somebody else's, or this user is not in the group.
        """
        try:
            os.mkdir(self.path, 0o700)
            durable.sync_dir(durable.parent(self.path))
        except FileExistsError:
            self.check_own()
        except OSError as error:
            raise durable.os_error(error, self.path, "inbox") from None
        if group is None:
            return
        try:
            # By a descriptor: a link that is put in its place meanwhile is not followed.
            descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                os.fchown(descriptor, -1, group)
                os.fchmod(descriptor, _SHARED_MODE)
            finally:
                os.close(descriptor)
        except OSError as error:
            why = (error.strerror or "").lower()
            raise Denied(
                f"cannot give the inbox to group {group}: {why}", advice="be a member of the group, or do this as root"
            ) from None

    def check_own(self) -> None:
        """Refuse an inbox in which somebody could replace what others have written, or that is not the vault owner's.

        Raises: NotFound, UnsafePermissions.
        """
        status = self._status()
        if hasattr(os, "geteuid") and status.st_uid not in (os.geteuid(), 0):
            vault = os.stat(durable.parent(self.path))
            if os.geteuid() != 0 or status.st_uid != vault.st_uid:
                raise UnsafePermissions(f"the inbox {self.path} belongs to user {status.st_uid}")
        self._check_sticky(status)

    def _status(self) -> os.stat_result:
        try:
            status = os.lstat(self.path)
        except OSError as error:
            raise durable.os_error(error, self.path, "inbox") from None
        if not stat.S_ISDIR(status.st_mode):
            raise UnsafePermissions(f"the inbox {self.path} is a link or no directory")
        return status

    def _check_sticky(self, status: os.stat_result) -> None:
        if status.st_mode & 0o022 and not status.st_mode & stat.S_ISVTX:
            raise UnsafePermissions(
                f"in the inbox {self.path} users could replace each other's deposits", advice=f"chmod +t {self.path}"
            )

    def letters(self) -> list[Letter]:
        """What lies there, the oldest first: of each user as much as the bounds allow.

        Unfinished files of an hour ago are removed on the way. An absent inbox is an empty one.

        Raises: UnsafePermissions, StoreUnavailable.
        """
        if not self.exists:
            return []
        self.check_own()
        from heapq import nsmallest

        by_user = self._by_user()
        found: list[Letter] = []
        for letters in by_user.values():
            room = USER_BYTES_MAX
            for letter in nsmallest(USER_DEPOSITS_MAX, letters, key=lambda letter: letter.age):
                room -= min(letter.size, DEPOSIT_BYTES_MAX)
                if room < 0:
                    break
                found.append(letter)
        return sorted(found, key=lambda letter: letter.age)

    def _by_user(self) -> dict[int, list[Letter]]:
        from heapq import nsmallest

        by_user: dict[int, list[Letter]] = {}
        for name, status in self._entries():
            deposit_id = _id_of(name)
            if deposit_id is None:
                is_stale = name.endswith(_UNFINISHED) and time() - status.st_ctime > _STALE_SECONDS
                # A directory of that name was planted: it stays, and stops nobody's deposits.
                if is_stale and not stat.S_ISDIR(status.st_mode):
                    self._discard(name)
                continue
            letters = by_user.setdefault(status.st_uid, [])
            letters.append(Letter(deposit_id, status))
            if len(letters) >= 4 * USER_DEPOSITS_MAX:
                # However many somebody planted, the oldest are what is looked at.
                letters[:] = nsmallest(USER_DEPOSITS_MAX, letters, key=lambda letter: letter.age)
        return by_user

    def _entries(self) -> Iterator[tuple[str, os.stat_result]]:
        try:
            with os.scandir(self.path) as entries:
                for entry in entries:
                    try:
                        status = entry.stat(follow_symlinks=False)
                    except OSError:
                        # Taken in meanwhile; or something, such as a user's own mount, that nobody else may look at.
                        continue
                    yield entry.name, status
        except OSError as error:
            raise durable.os_error(error, self.path, "inbox") from None

    def read(self, deposit_id: bytes) -> bytes:
        """The bytes of one deposit.

        Raises:
            NotFound: it is there no longer.
            UnsafePermissions: no regular file, or one with several names.
            StoreUnavailable: too long, or it cannot be read.
        """
        return self._read(deposit_id.hex() + _ENDING, DEPOSIT_BYTES_MAX)

    def remove(self, deposit_id: bytes) -> None:
        """Take one deposit away; nothing happens when it is gone already.

        Raises: StoreUnavailable: it cannot be removed.
        """
        self._discard(deposit_id.hex() + _ENDING)

    def put(self, deposit_id: bytes, data: bytes) -> None:
        """Lay a deposit down, whole and durable when this returns.

        Raises:
            NotFound: there is no inbox.
            Denied: this user may not write to it.
            Conflict: this user has reached a bound.
            UnsafePermissions, StoreUnavailable.
        """
        self._check_sticky(self._status())
        if len(data) > DEPOSIT_BYTES_MAX:
            raise Conflict(f"a deposit is at most {DEPOSIT_BYTES_MAX:,} bytes with its seals")
        if not os.access(self.path, os.R_OK | os.W_OK | os.X_OK):
            raise self._denied()
        self._check_room(len(data))
        self._lay_down(deposit_id.hex() + _ENDING, data)

    def _lay_down(self, name: str, data: bytes) -> None:
        """Write a file, whole and durable, in place of one of the same name."""
        temporary = self._at(f".{os.urandom(16).hex()}{_UNFINISHED}")
        try:
            durable.write_new(temporary, data, 0o644)
            os.replace(temporary, self._at(name))
        except OSError as error:
            durable.discard(temporary)
            raise durable.os_error(error, temporary, "file in the inbox") from None
        except StrongroomError:
            durable.discard(temporary)
            raise
        durable.sync_dir(self.path)

    def _check_room(self, size: int) -> None:
        user = os.geteuid() if hasattr(os, "geteuid") else 0
        # Counted as `letters` counts: what is too long is not read, and takes the place of one.
        own = [min(status.st_size, DEPOSIT_BYTES_MAX) for _name, status in self._entries() if status.st_uid == user]
        if len(own) >= USER_DEPOSITS_MAX or sum(own) + size > USER_BYTES_MAX:
            raise Conflict(
                f"the inbox is full: {len(own):,} deposits of this user wait in it",
                advice="whoever holds the vault's keys takes them in: strongroom deposit accept",
            )

    def _denied(self) -> Denied:
        return Denied(
            f"this user may not write to the inbox {self.path}",
            advice="the vault's owner gives it to a group: strongroom deposit add-key NAME PATTERN --group GROUP",
        )

    def notice(self) -> bytes | None:
        """The notice of the deposit key, not checked; None without one.

        Raises: UnsafePermissions, StoreUnavailable, Denied.
        """
        try:
            return self._read(NOTICE_NAME, DEPOSIT_BYTES_MAX)
        except NotFound:
            return None

    def write_notice(self, data: bytes) -> None:
        """Put the notice of the deposit key in place of the one before.

        Raises: UnsafePermissions, StoreUnavailable.
        """
        self.check_own()
        self._lay_down(NOTICE_NAME, data)

    def _read(self, name: str, limit: int) -> bytes:
        path = self._at(name)
        try:
            descriptor = os.open(path, _READ_FLAGS)
        except PermissionError:
            raise Denied(f"this user may not read {path}") from None
        except OSError as error:
            raise durable.os_error(error, path, "deposit") from None
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
                raise UnsafePermissions(f"{path} is not a regular file with one name")
            if status.st_size > limit:
                raise StoreUnavailable(f"{path} is longer than {limit:,} bytes")
            pieces, length = [], 0
            while piece := os.read(descriptor, limit + 1 - length):
                pieces.append(piece)
                length += len(piece)
            if length > limit:
                raise StoreUnavailable(f"{path} is longer than {limit:,} bytes")
            return b"".join(pieces)
        except OSError as error:
            raise durable.os_error(error, path, "deposit") from None
        finally:
            os.close(descriptor)

    def _at(self, name: str) -> str:
        return os.path.join(self.path, name)

    def _discard(self, name: str) -> None:
        durable.discard(self._at(name))


def _id_of(name: str) -> bytes | None:
    digits = name.removesuffix(_ENDING)
    if len(digits) != _ID_DIGITS or name != digits + _ENDING:
        return None
    if not all(digit in "0123456789abcdef" for digit in digits):
        return None
    return bytes.fromhex(digits)
