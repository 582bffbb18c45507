"""Revocation lists (CRL): which certificates are good no longer, signed by who issued them.

Source: RFC 5280, 5; reason "unspecified" is left out, as 5.3.1 asks for.
"""

from __future__ import annotations

from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from strongroom.errors import Tampered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from strongroom.crypto.x509.issuing import Issuer

LIST_LIFETIME = timedelta(days=7)
KEY_COMPROMISE = "key-compromise"
REASONS = {
    "unspecified": None,
    KEY_COMPROMISE: x509.ReasonFlags.key_compromise,
    "affiliation-changed": x509.ReasonFlags.affiliation_changed,
    "superseded": x509.ReasonFlags.superseded,
    "cessation-of-operation": x509.ReasonFlags.cessation_of_operation,
}
"""Why a certificate may be revoked; the others make no sense for a leaf, or are discouraged. RFC 5280, 5.3.1."""


class RevocationList:
    """A list, read and not yet trusted.

    Args:
        data: DER.

    Raises: Tampered: it is none.
    """

    __slots__ = ("raw",)

    def __init__(self, data: bytes | bytearray | memoryview | x509.CertificateRevocationList) -> None:
        try:
            self.raw = (
                data if isinstance(data, x509.CertificateRevocationList) else x509.load_der_x509_crl(bytes(data))
            )
        except ValueError:
            raise Tampered("this is no revocation list") from None

    @property
    def number(self) -> int:
        """Greater than that of every list before."""
        return self.raw.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number

    @property
    def next_update(self) -> datetime:
        """Until when it is good; aware UTC."""
        found = self.raw.next_update_utc
        if found is None:
            raise Tampered("a revocation list without an end")
        return found

    def der(self) -> bytes:
        """The list as bytes."""
        return self.raw.public_bytes(serialization.Encoding.DER)

    def pem(self) -> bytes:
        """The list as text."""
        return self.raw.public_bytes(serialization.Encoding.PEM)

    def __repr__(self) -> str:
        return f"RevocationList({self.number}, entries={len(self.raw)})"


def new_list(
    issuer: Issuer, revoked: Iterable[tuple[int, datetime, str]], *, number: int, now: datetime
) -> RevocationList:
    """A list of what *issuer* has revoked, good for 7 days.

    Args:
        revoked: serial number, when, and one of `REASONS`.
        number: greater than that of the list before.
    """
    now = now.replace(microsecond=0)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.raw.subject)
        .last_update(now)
        .next_update(now + LIST_LIFETIME)
        .add_extension(issuer.key_identifier, critical=False)
        .add_extension(x509.CRLNumber(number), critical=False)
    )
    for serial, when, reason in revoked:
        entry = x509.RevokedCertificateBuilder(serial, when.replace(microsecond=0))
        flag = REASONS[reason]
        if flag is not None:
            entry = entry.add_extension(x509.CRLReason(flag), critical=False)
        builder = builder.add_revoked_certificate(entry.build())
    return RevocationList(builder.sign(issuer.key.key, issuer.key.hash))
