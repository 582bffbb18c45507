"""Requests that ask for more than they were granted: each part of a CSR, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import AttributeOID, ExtendedKeyUsageOID, NameOID

from strongroom.crypto.x509.names import parse_names
from strongroom.crypto.x509.requests import check_request
from strongroom.errors import Denied, StrongroomError, Tampered

NAMES = parse_names(["web.internal.test", "10.0.0.7", "*.apps.internal.test", "bot@internal.test"])
KEY = ec.generate_private_key(ec.SECP256R1())
Builder = x509.CertificateSigningRequestBuilder


def usage(**more: bool) -> x509.KeyUsage:
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
             "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")  # fmt: skip
    return x509.KeyUsage(**{name: more.get(name, name == "digital_signature") for name in names})


def named(*names: x509.GeneralName) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName(names)


def dns(text: str) -> x509.SubjectAlternativeName:
    # _init_without_validation is how a hostile encoder would fill it in.
    return named(x509.DNSName._init_without_validation(text))


def request(*extensions: x509.ExtensionType, subject: str = "", key: object = KEY) -> Builder:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)] if subject else [])
    builder = Builder(name)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder


def signed(builder: Builder, key: object = KEY) -> bytes:
    hash_ = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(key, hash_).public_bytes(serialization.Encoding.PEM)  # type: ignore[arg-type]


GOOD: dict[str, Callable[[], bytes]] = {
    "nothing asked for": lambda: signed(request()),
    "a name that was granted": lambda: signed(request(dns("web.internal.test"))),
    "all names": lambda: signed(
        request(named(
            x509.DNSName("*.apps.internal.test"), x509.IPAddress(ip_address("10.0.0.7")),
            x509.RFC822Name("bot@internal.test"),
        ))
    ),
    "a common name that was granted": lambda: signed(request(subject="web.internal.test")),
    "the profile's own use": lambda: signed(request(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]))),
    "no authority": lambda: signed(request(x509.BasicConstraints(ca=False, path_length=None), usage())),
    "DER": lambda: request().sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.DER),
}

ATTACKS: dict[str, tuple[Callable[[], bytes], type[Exception], str]] = {
    "another name": (lambda: signed(request(dns("evil.com"))), Denied, "was not named here"),
    "a granted name and another": (
        lambda: signed(request(named(x509.DNSName("web.internal.test"), x509.DNSName("evil.com")))), Denied, "named",
    ),
    "a wildcard that was not granted": (lambda: signed(request(dns("*.internal.test"))), Denied, "not named here"),
    "a wildcard for everything": (lambda: signed(request(dns("*"))), Denied, "no DNS name"),
    "a NUL behind a granted name": (lambda: signed(request(dns("web.internal.test\0.evil.com"))), Denied, "DNS name"),
    "upper case": (lambda: signed(request(dns("WEB.internal.test"))), Denied, "DNS name"),
    "a trailing dot": (lambda: signed(request(dns("web.internal.test."))), Denied, "DNS name"),
    "white space": (lambda: signed(request(dns(" web.internal.test"))), Denied, "DNS name"),
    "an international look-alike": (lambda: signed(request(dns("xn--wb-6kc.internal.test"))), Denied, "named|label"),
    "an address among the DNS names": (lambda: signed(request(dns("10.0.0.7"))), Denied, "of this form"),
    "a mailbox among the DNS names": (lambda: signed(request(dns("bot@internal.test"))), Denied, "of this form"),
    "another address": (
        lambda: signed(request(named(x509.IPAddress(ip_address("10.0.0.8"))))), Denied, "was not named here",
    ),
    "a name of another kind": (
        lambda: signed(request(named(x509.RegisteredID(x509.ObjectIdentifier("1.2.3"))))), Denied, "of this form",
    ),
    "a directory name": (
        lambda: signed(request(named(x509.DirectoryName(x509.Name([]))))), Denied, "of this form",
    ),
    "an empty list of names with another subject": (lambda: signed(request(subject="evil.com")), Denied, "common name"),
    "a common name with a NUL": (lambda: signed(request(subject="web.internal.test\0.evil.com")), Denied, "common"),
    "a subject": (
        lambda: signed(Builder(x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Big Bank")]))),
        Denied, "asks for a subject",
    ),
    "an authority": (
        lambda: signed(request(x509.BasicConstraints(ca=True, path_length=None))), Denied, "authority's certificate",
    ),
    "an authority by its depth": (
        lambda: signed(request(x509.BasicConstraints(ca=True, path_length=0))), Denied, "authority's certificate",
    ),
    "signing certificates": (lambda: signed(request(usage(key_cert_sign=True))), Denied, "another use of the key"),
    "signing revocation lists": (lambda: signed(request(usage(crl_sign=True))), Denied, "another use of the key"),
    "code signing": (
        lambda: signed(request(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]))), Denied, "profile server",
    ),
    "any use": (
        lambda: signed(request(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]))), Denied, "profile",
    ),
    "a client where a server was granted": (
        lambda: signed(request(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]))), Denied, "profile server",
    ),
    "constraints": (
        lambda: signed(request(x509.NameConstraints([x509.DNSName("evil.com")], None))), Denied, "issued: 2.5.29.30",
    ),
    "a policy": (
        lambda: signed(request(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0"))),
        Denied, "not issued: 1.2.3.4",
    ),
    "a challenge password": (
        lambda: signed(request().add_attribute(AttributeOID.CHALLENGE_PASSWORD, b"canary")), Denied, "attribute",
    ),
    "a weak curve": (lambda: signed(request(), ec.generate_private_key(ec.SECP192R1())), Denied, "keys of kind"),
    "a curve that few take": (lambda: signed(request(), ec.generate_private_key(ec.SECP256K1())), Denied, "of kind"),
    "a short RSA key": (lambda: signed(request(), rsa.generate_private_key(65537, 2048)), Denied, "keys of kind"),
    "a signature of another key": (lambda: forged(), Tampered, "not signed with its own key"),
    "a changed name": (
        lambda: changed(b"web.internal.test", b"wob.internal.test"), Tampered, "not signed with its own key",
    ),
    "half a request": (lambda: signed(request())[:150], Tampered, "no certificate request"),
    "nothing": (lambda: b"", Tampered, "no certificate request"),
    "a certificate": (lambda: b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", Tampered, "no cert"),
    "too much": (lambda: signed(request()) + b" " * 65_536, Tampered, "at most 65536 bytes"),
}


def forged() -> bytes:
    """One request's content with another key's signature below it."""
    other = ec.generate_private_key(ec.SECP256R1())
    own, theirs = (
        Builder(x509.Name([])).sign(key, hashes.SHA256()) for key in (KEY, other)
    )
    data, wrong = own.public_bytes(serialization.Encoding.DER), theirs.signature
    for _ in range(100):
        if len(wrong) == len(own.signature):
            break
        wrong = Builder(x509.Name([])).sign(other, hashes.SHA256()).signature
    return data.replace(own.signature, wrong)


def changed(old: bytes, new: bytes) -> bytes:
    """A signed request in which a name was changed afterwards."""
    data = request(dns(old.decode())).sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
    assert data.count(old) == 1
    return data.replace(old, new)


@pytest.mark.parametrize("case", GOOD)
def test_a_request_for_what_was_granted_gives_its_key(case: str) -> None:
    """Or for less: what is issued comes from what was granted, not from the request."""
    assert check_request(GOOD[case](), NAMES, "server") == KEY.public_key()


@pytest.mark.parametrize("case", ATTACKS)
def test_a_request_for_more_is_refused(case: str) -> None:
    """It is not cut down to what was granted, and its words are not repeated."""
    make, error, words = ATTACKS[case]
    data = make()
    with pytest.raises(error, match=words) as caught:
        check_request(data, NAMES, "server")
    assert "canary" not in str(caught.value)


def test_a_request_with_any_changed_byte_is_refused() -> None:
    """With an error of ours, wherever the library stumbles."""
    made = request(dns("web.internal.test"), usage()).sign(KEY, hashes.SHA256())
    whole = made.public_bytes(serialization.Encoding.DER)
    for place in range(len(whole)):
        for bits in (1, 0x80, 0xFF):
            data = bytearray(whole)
            data[place] ^= bits
            try:
                check_request(bytes(data), NAMES, "server")
            except StrongroomError:
                continue
            # Nobody signs how many bits of the signature's last byte are unused: half of the signatures end with 0.
            assert place == whole.index(made.signature) - 1
