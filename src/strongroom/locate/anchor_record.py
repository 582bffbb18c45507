"""What an anchor says, as text and back. Pure; the file it lies in is `anchor`'s business.

Source: docs/format.md#anchor.
"""

from __future__ import annotations

from strongroom.crypto.digest import sha256
from strongroom.errors import FormatUnsupported, RolledBack, Tampered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.keys.format import Header

    Identity = tuple[int, bytes]
    """Epoch and Ed25519 public key."""

LENGTH_MAX = 4096
"""More than the longest: 16 lineages that were left and 16 identities make 2,600 bytes."""
LEFT_MAX = 16
WAS_MAX = 16

_MAGIC = "strongroom-anchor-v"
# The first form knew no identity; it is still read, and written until one is known.
_FIRST_LINES = (f"{_MAGIC}1", f"{_MAGIC}2")
_ID_DIGITS = 32
_KEY_DIGITS = 64
_NUMBER_MAX = (1 << 64) - 1
_BACK = "put the newest copy back in its place\n"
_ON_PURPOSE = "to go on from the {} one on purpose, move it elsewhere, then: strongroom restore-backup FILE"


class AnchorRecord:
    """The newest state of one vault that this user has seen on this machine.

    Attributes:
        vault_id: 16 bytes.
        lineage: 16 bytes; what `counter` counts in.
        counter: the greatest commit counter that was seen.
        identity: epoch and public key of the vault's identity; None in an anchor of the first form.
        was: the identities before it, oldest first.
        left: (lineage, greatest counter) of each lineage that was left for another, oldest first.
        backup: (µs since 1970 UTC, commit counter) of the last backup made here; zeros for none.
    """

    __slots__ = ("backup", "counter", "identity", "left", "lineage", "vault_id", "was")

    def __init__(
        self,
        vault_id: bytes,
        lineage: bytes,
        counter: int,
        *,
        identity: Identity | None = None,
        was: tuple[Identity, ...] = (),
        left: tuple[tuple[bytes, int], ...] = (),
        backup: tuple[int, int] = (0, 0),
    ) -> None:
        self.vault_id = vault_id
        self.lineage = lineage
        self.counter = counter
        self.identity = identity
        self.was = was
        self.left = left
        self.backup = backup

    @staticmethod
    def of(header: Header, counter: int) -> AnchorRecord:
        """What there is to remember of a vault that is seen for the first time."""
        identity = (header.epoch, header.identity)
        return AnchorRecord(header.vault_id, header.lineage, counter, identity=identity, was=_older(header, ()))

    def check(self, location: str, header: Header, counter: int, *, is_proved: bool) -> None:
        """Refuse a vault that is another, older than what was seen, or of another lineage.

        Args:
            location: of the vault, for the message.
            header: of the vault, which was opened.
            counter: of the vault.
            is_proved: as in `knows`.

        Raises:
            Tampered: it has this vault's id, and an identity that is not this vault's.
            RolledBack: it is older, or of another lineage.
        """
        if not self.knows(header, is_proved=is_proved):
            raise self.stranger(location, header)
        if header.lineage != self.lineage:
            raise self._other_lineage(location, header, counter)
        if self.is_before(header):
            raise RolledBack(
                f"{location} is of root key {header.epoch}, and root key {self._epoch} was seen on this machine: "
                "an older copy was put in its place",
                advice=_BACK + _ON_PURPOSE.format("older"),
            )
        if counter < self.counter:
            raise RolledBack(
                f"{location} is at commit {counter}, and commit {self.counter} was seen on this machine: "
                "an older copy was put in its place",
                advice=_BACK + _ON_PURPOSE.format("older"),
            )

    def knows(self, header: Header, *, is_proved: bool) -> bool:
        """Whether the vault's identity is the one that is known, leads from it, or once led to it.

        Args:
            header: of a vault that was opened.
            is_proved: what opened it says who made it; then an older identity may be one that was never seen here.
        """
        if self.identity is None:
            return True
        epoch, known = self.identity
        if header.epoch < epoch:
            return is_proved or header.identity in [key for _, key in self.was]
        if header.epoch == epoch:
            return header.identity == known
        from strongroom.keys.identity import follow  # Ed25519: only after a new root key

        try:
            return follow(header, known, epoch) == header.identity
        except Tampered:
            return False

    def is_before(self, header: Header) -> bool:
        """Whether the vault has a root key that was replaced since."""
        return header.epoch < self._epoch

    def is_new(self, lineage: bytes) -> bool:
        """Whether this machine has never seen *lineage*: only a holder of the keys can have begun it."""
        return lineage != self.lineage and lineage not in dict(self.left)

    def advanced(self, header: Header, counter: int) -> AnchorRecord:
        """This record with a greater counter, or a newer identity, of the same lineage; unchanged for anything else."""
        if header.lineage != self.lineage or self.is_before(header):
            return self
        if counter <= self.counter and header.epoch == self._epoch:
            return self
        return self._with(header, max(counter, self.counter), self.left)

    def moved(self, header: Header, counter: int) -> AnchorRecord:
        """This record on another lineage or identity, remembering the lineage that is left."""
        if header.lineage == self.lineage:
            return self._with(header, counter, self.left)
        left = [pair for pair in self.left if pair[0] not in (header.lineage, self.lineage)]
        left.append((self.lineage, self.counter))
        return self._with(header, counter, tuple(left[-LEFT_MAX:]))

    def backed_up(self, now_us: int, counter: int) -> AnchorRecord:
        """This record with a new last backup."""
        return AnchorRecord(
            self.vault_id,
            self.lineage,
            self.counter,
            identity=self.identity,
            was=self.was,
            left=self.left,
            backup=(now_us, counter),
        )

    @property
    def _epoch(self) -> int:
        return 0 if self.identity is None else self.identity[0]

    def _with(self, header: Header, counter: int, left: tuple[tuple[bytes, int], ...]) -> AnchorRecord:
        known = self.was if self.identity is None else (*self.was, self.identity)
        return AnchorRecord(
            self.vault_id,
            header.lineage,
            counter,
            identity=(header.epoch, header.identity),
            was=_older(header, known),
            left=left,
            backup=self.backup,
        )

    def stranger(self, location: str, header: Header) -> Tampered:
        """The error for a vault that bears this one's id and is not `known <knows>`."""
        known = "" if self.identity is None else self.identity[1].hex()
        return Tampered(
            f"{location} is not the vault that this machine knows under its id {self.vault_id.hex()}: "
            "somebody else made it, or it is from before all root keys that were seen here",
            advice="put the vault that belongs there back in its place\n"
            f"its fingerprint is {header.identity.hex()}\nthe known one is    {known}\n"
            "if you know that it is right: strongroom status --accept-vault",
        )

    def _other_lineage(self, location: str, header: Header, counter: int) -> RolledBack:
        lineage = header.lineage
        known = f"this machine knows lineage {self.lineage.hex()[:8]}, commit {self.counter}"
        seen = dict(self.left).get(lineage)
        if seen is None:
            older = ", from before the root key was replaced" if self.is_before(header) else ""
            return RolledBack(
                f"{location} is a restored backup or a copy (lineage {lineage.hex()[:8]}, commit {counter}{older}); "
                + known,
                advice="if it was restored or copied on purpose, elsewhere: strongroom status --accept-lineage\n"
                "otherwise put the newest copy back in its place",
            )
        return RolledBack(
            f"{location} is of lineage {lineage.hex()[:8]} (commit {counter}), "
            f"which a restored backup or a copy has replaced; {known}",
            advice=_BACK + _ON_PURPOSE.format("replaced"),
        )


def _older(header: Header, known: tuple[Identity, ...]) -> tuple[Identity, ...]:
    """The identities before the header's: those in its certificates, and *known* ones; the newest that fit."""
    found = {link.identity: link.epoch for link in header.certificates}
    found.update((key, epoch) for epoch, key in known)
    found.pop(header.identity, None)
    older = sorted((epoch, key) for key, epoch in found.items() if epoch < header.epoch)
    return tuple(older[-WAS_MAX:])


def encode(record: AnchorRecord) -> bytes:
    """The record as text, with its checksum."""
    lines = [
        _FIRST_LINES[record.identity is not None],
        f"vault {record.vault_id.hex()}",
        f"lineage {record.lineage.hex()}",
        f"counter {record.counter}",
        *(f"left {lineage.hex()} {counter}" for lineage, counter in record.left),
    ]
    if any(record.backup):
        lines.append(f"backup {record.backup[0]} {record.backup[1]}")
    if record.identity is not None:
        lines.append(f"identity {record.identity[0]} {record.identity[1].hex()}")
        lines += [f"was {epoch} {key.hex()}" for epoch, key in record.was]
    return sealed("".join(f"{line}\n" for line in lines))


def sealed(body: str) -> bytes:
    """Lines with a last one that shows whether they were cut or changed by accident."""
    data = body.encode("ascii")
    return data + b"checksum " + sha256(data).hex()[:8].encode("ascii") + b"\n"


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
    if lines[0] not in _FIRST_LINES:
        if lines[0].startswith(_MAGIC) and lines[0].removeprefix(_MAGIC).isdigit():
            raise FormatUnsupported("it was written by a newer strongroom", advice="upgrade strongroom")
        raise ValueError
    record = AnchorRecord(
        _bytes(lines[1].removeprefix("vault "), _ID_DIGITS),
        _bytes(lines[2].removeprefix("lineage "), _ID_DIGITS),
        _number(lines[3].removeprefix("counter ")),
    )
    left, was = [], []
    for line in lines[4:]:
        word, *rest = line.split(" ")
        if word == "left":
            left.append((_bytes(rest[0], _ID_DIGITS), _number(rest[1])))
        elif word == "backup":
            record.backup = (_number(rest[0]), _number(rest[1]))
        elif word == "identity":
            record.identity = (_number(rest[0]), _bytes(rest[1], _KEY_DIGITS))
        elif word == "was":
            was.append((_number(rest[0]), _bytes(rest[1], _KEY_DIGITS)))
    if len(left) > LEFT_MAX or len(was) > WAS_MAX:
        raise ValueError
    record.left, record.was = tuple(left), tuple(was)
    return record


def _bytes(digits: str, length: int) -> bytes:
    if len(digits) != length:
        raise ValueError
    return bytes.fromhex(digits)


def _number(digits: str) -> int:
    if not digits.isdigit() or len(digits) > 20 or int(digits) > _NUMBER_MAX:
        raise ValueError
    return int(digits)
