"""One write transaction in the making, from its first line to its commit or its undoing."""

from __future__ import annotations

from strongroom.crypto import entropy
from strongroom.errors import OutcomeUnknown, StrongroomError, VaultLocked
from strongroom.stores.block import Block
from strongroom.vault.audit import AuditEntry, Touched
from strongroom.vault.ledger import LedgeredRows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

    from strongroom.keys.opening import UnlockedKeys
    from strongroom.stores.block import End
    from strongroom.vault.core import Core
    from strongroom.vault.ledger import Ledger, State


class Change:
    """One write transaction in the making.

    Attributes:
        rows: reads and writes; every write also moves the ledger's sum.
        now: µs since 1970 UTC, the same for everything in this commit.
        request_id: 16 bytes; a repeated call with the same id writes no second version.
        written: editions that this change wrote; they repeat nothing.
        repeated: editions of an earlier commit with the same request id that were answered with.
        is_committed: it is, for certain.
        left: the block that another thread has left, which only the thread that is in it can undo.
    """

    __slots__ = (
        "author", "depth", "is_broken", "is_committed", "is_counted_anew", "left", "now", "operations", "repeated",
        "replaced_keys", "request_id", "rows", "scrub", "state", "touched", "written",
    )  # fmt: skip

    def __init__(self, rows: LedgeredRows, state: State, author: str, now: int, request_id: bytes) -> None:
        self.rows = rows
        self.state = state
        self.author = author
        self.now = now
        self.request_id = request_id
        self.operations: list[str] = []
        self.touched: list[Touched] = []
        self.written: set[bytes] = set()
        self.repeated: set[bytes] = set()
        self.depth = 0
        self.is_broken = False
        self.is_committed = False
        self.is_counted_anew = False
        self.left: ChangeContext | None = None
        self.scrub = False
        self.replaced_keys: UnlockedKeys | None = None

    def count_anew(self, ledger: Ledger, total: int) -> None:
        """Go on from another sum, sealed anew for every writer; what is held back was handed over before.

        Args:
            ledger: the one that *total* was counted by.
        """
        self.state = self.state.counted_anew(self.rows.writer, total)
        self.rows.rebase(ledger)
        self.is_counted_anew = True

    def undo_if_left(self) -> None:
        """Undo it if its block was left in another thread: what joins it would not be committed."""
        if self.left is not None:
            self.left.forsake()

    def touch(self, node_id: bytes, revision: int, version: int, path: str) -> None:
        """Name a node that this commit writes, for the audit entry; revision 0: removed."""
        self.touched.append(Touched(node_id, revision, version, path))


class ChangeContext(Block):
    """``with core.changing("set") as change``.

    Attributes:
        author: whom versions and audit entry name; the program when it is empty.
    """

    __slots__ = (
        "_change", "_core", "_end_rows", "_is_beside", "_is_whole", "_operation", "_request_id", "_writes", "author",
    )  # fmt: skip

    def __init__(self, core: Core, operation: str, request_id: bytes | None, *, beside: bool = False) -> None:
        super().__init__()
        self._core = core
        self._is_beside = beside
        self._operation = operation
        self._request_id = request_id
        self.author = ""
        self._forget()

    def _forget(self) -> None:
        self._change: Change | None = None
        self._end_rows: End | None = None
        self._is_whole = False
        self._writes = 0

    def __enter__(self) -> Change:
        core = self._core
        self._forget()
        if core.change is not None:
            core.change.undo_if_left()
        self.take(core.mutex)
        try:
            if self.is_outermost and core.change is not None:
                # Left by a thread that is gone: nobody would commit what joins it.
                self._discard(core.change)
            core.keys  # noqa: B018 - raises VaultLocked before the store is asked
            change = core.change
            if change is None:
                self._is_whole = True
                self.level = 0
                change = self._begin()
            elif self._request_id not in (None, change.request_id):
                raise ValueError("a commit has one request id: give it to the transaction, not to a write inside")
            else:
                self.level = change.depth
                self._writes = change.rows.writes
                self._change = change
            change.author = self.author or change.author
            change.depth = self.level + 1
            change.operations.append(self._operation)
            return change
        except BaseException:
            self.forsake()
            raise

    def _begin(self) -> Change:
        core = self._core
        inner = core.store.writing(beside=self._is_beside)
        # Before it is entered: whatever happens then, this can leave it.
        self._end_rows = inner.__exit__
        rows = inner.__enter__()
        core.synchronise(rows)
        request_id = self._request_id or entropy.random_bytes(16)
        # Just read, or known to be the newest: nobody else has committed since.
        state = core.ledger.seen
        core.sealed.forget()
        self._change = change = Change(LedgeredRows(rows, core.ledger), state, core.author, core.clock_us(), request_id)
        core.change = change
        return change

    def leave(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Commit, or undo; as a part of another change, go on in that.

        Raises: as `Store.writing`; VaultLocked, StrongroomError, RuntimeError: nothing was written.
        """
        change = self._change
        if change is None:
            return
        if not self.is_ours:
            self._leave_elsewhere(change, is_commit=kind is None)
            return
        try:
            if self._is_whole:
                self._core.change = None
                self._core.sealed.forget()
                self._end(change, kind, error, trace)
            else:
                change.depth = self.level
                if kind is not None:
                    self._fail_part(change)
        except BaseException:
            self.forsake()
            raise
        self.let_go()

    def _leave_elsewhere(self, change: Change, *, is_commit: bool) -> None:
        if self.is_begun:
            change.is_broken = True
            if self._is_whole:
                change.left = self
        if is_commit and not change.is_committed:
            raise RuntimeError("nothing was written: the block was left in another thread than it was entered in")

    def _fail_part(self, change: Change) -> None:
        core = self._core
        if not core.is_locked:
            # The operation may have altered a remembered node before it failed.
            core.tree.forget()
            core.forget_settings()
        if change.rows.writes != self._writes:
            # Half of this operation is in the transaction; nobody may commit it, even
            # if the caller catches the error inside its own `with vault.transaction()`.
            change.is_broken = True

    def forsake(self) -> None:
        """See `Block.forsake`."""
        if not self.is_ours:
            return
        change = self._change
        if self._is_whole:
            if self._end_rows is not None:
                undo_rows(self._end_rows)
            if change is not None:
                self._undo(change)
            self._core.change = None
        elif change is not None:
            self._fail_part(change)
            change.depth = self.level
        self.let_go()

    def _discard(self, change: Change) -> None:
        self._undo(change)
        self._core.change = None
        self._core.depth = 0

    def _end(
        self,
        change: Change,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        core = self._core
        assert self._end_rows is not None  # noqa: S101 - a whole change has begun them
        if kind is not None and not core.is_locked:
            core.tree.forget()
            core.forget_settings()
        if kind is None:
            self._refuse_half(change)
            if change.rows.writes:
                self._seal(change)
        try:
            self._end_rows(kind, error, trace)
        except OutcomeUnknown as unknown:
            unknown.request_id = change.request_id.hex()
            raise
        if kind is not None:
            self._undo(change)
            return
        # From here on nothing is taken back. A Ctrl-C just before finds the old keys, and the store says what is true.
        change.is_committed = True
        if change.replaced_keys is not None:
            change.replaced_keys.wipe()
        if core.anchor is not None and change.rows.writes:
            core.anchor.advance(core.ledger.seen.counter, core.keys.header)
        if change.scrub:
            self._scrub(change)

    def _scrub(self, change: Change) -> None:
        """Empty the store's log of what the commit replaced; the commit itself has happened, whatever comes of it."""
        try:
            self._core.store.scrub()
        except StrongroomError as error:
            raise OutcomeUnknown(
                f"it was committed, but what it replaced may still lie in the log: {error.message}",
                advice="the change stands; the log goes when the last program that has the vault open closes it",
                request_id=change.request_id.hex(),
            ) from None

    def _refuse_half(self, change: Change) -> None:
        if self._core.is_locked:
            raise VaultLocked(
                "nothing was written: the vault was locked inside the transaction", advice="open it again"
            )
        if change.is_broken:
            raise StrongroomError(
                "nothing was written: an operation inside the transaction had failed",
                advice="let the error of that operation leave the transaction's block",
            )

    def _seal(self, change: Change) -> None:
        core = self._core
        writer = change.rows.writer
        # Of all that this commit has seen: whatever follows from it bears a greater number.
        counter = change.state.counter + 1
        operation = "+".join(dict.fromkeys(change.operations))[:64]
        for path, stamp in change.rows.stamps.items():
            change.touch(stamp, 0, 0, path)
        core.audit.append(
            change.rows,
            AuditEntry(change.now, change.author, operation, counter, change.request_id, change.touched),
        )
        change.rows.finish()
        state = change.state.after(writer, change.rows.delta)
        core.ledger.write(change.rows.store_rows, state, None if change.is_counted_anew else writer)

    def _undo(self, change: Change) -> None:
        core = self._core
        if core.is_locked or change.is_committed:
            return
        old = change.replaced_keys
        if old is not None:
            if core._keys is not old:
                core.keys.wipe()
            core._use(old, change.state)
        core.tree.forget()
        core.sealed.forget()
        core.forget_settings()
        core.audit.forget()
        core.ledger.forget(change.state)
        # The keys may remember a header that was sealed but not committed.
        core._token = None


def undo_rows(end: End) -> None:
    """Leave the store's transaction without a commit; it does nothing if that was left before."""
    try:
        end(KeyboardInterrupt, None, None)
    except StrongroomError:
        # What could not be undone goes with the connection, and the error that led here is on its way.
        return
