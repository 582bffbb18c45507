"""What every operation of an open vault stands on: keys, store, cache and transactions.

`Core.reading` gives rows of one moment; `Core.changing` gives a `Change`, whose
rows, audit entry and ledger seal are committed together or not at all.
"""

from __future__ import annotations

from _thread import RLock  # without the package around it: 1 ms of a cold start
from os import getpid

from strongroom.errors import StrongroomError, Tampered, VaultLocked
from strongroom.keys.format import SLOTS_MAX
from strongroom.keys.opening import UnlockedKeys, reopen_keys
from strongroom.stores.block import Block
from strongroom.stores.interface import Overtaken, Reading, Store, blob
from strongroom.stores.schema import HEADER, SLOTS
from strongroom.vault.audit import AuditLog
from strongroom.vault.change import Change, ChangeContext, undo_rows
from strongroom.vault.ledger import Ledger, LedgeredRows, State
from strongroom.vault.names import Tree
from strongroom.vault.records import AUTHOR_BYTES_MAX
from strongroom.vault.sealed_versions import SealedVersions
from strongroom.vault.settings import VaultSettings, read_settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _thread import RLock as RLockType
    from collections.abc import Callable
    from types import TracebackType
    from typing import TypeVar

    from strongroom.stores.block import End
    from strongroom.vault.anchoring import Anchor

    Result = TypeVar("Result")

_TIMES_BESIDE = 2


def slot_rows(rows: Reading) -> list[tuple[bytes, bytes]]:
    """(slot id, record) of every key slot; nothing of it is authenticated.

    Raises: Tampered: more than 32, so that a store stuffed with slots cannot fill the memory.
    """
    found: list[tuple[bytes, bytes]] = []
    for row in rows.scan(SLOTS):
        if len(found) == SLOTS_MAX:
            raise Tampered(f"there are more than {SLOTS_MAX} key slots", advice="run: strongroom verify")
        found.append((blob(row, 0), blob(row, 1)))
    return found


def check_format(keys: UnlockedKeys, store: Store) -> None:
    """Hold what the store says of its format against the header, which nobody without the keys can write.

    Args:
        keys: wiped when they differ.

    Raises: Tampered: they differ; a newer format that calls itself an older one would be read wrongly.
    """
    if keys.header.format != store.format.number:
        keys.wipe()
        raise Tampered(
            f"{store.location} says that it is of format {store.format.number}, and its header of {keys.header.format}",
            advice="restore a backup: strongroom restore-backup FILE",
        )


class Core:
    """An open store with its keys.

    Args:
        keys: taken over; wiped by `lock`.
        author: how this program calls itself in versions and audit entries, at most 256 bytes.
        clock_us: µs since 1970 UTC.
    """

    def __init__(self, store: Store, keys: UnlockedKeys, *, author: str, clock_us: Callable[[], int]) -> None:
        if not 0 < len(author.encode("utf-8")) <= AUTHOR_BYTES_MAX:
            raise ValueError(f"author is 1 to {AUTHOR_BYTES_MAX} bytes")
        self.store = store
        self.author = author
        self.clock_us = clock_us
        self.anchor: Anchor | None = None
        self._mutex = RLock()
        self._pid = getpid()
        self.change: Change | None = None
        self.depth = 0
        self.has_looked = False
        self.sealed = SealedVersions()
        self._token: int | None = None
        self._use(keys, State({}))

    def _use(self, keys: UnlockedKeys, seen: State) -> None:
        tree, ledger = Tree(keys.macs("index"), keys.envelope), Ledger(keys.mac("ledger"), keys.envelope)
        audit = AuditLog(keys.mac("audit"), keys.envelope)
        # Another header may come with an older ledger: what was seen before still counts.
        ledger.forget(seen)
        # Nothing is called from here on: a Ctrl-C finds all of the old ones, or all of the new ones.
        self._settings: VaultSettings | None = None
        self.envelope, self.tree, self.ledger, self.audit = keys.envelope, tree, ledger, audit
        self._keys: UnlockedKeys | None = keys

    @property
    def mutex(self) -> RLockType:
        """Held by the thread whose operation is going on."""
        if self._pid != getpid():
            self._after_fork()
        return self._mutex

    def _after_fork(self) -> None:
        """In a child: let go of what a thread that only the parent has will hold for ever."""
        self._pid = getpid()
        if not self._mutex._is_owned():  # type: ignore[attr-defined]  # threading.Condition relies on it too
            self._mutex = RLock()
            self.change = None
            self.depth = 0
            self._token = None

    @property
    def keys(self) -> UnlockedKeys:
        """The keys in memory.

        Raises: VaultLocked: after `lock`.
        """
        if self._keys is None:
            raise VaultLocked("the vault is locked", advice="open it again")
        return self._keys

    @property
    def token(self) -> int | None:
        """The store's change token, of the moment to which everything that is remembered belongs."""
        return self._token

    @property
    def is_busy(self) -> bool:
        """Whether the thread that holds the mutex is inside a reading or a change, whose moment counts."""
        return self.depth > 0 or self.change is not None

    @property
    def is_locked(self) -> bool:
        """Whether the keys were wiped."""
        return self._keys is None

    def lock(self) -> None:
        """Wipe the keys and let go of the store; a second call does nothing."""
        with self.mutex:
            if self._keys is None:
                self.store.close()
                return
            seen, header = self.ledger.seen.counter, self._keys.header
            self._keys.wipe()
            self._keys = None
            self.tree.forget()
            self.sealed.forget()
            self.forget_settings()
            del self.envelope, self.tree, self.ledger, self.audit
            self.store.close()
            if self.anchor is not None:
                self.anchor.settle(seen, header)

    def reading(self) -> _ReadingContext:
        """Rows of one moment, alone on this vault object; joins an open change."""
        return _ReadingContext(self)

    def changing(self, operation: str, request_id: bytes | None = None, *, beside: bool = False) -> ChangeContext:
        """A change; inside another one it joins that.

        Args:
            operation: what the audit log calls it, at most 64 bytes.
            request_id: 16 bytes, or None for a random one.
            beside: others may write at the same time; see `commit`.

        Raises: ValueError: a request id of another length; on entering, one inside another
            change: a commit has one request id.
        """
        if request_id is not None and len(request_id) != 16:
            raise ValueError("a request id is 16 bytes")
        return ChangeContext(self, operation, request_id, beside=beside)

    def commit(self, operation: str, request_id: bytes | None, work: Callable[[Change], Result]) -> Result:
        """What *work* gives for a change, committed; beside other writers where the store can do that.

        When another has changed the same row meanwhile, nothing was written, and *work* is done
        again from what is there now; the third time alone, so that it ends.

        Args:
            work: writes to items, and to nothing that belongs to all of them: folders that
                become empty, grants, settings and keys are changed alone.

        Raises: as `changing`.
        """
        for _ in range(_TIMES_BESIDE):
            try:
                with self.changing(operation, request_id, beside=True) as change:
                    return work(change)
            except Overtaken:
                continue
        with self.changing(operation, request_id) as change:
            return work(change)

    def replace_keys(self, change: Change, keys: UnlockedKeys) -> None:
        """Go on under *keys*, whose header *change* has just written.

        The keys until now come back if the change is undone, and are wiped once it is committed.

        Raises: Tampered: the ledger does not fit; a sum under a new key would make what lies there genuine.
        """
        change.rows.finish()
        old = self.keys
        rows, format = change.rows.store_rows, self.store.format
        if keys is not old and not self.ledger.fits(rows, change.state.total + change.rows.delta, format):
            raise Tampered("the store is not what was written", advice="see what it is: strongroom verify")
        if keys is not old:
            # Before they are used: from here on whatever undoes the change takes these back.
            change.replaced_keys = old
        self.sealed.forget()
        self._use(keys, self.ledger.seen)
        if keys is not old:
            # There is a new ledger key: every row counts anew, once.
            change.count_anew(self.ledger, self.ledger.recompute(rows, format))
        else:
            # A row of the ledger that stays under an old data key could not be opened once that is destroyed.
            change.count_anew(self.ledger, change.state.total + change.rows.delta)

    def settings(self, rows: Reading | LedgeredRows) -> VaultSettings:
        """The vault's settings, opened once until another program commits; not to be changed."""
        if self._settings is None:
            self._settings = read_settings(self.envelope, rows)
        return self._settings

    def forget_settings(self) -> None:
        """Open the settings again when they are asked for next: they were written, or that was undone."""
        self._settings = None

    def is_newest(self) -> bool:
        """Whether nobody else has committed since the last reading; False when locked."""
        return self._keys is not None and (self.has_looked or self.store.change_token() == self._token)

    def looking_once(self) -> _OneLook:
        """``with core.looking_once()``: reads that were all asked for before, alone on this vault object.

        Whether another program has committed is looked up once, at the beginning; they are answered as
        of that moment, or a later one.
        """
        return _OneLook(self)

    def synchronise(self, rows: Reading) -> None:
        """Forget what was remembered if another connection has committed since."""
        token = self.store.change_token()
        if token == self._token:
            return
        self.tree.forget()
        self.sealed.forget()
        self.forget_settings()
        self.audit.forget()
        keys = self.keys
        header = rows.get(HEADER, 1)
        if header is None:
            raise Tampered("the header row is missing", advice="run: strongroom verify")
        body, mac = blob(header, 1), blob(header, 2)
        if not keys.has_header(body, mac):
            new = reopen_keys(keys, body, mac, slot_rows(rows))
            check_format(new, self.store)
            self._use(new, self.ledger.seen)
            # Not before: a Ctrl-C in between would leave keys in use that open nothing.
            keys.wipe()
        seen = self.ledger.seen.counter
        # An older copy, put in place while this program has the vault open, ends here.
        counter = self.ledger.read(rows).counter
        if self.anchor is not None and counter > seen:
            self.anchor.advance(counter, self.keys.header)
        self._token = token


class _OneLook(Block):
    """See `Core.looking_once`."""

    __slots__ = ("_core",)

    def __init__(self, core: Core) -> None:
        super().__init__()
        self._core = core

    def __enter__(self) -> None:
        core = self._core
        self.take(core.mutex)
        try:
            core.has_looked = core.is_newest()
        except StrongroomError:
            # Each read finds that out itself, and says so.
            return
        except BaseException:
            self.forsake()
            raise

    def leave(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Look each time again."""
        self.forsake()

    def forsake(self) -> None:
        """See `Block.forsake`."""
        if self.is_ours:
            self._core.has_looked = False
            self.let_go()


class _ReadingContext(Block):
    """``with core.reading() as rows``; hand-written because many a get passes here."""

    __slots__ = ("_core", "_end_rows")

    def __init__(self, core: Core) -> None:
        super().__init__()
        self._core = core
        self._end_rows: End | None = None

    def __enter__(self) -> Reading | LedgeredRows:
        core = self._core
        if core.change is not None:
            core.change.undo_if_left()
        self.take(core.mutex)
        if self.is_outermost:
            # Left by a thread that is gone: nobody would end them.
            core.depth = 0
        self.level = core.depth
        try:
            if core._keys is None:
                raise VaultLocked("the vault is locked", advice="open it again")
            inner = core.store.reading()
            # Before it is entered: whatever happens then, this can leave it.
            self._end_rows = inner.__exit__
            rows = inner.__enter__()
            if core.change is None:
                core.synchronise(rows)
            core.depth = self.level + 1
            return rows if core.change is None else core.change.rows
        except BaseException:
            self.forsake()
            raise

    def leave(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Let go of the moment."""
        if not self.is_ours:
            return
        try:
            self._core.depth = self.level
            if self._end_rows is not None:
                self._end_rows(kind, error, trace)
        except BaseException:
            self.forsake()
            raise
        self.let_go()

    def forsake(self) -> None:
        """See `Block.forsake`."""
        if self.is_ours:
            self._core.depth = self.level
            if self._end_rows is not None:
                undo_rows(self._end_rows)
            self.let_go()
