"""The authority: a root, an intermediate constrained to its names, and leaves that every verifier takes.

What is issued lies in the vault, and so in its audit log, before it leaves this module.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from strongroom.crypto.x509.certificates import Certificate
from strongroom.crypto.x509.issuing import LEAF_LIFETIME, Issuer, new_root
from strongroom.crypto.x509.keys import load_key_pem, new_key
from strongroom.crypto.x509.names import parse_constraints, parse_names
from strongroom.crypto.x509.requests import check_request
from strongroom.crypto.x509.revocation import new_list
from strongroom.errors import Conflict, Denied, NotFound, Tampered, WrongKey
from strongroom.vault.authority.issued import KEY_COMPROMISE, REASONS, IssuedCertificate
from strongroom.vault.authority.records import INTERMEDIATE, ROOT, Records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from strongroom.crypto.x509.keys import PrivateKey, Public
    from strongroom.crypto.x509.names import Name
    from strongroom.crypto.x509.revocation import RevocationList
    from strongroom.vault.authority.issued import IssuedRecord
    from strongroom.vault.vault import Vault

ROOT_LIFETIME = timedelta(days=3_650)
INTERMEDIATE_LIFETIME = timedelta(days=1_095)
NAME_BYTES_MAX = 42
"""With what tells the intermediate apart it makes the 64 of a common name. RFC 5280, appendix A.1."""
PERMITTED = (
    "localhost", "test", "internal", "home.arpa", "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
    "::1", "fc00::/7",
)  # fmt: skip
"""What an authority may issue for unless it was said: names and networks that are nobody's on the Internet.

RFC 6761; RFC 8375; ICANN's .internal; RFC 1918; RFC 4193.
"""


class Authority:
    """The certificate authority of a vault: `vault.ca`.

    Args:
        vault: a local or a remote one.
        clock_us: µs since 1970 UTC.
    """

    __slots__ = ("_clock_us", "records")

    def __init__(self, vault: Vault, clock_us: Callable[[], int]) -> None:
        self._clock_us = clock_us
        self.records = Records(vault)

    def create(
        self,
        permit: Iterable[str] = PERMITTED,
        *,
        name: str = "strongroom",
        kind: str = "p256",
        keep_root_key: Callable[[bytearray], None] | None = None,
    ) -> Certificate:
        """Make a root and an intermediate, both constrained to *permit*.

        Args:
            permit: DNS names, each with what is below it, and networks; at least one DNS name.
            name: what the authority is called, 1 to 42 bytes of UTF-8.
            kind: of the keys of both.
            keep_root_key: is given the root's key as PEM, to put it in a place of its own, before anything
                is stored; the vault then never has it. None: it stays in the vault.

        Returns: the root, for those who shall trust it.
        Raises:
            Conflict: there is an authority.
            ValueError: constraints, a name or kind that cannot be.
        """
        if not name or not name.isprintable() or len(name.encode()) > NAME_BYTES_MAX:
            raise ValueError(f"an authority's name has 1 to {NAME_BYTES_MAX} printable characters, fewer beyond ASCII")
        constraints = parse_constraints(permit)
        self.refuse_existing()
        now, key = self._now(), new_key(kind)
        mark = _new_mark()
        root = new_root(key, f"{name} root {mark}", constraints, now=now, lifetime=ROOT_LIFETIME)
        own = new_key(kind)
        intermediate = _intermediate(Issuer(root, key), own.public, name, mark, now)
        if keep_root_key is not None:
            pem = key.pem()
            try:
                keep_root_key(pem)
            finally:
                pem[:] = bytes(len(pem))
        # Half an authority could neither issue anything nor be made anew.
        with self.records.together():
            self.records.add_authority(ROOT, root, key if keep_root_key is None else None)
            self.records.add_authority(INTERMEDIATE, intermediate, own, root=root.der())
        return root

    def refuse_existing(self) -> None:
        """Raises Conflict: this vault has an authority."""
        try:
            self.records.authority(ROOT)
        except NotFound:
            return
        raise Conflict(
            "this vault has a certificate authority", advice="see it: strongroom ca list\nuse another --vault"
        )

    def issue(
        self,
        *names: str,
        profile: str = "server",
        lifetime: timedelta | None = None,
        kind: str = "p256",
        request: bytes | None = None,
    ) -> IssuedCertificate:
        """A certificate for *names*, with a new key; or for the key of a request.

        Args:
            names: DNS names, wildcards, addresses, mailboxes, one SPIFFE ID: 1 to 100.
            profile: ``"server"``, ``"client"`` or ``"peer"``, which is both.
            lifetime: at most 397 days; None for 7 days, or what the authority has left.
            kind: of the new key.
            request: PEM or DER; it may ask for nothing but *names* and *profile*.

        Raises:
            NotFound: there is no authority.
            Denied: a name outside the constraints, or a request that asks for something else, or whose key others have.
            Conflict: the authority ends before *lifetime* does.
            Tampered: the request is malformed or not its key's own.
            Expired: the authority has ended.
            ValueError: a name, profile, kind or lifetime that cannot be.
        """
        parsed = parse_names(names)
        if request is not None:
            public = check_request(request, parsed, profile)
            self._refuse_compromised(public)
            return self._issue(public, parsed, profile, lifetime)
        key = new_key(kind)
        return self._issue(key.public, parsed, profile, lifetime, key=key)

    def renew(
        self, current: Certificate, key_pem: bytes | bytearray | None = None, *, lifetime: timedelta | None = None
    ) -> IssuedCertificate:
        """A certificate for the same names and profile as *current*.

        Args:
            key_pem: the key of *current*: the new one gets another key. None: it is for the same key.
            lifetime: None for the time that *current* had.

        Raises:
            NotFound: *current* was not issued here.
            Denied: *current* was revoked, or *key_pem* is not its key.
        """
        record = self.records.find(current.serial)
        if record.certificate.der() != current.der():
            raise Denied("this certificate was not issued by this authority")
        if record.revoked is not None:
            raise Denied("a revoked certificate is not renewed", advice="issue a new one: strongroom ca issue NAME")
        key = None
        if key_pem is not None:
            if not current.fits(load_key_pem(key_pem)):
                raise Denied("this is not the key of the certificate")
            key = new_key(current.key_kind)
        public = current.public if key is None else key.public
        return self._issue(public, current.names, current.profile, lifetime, default=current.lifetime, key=key)

    def renew_intermediate(self, root_key_pem: bytes | bytearray | None = None) -> Certificate:
        """Give the intermediate a new certificate for the same key: what it has signed stays good.

        Args:
            root_key_pem: the root's key, if it is kept apart.

        Raises:
            NotFound: there is no authority, or its root's key is kept apart and was not given.
            WrongKey: this is not the root's key.
            Expired: the root has ended.
            Conflict: somebody else has renewed it meanwhile.
        """
        item, current = self.records.issuer(INTERMEDIATE)
        if root_key_pem is None:
            _, root = self.records.issuer(ROOT)
        else:
            key, certificate = load_key_pem(root_key_pem), self.root
            if not certificate.fits(key):
                raise WrongKey("this is not the key of the root")
            root = Issuer(certificate, key)
        subject = current.certificate.subject
        renewed = root.issue_authority(current.key.public, subject, now=self._now(), lifetime=INTERMEDIATE_LIFETIME)
        self.records.replace_authority(
            INTERMEDIATE, renewed, current.key, item.version.number, root=root.certificate.der()
        )
        return renewed

    def revoke(self, serial: str, *, reason: str = "unspecified") -> None:
        """Call a certificate good no longer; `revocation_list` tells others.

        Args:
            serial: in hex, however tools spell it.
            reason: one of `issued.REASONS`; ``"key-compromise"`` is about all certificates for the same key.

        Raises:
            NotFound: it was not issued here.
            Conflict: it was revoked before.
            ValueError: another reason.
        """
        if reason not in REASONS:
            raise ValueError(f"a reason is one of: {', '.join(REASONS)}")
        now = self._now()
        self.records.revoke(serial, now, reason)
        if reason == KEY_COMPROMISE:
            for other in self._of_same_key(serial):
                self.records.revoke(other, now, reason)

    def _of_same_key(self, serial: str) -> list[str]:
        """What else is good for the key of a certificate: a renewal without a new key has left it there."""
        try:
            key = self.records.find(serial).certificate.public
        except Tampered:
            return []  # a malformed record has no key
        every = self.records.all([])
        return [one.certificate.serial for one in every if one.revoked is None and one.certificate.public == key]

    def _refuse_compromised(self, public: Public) -> None:
        """A key that others have is good in no certificate, also in a new one.

        Who may not read what was issued cannot know: the grant to issue says nothing of others' certificates.
        """
        try:
            every = list(self.records.all([]))
        except Denied:
            return
        if any(one.reason == KEY_COMPROMISE and one.certificate.public == public for one in every):
            raise Denied(
                "the key of this request was revoked as compromised", advice="make a new key, and a request for it"
            )

    def revocation_list(self) -> RevocationList:
        """A new list of what was revoked, good for 7 days.

        Raises:
            NotFound: there is no authority.
            Conflict: somebody else is making one.
        """
        _, issuer = self.records.issuer(INTERMEDIATE)
        now = self._now()
        number = self.records.revocation_list()[0] + 1
        made = new_list(issuer, self.records.revocations(now), number=number, now=now)
        self.records.put_revocation_list(number, made.der())
        return made

    def issued(
        self, *, expiring: timedelta | None = None, damaged: list[str] | None = None
    ) -> list[IssuedRecord]:
        """What is known of every certificate that was issued, what ends soonest first.

        Args:
            expiring: only what is good now and ends within this time.
            damaged: is given the names of malformed records, which whoever may issue can have put there.

        Raises: Tampered: a record is malformed, and *damaged* is None.
        """
        now = self._now()
        records: Iterator[IssuedRecord] = self.records.all(damaged)
        if expiring is not None:
            limit = now + expiring
            records = (one for one in records if one.state(now) == "good" and one.certificate.not_after <= limit)
        return sorted(records, key=lambda one: (one.certificate.not_after, one.certificate.serial))

    @property
    def root(self) -> Certificate:
        """The root, for those who shall trust it.

        Raises: NotFound: there is no authority.
        """
        item, _ = self.records.authority(INTERMEDIATE)
        return Certificate(item.field("root").data)

    @property
    def intermediate(self) -> Certificate:
        """What signs the leaves.

        Raises: NotFound: there is no authority.
        """
        return self.records.authority(INTERMEDIATE)[1]

    def _issue(
        self,
        public: Public,
        names: tuple[Name, ...],
        profile: str,
        lifetime: timedelta | None,
        *,
        default: timedelta = LEAF_LIFETIME,
        key: PrivateKey | None = None,
    ) -> IssuedCertificate:
        _, issuer = self.records.issuer(INTERMEDIATE)
        certificate = issuer.issue(
            public, names, now=self._now(), profile=profile, lifetime=lifetime, default=default
        )
        self.records.add(certificate)
        return IssuedCertificate(certificate, (issuer.certificate,), key)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock_us() / 1_000_000, UTC)


def _new_mark() -> str:
    """Tells authorities of one name apart: 8 hex digits."""
    from strongroom.crypto.entropy import random_bytes

    return random_bytes(4).hex()


def _intermediate(root: Issuer, public: Public, name: str, mark: str, now: datetime) -> Certificate:
    return root.issue_authority(public, f"{name} intermediate {mark}", now=now, lifetime=INTERMEDIATE_LIFETIME)
