"""Which roots a machine may trust: such as are held to names of their own, and nothing else that is signed."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from strongroom.crypto.x509.certificates import Certificate, load_pem_certificates
from strongroom.crypto.x509.issuing import Issuer, _subtrees, check_root
from strongroom.crypto.x509.keys import new_key
from strongroom.crypto.x509.names import parse_constraints
from strongroom.errors import Denied, Expired, StrongroomError, Tampered
from strongroom.vault.authority.authority import PERMITTED
from tests.certificates import Chain

NOW = datetime.now(UTC).replace(microsecond=0)
OURS = _subtrees(parse_constraints(("internal.test", "10.0.0.0/8")))


def made(
    constraints: x509.NameConstraints | None, *, critical: bool = True, is_authority: bool = True, issuer: str = "a",
    key: rsa.RSAPrivateKey | None = None,
) -> Certificate:  # fmt: skip
    """A root as somebody else may have made it."""
    own = key or new_key().key
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in (issuer, "a")]
    builder = x509.CertificateBuilder(names[0], names[1], own.public_key(), 7, NOW, NOW + timedelta(days=9))
    builder = builder.add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    if constraints is not None:
        builder = builder.add_extension(constraints, critical=critical)
    return Certificate(builder.sign(own, hashes.SHA256()))


def permitted(*names: x509.GeneralName) -> x509.NameConstraints:
    return x509.NameConstraints(list(names), None)


def with_another_signature() -> Certificate:
    """A root whose last byte somebody has changed."""
    data = bytearray(made(OURS).der())
    data[-1] ^= 1
    return Certificate(data)


REFUSED: dict[str, tuple[Callable[[], Certificate], type[StrongroomError]]] = {
    "held to nothing": (lambda: made(None), Denied),
    "held to mailboxes alone": (lambda: made(permitted(x509.RFC822Name("internal.test"))), Denied),
    "held to names, open for addresses": (lambda: made(permitted(x509.DNSName("internal.test"))), Denied),
    "held to addresses, open for names": (lambda: made(permitted(x509.IPAddress(ip_network("10.0.0.0/8")))), Denied),
    "held to every name": (lambda: made(permitted(x509.DNSName(""))), Denied),
    "held to what is everybody's": (lambda: made(_subtrees(parse_constraints(("com",)))), Denied),
    "held to its own and everybody's": (lambda: made(_subtrees(parse_constraints(("a.test", "org")))), Denied),
    "held to all addresses": (lambda: made(_subtrees(parse_constraints(("a.test", "0.0.0.0/0")))), Denied),
    "held to half of the addresses": (lambda: made(_subtrees(parse_constraints(("a.test", "128.0.0.0/1")))), Denied),
    "held to all long addresses": (lambda: made(_subtrees(parse_constraints(("a.test", "::/0")))), Denied),
    "with a short key": (lambda: made(OURS, key=rsa.generate_private_key(65537, 1024)), Denied),
    "all but some": (lambda: made(x509.NameConstraints(None, [x509.DNSName("evil.test")])), Denied),
    "held by what verifiers may overlook": (lambda: made(OURS, critical=False), Denied),
    "no authority": (lambda: made(OURS, is_authority=False), Denied),
    "signed by somebody else": (lambda: made(OURS, issuer="b"), Denied),
    "with another signature": (with_another_signature, Tampered),
    "an intermediate": (lambda: Chain().intermediate, Denied),
    "a leaf": (lambda: Chain().leaf()[0], Denied),
    "ended": (lambda: Chain(now=NOW - timedelta(days=3651)).root, Expired),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_a_machine_should_not_trust_is_refused(case: str) -> None:
    """Whoever has the key of such a root could speak for others."""
    make, error = REFUSED[case]
    with pytest.raises(error):
        check_root(make(), NOW)


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_a_root_with_any_changed_byte_is_refused() -> None:
    """With an error of ours, wherever the library stumbles: a version, a key, an extension that is there twice."""
    root = made(OURS)
    whole, signed = root.der(), root.raw.tbs_certificate_bytes
    for place in range(len(whole)):
        for bits in (1, 0x80, 0xFF):
            data = bytearray(whole)
            data[place] ^= bits
            try:
                found = load_pem_certificates(ssl.DER_cert_to_PEM_cert(bytes(data)).encode())[0]
                check_root(found, NOW)
            except StrongroomError:
                continue
            # Nobody signs how many bits of the signature's last byte are unused: half of the signatures end with 0.
            assert found.raw.tbs_certificate_bytes == signed


def test_an_authority_that_is_held_to_nothing_issues_nothing() -> None:
    """No constraint is no permission."""
    key = new_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "free")])
    builder = x509.CertificateBuilder(name, name, key.public, 7, NOW, NOW + timedelta(days=9)).add_extension(
        x509.SubjectKeyIdentifier.from_public_key(key.public), critical=False
    )
    with pytest.raises(Denied, match="without constraints"):
        Issuer(Certificate(builder.sign(key.key, key.hash)), key)


OWN = (
    ("internal.test",), ("localhost", "a.test", "10.0.0.0/8", "::1"), ("test",), PERMITTED,
    ("example.com", "140.181.0.0/16", "2001:db8::/32"),
)  # fmt: skip


@pytest.mark.parametrize("permit", OWN)
def test_our_own_are_taken(permit: tuple[str, ...]) -> None:
    """With networks and without."""
    check_root(Chain(permit=permit).root, NOW)
    check_root(made(OURS), NOW)
