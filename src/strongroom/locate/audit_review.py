"""Reading the audit files: every line checked against the one before, and against a checkpoint kept elsewhere.

`review` goes over all files of all writers once; what it finds is named by file and line.
"""

from __future__ import annotations

import os

from strongroom.errors import FormatUnsupported, NotFound, StrongroomError, Tampered
from strongroom.locate.audit_files import file_path, list_writers, read_lines
from strongroom.vault.audit_file import FIRST_LINK, AuditKeys, Chain, parse_line, split_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from strongroom.vault.audit_checkpoint import Checkpoint
    from strongroom.vault.core import Core

    Entry = dict[str, object]

FINDINGS_MAX = 100


class Review:
    """What a review found.

    Attributes:
        entries: how many lines hold.
        findings: what does not, one line each; empty when everything does.
        notes: what is no tampering and should be known.
        newest: number and link of each writer's last line that holds.
    """

    def __init__(self) -> None:
        self.entries = 0
        self.findings: list[str] = []
        self.notes: list[str] = []
        self.newest: dict[str, tuple[int, bytes]] = {}

    def find(self, what: str) -> None:
        """Add a finding; past the hundredth they are not written down any more."""
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append(what)


def review(
    core: Core,
    directory: str,
    *,
    checkpoints: Sequence[Checkpoint] = (),
    show: Callable[[Entry], None] | None = None,
) -> Review:
    """Check every line of every file.

    Args:
        core: of the open vault.
        directory: from `audit_directory`.
        checkpoints: what the files must have contained when these were made.
        show: is given each line that holds, in each writer's order; not the first ones of files.

    Raises: UnsafePermissions, StoreUnavailable: about the directory.
    """
    result = Review()
    keys: dict[int, AuditKeys] = {}
    for writer, numbers in list_writers(directory).items():
        wanted = _wanted(checkpoints, writer)
        _WriterReview(core, directory, writer, keys, result, wanted, show).check(numbers)
    for checkpoint in checkpoints:
        for writer, (number, _link) in checkpoint.writers.items():
            if number and writer not in result.newest:
                result.find(f"writer {writer[:8]}: the checkpoint knows {number} lines of it, and there is none")
    return result


def _wanted(checkpoints: Sequence[Checkpoint], writer: str) -> dict[int, bytes]:
    found = [checkpoint.writers[writer] for checkpoint in checkpoints if writer in checkpoint.writers]
    return {number: link for number, link in found if number}


class _WriterReview:
    """The files of one writer, in order."""

    def __init__(
        self,
        core: Core,
        directory: str,
        writer: str,
        keys: dict[int, AuditKeys],
        result: Review,
        wanted: dict[int, bytes],
        show: Callable[[Entry], None] | None,
    ) -> None:
        self._core = core
        self._directory = directory
        self._writer = writer
        self._keys = keys
        self._result = result
        self._wanted = wanted
        self._show = show
        self._chain: Chain | None = None
        self._cut = 0
        self._compared: set[int] = set()

    def check(self, numbers: Sequence[int]) -> None:
        """Check the files *numbers*, ascending."""
        result = self._result
        result.newest[self._writer] = (0, FIRST_LINK)
        if numbers[0] != 1:
            result.notes.append(f"writer {self._writer[:8]}: begins with file {numbers[0]}; older ones are not here")
        expected = numbers[0]
        for number in numbers:
            if number != expected:
                result.find(f"writer {self._writer[:8]}: file {expected} is missing")
                self._chain = None
            self._check_file(number)
            expected = number + 1
        if self._cut:
            result.notes.append(f"writer {self._writer[:8]}: its last line is unfinished, as a power cut leaves it")
        reached = result.newest[self._writer][0]
        for wanted in self._wanted:
            if wanted > reached:
                who = f"writer {self._writer[:8]}"
                result.find(f"{who}: cut off: it ends at line {reached}, and the checkpoint knows line {wanted}")
            elif wanted not in self._compared:
                # A record that begins behind the checkpoint could be written anew like any other.
                result.find(f"writer {self._writer[:8]}: line {wanted}, which the checkpoint knows, is not here")

    def _check_file(self, number: int) -> None:
        path = file_path(self._directory, self._writer, number)
        name = os.path.basename(path)
        place = 0
        cut, self._cut = self._cut, 0
        try:
            for line, is_whole in read_lines(path):
                place += 1
                if not is_whole:
                    self._cut = len(line)
                    break
                if place == 1:
                    self._begin(line, number, name, cut)
                elif self._chain is not None:
                    self._follow(line, f"{name}:{place}")
        except StrongroomError as error:
            self._result.find(f"{name}:{place + 1}: {error.message}")
            self._chain = None
        if not place:
            self._result.find(f"{name}: is empty")
            self._chain = None

    def _begin(self, line: bytes, number: int, name: str, cut: int) -> None:
        """The first line of a file says how it goes on from the one before."""
        try:
            entry = parse_line(line)
            version, sequence = entry.get("key"), entry["n"]
            if not isinstance(version, int) or not isinstance(sequence, int):
                raise Tampered("the first line of the file is malformed")
            if (entry.get("writer"), entry.get("file")) != (self._writer, number):
                raise Tampered("this is another file under a wrong name")
            previous = bytes.fromhex(str(entry.get("previous")))
        except (Tampered, ValueError):
            self._result.find(f"{name}:1: the first line is malformed, or of another file")
            self._chain = None
            return
        before = self._chain
        if before is not None and (before.link, before.sequence) != (previous, sequence - 1):
            self._result.find(f"{name}:1: does not go on from the file before: lines at its end are missing or changed")
        if before is not None and cut != entry.get("cut"):
            self._result.find(f"{name}:1: the file before ends in {cut} bytes that are no line, not {entry.get('cut')}")
        if number == 1 and (sequence, previous) != (1, FIRST_LINK):
            self._result.find(f"{name}:1: is no beginning")
        if self._wanted.get(sequence - 1) == previous:
            self._compared.add(sequence - 1)
        self._chain = Chain(self._keys_of(version), sequence - 1, previous)
        self._follow(line, f"{name}:1", is_first=True)

    def _follow(self, line: bytes, place: str, *, is_first: bool = False) -> None:
        chain = self._chain
        if chain is None:
            return
        sequence = chain.sequence + 1
        try:
            chain.follow(line)
        except Tampered:
            self._result.find(f"{place}: does not follow the line before: changed, moved, inserted, or one is missing")
            self._go_on_from(line, chain)
            return
        if sequence in self._wanted:
            self._compared.add(sequence)
            if self._wanted[sequence] != chain.link:
                self._result.find(f"{place}: is not the line that the checkpoint knows: everything was written anew")
        self._result.newest[self._writer] = (sequence, chain.link)
        self._result.entries += 1
        if self._show is not None and not is_first:
            self._show(parse_line(line))

    def _go_on_from(self, line: bytes, chain: Chain) -> None:
        """Take a line's own word for where the chain is, to find what else is wrong behind it."""
        try:
            entry, link = parse_line(line), split_line(line)[1]
        except (Tampered, FormatUnsupported):
            return
        number = entry["n"]
        if isinstance(number, int):
            chain.link, chain.sequence = link, number

    def _keys_of(self, version: int) -> AuditKeys:
        if version not in self._keys:
            self._keys[version] = AuditKeys(self._core, version)
        return self._keys[version]


def hidden_names(core: Core, paths: Sequence[str]) -> dict[str, str]:
    """What stands in the files for these paths, and for the folders above them: hash -> path.

    Args:
        core: of the open vault; its audit key's newest version.
    """
    keys = AuditKeys(core)
    found = {keys.hide("/"): "/"}
    for path in paths:
        found[keys.hide(path)] = path
        folder = path.rpartition("/")[0]
        while folder:
            found.setdefault(keys.hide(folder + "/"), folder + "/")
            folder = folder.rpartition("/")[0]
    return found


def read_checkpoint_file(path: str) -> bytes:
    """The bytes of a checkpoint, which is no secret and may lie anywhere.

    Raises: NotFound: it cannot be read.
    """
    from strongroom.vault.audit_checkpoint import LENGTH_MAX

    try:
        with open(path, "rb") as file:
            return file.read(LENGTH_MAX + 1)
    except OSError as error:
        raise NotFound(f"cannot read the checkpoint {path}: {(error.strerror or '').lower()}") from None
