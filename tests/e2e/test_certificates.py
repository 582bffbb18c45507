"""`strongroom ca`: from an empty vault to servers that curl and others verify."""

from __future__ import annotations

import json
import ssl
import stat
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

import strongroom
from strongroom.crypto.x509.certificates import load_pem_certificates
from tests.certificates import openssl, run, vault_with_authority
from tests.e2e.conftest import Machine
from tests.peers import require_programs
from tests.tls_servers import curl, server


@pytest.fixture
def authority(machine: Machine) -> Machine:
    """A machine whose vault has an authority, and whose home holds its root and its intermediate."""
    with vault_with_authority(machine):
        return machine


def issue(machine: Machine, *words: str) -> Path:
    done = machine.run("ca", "issue", *words, "--out", "service.pem")
    assert (done.code, done.out) == (0, b""), done
    return machine.home / "service.pem"


def test_an_authority_is_made_by_one_command(keyed: Machine) -> None:
    """Its root is kept in the vault, which is said; what it may issue for is what was named."""
    done = keyed.run("ca", "init", "--permit", "internal.test", "--permit", "localhost", "--permit", "127.0.0.1")
    assert (done.code, done.out) == (0, b""), done
    assert "the root's key is in this vault too" in done.err
    for form in ("root", "chain"):
        assert keyed.run("ca", "export", f"--{form}", "--out", f"{form}.pem").code == 0
    root, chain = (load_pem_certificates((keyed.home / f"{form}.pem").read_bytes())[0] for form in ("root", "chain"))
    chain.check_signed_by(root)
    assert root.constraints.spelled() == ["internal.test", "localhost", "127.0.0.1/32"]


def test_the_file_holds_key_leaf_and_intermediate(authority: Machine) -> None:
    """In this order, without the root."""
    text = issue(authority, "web.internal.test").read_text()
    assert [line for line in text.splitlines() if line.startswith("-----BEGIN")] == [
        "-----BEGIN PRIVATE KEY-----", "-----BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATE-----",
    ]  # fmt: skip
    assert (authority.home / "root.pem").read_text() not in text


def test_a_file_that_exists_stays(authority: Machine) -> None:
    """Unless it was said otherwise; and what was not written was not issued either."""
    before = issue(authority, "web.internal.test").read_bytes()
    again = authority.run("ca", "issue", "web.internal.test", "--out", "service.pem")
    assert again.code == 10
    assert (authority.home / "service.pem").read_bytes() == before
    assert len(json.loads(authority.run("ca", "list", "--json").text)) == 1
    assert authority.run("ca", "issue", "web.internal.test", "--out", "service.pem", "--force").code == 0
    assert (authority.home / "service.pem").read_bytes() != before


def test_what_was_issued_is_in_the_list_and_in_the_audit_log(authority: Machine) -> None:
    """The record is written before the certificate leaves."""
    issue(authority, "web.internal.test")
    (listed,) = json.loads(authority.run("ca", "list", "--json").text)
    assert (listed["names"], listed["profile"], listed["revoked"]) == (["web.internal.test"], "server", None)
    assert "web.internal.test" in authority.run("ca", "list", "--expiring", "8d").text
    assert authority.run("ca", "list", "--expiring", "6d").out == b""
    with strongroom.open(str(authority.vault), key_file=str(authority.key), use_agent=False) as vault:
        core = vault._core
        with core.reading() as rows:
            (entry,) = list(core.audit.walk(rows))[-1:]
            assert [one.path for one in core.audit.open(entry)[0].touched][-1] == f"@ca/issued/{listed['serial']}"
    assert authority.run("verify").code == 0
    assert "@ca" not in authority.run("ls", "-r").text


def test_the_doctor_looks_at_the_authority(authority: Machine) -> None:
    """A remark is no failure."""
    done = authority.run("ca", "doctor")
    assert (done.code, done.err) == (0, ""), done
    assert done.text.startswith("remark: root: the root's key is in this vault")
    (found,) = json.loads(authority.run("ca", "doctor", "--json").text)["findings"]
    assert (found["about"], found["serious"]) == ("root", False)


REFUSED = {
    "ca issue evil.com --out x": (5, "may not issue for evil.com"),
    "ca issue 10.0.0.1 --out x": (5, "may not issue for 10.0.0.1"),
    "ca issue *.com --out x": (2, "wildcard below a single label"),
    "ca issue Web.internal.test --out x": (2, "no DNS name"),
    "ca issue --out x": (2, "needs NAME"),
    "ca issue web.internal.test": (2, "--out FILE"),
    "ca issue web.internal.test --out x --for 400d": (2, "397 days"),
    "ca issue web.internal.test --csr nothing": (4, "no certificate request at nothing"),
    "ca issue web.internal.test --csr root.pem": (7, "no certificate request"),
    "ca issue web.internal.test --out x --permit y": (2, "takes no --permit"),
    "ca issue web.internal.test --out nowhere/x": (4, "nowhere"),
    "ca init": (10, "has a certificate authority"),
    "ca list --for 7d": (2, "takes no --for"),
    "ca export all": (2, "takes no more"),
    "ca export --pkcs12 root.pem": (2, "needs --out FILE"),
    "ca export --pkcs12 root.pem --out x": (6, "no private key"),
    "ca export --bundle --der": (2, "bundle is text"),
    "ca renew nothing": (4, "no certificate at nothing"),
    "ca renew root.pem": (4, "no certificate"),
    "ca renew intermediate --for 1d": (2, "--root-key-file and nothing else"),
    "ca revoke 12": (4, "no certificate 0000000000000000000000000000000000000012"),
    "ca revoke ../../x": (4, "no certificate given"),
    "ca crl --reason superseded": (2, "takes no --reason"),
    "ca burn": (2, "ca has no such action"),
}


# The commands one after the other in one process: to start one for each would take most of the time.
AT_ONCE = """
import json, os, sys
from strongroom.doors.cli.running import run
answers, out, err = [], os.memfd_create("out"), os.memfd_create("err")
real = os.dup(1)
os.dup2(out, 1), os.dup2(err, 2)
for words in json.loads(sys.argv[1]):
    code, said = run(words), []
    for one in (out, err):
        said.append(os.pread(one, 100_000, 0).decode())
        os.ftruncate(one, 0), os.lseek(one, 0, os.SEEK_SET)
    answers.append((code, *said))
os.write(real, json.dumps(answers).encode())
"""


def test_what_cannot_be_is_refused(authority: Machine) -> None:
    """Each with its exit code and a sentence, and nothing is written."""
    commands = [line.split() for line in REFUSED]
    done = run(
        sys.executable, "-c", AT_ONCE, json.dumps(commands), cwd=authority.home, **authority.full_environment(None)
    )
    assert done.returncode == 0, done.stderr
    for (line, (code, words)), said in zip(REFUSED.items(), json.loads(done.stdout), strict=True):
        assert (said[0], words in said[2], said[1]) == (code, True, ""), (line, said)
    assert not (authority.home / "x").exists()
    assert authority.run("ca", "list").out == b""


def test_without_an_authority_the_next_step_is_named(keyed: Machine) -> None:
    """For whoever asks first."""
    for line in ("ca issue a.test --out x", "ca export --root", "ca doctor"):
        done = keyed.run(*line.split())
        assert (done.code, "strongroom ca init" in done.err) == (4, True), line


def test_the_roots_key_can_be_kept_apart(keyed: Machine) -> None:
    """In a file that is the only place where it is, for nobody else to read."""
    done = keyed.run("ca", "init", "--permit", "internal.test", "--root-key-file", "root.key")
    assert (done.code, "keep it offline" in done.err) == (0, True), done
    file = keyed.home / "root.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o400
    assert "PRIVATE KEY" in file.read_text()
    assert issue(keyed, "web.internal.test").exists()


@pytest.mark.parametrize(("answer", "words"), [("~/offline.key", "keep it offline"), ("", "is in this vault too")])
def test_a_person_is_asked_where_the_roots_key_shall_be(keyed: Machine, answer: str, words: str) -> None:
    """An empty answer is the vault; with --yes nobody is asked."""
    with keyed.at_terminal("ca", "init", "--permit", "internal.test") as person:
        assert person.sees("kept offline (empty: keep it in the vault): ").types(answer).sees(words).ends() == 0
    assert (keyed.home / "offline.key").exists() == bool(answer)
    with keyed.at_terminal("ca", "init", "--yes") as person:
        assert person.sees("has a certificate authority").ends() == 10


def test_a_request_is_certified_without_its_key(authority: Machine) -> None:
    """What openssl asks for, it gets; what it asks for beyond the names, it does not."""
    require_programs("openssl")

    def request(name: str) -> str:
        run(
            "openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "k",
            "-subj", "/CN=web.internal.test", "-addext", f"subjectAltName=DNS:{name}", "-out", "csr",
            cwd=authority.home,
        )  # fmt: skip
        return "csr"

    done = authority.run("ca", "issue", "web.internal.test", "--csr", request("web.internal.test"))
    assert done.code == 0, done
    assert done.text.startswith("-----BEGIN CERTIFICATE-----")
    assert "PRIVATE" not in done.text
    (authority.home / "leaf.pem").write_text(done.text)
    assert openssl(authority.home, "-verify_hostname", "web.internal.test").returncode == 0
    refused = authority.run("ca", "issue", "web.internal.test", "--csr", request("admin.internal.test"))
    assert (refused.code, refused.out) == (5, b"")


def test_a_file_is_renewed_in_place(authority: Machine) -> None:
    """A new key for the same names, in one step; not before it is due; never with somebody else's key."""
    file = issue(authority, "web.internal.test", "127.0.0.1", "--for", "3d")
    before = file.read_bytes()
    early = authority.run("ca", "renew", "service.pem", "--expiring", "2d")
    assert (early.code, "nothing to do" in early.err, file.read_bytes()) == (0, True, before)
    assert authority.run("ca", "renew", "service.pem", "--expiring", "4d").code == 0
    assert file.read_bytes() != before
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_bytes().split(b"-----END PRIVATE")[0] != before.split(b"-----END PRIVATE")[0]
    assert openssl(authority.home, "-verify_ip", "127.0.0.1", leaf="service.pem").returncode == 0
    listed = json.loads(authority.run("ca", "list", "--json").text)
    assert [one["names"] for one in listed] == [["web.internal.test", "127.0.0.1"]] * 2
    mark = b"-----BEGIN CERT"
    file.write_bytes(before.split(mark)[0] + mark + file.read_bytes().split(mark, 1)[1])
    refused = authority.run("ca", "renew", "service.pem")
    assert (refused.code, "not the key" in refused.err) == (5, True), refused
    file.chmod(0o644)
    assert authority.run("ca", "renew", "service.pem").code == 9


@pytest.mark.parametrize(("program", "signal"), [("nginx", "HUP"), ("haproxy", "USR2")])
def test_a_watched_file_is_renewed_and_the_server_told(
    program: str, signal: str, machine: Machine, tmp_path: Path
) -> None:
    """It serves the new certificate after its reload, without a restart."""
    require_programs(program, "curl")
    with vault_with_authority(machine, ago=timedelta(minutes=50)) as vault:
        # It is in the last third of its life, which lasts for minutes: however slow this machine is, it is good yet.
        issued = vault.ca.issue("localhost", lifetime=timedelta(hours=1))
        (machine.home / "service.pem").touch(mode=0o600)
        (machine.home / "service.pem").write_bytes(issued.pem())
    serial = issued.certificate.serial
    with server(program, tmp_path, machine.home / "service.pem", reloads=True) as port:
        assert curl(machine.home, "localhost", port).stdout == "served"
        assert _served_serial(port) == serial
        told = f"sh -c 'kill -{signal} $(cat {tmp_path}/{program}.pid)'"
        words = ["ca", "issue", "localhost", "--out", "service.pem", "--watch", "--exec", told]
        watcher = subprocess.Popen(
            [sys.executable, "-m", "strongroom", *words], env=machine.full_environment(None), cwd=machine.home
        )
        try:
            deadline = time.monotonic() + 60
            while _served_serial(port) == serial:
                assert time.monotonic() < deadline, "the old certificate is served still"
                assert watcher.poll() is None
                time.sleep(0.1)
            assert curl(machine.home, "localhost", port).stdout == "served"
        finally:
            watcher.terminate()
            watcher.wait()


def _served_serial(port: int) -> str:
    pem = ssl.get_server_certificate(("127.0.0.1", port))
    return f"{x509.load_pem_x509_certificate(pem.encode()).serial_number:040x}"


def test_a_command_is_run_behind_each_certificate(authority: Machine) -> None:
    """Its exit code is the command's; a command that cannot be is refused before anything is issued."""
    issued = ("ca", "issue", "localhost", "--force", "--out", "service.pem")
    assert authority.run(*issued, "--exec", "sh -c 'exit 7'").code == 7
    assert authority.run("ca", "renew", "service.pem", "--exec", "touch 'a file'").code == 0
    assert (authority.home / "a file").exists()
    assert authority.run(*issued, "--exec", "no-such-program").code == 127
    count = len(authority.run("ca", "list").text.splitlines())
    for command in ("'", ""):
        assert authority.run(*issued, "--exec", command).code == 2
    for more in (("--out", "-"), ("--csr", "root.pem")):
        assert authority.run("ca", "issue", "localhost", "--watch", *more).code == 2
    other = authority.run("ca", "issue", "web.internal.test", "--out", "service.pem", "--watch")
    assert (other.code, "something else" in other.err) == (10, True)
    assert len(authority.run("ca", "list").text.splitlines()) == count


def test_a_revoked_certificate_is_refused_by_who_looks(authority: Machine) -> None:
    """openssl with the list; and it is not renewed."""
    require_programs("openssl")
    issue(authority, "web.internal.test")
    assert authority.run("ca", "crl", "--out", "crl.pem").code == 0
    check = ("-crl_check", "-CRLfile", "crl.pem")
    assert openssl(authority.home, *check, leaf="service.pem").returncode == 0
    assert authority.run("ca", "revoke", "service.pem", "--reason", "key-compromise").code == 0
    again = authority.run("ca", "revoke", "service.pem")
    assert (again.code, "was revoked at" in again.err) == (10, True)
    assert authority.run("ca", "renew", "service.pem").code == 5
    assert authority.run("ca", "crl", "--out", "crl.pem", "--force").code == 0
    assert "certificate revoked" in openssl(authority.home, *check, leaf="service.pem").stderr
    shown = run("openssl", "crl", "-in", "crl.pem", "-noout", "-text", cwd=authority.home).stdout
    assert "Key Compromise" in shown
    (listed,) = json.loads(authority.run("ca", "list", "--json").text)
    assert listed["reason"] == "key-compromise"


def test_the_intermediate_is_renewed_and_what_it_signed_stays_good(keyed: Machine) -> None:
    """With the root's key from its file, and with no other."""
    require_programs("openssl")
    assert keyed.run("ca", "init", "--permit", "internal.test", "--root-key-file", "root.key").code == 0
    issue(keyed, "web.internal.test")
    missing = keyed.run("ca", "renew", "intermediate")
    assert (missing.code, "--root-key-file FILE" in missing.err) == (4, True)
    assert keyed.run("ca", "renew", "intermediate", "--root-key-file", "service.pem").code == 6
    assert keyed.run("ca", "renew", "intermediate", "--root-key-file", "root.key").code == 0
    assert keyed.run("ca", "export", "--root", "--out", "root.pem").code == 0
    assert keyed.run("ca", "export", "--chain", "--out", "intermediate.pem").code == 0
    assert openssl(keyed.home, leaf="service.pem").returncode == 0
    assert (keyed.home / "intermediate.pem").read_text() not in (keyed.home / "service.pem").read_text()


def test_pkcs12_is_encrypted_under_a_password_of_its_own(authority: Machine) -> None:
    """openssl and Java read it with the password that was printed, and with no other."""
    require_programs("openssl", "keytool")
    issue(authority, "web.internal.test")
    done = authority.run("ca", "export", "--pkcs12", "service.pem", "--out", "service.p12")
    assert (done.code, len(done.text)) == (0, 32), done
    assert stat.S_IMODE((authority.home / "service.p12").stat().st_mode) == 0o600
    read = ("openssl", "pkcs12", "-in", "service.p12", "-info", "-noout", "-passin", "env:P")
    good = run(*read, cwd=authority.home, P=done.text)
    assert (good.returncode, "AES-256-CBC" in good.stderr, "MAC: sha256" in good.stderr) == (0, True, True), good.stderr
    assert run(*read, cwd=authority.home, P="changeit").returncode != 0
    listed = run("keytool", "-list", "-keystore", "service.p12", "-storepass:env", "P", cwd=authority.home, P=done.text)
    assert "PrivateKeyEntry" in listed.stdout


def test_a_bundle_is_what_the_system_trusts_and_the_root(authority: Machine) -> None:
    """For variables that take one file for everything."""
    done = authority.run("ca", "export", "--bundle")
    assert done.code == 0, done
    assert done.text.endswith((authority.home / "root.pem").read_text())
    assert done.text.count("BEGIN CERTIFICATE") > 50
    der = authority.run("ca", "export", "--root", "--der").out
    assert der[:1] == b"\x30"


THROUGH_AGENT = """
import socket, threading, strongroom
with strongroom.open() as vault:
    server, client = vault.tls("localhost", require_client=True), vault.tls_client("spiffe://internal.test/orders")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def serve():
            with server.wrap_socket(listener.accept()[0], server_side=True) as one:
                one.sendall(one.getpeercert()["subjectAltName"][0][1].encode())
        thread = threading.Thread(target=serve)
        thread.start()
        with client.wrap_socket(socket.create_connection(listener.getsockname()), server_hostname="localhost") as one:
            print(type(vault).__name__, one.recv(100).decode(), end="")
        thread.join()
"""


def test_a_program_serves_with_certificates_that_it_gets_through_the_agent(authority: Machine) -> None:
    """Without a key file of its own; both sides verify each other."""
    assert authority.run("unlock").code == 0
    environment = authority.full_environment(
        {name: value for name, value in authority.environment.items() if name != "STRONGROOM_KEY_FILE"}
    )
    try:
        done = subprocess.run(
            [sys.executable, "-c", THROUGH_AGENT], env=environment, capture_output=True, text=True, timeout=60
        )
        assert (done.stdout, done.stderr) == ("RemoteVault spiffe://internal.test/orders", "")
    finally:
        assert authority.run("agent", "stop").code == 0


def test_ed25519_is_issued_with_a_warning(keyed: Machine) -> None:
    """That names who refuses it."""
    done = keyed.run("ca", "init", "--permit", "internal.test", "--kind", "ed25519")
    assert (done.code, "browsers (NSS)" in done.err) == (0, True), done
