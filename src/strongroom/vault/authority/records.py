"""What an authority keeps in the vault: items below ``@ca/``. Source: docs/format.md#certificates."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from strongroom.crypto.x509.certificates import Certificate
from strongroom.crypto.x509.issuing import Issuer
from strongroom.crypto.x509.keys import load_key
from strongroom.crypto.x509.revocation import LIST_LIFETIME
from strongroom.errors import Conflict, Denied, Expired, NotFound, StrongroomError, Tampered, WrongKey
from strongroom.items import Field, ReservedPath
from strongroom.secret import wipe
from strongroom.vault.authority.issued import REASONS, IssuedRecord

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from strongroom.crypto.x509.keys import PrivateKey
    from strongroom.items import Item
    from strongroom.vault.vault import Vault

ROOT = ReservedPath("@ca/root")
INTERMEDIATE = ReservedPath("@ca/intermediate")
REVOKED = ReservedPath("@ca/crl")
_ISSUED = ReservedPath("@ca/issued/")
_BATCH = 100
_SERIAL_DIGITS = 40
_SERIAL_BITS_MAX = 159
_HEX = frozenset("0123456789abcdef")
_LOOK = "run: strongroom verify\nsee who may put records there: strongroom grant list"


class Records:
    """Reads and writes them.

    Args:
        vault: a local or a remote one. Whoever issues reads ``@ca/intermediate`` and creates ``@ca/issued/*``.
    """

    __slots__ = ("_vault",)

    def __init__(self, vault: Vault) -> None:
        self._vault = vault._reserved

    def together(self) -> AbstractContextManager[object]:
        """A block whose writes are one commit; the agent, which has no such thing, commits each by itself."""
        from contextlib import nullcontext

        try:
            return self._vault.transaction()
        except Denied:
            return nullcontext()

    def add_authority(
        self, path: ReservedPath, certificate: Certificate, key: PrivateKey | None, **more: bytes
    ) -> None:
        """Keep an authority that was just made.

        Args:
            key: None when it is kept elsewhere.
            more: other certificates, as DER.

        Raises: Conflict: there is one already.
        """
        self._put(path, certificate, key, 0, more)

    def replace_authority(
        self, path: ReservedPath, certificate: Certificate, key: PrivateKey, version: int, **more: bytes
    ) -> None:
        """Put another one in its place.

        Raises: Conflict: *version* is not the current one.
        """
        self._put(path, certificate, key, version, more)

    def _put(
        self, path: ReservedPath, certificate: Certificate, key: PrivateKey | None, cas: int, more: dict[str, bytes]
    ) -> None:
        fields = {"certificate": certificate.der(), **more}
        kept = {name: Field(name, "bytes", data, is_secret=False) for name, data in fields.items()}
        private = bytearray() if key is None else key.encode()
        if private:
            kept["key"] = Field("key", "bytes", private, is_secret=True)
        try:
            self._vault.set(path, kept, cas=cas)
        finally:
            wipe(private)

    def authority(self, path: ReservedPath) -> tuple[Item, Certificate]:
        """An authority's item and certificate.

        Raises: NotFound: there is none.
        """
        try:
            item = self._vault.get(path)
        except NotFound:
            raise NotFound(
                "this vault keeps no certificate authority", advice="make one: strongroom ca init"
            ) from None
        return item, _authority(bytes(item.field("certificate").data))

    def issuer(self, path: ReservedPath) -> tuple[Item, Issuer]:
        """An authority that can sign.

        Raises:
            NotFound: there is none, or its key is kept elsewhere.
            Tampered: certificate and key do not belong together.
        """
        item, certificate = self.authority(path)
        if "key" not in item:
            raise NotFound("the key of this authority is kept elsewhere", advice="name it: --root-key-file FILE")
        try:
            return item, Issuer(certificate, load_key(item.field("key").data))
        except WrongKey:
            raise Tampered("the key of this authority is malformed") from None

    def add(self, certificate: Certificate) -> None:
        """Keep a certificate before it leaves: with the write comes an entry in the audit log."""
        field = Field("certificate", "bytes", certificate.der(), is_secret=False)
        self._vault.set(_path(certificate.serial), {"certificate": field}, cas=0)

    def find(self, serial: str) -> IssuedRecord:
        """What is known of one certificate.

        Args:
            serial: 40 hex digits.

        Raises: NotFound: it was not issued here.
        """
        serial, item = self._find(serial)
        return _record(item, serial)

    def _find(self, serial: str) -> tuple[str, Item]:
        serial = checked_serial(serial)
        try:
            return serial, self._vault.get(_path(serial), allow_expired=True)
        except NotFound:
            raise _no_certificate(serial) from None

    def _items(self) -> Iterator[tuple[str, Item | None]]:
        """Whatever lies among the records; None for what is under no serial number.

        Whoever may issue puts records here, and may be an attacker: none of them keeps the others from being read.
        """
        try:
            names = list(self._vault.list(_ISSUED))
        except NotFound:
            return
        serials = [name for name in names if _is_serial(name)]
        yield from ((name, None) for name in names if not _is_serial(name))
        for start in range(0, len(serials), _BATCH):
            paths = [_path(serial) for serial in serials[start : start + _BATCH]]
            try:
                found = self._vault.get_many(paths)
            except Expired:  # a record of ours has no date
                found = {path: self._vault.get(path, allow_expired=True) for path in paths}
            yield from ((path.rpartition("/")[2], item) for path, item in found.items())

    def all(self, damaged: list[str] | None = None) -> Iterator[IssuedRecord]:
        """Every certificate that was issued.

        Args:
            damaged: is given the names of the records that are malformed.

        Raises: Tampered: a record is malformed, and *damaged* is None.
        """
        for name, item in self._items():
            try:
                record = _record(item, name)
            except Tampered:
                if damaged is None:
                    raise
                damaged.append(name)
            else:
                yield record

    def revocations(self, now: datetime) -> Iterator[tuple[int, datetime, str]]:
        """Serial number, moment and reason of what is called good no longer, a malformed record's as well."""
        for name, item in self._items():
            if item is None or "revoked" not in item:
                continue
            try:
                record = _record(item, name)
            except Tampered:
                yield int(name, 16), now, "unspecified"
                continue
            # What has ended stands on one more list at least: RFC 5280, 3.3.
            if record.certificate.not_after + LIST_LIFETIME > now:
                yield int(name, 16), min(record.revoked or now, now), record.reason

    def revoke(self, serial: str, when: datetime, reason: str) -> None:
        """Note that a certificate is good no longer.

        Raises:
            NotFound: it was not issued here.
            Conflict: it was revoked before, or somebody else is revoking it.
        """
        serial, item = self._find(serial)
        if "revoked" in item:
            revoked = _record(item, serial).revoked or when
            raise Conflict(f"the certificate {serial} was revoked at {revoked:%Y-%m-%d %H:%M}")
        texts = {"revoked": when.isoformat(), "reason": reason}
        fields = {name: Field(name, "text", value.encode(), is_secret=False) for name, value in texts.items()}
        self._vault.patch(_path(serial), fields, cas=item.version.number, expires="never")

    def revocation_list(self) -> tuple[int, bytes]:
        """The newest list and its number; 0 and nothing where there was none."""
        try:
            item = self._vault.get(REVOKED)
        except NotFound:
            return 0, b""
        return item.version.number, bytes(item.field("list").data)

    def put_revocation_list(self, number: int, data: bytes) -> None:
        """Keep a new list.

        Raises: Conflict: somebody else has made one of this number.
        """
        self._vault.set(REVOKED, {"list": Field("list", "bytes", data, is_secret=False)}, cas=number - 1)


@lru_cache(maxsize=16)
def _authority(data: bytes) -> Certificate:
    """Read once: the library keeps the extensions of an object that it has read, a fifth of the time of an issue."""
    return Certificate(data)


def checked_serial(text: str) -> str:
    """A serial number as it is kept: 40 hex digits, however tools spell it.

    Raises: NotFound: nothing of ours has such a number.
    """
    digits = text.replace(":", "").lower().removeprefix("0x")
    if not 1 <= len(digits) <= _SERIAL_DIGITS or not set(digits) <= _HEX:
        raise _no_certificate("given")
    return digits.rjust(_SERIAL_DIGITS, "0")


def _is_serial(name: str) -> bool:
    """As our certificates have them: 1 to 159 bits."""
    return len(name) == _SERIAL_DIGITS and set(name) <= _HEX and 0 < int(name, 16) < 1 << _SERIAL_BITS_MAX


def _path(serial: str) -> ReservedPath:
    return ReservedPath(f"{_ISSUED}{checked_serial(serial)}")


def _record(item: Item | None, serial: str) -> IssuedRecord:
    try:
        if item is None:
            raise Tampered("this is no serial number")
        certificate = Certificate(item.field("certificate").data)
        # Looked at here, where it can be refused.
        _ = certificate.names, certificate.key_kind
        revoked, reason = None, ""
        if "revoked" in item:
            revoked, reason = datetime.fromisoformat(item.public("revoked")).astimezone(UTC), item.public("reason")
        if reason not in REASONS and revoked is not None:
            raise Tampered("this is no reason")
    except (StrongroomError, ValueError, OverflowError):
        raise malformed(serial) from None
    if certificate.serial != serial:
        raise Tampered("a certificate lies under a number that is not its own", advice=_LOOK)
    return IssuedRecord(certificate, revoked, reason)


def malformed(name: str) -> Tampered:
    """The error for a record that is not one of ours."""
    return Tampered(f"the record of the certificate {name} is malformed", advice=_LOOK)


def _no_certificate(serial: str) -> NotFound:
    return NotFound(f"no certificate {serial}", advice="see what was issued: strongroom ca list")
