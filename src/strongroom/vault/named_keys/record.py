"""What a named key is made of: kinds, versions, states; to and from bytes. Pure.

Source: docs/format.md#named-keys.
"""

from __future__ import annotations

from strongroom.errors import Conflict, Denied, FormatUnsupported, NotFound
from strongroom.items import quoted_name
from strongroom.secret import HiddenBuffer, SecretBytes, wipe
from strongroom.wire import Reader, counted, u8, u32, u64

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime

FORM = 1
VERSIONS_MAX = 256
_MATERIAL_BYTES_MAX = 256
_PUBLIC_BYTES_MAX = 2_048

KINDS = {"aead": 1, "fernet": 2, "signing": 3, "box": 4, "hmac": 5}
"""What a key is for; a key of one kind never serves another. Numbers are never reused."""
_KIND_NAMES = {number: name for name, number in KINDS.items()}
MATERIAL_BYTES = {"aead": (32,), "fernet": (32,), "signing": (32,), "box": (32, 64), "hmac": (32,)}
"""How long the private part may be; new ones have the last of these lengths."""
PUBLIC_BYTES = {"signing": (32,), "box": (32, 1_248)}
"""How long the public part may be of a key whose private part somebody else has."""

ENABLED, DISABLED, DESTROYED = 1, 2, 3
_STATES = {ENABLED: "enabled", DISABLED: "disabled", DESTROYED: "destroyed"}
MADE, IMPORTED = 1, 2
_ORIGINS = {MADE: "made here", IMPORTED: "imported"}


class _Buffer(HiddenBuffer):
    """Bytes that are overwritten when nobody looks at them any more: a memoryview keeps them alive."""

    __slots__ = ()

    def __del__(self) -> None:
        wipe(self)


class Material(SecretBytes):
    """The private part of one version; overwritten when the last who uses it lets go of it.

    Wiped at once it could turn to zeros under another thread that is encrypting.

    Args:
        value: taken over; overwritten here.
    """

    __slots__ = ()

    def __init__(self, value: bytearray) -> None:
        super().__init__(_Buffer(value))
        wipe(value)


class KeyVersion:
    """What may be shown of one version of a named key.

    Attributes:
        number: 1, 2, 3...; never reused.
        public: the public part; empty for secret keys.
    """

    __slots__ = ("_created_us", "_origin", "_since_us", "_state", "_until_us", "number", "public")

    def __init__(
        self,
        number: int,
        public: bytes,
        *,
        created_us: int,
        state: int = ENABLED,
        since_us: int = 0,
        until_us: int = 0,
        origin: int = MADE,
    ) -> None:
        self.number = number
        self.public = public
        self._created_us = created_us
        self._state = state
        self._since_us = since_us
        self._until_us = until_us
        self._origin = origin

    @property
    def state(self) -> str:
        """``"enabled"``, ``"disabled"`` or ``"destroyed"``."""
        return _STATES[self._state]

    @property
    def origin(self) -> str:
        """``"made here"`` or ``"imported"``."""
        return _ORIGINS[self._origin]

    @property
    def created(self) -> datetime:
        """When it was made or imported; aware UTC."""
        return _moment(self._created_us)

    @property
    def primary_since(self) -> datetime | None:
        """When it became the primary; None when it never did."""
        return _moment(self._since_us) if self._since_us else None

    @property
    def primary_until(self) -> datetime | None:
        """When another version took its place; None when none has."""
        return _moment(self._until_us) if self._until_us else None

    @property
    def is_primary(self) -> bool:
        """Whether new data is encrypted or signed with it."""
        return self._since_us != 0 and self._until_us == 0

    def __repr__(self) -> str:
        return f"KeyVersion({self.number}, {self.state}{', primary' if self.is_primary else ''})"


class KeyRecord:
    """A named key as it is stored.

    Attributes:
        id: 16 random bytes, which every message of the key is bound to.
        versions: ascending by number; exactly one is the primary.
        materials: the private part of each version that was not destroyed; none of somebody else's key.
        min_decrypt_version: older ones do not decrypt or verify.
    """

    __slots__ = ("created_us", "id", "kind", "materials", "min_decrypt_version", "versions")

    def __init__(
        self,
        kind: str,
        key_id: bytes,
        created_us: int,
        versions: list[KeyVersion],
        materials: dict[int, Material],
        *,
        min_decrypt_version: int = 1,
    ) -> None:
        self.kind = kind
        self.id = key_id
        self.created_us = created_us
        self.versions = versions
        self.materials = materials
        self.min_decrypt_version = min_decrypt_version

    @property
    def primary(self) -> KeyVersion:
        """The version that new data is encrypted or signed with."""
        return next(version for version in self.versions if version.is_primary)

    @property
    def newest(self) -> KeyVersion:
        """The version with the greatest number."""
        return self.versions[-1]

    @property
    def is_public(self) -> bool:
        """Whether it is somebody else's key, of which there is the public part alone."""
        return not self.materials

    def usable(self) -> list[KeyVersion]:
        """What decrypts and verifies, the primary first, then the newest."""
        found = [
            version
            for version in self.versions
            if version._state == ENABLED and version.number >= self.min_decrypt_version
        ]
        return sorted(found, key=lambda version: (not version.is_primary, -version.number))

    def version(self, number: int, name: str) -> KeyVersion:
        """The version of that number, whatever its state.

        Raises: NotFound: there is none.
        """
        for version in self.versions:
            if version.number == number:
                return version
        raise NotFound(
                f"the key {name} has no version {number}", advice=f"see them: strongroom key show {quoted_name(name)}"
            )

    def for_reading(self, number: int, name: str) -> KeyVersion:
        """The version that a message names, when it may still be used.

        Raises:
            NotFound: there is none, or it was destroyed.
            Denied: it is disabled, or below `min_decrypt_version`.
        """
        version = self.version(number, name)
        if version._state == DESTROYED:
            raise NotFound(f"version {number} of the key {name} was destroyed")
        if version._state == DISABLED:
            raise Denied(
                f"version {number} of the key {name} is disabled",
                advice=f"enable it again: strongroom key enable --version {number} {quoted_name(name)}",
            )
        if number < self.min_decrypt_version:
            raise Denied(f"the key {name} decrypts from version {self.min_decrypt_version} on, not {number}")
        return version

    def add(self, version: KeyVersion, material: Material | None) -> None:
        """Append a version.

        Raises: Conflict: there are 256.
        """
        if len(self.versions) == VERSIONS_MAX:
            raise Conflict(f"a key has at most {VERSIONS_MAX} versions", advice="create a new key")
        self.versions.append(version)
        if material is not None:
            self.materials[version.number] = material

    def promote(self, version: KeyVersion, now_us: int) -> None:
        """Make *version*, which is enabled, the primary."""
        self.primary._until_us = now_us
        version._since_us, version._until_us = now_us, 0

    def __repr__(self) -> str:
        return f"KeyRecord({self.kind!r}, versions={self.versions})"

    def __reduce_ex__(self, _protocol: object) -> str:
        raise TypeError("a key record holds keys and cannot be pickled")


def encode_record(record: KeyRecord) -> bytearray:
    """The record as bytes, which the caller wipes."""
    data = HiddenBuffer(u8(FORM) + u8(KINDS[record.kind]) + record.id)
    data += u64(record.created_us) + u32(record.min_decrypt_version) + u32(len(record.versions))
    for version in record.versions:
        data += u32(version.number) + u8(version._state) + u8(version._origin)
        data += u64(version._created_us) + u64(version._since_us) + u64(version._until_us)
        kept = record.materials.get(version.number)
        material = b"" if kept is None else kept.reveal_buffer()
        data += counted(version.public)
        data += u32(len(material))
        data += material
    return data


def decode_record(data: bytes | bytearray | memoryview) -> KeyRecord:
    """The record in an authenticated field.

    Raises:
        FormatUnsupported: a form or kind of a newer program.
        Tampered: malformed; only a faulty writer holding the keys can have made it.
    """
    reader = Reader(data, "named key")
    form, kind_number = reader.u8(), reader.u8()
    if form != FORM or kind_number not in _KIND_NAMES:
        raise FormatUnsupported("this key was written by a newer strongroom", advice="upgrade strongroom")
    kind = _KIND_NAMES[kind_number]
    key_id, created_us, least = reader.take(16), reader.u64(), reader.u32()
    versions: list[KeyVersion] = []
    materials: dict[int, Material] = {}
    for _ in range(reader.count(VERSIONS_MAX)):
        version = _decode_version(reader)
        material = reader.counted_buffer(_MATERIAL_BYTES_MAX)
        if versions and version.number <= versions[-1].number:
            raise reader.malformed("versions are not in order")
        is_public = not material and len(version.public) in PUBLIC_BYTES.get(kind, ())
        if len(material) not in ((0,) if version._state == DESTROYED or is_public else MATERIAL_BYTES[kind]):
            raise reader.malformed("a key of another length")
        versions.append(version)
        if material:
            materials[version.number] = Material(material)
    reader.finish()
    record = KeyRecord(kind, key_id, created_us, versions, materials, min_decrypt_version=least)
    primaries = [version for version in versions if version.is_primary]
    if len(primaries) != 1 or primaries[0]._state != ENABLED or primaries[0].number < least:
        raise reader.malformed("there is not one primary version")
    return record


def _decode_version(reader: Reader) -> KeyVersion:
    number, state, origin = reader.u32(), reader.u8(), reader.u8()
    created_us, since_us, until_us = reader.u64(), reader.u64(), reader.u64()
    public = reader.counted(_PUBLIC_BYTES_MAX)
    if state not in _STATES or origin not in _ORIGINS:
        raise reader.malformed("unknown state")
    return KeyVersion(
        number, public, created_us=created_us, state=state, since_us=since_us, until_us=until_us, origin=origin
    )


def _moment(microseconds: int) -> datetime:
    from datetime import UTC, datetime, timedelta

    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
