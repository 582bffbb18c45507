"""What stands in certificates and lists that we sign: each extension, and whether it may be ignored."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID

from strongroom.crypto.x509.bundles import pkcs12
from strongroom.crypto.x509.certificates import general_name, name_of
from strongroom.crypto.x509.issuing import leaf_usage
from strongroom.crypto.x509.keys import new_key
from strongroom.crypto.x509.names import parse_constraints, parse_name
from strongroom.crypto.x509.revocation import KEY_COMPROMISE, LIST_LIFETIME, new_list
from strongroom.errors import Denied
from tests.certificates import Chain

NOW = datetime(2030, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)
SECOND = NOW.replace(microsecond=0)


@pytest.fixture(scope="module")
def chain() -> Chain:
    return Chain(now=NOW)


def test_a_leaf_says_what_it_may_and_what_nobody_may_ignore(chain: Chain) -> None:
    """It is no authority, has names and signs handshakes; the rest is advice. Whole seconds, as others write them."""
    leaf, key = chain.leaf("web.internal.test", "spiffe://internal.test/a", lifetime=timedelta(hours=1))
    extensions = {one.value.__class__: one for one in leaf.raw.extensions}
    critical = {kind.__name__ for kind, one in extensions.items() if one.critical}
    assert critical == {"BasicConstraints", "KeyUsage", "SubjectAlternativeName"}
    assert extensions.keys() - {x509.BasicConstraints, x509.KeyUsage, x509.SubjectAlternativeName} == {
        x509.ExtendedKeyUsage, x509.SubjectKeyIdentifier, x509.AuthorityKeyIdentifier,
    }  # fmt: skip
    assert extensions[x509.BasicConstraints].value == x509.BasicConstraints(ca=False, path_length=None)
    assert list(extensions[x509.ExtendedKeyUsage].value) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert leaf.not_after == SECOND + timedelta(hours=1)
    assert chain.issuer.span(NOW, None, timedelta(days=1))[1] == SECOND + timedelta(days=1)
    assert leaf.fits(key)


@pytest.mark.parametrize(("kind", "may_encrypt"), [("rsa3072", True), ("p256", False), ("ed25519", False)])
def test_only_rsa_may_encrypt_keys(kind: str, may_encrypt: bool) -> None:
    """As NSS wants to hear it."""
    usage = leaf_usage(new_key(kind).public)
    assert usage.key_encipherment is may_encrypt
    assert usage.digital_signature and not usage.key_cert_sign and not usage.crl_sign


def test_a_list_names_its_issuer_and_number(chain: Chain) -> None:
    """Neither is critical: RFC 5280, 5.2."""
    made = new_list(chain.issuer, [(7, NOW, KEY_COMPROMISE)], number=3, now=NOW)
    extensions = {one.value.__class__: one for one in made.raw.extensions}
    assert extensions.keys() == {x509.AuthorityKeyIdentifier, x509.CRLNumber}
    assert not any(one.critical for one in extensions.values())
    assert extensions[x509.AuthorityKeyIdentifier].value == chain.issuer.key_identifier
    assert (made.number, made.next_update) == (3, SECOND + LIST_LIFETIME)
    (entry,) = made.raw
    assert (entry.serial_number, entry.revocation_date_utc) == (7, SECOND)
    assert entry.extensions.get_extension_for_class(x509.CRLReason).value.reason is x509.ReasonFlags.key_compromise


@pytest.mark.parametrize("text", ["web.internal.test", "10.0.0.7", "bot@internal.test", "spiffe://internal.test/a"])
def test_a_name_goes_in_and_comes_out(text: str) -> None:
    """As what it was."""
    name = parse_name(text)
    assert name_of(general_name(name)) == name


def test_a_name_of_another_form_is_said() -> None:
    """With the form's own name."""
    with pytest.raises(Denied, match="RegisteredID"):
        name_of(x509.RegisteredID(ExtendedKeyUsageOID.SERVER_AUTH))
    with pytest.raises(Denied, match="DNSName"):
        name_of(x509.DNSName("10.0.0.7"))


def test_what_is_everybodys_is_named() -> None:
    """Domains and networks that are too wide, and none else."""
    constraints = parse_constraints(("com", "internal.test", "localhost", "8.0.0.0/6", "10.0.0.0/8"))
    assert constraints.everybodys() == ["com", "8.0.0.0/6"]


def test_a_bundle_holds_key_certificate_and_chain_under_the_first_name(chain: Chain) -> None:
    """And opens with its password alone."""
    leaf, key = chain.leaf("web.internal.test", "api.internal.test")
    bundle = pkcs12(key, leaf, [chain.intermediate], b"a password")
    found = load_pkcs12(bundle, b"a password")
    assert found.cert is not None
    assert (found.cert.friendly_name, found.cert.certificate) == (b"web.internal.test", leaf.raw)
    assert [one.certificate for one in found.additional_certs] == [chain.intermediate.raw]
    assert found.key is not None and found.key.public_key() == key.public
    with pytest.raises(ValueError, match="password"):
        load_pkcs12(bundle, b"another")
    authority = load_pkcs12(pkcs12(chain.intermediate_key, chain.intermediate, [], b"p"), b"p")
    assert authority.cert is not None and authority.cert.friendly_name == chain.intermediate.serial.encode()
