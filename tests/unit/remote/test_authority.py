"""An authority through the agent, for whom docs/certificates.md names a grant: it issues, and does nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from strongroom.crypto.x509.keys import load_key_pem
from strongroom.errors import Denied, Tampered
from strongroom.items import Field, ReservedPath
from strongroom.locate.diagnosis.authority import diagnose_authority
from strongroom.remote.agent import RemoteVault
from strongroom.vault.policy import Principal
from strongroom.vault.vault import Vault
from tests.unit.remote.serving import Server

WEB = Principal(4711, 4711)
PERMIT = ("internal.test", "localhost")


@pytest.fixture
def granted(vault: RemoteVault, held: Vault, server: Server) -> RemoteVault:
    """What another user has, who was granted what the page names."""
    held.ca.create(PERMIT)
    held.set("bank", {"password": "hunter2"})
    held.add_grant("web", "user", WEB.uid, {"read": ["@ca/intermediate"], "create": ["@ca/issued/*"]})
    server.principal = lambda: WEB  # type: ignore[method-assign]
    return vault


def test_the_named_grant_is_enough_to_issue(granted: RemoteVault, held: Vault) -> None:
    """A certificate, contexts for both sides; what was issued is in the owner's list, and in the audit log."""
    issued = granted.ca.issue("web.internal.test")
    issued.certificate.check_signed_by(held.ca.intermediate)
    assert issued.key is not None
    granted.tls("localhost", require_client=True)
    granted.tls_client("spiffe://internal.test/web")
    names = [[str(name) for name in one.certificate.names] for one in held.ca.issued()]
    assert sorted(names) == [["localhost"], ["spiffe://internal.test/web"], ["web.internal.test"]]
    assert issued.certificate.serial in {one.certificate.serial for one in held.ca.issued()}


def test_the_named_grant_is_enough_for_a_request(granted: RemoteVault, held: Vault) -> None:
    """Whether its key is known to others cannot be seen by who may not read what was issued."""
    key = generate_private_key(SECP256R1())
    asked = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, SHA256())
    issued = granted.ca.issue("web.internal.test", request=asked.public_bytes(Encoding.PEM))
    issued.certificate.check_signed_by(held.ca.intermediate)


REFUSED: dict[str, Callable[[RemoteVault, str], object]] = {
    "a name outside the constraints": lambda vault, _: vault.ca.issue("evil.com"),
    "another authority": lambda vault, _: vault.ca.create(PERMIT),
    "the root's key": lambda vault, _: vault.ca.renew_intermediate(),
    "the root's item": lambda vault, _: vault._reserved.get(ReservedPath("@ca/root")),
    "the list of what was issued": lambda vault, _: vault.ca.issued(),
    "what is known of one": lambda vault, serial: vault.ca.records.find(serial),
    "to revoke": lambda vault, serial: vault.ca.revoke(serial),
    "a revocation list": lambda vault, _: vault.ca.revocation_list(),
    "a record in the place of another": lambda vault, serial: vault._reserved.set(
        ReservedPath(f"@ca/issued/{serial}"), {"certificate": "x"}
    ),
    "the intermediate in another's place": lambda vault, _: vault._reserved.set(
        ReservedPath("@ca/intermediate"), {"certificate": "x"}
    ),
    "an item": lambda vault, _: vault.get("bank"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_the_named_grant_is_good_for_nothing_else(case: str, granted: RemoteVault, held: Vault) -> None:
    """And the authority is as it was."""
    serial = held.ca.issue("localhost").certificate.serial
    with pytest.raises(Denied):
        REFUSED[case](granted, serial)
    assert [(one.certificate.serial, one.revoked) for one in held.ca.issued()] == [(serial, None)]


PLANTED: dict[str, dict[str, Any]] = {
    "rubbish": {"certificate": b"x"},
    "no certificate": {"note": "x"},
    "a text": {"certificate": "x"},
    "a secret date": {"certificate": b"x", "revoked": Field("revoked", "text", b"2026-01-01", is_secret=True)},
    "a date that is none": {"certificate": b"x", "revoked": "tomorrow", "reason": "unspecified"},
}
NUMBERS = ("1" * 40, "0" * 40, "f" * 40, "A" * 40, "no number")


@pytest.mark.parametrize("case", [*PLANTED, *NUMBERS, "another's number"])
def test_a_planted_record_keeps_nobody_from_revoking(case: str, granted: RemoteVault, held: Vault) -> None:
    """Else a service that was taken over could see to it that its certificate stays good."""
    issued = granted.ca.issue("localhost").certificate
    good = {"certificate": issued.der()}
    number = case if case in NUMBERS else "1" * 40
    fields = PLANTED.get(case, good)
    granted._reserved.set(ReservedPath(f"@ca/issued/{number}"), fields)
    held.ca.revoke(issued.serial)
    made = held.ca.revocation_list()
    assert made.raw.get_revoked_certificate_by_serial_number(issued.raw.serial_number) is not None
    with pytest.raises(Tampered, match="certificate"):
        held.ca.issued()
    damaged: list[str] = []
    assert [one.certificate.serial for one in held.ca.issued(damaged=damaged)] == [issued.serial]
    assert damaged == [number]
    found = diagnose_authority(held.ca, datetime.now(UTC))
    assert [one.about for one in found if one.is_serious] == ["records"]
    if number == "1" * 40:
        if "revoked" not in fields:
            held.ca.revoke(number)
        made = held.ca.revocation_list()
        assert made.raw.get_revoked_certificate_by_serial_number(int(number, 16)) is not None


@pytest.mark.parametrize("missing", ["read", "create"])
def test_half_of_the_grant_issues_nothing(missing: str, granted: RemoteVault, held: Vault) -> None:
    """Neither the key without a place for the record, nor the place without the key."""
    held.remove_grant("web")
    grant = {"read": ["@ca/intermediate"], "create": ["@ca/issued/*"]}
    del grant[missing]
    held.add_grant("web", "user", WEB.uid, grant)
    with pytest.raises(Denied):
        granted.ca.issue("localhost")
    assert held.ca.issued() == []


def test_a_star_that_was_meant_for_passwords_issues_nothing(granted: RemoteVault, held: Vault) -> None:
    """An authority is granted by its name alone."""
    held.remove_grant("web")
    held.add_grant("web", "user", WEB.uid, {"read": ["**"], "create": ["**"]})
    assert granted.get("bank", "password").reveal() == "hunter2"
    with pytest.raises(Denied):
        granted.ca.issue("localhost")


def test_the_owner_gets_what_the_agent_keeps(vault: RemoteVault, held: Vault) -> None:
    """All of it: an authority is made, renewed and revoked through the agent, too."""
    vault.ca.create(PERMIT)
    issued = vault.ca.issue("localhost")
    key = issued.key
    assert key is not None
    assert load_key_pem(issued.pem()).public == key.public
    renewed = vault.ca.renew(issued.certificate, key.pem())
    vault.ca.revoke(issued.certificate.serial)
    assert vault.ca.revocation_list().number == 1
    vault.ca.renew_intermediate()
    assert len(held.ca.issued()) == 2
    assert renewed.certificate.serial != issued.certificate.serial
