"""What every ``with`` block of a transaction is: it is left for certain, also when a Ctrl-C comes at its end.

Python looks at signals when a function begins: a `KeyboardInterrupt` may come before the first line of
``__exit__``, whose own ``try`` does not stand around that. What the with statement holds is therefore an
object of its own that nothing else holds. It goes when the statement is over, however it is over, and a
block that is still open then is undone at once, by the thread that was in it: docs/decisions/0035.
"""

from __future__ import annotations

from _weakref import ref  # without the package around it: 1 ms of a cold start
from functools import partial

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _thread import RLock
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any

    End = Callable[[type[BaseException] | None, BaseException | None, TracebackType | None], bool | None]


class _Exit:
    """``__exit__`` of a block: what the with statement takes before it enters, and drops at the end."""

    __slots__ = ()

    def __get__(self, block: Block | None, kind: type[Block]) -> Callable[..., None]:
        if block is None:
            # As ExitStack asks; it holds the block itself.
            return kind.leave
        # No method of the block: a frame that a traceback keeps would hold it, for it holds what it is called on.
        end = partial(_leave, block)
        if not block.is_begun:
            block.end = ref(end, block.lost)
        return end


class Block:
    """One block, entered once at a time, by one thread.

    Whoever derives from it takes the mutex with `take`, and is left by `leave`; `forsake` undoes what is
    open, and does nothing the second time: it can be called at any step of entering and of leaving.

    Attributes:
        level: how many blocks of the same kind this one is inside of.
        is_outermost: it has taken the mutex; those inside it find it taken.
    """

    __slots__ = ("end", "is_outermost", "level", "mutex")

    def __init__(self) -> None:
        self.mutex: RLock | None = None
        self.end: ref[Any] | None = None
        self.is_outermost = False
        self.level = 0

    if TYPE_CHECKING:

        def __exit__(
            self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
        ) -> None: ...

    else:
        __exit__ = _Exit()

    @property
    def is_begun(self) -> bool:
        """Whether it was entered, or that was begun, and was not left."""
        return self.mutex is not None

    @property
    def is_ours(self) -> bool:
        """Whether it is open in this thread."""
        return self.mutex is not None and self.mutex._is_owned()  # type: ignore[attr-defined]  # as threading.Condition does

    def take(self, mutex: RLock) -> None:
        """Take the mutex unless this thread has it.

        Raises: RuntimeError: the block is open.
        """
        if self.mutex is not None:
            raise RuntimeError("the block was entered before, and not left")
        # Said before it is so: an interrupt behind the next line but one leaves what can be told from the mutex.
        self.is_outermost = not mutex._is_owned()  # type: ignore[attr-defined]
        self.mutex = mutex
        if self.is_outermost:
            mutex.acquire()

    def let_go(self) -> None:
        """Let go of the mutex: the last step of leaving."""
        if self.is_outermost and self.is_ours:
            self.mutex.release()  # type: ignore[union-attr]  # is_ours
        self.end = self.mutex = None

    def leave(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End what was begun, and let go of the mutex, whatever comes of it."""
        raise NotImplementedError

    def forsake(self) -> None:
        """Undo what is open of it, if this thread is in it; nothing is raised that is not a Ctrl-C."""
        raise NotImplementedError

    def lost(self, _end: object) -> None:
        """The with statement is over, and has not left it."""
        try:
            self.forsake()
        except BaseException:
            # A second Ctrl-C: a lock that nobody lets go of would be for ever.
            self.forsake()
            raise


def _leave(
    block: Block, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
) -> None:
    block.leave(kind, error, trace)
