"""What an anchor says, as text and back. Pure; the file it lies in is `anchor`'s business.

Source: docs/format.md#anchor.
"""

from __future__ import annotations

from strongroom.crypto.digest import sha256
from strongroom.errors import FormatUnsupported, RolledBack, Tampered

LENGTH_MAX = 4096
"""More than the longest: 16 lineages that were left make 1,400 bytes."""
LEFT_MAX = 16

_MAGIC = "strongroom-anchor-v"
_FIRST_LINE = f"{_MAGIC}1"
_ID_DIGITS = 32
_NUMBER_MAX = (1 << 64) - 1


class AnchorRecord:
    """The newest state of one vault that this user has seen on this machine.

    Attributes:
        vault_id: 16 bytes.
        lineage: 16 bytes; what `counter` counts in.
        counter: the greatest commit counter that was seen.
        left: (lineage, greatest counter) of each lineage that was left for another, oldest first.
        backup: (µs since 1970 UTC, commit counter) of the last backup made here; zeros for none.
    """

    __slots__ = ("backup", "counter", "left", "lineage", "vault_id")

    def __init__(
        self,
        vault_id: bytes,
        lineage: bytes,
        counter: int,
        *,
        left: tuple[tuple[bytes, int], ...] = (),
        backup: tuple[int, int] = (0, 0),
    ) -> None:
        self.vault_id = vault_id
        self.lineage = lineage
        self.counter = counter
        self.left = left
        self.backup = backup

    def check(self, location: str, lineage: bytes, counter: int) -> None:
        """Refuse a vault that is older than what was seen, or of another lineage.

        Args:
            location: of the vault, for the message.
            lineage: of the vault.
            counter: of the vault.

        Raises: RolledBack: it is.
        """
        if lineage != self.lineage:
            raise self._other_lineage(location, lineage, counter)
        if counter < self.counter:
            raise RolledBack(
                f"{location} is at commit {counter}, and commit {self.counter} was seen on this machine: "
                "an older copy was put in its place",
                advice="put the newest copy back in its place\n"
                "to go on from the older one on purpose, move it elsewhere, then: strongroom restore-backup FILE",
            )

    def is_new(self, lineage: bytes) -> bool:
        """Whether this machine has never seen *lineage*: only a holder of the keys can have begun it."""
        return lineage != self.lineage and lineage not in dict(self.left)

    def advanced(self, lineage: bytes, counter: int) -> AnchorRecord:
        """This record with a greater counter of the same lineage; unchanged for anything else."""
        if lineage != self.lineage or counter <= self.counter:
            return self
        return AnchorRecord(self.vault_id, lineage, counter, left=self.left, backup=self.backup)

    def moved(self, lineage: bytes, counter: int) -> AnchorRecord:
        """This record on another lineage, remembering the one that is left."""
        if lineage == self.lineage:
            return self.advanced(lineage, counter)
        left = [pair for pair in self.left if pair[0] not in (lineage, self.lineage)]
        left.append((self.lineage, self.counter))
        return AnchorRecord(self.vault_id, lineage, counter, left=tuple(left[-LEFT_MAX:]), backup=self.backup)

    def _other_lineage(self, location: str, lineage: bytes, counter: int) -> RolledBack:
        known = f"this machine knows lineage {self.lineage.hex()[:8]}, commit {self.counter}"
        seen = dict(self.left).get(lineage)
        if seen is None:
            return RolledBack(
                f"{location} is a restored backup (lineage {lineage.hex()[:8]}, commit {counter}); {known}",
                advice="if it was restored on purpose, elsewhere: strongroom status --accept-lineage\n"
                "otherwise put the newest copy back in its place",
            )
        return RolledBack(
            f"{location} is of lineage {lineage.hex()[:8]} (commit {counter}), which a restored backup has replaced; "
            + known,
            advice="put the newest copy back in its place\n"
            "to go on from the replaced one on purpose, move it elsewhere, then: strongroom restore-backup FILE",
        )


def encode(record: AnchorRecord) -> bytes:
    """The record as text, with its checksum."""
    lines = [
        _FIRST_LINE,
        f"vault {record.vault_id.hex()}",
        f"lineage {record.lineage.hex()}",
        f"counter {record.counter}",
        *(f"left {lineage.hex()} {counter}" for lineage, counter in record.left),
    ]
    if any(record.backup):
        lines.append(f"backup {record.backup[0]} {record.backup[1]}")
    body = "".join(f"{line}\n" for line in lines).encode("ascii")
    return body + b"checksum " + sha256(body).hex()[:8].encode("ascii") + b"\n"


def decode(data: bytes, vault_id: bytes) -> AnchorRecord:
    """The record in *data*.

    Args:
        data: at most `LENGTH_MAX` bytes.
        vault_id: of the vault that it must be about.

    Raises:
        Tampered: it is not what `encode` writes for this vault.
        FormatUnsupported: a newer program wrote it.
    """
    try:
        record = _parse(data.decode("ascii").split("\n"))
    except (ValueError, IndexError):
        raise Tampered("it is not what was written") from None
    # There is one text for each record: whatever differs from it was not written here.
    if encode(record) != data:
        raise Tampered("it is not what was written")
    if record.vault_id != vault_id:
        raise Tampered("it is about another vault")
    return record


def _parse(lines: list[str]) -> AnchorRecord:
    if lines[0] != _FIRST_LINE:
        if lines[0].startswith(_MAGIC) and lines[0].removeprefix(_MAGIC).isdigit():
            raise FormatUnsupported("it was written by a newer strongroom", advice="upgrade strongroom")
        raise ValueError
    vault_id = _id(lines[1].removeprefix("vault "))
    lineage = _id(lines[2].removeprefix("lineage "))
    counter = _number(lines[3].removeprefix("counter "))
    left, backup = [], (0, 0)
    for line in lines[4:]:
        word, *rest = line.split(" ")
        if word == "left":
            left.append((_id(rest[0]), _number(rest[1])))
        elif word == "backup":
            backup = (_number(rest[0]), _number(rest[1]))
    if len(left) > LEFT_MAX:
        raise ValueError
    return AnchorRecord(vault_id, lineage, counter, left=tuple(left), backup=backup)


def _id(digits: str) -> bytes:
    if len(digits) != _ID_DIGITS:
        raise ValueError
    return bytes.fromhex(digits)


def _number(digits: str) -> int:
    if not digits.isdigit() or len(digits) > 20 or int(digits) > _NUMBER_MAX:
        raise ValueError
    return int(digits)
