"""Certificates before other people's verifiers: what is right they take, what is wrong they refuse."""

from __future__ import annotations

import ssl
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509 import verification

from strongroom.crypto.x509.certificates import Certificate, general_name
from strongroom.crypto.x509.issuing import _builder, leaf_usage
from strongroom.crypto.x509.keys import new_key
from strongroom.crypto.x509.names import parse_name
from strongroom.testing.certificates import TestingAuthority
from tests.certificates import Chain, openssl, run
from tests.peers import require_programs

KINDS = ("p256", "p384", "rsa3072", "ed25519")
HOST = "web.internal.test"


@pytest.fixture(scope="module", params=KINDS)
def chain(request: pytest.FixtureRequest) -> Chain:
    """An authority with keys of each kind."""
    return Chain(request.param)


@pytest.fixture(scope="module")
def plain() -> Chain:
    """An authority of the default kind."""
    return Chain()


def put(chain: Chain, folder: Path, *names: str, kind: str = "p256") -> Path:
    leaf, key = chain.leaf(*names, kind=kind)
    return chain.write(folder, leaf, key)


def foreign(chain: Chain, name: str) -> Certificate:
    """A leaf that the intermediate's key has signed for a name outside its constraints."""
    issuer, key = chain.issuer, new_key()
    span = (chain.now - timedelta(minutes=5), chain.now + timedelta(days=1))
    builder = (
        _builder(key.public, x509.Name([]), chain.intermediate.raw.subject, span)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(leaf_usage(key.public), critical=True)
        .add_extension(x509.ExtendedKeyUsage([x509.ObjectIdentifier("1.3.6.1.5.5.7.3.1")]), critical=False)
        .add_extension(x509.SubjectAlternativeName([general_name(parse_name(name))]), critical=True)
        .add_extension(issuer.key_identifier, critical=False)
    )
    return Certificate(builder.sign(issuer.key.key, issuer.key.hash))


def test_openssl_verifies_strictly(chain: Chain, tmp_path: Path) -> None:
    """The name and the address that it is for, and no other."""
    require_programs("openssl")
    folder = put(chain, tmp_path)
    for option in (f"hostname={HOST}", "ip=127.0.0.1", "email=bot@internal.test"):
        done = openssl(folder, "-purpose", "sslserver", *f"-verify_{option}".split("="))
        assert (done.returncode, done.stdout) == (0, "leaf.pem: OK\n"), done.stderr
    assert openssl(folder, "-verify_hostname", "www.internal.test").returncode == 2
    assert openssl(folder, "-purpose", "sslclient").returncode == 2
    assert openssl(folder, "-purpose", "crlsign").returncode == 2


@pytest.mark.parametrize("name", ["evil.com", "192.0.2.1", "bot@evil.com", "::2"])
def test_verifiers_hold_the_constraints_themselves(name: str, plain: Chain, tmp_path: Path) -> None:
    """Whoever steals the intermediate's key cannot speak for others."""
    require_programs("openssl", "certtool")
    folder = plain.write(tmp_path, foreign(plain, name))
    done = openssl(folder)
    assert done.returncode == 2
    assert "permitted subtree violation" in done.stderr
    if "@" not in name:  # GnuTLS looks at mailboxes for mail alone.
        assert certtool(folder).returncode != 0
    with pytest.raises(verification.VerificationError):
        verified_by_cryptography(plain, foreign(plain, name), verification.DNSName("evil.com"))


def test_an_authority_for_no_network_has_no_addresses(tmp_path: Path) -> None:
    """A constraint on names alone would leave addresses open."""
    require_programs("openssl")
    chain = Chain(permit=("internal.test",))
    folder = chain.write(tmp_path, foreign(chain, "127.0.0.1"))
    assert "excluded subtree violation" in openssl(folder).stderr


def test_the_intermediate_signs_no_authority(plain: Chain, tmp_path: Path) -> None:
    """Its depth is zero, and OpenSSL holds it to that."""
    require_programs("openssl")
    key = new_key()
    below = plain.issuer.issue_authority(key.public, "below", now=plain.now, lifetime=timedelta(days=1))
    folder = put(plain, tmp_path)
    (folder / "below.pem").write_bytes(below.pem())
    assert "path length constraint exceeded" in openssl(folder, leaf="below.pem").stderr or (
        openssl(folder, "-purpose", "sslserver", leaf="below.pem").returncode == 2
    )


def certtool(folder: Path, host: str = HOST) -> subprocess.CompletedProcess[str]:
    """GnuTLS, with the file as a server sends it."""
    files = ("--load-ca-certificate", "root.pem", "--infile", "chain.pem")
    return run("certtool", "--verify", "--verify-hostname", host, *files, cwd=folder)


def test_gnutls_verifies_the_served_chain(chain: Chain, tmp_path: Path) -> None:
    """For the name that it is for, and no other."""
    require_programs("certtool")
    folder = put(chain, tmp_path)
    done = certtool(folder)
    assert done.returncode == 0, done.stdout
    assert certtool(folder, "evil.com").returncode != 0


@pytest.mark.parametrize("kind", ["p256", "p384", "rsa3072"])
def test_nss_verifies_as_firefox_does(kind: str, tmp_path: Path) -> None:
    """It takes no Ed25519, as `ca init --kind ed25519` says."""
    require_programs("certutil")
    chain = Chain(kind)
    folder = put(chain, tmp_path, kind=kind)
    assert run("certutil", "-N", "-d", "sql:.", "--empty-password", cwd=folder).returncode == 0
    for nickname, trust, file in (("r", "C,,", "root"), ("i", ",,", "intermediate"), ("l", ",,", "leaf")):
        done = run("certutil", "-A", "-d", "sql:.", "-n", nickname, "-t", trust, "-a", "-i", f"{file}.pem", cwd=folder)
        assert done.returncode == 0, done.stderr
    done = run("certutil", "-V", "-d", "sql:.", "-n", "l", "-u", "V", cwd=folder)
    assert "certificate is valid" in done.stdout + done.stderr


def verified_by_cryptography(chain: Chain, leaf: Certificate, subject: verification.Subject) -> object:
    builder = verification.PolicyBuilder().store(verification.Store([chain.root.raw])).time(chain.now)
    return builder.build_server_verifier(subject).verify(leaf.raw, [chain.intermediate.raw])


@pytest.mark.parametrize("kind", ["p256", "p384", "rsa3072"])
def test_cryptographys_own_verifier_takes_it(kind: str) -> None:
    """The strictest of them; it takes no Ed25519, as `ca init --kind ed25519` says."""
    chain = Chain(kind)
    leaf, _ = chain.leaf(kind=kind)
    assert verified_by_cryptography(chain, leaf, verification.DNSName(HOST))
    with pytest.raises(verification.VerificationError):
        verified_by_cryptography(chain, leaf, verification.DNSName("evil.com"))


def test_it_takes_ours_where_it_takes_none_of_trustmes() -> None:
    """It puts a critical list of names beside a subject; once it does not, strike this."""
    import trustme

    theirs = trustme.CA(key_type=trustme.KeyType.ECDSA)
    issued = theirs.issue_cert(HOST, key_type=trustme.KeyType.ECDSA)
    root, leaf = (x509.load_pem_x509_certificate(one.bytes()) for one in (theirs.cert_pem, issued.cert_chain_pems[0]))
    subject = verification.DNSName(HOST)
    verifier = verification.PolicyBuilder().store(verification.Store([root])).build_server_verifier(subject)
    with pytest.raises(verification.VerificationError, match="subjectAltName"):
        verifier.verify(leaf, [])
    ours = TestingAuthority()
    issued_here = ours.issue("localhost")
    builder = verification.PolicyBuilder().store(verification.Store([ours.root.raw]))
    verifier = builder.build_server_verifier(verification.DNSName("localhost"))
    assert verifier.verify(issued_here.certificate.raw, [one.raw for one in issued_here.chain])


JAVA = """
import java.io.*; import java.security.cert.*; import java.util.*;
public class Verify { public static void main(String[] files) throws Exception {
  var factory = CertificateFactory.getInstance("X.509");
  var root = (X509Certificate) factory.generateCertificate(new FileInputStream(files[0]));
  var path = factory.generateCertPath(new ArrayList<>(factory.generateCertificates(new FileInputStream(files[1]))));
  var parameters = new PKIXParameters(Set.of(new TrustAnchor(root, null)));
  parameters.setRevocationEnabled(false);
  CertPathValidator.getInstance("PKIX").validate(path, parameters);
  System.out.println("valid");
} }
"""


def test_java_verifies_it_and_the_intermediates_constraints(plain: Chain, tmp_path: Path) -> None:
    """Java does not look at a root's constraints: they stand on the intermediate, too."""
    require_programs("java", "javac")
    good, bad = put(plain, tmp_path / "good"), plain.write(tmp_path / "bad", foreign(plain, "evil.com"))
    (tmp_path / "Verify.java").write_text(JAVA)
    assert run("javac", "Verify.java", cwd=tmp_path).returncode == 0
    command = ("java", "-XX:TieredStopAtLevel=1", "-cp", str(tmp_path), "Verify", "root.pem", "chain.pem")
    assert run(*command, cwd=good).stdout == "valid\n"
    refused = run(*command, cwd=bad)
    assert refused.returncode != 0
    assert "name constraints check failed" in refused.stderr


def test_spiffe_takes_its_identity(plain: Chain, tmp_path: Path) -> None:
    """One URI, in a chain that py-spiffe reads."""
    from spiffe import X509Svid

    leaf, key = plain.leaf("spiffe://internal.test/orders", "orders.internal.test", profile="peer")
    folder = plain.write(tmp_path, leaf, key)
    svid = X509Svid.parse((folder / "chain.pem").read_bytes(), bytes(key.pem()))
    assert str(svid.spiffe_id) == "spiffe://internal.test/orders"


def test_python_verifies_strictly(chain: Chain, tmp_path: Path) -> None:
    """A handshake in memory with what Python 3.13 does by default."""
    folder = put(chain, tmp_path)
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context(cafile=folder / "root.pem")
    server.load_cert_chain(folder / "service.pem")
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    shake_hands(server, client, HOST)
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        shake_hands(server, client, "evil.com")


def shake_hands(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> None:
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [client.wrap_bio(back, there, server_hostname=name), server.wrap_bio(there, back, server_side=True)]
    while sides:
        for side in list(sides):
            try:
                side.do_handshake()
                sides.remove(side)
            except ssl.SSLWantReadError:
                continue
