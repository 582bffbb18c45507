"""What `scan` does: the values gathered by whoever holds them, the texts fed in, the places worked out."""

from __future__ import annotations

import queue
import threading

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import UsageError
from strongroom.doors.cli.opening import open_items
from strongroom.doors.cli.progress import Progress
from strongroom.doors.cli.scan_reports import Leak, Report
from strongroom.formats.scanner import WHY_SKIPPED, Scanner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Protocol

    from strongroom.doors.cli.interface import GlobalArguments
    from strongroom.doors.cli.scan_sources import Piece, Place, Source
    from strongroom.vault.vault import Vault

    class _Found(Protocol):
        text: int
        start: int
        end: int
        path: str
        field: str
        form: str

    class _Scanner(Protocol):
        items: int
        skipped: list[str]

        @property
        def values(self) -> int: ...
        def find(self, texts: Sequence[bytes]) -> Sequence[_Found]: ...


_AHEAD = 4
"""Batches that are read while one is being looked through."""

_ASKING = 2
_LOOK_SECONDS = 0.01
_COMMITS_MAX = 100
_SHOWN_MAX = 10
_KILO = 1000


def scan(arguments: GlobalArguments, source: Source, prefix: str) -> Report:
    """Look through all of *source* for the vault's values.

    Args:
        prefix: the folder whose items are looked for; empty for all.

    Raises: StrongroomError: the vault cannot be opened, or its agent was locked meanwhile.
    """
    report = Report()
    with open_items(arguments) as vault:
        scanner, searchers = _scanner(vault, prefix)
        report.items, report.values = scanner.items, scanner.values
        report.skipped = list(dict.fromkeys(scanner.skipped))
        leaks = _Leaks()
        with Progress("scanned", unit=" kB") as progress:
            for batch, found in _searched(scanner, source.batches(), searchers):
                for one in found:
                    leaks.add(batch[one.text], one)
                report.length += sum(piece.new_bytes for piece in batch)
                progress(report.length // _KILO, max(report.length, source.total) // _KILO)
    report.leaks = leaks.found(source)
    report.count, report.what, report.unread = source.count, source.what, source.unread
    return report


def _scanner(vault: Vault, prefix: str) -> tuple[_Scanner, int]:
    """Who searches, and how many threads shall ask it."""
    from strongroom.remote.agent import RemoteVault

    with Progress("values read") as progress:
        if isinstance(vault, RemoteVault):
            from strongroom.formats.scan_search import SQUEEZING, squeeze
            from strongroom.remote.scanning import RemoteScanner

            return RemoteScanner(vault, prefix, progress, squeeze=(squeeze, SQUEEZING)), _ASKING
        from strongroom.formats.scan_values import readable_items

        local = Scanner()
        try:
            total = sum(1 for _ in vault.walk(prefix))
            for number, item in enumerate(readable_items(vault, prefix), 1):
                local.add(item)
                progress(number, total)
        except ValueError as error:
            raise UsageError(str(error), advice="strongroom scan --prefix FOLDER") from None
        return local, 0


def _searched(
    scanner: _Scanner, batches: Iterator[list[Piece]], searchers: int
) -> Iterator[tuple[list[Piece], Sequence[_Found]]]:
    """Each batch with what was found in it.

    Files and git are read in threads of their own, on one core, while the search goes on on the other.

    Args:
        searchers: how many threads ask an agent, so that it never waits for the next batch; 0: search here.
    """
    ready: queue.Queue[tuple[list[Piece], Sequence[_Found] | None] | Exception | None] = queue.Queue(_AHEAD)
    taking = threading.Lock()
    is_wanted = True

    def read() -> None:
        try:
            while is_wanted:
                with taking:
                    batch = next(batches, None)
                if batch is None:
                    break
                ready.put((batch, scanner.find([piece.data for piece in batch]) if searchers else None))
            ready.put(None)
        except Exception as error:
            ready.put(error)  # raised where the batch was wanted

    threads = [threading.Thread(target=read, daemon=True) for _ in range(max(1, searchers))]
    for thread in threads:
        thread.start()
    running = len(threads)
    try:
        while running:
            one = ready.get()
            if one is None:
                running -= 1
            elif isinstance(one, Exception):
                raise one
            else:
                batch, found = one
                yield batch, scanner.find([piece.data for piece in batch]) if found is None else found
    finally:
        is_wanted = False
        while any(thread.is_alive() for thread in threads):
            try:
                ready.get(timeout=_LOOK_SECONDS)
            except queue.Empty:
                continue  # they look whether they are wanted with each batch


class _Leaks:
    """Places, each once, though long texts come in pieces that overlap."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int, str, str], tuple[Place, Leak]] = {}

    def add(self, piece: Piece, found: _Found) -> None:
        """Note one place."""
        place = piece.place
        # The place is kept below, so that its id stays its own.
        key = (id(place), -1 if piece.is_name else piece.offset + found.start, found.path, found.field)
        if key in self._known:
            return
        line = column = 0
        if piece.is_name:
            place.hide(found.start, found.end)
        else:
            line = piece.lines + piece.data.count(b"\n", 0, found.start) + 1
            begin = piece.data.rfind(b"\n", 0, found.start) + 1
            column = len(piece.data[begin : found.start].decode("utf-8", "replace")) + 1
        self._known[key] = (place, Leak("", line, column, f"{found.path}#{found.field}", found.form))

    def found(self, source: Source) -> list[Leak]:
        """All of them, by file and line; those of the history with their commit."""
        commits: dict[str, str] = {}
        leaks = []
        for place, leak in self._known.values():
            if place.blob and place.blob not in commits and len(commits) < _COMMITS_MAX:
                commits[place.blob] = source.commit_with(place)
            leak.file = place.shown
            leak.commit = commits.get(place.blob, "")
            leaks.append(leak)
        return sorted(leaks, key=lambda leak: (leak.file, leak.line, leak.column, leak.name))


def summarise(report: Report) -> None:
    """Say on standard error what was done, and what was not."""
    output.note(
        f"looked for {output.counted(report.values, 'value')} of {output.counted(report.items, 'item')} in "
        f"{output.counted(report.count, report.what.removesuffix('s'))}, {output.sized(report.length)}: "
        f"{len(report.leaks) or 'nothing'} found"
    )
    if report.skipped:
        more = f" and {len(report.skipped) - _SHOWN_MAX} more" if len(report.skipped) > _SHOWN_MAX else ""
        output.note(f"not looked for, because {WHY_SKIPPED}: {', '.join(report.skipped[:_SHOWN_MAX])}{more}")
    for file, reason in report.unread[:_SHOWN_MAX]:
        output.note(f"not read: {file}: {reason}")
    if len(report.unread) > _SHOWN_MAX:
        output.note(f"not read: {output.counted(len(report.unread) - _SHOWN_MAX, 'more file')}")
    if report.leaks:
        output.hint("whoever has the file has the value: change it at its service, then: strongroom set PATH FIELD")
