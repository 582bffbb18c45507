"""What may be wrong with a vault's certificate authority, and the command that mends it."""

from __future__ import annotations

from datetime import timedelta

from strongroom.crypto.x509.certificates import Certificate
from strongroom.crypto.x509.keys import REFUSERS
from strongroom.crypto.x509.revocation import RevocationList
from strongroom.errors import Expired, Tampered
from strongroom.locate.diagnosis.finding import Finding, from_error
from strongroom.vault.authority.records import INTERMEDIATE, ROOT, malformed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from strongroom.vault.authority.authority import Authority
    from strongroom.vault.authority.issued import IssuedRecord

SOON = timedelta(days=90)
_RENEW = "strongroom ca renew intermediate"
_LIST = "strongroom ca crl --out FILE"


def diagnose_authority(authority: Authority, now: datetime) -> list[Finding]:
    """Everything that was found, what is serious first.

    Raises: NotFound: there is no authority.
    """
    root_item, root = authority.records.authority(ROOT)
    item, intermediate = authority.records.authority(INTERMEDIATE)
    damaged: list[str] = []
    issued = authority.issued(damaged=damaged)
    found = [
        *_chain(root, intermediate, bytes(item.field("root").data)),
        *_ends(root, "root", now, "in a new vault: strongroom ca init"),
        *_ends(intermediate, "intermediate", now, _RENEW),
        *_revoked(authority, issued, now),
        *_leaves(issued, now),
        *(from_error("records", malformed(name), "strongroom grant list") for name in damaged),
    ]
    if "key" in root_item:
        mend = "in a new vault: strongroom ca init --root-key-file FILE"
        found.append(Finding("root", "the root's key is in this vault, beside the intermediate's", mend))
    if intermediate.key_kind in REFUSERS:
        found.append(Finding("keys", REFUSERS[intermediate.key_kind], "in a new vault: strongroom ca init --kind p256"))
    return sorted(found, key=lambda one: not one.is_serious)


def _chain(root: Certificate, intermediate: Certificate, kept: bytes) -> Iterator[Finding]:
    try:
        root.check_signed_by(root)
        intermediate.check_signed_by(root)
        if kept != root.der():
            raise Tampered("the root that is handed out is not the root of this authority")
        if intermediate.constraints.spelled() != root.constraints.spelled():
            raise Tampered("root and intermediate are constrained to different names")
    except Tampered as error:
        yield from_error("chain", error, "strongroom verify")


def _ends(certificate: Certificate, what: str, now: datetime, mend: str) -> Iterator[Finding]:
    end = certificate.not_after
    if now >= end:
        yield Finding(what, f"the {what} ended at {end:%Y-%m-%d}", mend, error=Expired)
    elif now >= end - SOON:
        yield Finding(what, f"the {what} ends at {end:%Y-%m-%d}", mend)


def _revoked(authority: Authority, issued: list[IssuedRecord], now: datetime) -> Iterator[Finding]:
    revoked = [one.certificate for one in issued if one.revoked is not None and one.certificate.not_after > now]
    number, data = authority.records.revocation_list()
    if not number:
        if revoked:
            yield Finding("revocation", "certificates were revoked, and no list says so", _LIST)
        return
    newest = RevocationList(data)
    if any(newest.raw.get_revoked_certificate_by_serial_number(one.raw.serial_number) is None for one in revoked):
        yield Finding("revocation", f"certificates were revoked since list {number}", _LIST)
    elif now >= newest.next_update:
        yield Finding("revocation", f"list {number} ended at {newest.next_update:%Y-%m-%d %H:%M}", _LIST)


def _leaves(issued: list[IssuedRecord], now: datetime) -> Iterator[Finding]:
    """Of the certificates for the same names only the one that ends last is somebody's concern."""
    # In order of their ends, so that the last one stays.
    last = {(one.certificate.names, one.certificate.profile): one for one in issued if one.revoked is None}
    for record in last.values():
        certificate = record.certificate
        if certificate.not_after - certificate.lifetime / 3 <= now < certificate.not_after:
            names = ", ".join(map(str, certificate.names))
            message = f"the certificate for {names} ends at {certificate.not_after:%Y-%m-%d %H:%M}"
            yield Finding("certificate", message, "strongroom ca renew FILE")
