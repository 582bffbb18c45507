"""A deposit, what is inside it, and what the vault keeps of a depositor. Pure; bytes in, values out.

Source: docs/format.md#deposits and #stored-objects.
"""

from __future__ import annotations

from strongroom.errors import FormatUnsupported
from strongroom.items import ITEM_BYTES_MAX, PATH_BYTES_MAX, Field, check_name
from strongroom.keys.deposit_keys import OVERHEAD_BYTES
from strongroom.keys.format import ID_BYTES, SIGNATURE_BYTES
from strongroom.vault.policy import PATTERNS_MAX, matches, parse_pattern
from strongroom.vault.records import decode_fields, encode_fields
from strongroom.wire import Reader, counted, text, u8, u32, u64

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

CONTENT_BYTES_MAX = 1_112_720
"""1 MiB of values, and room for names, path and kinds."""
DEPOSITOR_NAME_BYTES_MAX = 200
WINDOW = 256
"""Deposits of one depositor that are remembered one by one."""
AHEAD_US_MAX = 86_400_000_000

_MAGIC = b"SRDP"
_FORM = 1
_PUBLIC_KEY_BYTES = 32
_NEWER = "written by a newer strongroom"


class Deposit:
    """A deposit as it lies in the inbox; nothing of it is believed.

    Attributes:
        vault_id, deposit_id, depositor_id: 16 bytes each.
        key_version: of the deposit key that it was sealed to.
        counter: the depositor's clock, µs.
        sealed: the HPKE ciphertext.
        signature: 64 bytes.
    """

    __slots__ = ("counter", "deposit_id", "depositor_id", "key_version", "sealed", "signature", "vault_id")

    def __init__(
        self,
        *,
        vault_id: bytes,
        key_version: int,
        deposit_id: bytes,
        depositor_id: bytes,
        counter: int,
        sealed: bytes,
        signature: bytes,
    ) -> None:
        self.vault_id = vault_id
        self.key_version = key_version
        self.deposit_id = deposit_id
        self.depositor_id = depositor_id
        self.counter = counter
        self.sealed = sealed
        self.signature = signature

    def encode(self) -> bytes:
        """The file's bytes."""
        head = (_MAGIC, u8(_FORM), self.vault_id, u32(self.key_version), self.deposit_id, self.depositor_id)
        return b"".join((*head, u64(self.counter), counted(self.sealed), self.signature))

    @staticmethod
    def decode(data: bytes) -> Deposit:
        """Read a deposit's file.

        Raises:
            FormatUnsupported: another form.
            Tampered: anything else that is not what `encode` writes.
        """
        reader = Reader(data, "deposit")
        if reader.take(len(_MAGIC)) != _MAGIC:
            raise reader.malformed("it does not begin like one")
        if reader.u8() != _FORM:
            raise FormatUnsupported(f"this deposit was {_NEWER}", advice="upgrade strongroom")
        deposit = Deposit(
            vault_id=reader.take(ID_BYTES),
            key_version=reader.u32(),
            deposit_id=reader.take(ID_BYTES),
            depositor_id=reader.take(ID_BYTES),
            counter=reader.u64(),
            sealed=reader.counted(CONTENT_BYTES_MAX + OVERHEAD_BYTES),
            signature=reader.take(SIGNATURE_BYTES),
        )
        reader.finish()
        if len(deposit.sealed) < OVERHEAD_BYTES:
            raise reader.malformed("its ciphertext is too short")
        return deposit


def encode_content(path: str, fields: dict[str, Field]) -> bytes:
    """The plaintext of a deposit.

    Raises: ValueError: more than a deposit holds.
    """
    # As a view, whose content no traceback shows.
    content = memoryview(b"".join((u8(_FORM), text(path), counted(encode_fields(fields)))))
    if len(content) > CONTENT_BYTES_MAX:
        raise ValueError("a deposit holds at most 1 MiB")
    return bytes(content)


def decode_content(data: bytearray) -> tuple[str, dict[str, Field]]:
    """The path, not checked, and the fields in an opened deposit.

    Raises: FormatUnsupported, Tampered: as `Deposit.decode`.
    """
    reader = Reader(data, "deposit")
    if reader.u8() != _FORM:
        raise FormatUnsupported(f"this deposit was {_NEWER}", advice="upgrade strongroom")
    path = reader.text(PATH_BYTES_MAX)
    fields = decode_fields(reader.counted(ITEM_BYTES_MAX))
    reader.finish()
    return path, fields


class Depositor:
    """Who may deposit where, and what of it came already.

    Attributes:
        id: 16 bytes.
        public_key: 32 bytes (Ed25519).
        patterns: as `policy.parse_pattern` reads them.
        created_us: µs since 1970 UTC.
        floor: counters up to it are old.
        taken: (counter, deposit id, digest of the path) of the newest deposits, ascending.

    Raises: ValueError: a name or pattern that cannot be.
    """

    __slots__ = ("created_us", "floor", "id", "name", "patterns", "public_key", "taken")

    def __init__(
        self, depositor_id: bytes, name: str, public_key: bytes, patterns: Sequence[str], created_us: int
    ) -> None:
        check_name(name, "depositor's name", DEPOSITOR_NAME_BYTES_MAX)
        if isinstance(patterns, str) or not 0 < len(patterns) <= PATTERNS_MAX:
            raise ValueError(f"a depositor has a list of 1 to {PATTERNS_MAX} patterns")
        self.id = depositor_id
        self.name = name
        self.public_key = public_key
        self.patterns = tuple(parse_pattern(pattern) for pattern in patterns)
        if any(not pattern[-1] for pattern in self.patterns):
            raise ValueError("a depositor's pattern is one of items, not a folder itself")
        self.created_us = created_us
        self.floor = 0
        self.taken: list[tuple[int, bytes, bytes]] = []

    def shown_patterns(self) -> list[str]:
        """The patterns as text."""
        return ["/".join(pattern) for pattern in self.patterns]

    def covers(self, components: tuple[str, ...]) -> bool:
        """Whether it may deposit at this path."""
        return any(matches(pattern, components) for pattern in self.patterns)

    def has_taken(self, deposit_id: bytes) -> bool:
        """Whether a deposit of this id was taken in and is still remembered."""
        return any(known == deposit_id for _counter, known, _path in self.taken)

    def objection(self, counter: int, path_digest: bytes, now: int) -> str:
        """Why a deposit with this counter is too old or too new; empty when it is neither."""
        if counter <= self.floor:
            return "its counter is old: it may have been taken in before"
        if counter > now + AHEAD_US_MAX:
            return "its counter is more than a day ahead: one of the clocks is wrong"
        newest = max((known for known, _id, digest in self.taken if digest == path_digest), default=0)
        return "a newer deposit to this path was taken in before it" if counter < newest else ""

    def remember(self, counter: int, deposit_id: bytes, path_digest: bytes, now: int) -> None:
        """Note that a deposit was taken in."""
        if counter > now + AHEAD_US_MAX:
            # A person has accepted it; that must not make all that follows look old.
            counter = now
        self.taken.append((counter, deposit_id, path_digest))
        self.taken.sort()
        while len(self.taken) > WINDOW:
            self.floor = max(self.floor, self.taken.pop(0)[0])


def encode_depositor(depositor: Depositor) -> bytes:
    """The plaintext of a depositor's stored object."""
    parts = [u8(_FORM), text(depositor.name), depositor.public_key, u32(len(depositor.patterns))]
    parts += [text(pattern) for pattern in depositor.shown_patterns()]
    parts += [u64(depositor.created_us), u64(depositor.floor), u32(len(depositor.taken))]
    parts += [u64(counter) + deposit_id + digest for counter, deposit_id, digest in depositor.taken]
    return b"".join(parts)


def decode_depositor(depositor_id: bytes, data: bytes) -> Depositor:
    """The depositor in an authenticated body.

    Raises: FormatUnsupported, Tampered: as `Deposit.decode`.
    """
    reader = Reader(data, "depositor")
    if reader.u8() != _FORM:
        raise FormatUnsupported(f"this depositor was {_NEWER}", advice="upgrade strongroom")
    name, public_key = reader.text(DEPOSITOR_NAME_BYTES_MAX), reader.take(_PUBLIC_KEY_BYTES)
    patterns = [reader.text(PATH_BYTES_MAX) for _ in range(reader.count(PATTERNS_MAX))]
    created, floor = reader.u64(), reader.u64()
    try:
        depositor = Depositor(depositor_id, name, public_key, patterns, created)
    except ValueError:
        raise reader.malformed("it may deposit nothing that can be deposited") from None
    depositor.floor = floor
    depositor.taken = [
        (reader.u64(), reader.take(ID_BYTES), reader.take(ID_BYTES)) for _ in range(reader.count(WINDOW))
    ]
    reader.finish()
    return depositor
