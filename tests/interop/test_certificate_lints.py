"""pkilint about what is issued: RFC 5280's rules are kept, and those of public authorities but for a listed few."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from strongroom.crypto.x509.certificates import Certificate
from strongroom.crypto.x509.keys import new_key
from strongroom.crypto.x509.revocation import REASONS, new_list
from tests.certificates import Chain

PERMIT = ("internal.test", "example.test", "127.0.0.0/8", "10.0.0.0/8", "::1")
KINDS = ("p256", "p384", "rsa3072", "ed25519")
DECISION = Path(__file__).resolve().parents[2] / "docs" / "decisions" / "0020-certificates.md"
# What the linter says of names that are spelled in a way that it does not know, each with its reason in DECISION.
SPELLINGS = {
    "pkix.invalid_domain_name_syntax",  # a wildcard, and single labels such as localhost
    "pkix.invalid_email_address_syntax",  # the constraint for mailboxes of a single label
    "pkix.invalid_uri_syntax",  # spiffe://, which it takes for a URL without a host's port
}
# What the CA/Browser Forum asks of authorities that browsers ship, and a private one does not do: reasons as above.
_AUTHORITY = {
    "cabf.serverauth.ca.country_attribute_absent",
    "cabf.serverauth.ca.organization_name_attribute_absent",
    "cabf.ca_certificate_no_digital_signature_bit",
    "cabf.internal_domain_name",
    "cabf.serverauth.name_constraints_discouraged_name_type",
}
PUBLIC_ONLY = {
    "root": _AUTHORITY | {
        "cabf.serverauth.root_basic_constraints_pathlenconstraint_present",
        "cabf.serverauth.root.authority_key_identifier_extension_absent",
        "cabf.serverauth.root.unknown_extension_present",
    },
    "intermediate": _AUTHORITY | {
        "cabf.serverauth.ca.certificate_policies_extension_absent",
        "cabf.serverauth.ca.crl_distribution_points_extension_absent",
        "cabf.serverauth.ca.extended_key_usage_extension_absent",
        "cabf.serverauth.ca.authority_info_access_extension_absent",
    },
    "leaf": {
        "cabf.internal_domain_name",
        "cabf.serverauth.subscriber.revocation_information_absent",
        "msft.end_entity.revocation_information_absent",
        "cabf.serverauth.subscriber.subject_key_identifier_extension_present",
        "cabf.serverauth.subscriber.authority_info_access_extension_absent",
        "cabf.serverauth.subscriber.certificate_policies_extension_absent",
    },
}  # fmt: skip
OF_A_KIND = {
    ("mixed", "leaf"): {"cabf.internal_ip_address", "cabf.serverauth.prohibited_san_type"},
    ("rsa3072", "leaf"): {"cabf.serverauth.subscriber_rsa_digitalsignature_and_keyencipherment_present"},
    **{
        ("ed25519", name): {
            "cabf.serverauth.prohibited_signature_algorithm_encoding",
            "cabf.serverauth.prohibited_subject_public_key_algorithm_encoding",
        }
        for name in PUBLIC_ONLY
    },
}
# Each takes a sixth of a second; P-256 is in the mixed ones.
PUBLIC_KINDS = ("p384", "rsa3072", "ed25519", "mixed")
PUBLIC_TYPES = {"root": "ROOT-CA", "intermediate": "INTERNAL-UNCONSTRAINED-TLS-CA", "leaf": "DV-FINAL-CERTIFICATE"}
PKIX, CABF, CHAIN, CRL = "lint_pkix_cert", "lint_cabf_serverauth_cert", "lint_pkix_signer_signee_cert_chain", "lint_crl"
# Its commands, one after the other in one process: to load it takes most of a second.
LINTER = """
import contextlib, csv, importlib, io, json, sys
answers = []
for tool, *words in json.load(sys.stdin):
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        code = importlib.import_module("pkilint.bin." + tool).main(["lint", *words, "-s", "NOTICE", "-f", "CSV"])
    said.seek(0)
    answers.append((code, [row["code"] for row in csv.DictReader(said)]))
json.dump(answers, sys.stdout)
"""

Findings = dict[tuple[str, ...], set[str]]


def make_files(folder: Path) -> list[list[str]]:
    """Certificates and lists of every kind; the commands that judge them."""
    commands = []
    names = dict.fromkeys(KINDS, ("web.internal.test", "api.internal.test")) | {
        "mixed": ("web.internal.test", "127.0.0.1", "bot@internal.test"),
        "spelled": ("localhost", "*.internal.test", "spiffe://internal.test/orders"),
    }
    for name, wanted in names.items():
        kind = name if name in KINDS else "p256"
        chain = Chain(kind, permit=("internal.test", "localhost", "127.0.0.1") if name == "spelled" else PERMIT)
        place = chain.write(folder / name, *chain.leaf(*wanted, kind=kind))
        for part, of in PUBLIC_TYPES.items():
            commands.append([PKIX, str(place / f"{part}.pem")])
            if name in PUBLIC_KINDS:
                commands.append([CABF, "-t", of, str(place / f"{part}.pem")])
        for pair in (("root", "intermediate"), ("intermediate", "leaf")):
            commands.append([CHAIN, *(str(place / f"{part}.pem") for part in pair)])
    entries = [(chain.leaf("localhost")[0].raw.serial_number, chain.now, reason) for reason in REASONS]
    for number, (name, revoked) in enumerate({"empty": [], "every-reason": entries}.items(), 1):
        file = folder / f"{name}.pem"
        file.write_bytes(new_list(chain.issuer, revoked, number=number, now=chain.now).pem())
        commands.append([CRL, "-t", "CRL", "-p", "PKIX", str(file)])
    (folder / "wrong.pem").write_bytes(wrong(chain).pem())
    return [*commands, [PKIX, str(folder / "wrong.pem")]]


def wrong(chain: Chain) -> Certificate:
    """A leaf without its key's identifier."""
    key = new_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(chain.intermediate.raw.subject)
        .public_key(key.public)
        .serial_number(7)
        .not_valid_before(datetime.now(UTC))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("a.internal.test")]), critical=False)
    )
    return Certificate(builder.sign(chain.intermediate_key.key, chain.intermediate_key.hash))


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    """The codes of everything from a notice on, by tool and files."""
    folder = tmp_path_factory.mktemp("lints")
    commands = make_files(folder)
    done = subprocess.run(
        [sys.executable, "-c", LINTER], input=json.dumps(commands), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    findings: Findings = {}
    for (tool, *words), (code, codes) in zip(commands, json.loads(done.stdout), strict=True):
        assert (code == 0) == (not codes)  # the exit code is the number of findings
        files = [str(Path(word).relative_to(folder)) for word in words if word.endswith(".pem")]
        findings[tool, *files] = set(codes)
    return findings


@pytest.mark.parametrize("kind", [*KINDS, "mixed"])
def test_nothing_is_found_against_the_standard(kind: str, found: Findings) -> None:
    """Root, intermediate and leaf, and each behind the one that signed it."""
    for name in PUBLIC_TYPES:
        assert found[PKIX, f"{kind}/{name}.pem"] == set(), name
    for pair in (("root", "intermediate"), ("intermediate", "leaf")):
        assert found[CHAIN, *(f"{kind}/{name}.pem" for name in pair)] == set(), pair


def test_only_spellings_are_found_that_the_linter_does_not_know(found: Findings) -> None:
    """Single labels, wildcards and SPIFFE IDs are spelled as their standards say."""
    every = {one for name in PUBLIC_TYPES for one in found[PKIX, f"spelled/{name}.pem"]}
    assert every == SPELLINGS
    assert found[CHAIN, "spelled/intermediate.pem", "spelled/leaf.pem"] <= SPELLINGS


@pytest.mark.parametrize("name", ["empty", "every-reason"])
def test_nothing_is_found_in_a_revocation_list(name: str, found: Findings) -> None:
    """With entries of every reason, and without any."""
    assert found[CRL, f"{name}.pem"] == set()


@pytest.mark.parametrize("name", PUBLIC_TYPES)
def test_of_public_authorities_rules_exactly_the_listed_are_not_kept(name: str, found: Findings) -> None:
    """Whatever is found beyond the list fails here, and what is not found any more is struck from it."""
    for kind in PUBLIC_KINDS:
        assert found[CABF, f"{kind}/{name}.pem"] == PUBLIC_ONLY[name] | OF_A_KIND.get((kind, name), set()), kind


def test_every_finding_that_is_let_through_is_explained() -> None:
    """In the decision about certificates, by its code."""
    text = DECISION.read_text(encoding="utf-8")
    listed = SPELLINGS.union(*PUBLIC_ONLY.values(), *OF_A_KIND.values())
    assert [one for one in sorted(listed) if f"`{one}`" not in text] == []


def test_the_linter_sees_a_wrong_certificate(found: Findings) -> None:
    """The judge is awake: a leaf without its key's identifier is found."""
    assert found[PKIX, "wrong.pem"] - SPELLINGS
