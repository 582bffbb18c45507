"""What an authority keeps in the vault: items below ``@ca/``. Source: docs/format.md#certificates."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from strongroom.crypto.x509.certificates import Certificate
from strongroom.crypto.x509.issuing import Issuer
from strongroom.crypto.x509.keys import load_key
from strongroom.errors import Conflict, Denied, NotFound, Tampered, WrongKey
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
        return self._find(serial)[1]

    def _find(self, serial: str) -> tuple[Item, IssuedRecord]:
        serial = checked_serial(serial)
        try:
            item = self._vault.get(_path(serial))
        except NotFound:
            raise _no_certificate(serial) from None
        return item, _record(item, serial)

    def all(self) -> Iterator[IssuedRecord]:
        """Every certificate that was issued."""
        try:
            serials = list(self._vault.list(_ISSUED))
        except NotFound:
            return
        for start in range(0, len(serials), _BATCH):
            paths = [_path(serial) for serial in serials[start : start + _BATCH]]
            for path, item in self._vault.get_many(paths).items():
                yield _record(item, path.rpartition("/")[2])

    def revoke(self, serial: str, when: datetime, reason: str) -> None:
        """Note that a certificate is good no longer.

        Raises:
            NotFound: it was not issued here.
            Conflict: it was revoked before, or somebody else is revoking it.
        """
        item, record = self._find(serial)
        if record.revoked is not None:
            raise Conflict(f"the certificate {serial} was revoked at {record.revoked:%Y-%m-%d %H:%M}")
        texts = {"revoked": when.isoformat(), "reason": reason}
        fields = {name: Field(name, "text", value.encode(), is_secret=False) for name, value in texts.items()}
        self._vault.patch(_path(serial), fields, cas=item.version.number)

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
    if not 1 <= len(digits) <= _SERIAL_DIGITS or not set(digits) <= set("0123456789abcdef"):
        raise _no_certificate("given")
    return digits.rjust(_SERIAL_DIGITS, "0")


def _path(serial: str) -> ReservedPath:
    return ReservedPath(f"{_ISSUED}{checked_serial(serial)}")


def _record(item: Item, serial: str) -> IssuedRecord:
    certificate = Certificate(item.field("certificate").data)
    if certificate.serial != serial:
        raise Tampered("a certificate lies under a number that is not its own", advice="run: strongroom verify")
    if "revoked" not in item:
        return IssuedRecord(certificate)
    reason = item.public("reason")
    try:
        revoked = datetime.fromisoformat(item.public("revoked")).astimezone(UTC)
    except ValueError:
        reason = ""
    if reason not in REASONS:
        raise Tampered(f"the record of the certificate {serial} is malformed")
    return IssuedRecord(certificate, revoked, reason)


def _no_certificate(serial: str) -> NotFound:
    return NotFound(f"no certificate {serial}", advice="see what was issued: strongroom ca list")
