"""`strongroom ca trust`: the machine's own store and browsers, in a mount namespace where those are copies."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.certificates import Chain, environment
from tests.e2e.conftest import PATIENCE_SECONDS, Done, Machine
from tests.e2e.test_certificates import AT_ONCE, authority, issue
from tests.peers import require, require_programs
from tests.tls_servers import server

__all__ = ["authority"]

BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
# What `ca trust install` changes is a copy here, and for speed it holds few of the public roots. Hooks are left out:
# Java's speaks to dpkg.
PREPARED = """
set -e
mount --make-rprivate /
cd "$1"
mkdir certs local hooks
cp -a /usr/local/share/ca-certificates/. local
grep '^[a-z]' /etc/ca-certificates.conf | head -n 2 > settings
mount --bind certs /etc/ssl/certs
mount --bind local /usr/local/share/ca-certificates
mount --bind hooks /etc/ca-certificates/update.d
mount --bind settings /etc/ca-certificates.conf
update-ca-certificates > /dev/null
echo ready
exec cat
"""
URLLIB = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1]).read().decode(), end='')"


class World:
    """A machine whose trust is its own: commands run in it, and the real one never hears of them."""

    def __init__(self, machine: Machine, folder: Path) -> None:
        require_programs("unshare", "nsenter", "update-ca-certificates", "certutil", "curl", "openssl", "nginx")
        self.machine = machine
        folder.mkdir()
        command = ["unshare", "--mount", "sh", "-c", PREPARED, "sh", str(folder)]
        self._holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._holder.stdout is not None
        require(self._holder.stdout.readline() == b"ready\n", "no mount namespace can be made here")
        self._enter = ["nsenter", f"--mount=/proc/{self._holder.pid}/ns/mnt", f"--wd={machine.home}", "--"]

    def close(self) -> None:
        self._holder.communicate()

    def run(self, *command: str, **more: str) -> Done:
        """Any program, without what would name other roots to it."""
        variables = environment(HOME=str(self.machine.home), **more)
        done = subprocess.run([*self._enter, *command], capture_output=True, env=variables, timeout=PATIENCE_SECONDS)
        return Done(done.returncode, done.stdout, done.stderr.decode())

    def strongroom(self, *words: str) -> Done:
        return self._python("-m", "strongroom", *words)

    def at_once(self, lines: Iterable[str]) -> list[tuple[int, str, str]]:
        """Exit code, standard output and error of each."""
        done = self._python("-c", AT_ONCE, json.dumps([line.split() for line in lines]))
        assert done.code == 0, done
        return [(code, out, err) for code, out, err in json.loads(done.out)]

    def _python(self, *words: str) -> Done:
        command = [*self._enter, sys.executable, *words]
        variables = self.machine.full_environment(self.machine.environment | {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
        done = subprocess.run(
            command, capture_output=True, env=variables, stdin=subprocess.DEVNULL, timeout=PATIENCE_SECONDS
        )
        return Done(done.returncode, done.stdout, done.stderr.decode())

    def database(self, place: str) -> Path:
        """An NSS database in this home, as a browser makes it."""
        folder = self.machine.home / place
        folder.mkdir(parents=True)
        assert self.run("certutil", "-N", "-d", f"sql:{folder}", "--empty-password").code == 0
        return folder


@pytest.fixture
def world(authority: Machine, tmp_path: Path) -> Iterator[World]:
    """With a vault that has an authority."""
    made = World(authority, tmp_path / "world")
    yield made
    made.close()


def test_plain_programs_trust_the_machine_and_then_no_longer(world: World, tmp_path: Path) -> None:
    """curl, openssl and Python's urllib, each without a word about roots; a browser's database, too."""
    real, before = BUNDLE.read_bytes(), world.run("cat", str(BUNDLE)).out
    databases = [world.database(place) for place in (".pki/nssdb", ".mozilla/firefox/x.default")]
    file = issue(world.machine, "localhost", "127.0.0.1")
    with server("nginx", tmp_path, file) as port:

        def verdicts() -> list[bool]:
            url = f"https://localhost:{port}/"
            served = [world.run("curl", "-sS", url), world.run(sys.executable, "-c", URLLIB, url)]
            handshake = world.run(
                "openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-verify_hostname", "localhost", "-brief",
                "-verify_return_error",
            )  # fmt: skip
            return [*(one.out == b"served" for one in served), "Verification: OK" in handshake.err]

        assert world.strongroom("ca", "trust", "status").code == 4
        assert verdicts() == [False, False, False]
        done = world.strongroom("ca", "trust", "install")
        assert (done.code, done.out, done.err.count("installed: strongroom root")) == (0, b"", 3), done
        assert "speaks for internal.test, localhost, 127.0.0.1/32, and for nobody else" in done.err
        assert verdicts() == [True, True, True]
        again = json.loads(world.strongroom("ca", "trust", "install", "--json").text)
        assert [one["result"] for one in again["stores"]] == ["there already"] * 3
        found = json.loads(world.strongroom("ca", "trust", "status", "--json").text)
        assert [(one["store"], one["state"]) for one in found] == [("system", "trusted")] + [("nss", "trusted")] * 2
        assert {one["fingerprint"] for one in found} == {again["fingerprint"]}
        for database in databases:
            assert "strongroom " in world.run("certutil", "-L", "-d", f"sql:{database}").text
        done = world.strongroom("ca", "trust", "remove")
        assert (done.code, done.err.count("removed: strongroom root")) == (0, 3), done
        assert verdicts() == [False, False, False]
    assert world.strongroom("ca", "trust", "remove").err.count("not there: strongroom root") == 3
    assert (world.run("cat", str(BUNDLE)).out, BUNDLE.read_bytes()) == (before, real)


def test_a_stale_root_is_told_and_removed_by_its_fingerprint(world: World) -> None:
    """Another authority's, installed from its file; status names the command, which works as it stands."""
    world.database(".pki/nssdb")
    other = Chain().root
    (world.machine.home / "old.pem").write_bytes(other.pem())
    assert world.strongroom("ca", "trust", "install", "old.pem").code == 0
    done = world.strongroom("ca", "trust", "status")
    rows = sorted(tuple(line.split()[:2]) for line in done.text.splitlines())
    mark = other.fingerprint[:16]
    assert rows == [("nss", "absent"), ("nss", "other"), ("system", "absent"), ("system", "other")]
    assert (done.code, f"hint: strongroom ca trust remove {mark}\n" in done.err) == (4, True), done
    # Where there is no vault, what lies there is nobody else's.
    elsewhere = world.strongroom("ca", "trust", "--vault", "nowhere.db")
    assert (elsewhere.code, elsewhere.text.count("trusted")) == (0, 2), elsewhere
    assert world.strongroom("ca", "trust", "remove", mark).code == 0
    assert world.strongroom("ca", "trust", "remove", mark).code == 4
    assert "other" not in world.strongroom("ca", "trust", "status").text


def test_what_is_refused_is_in_no_store(world: World) -> None:
    """Each with its exit code and a sentence."""
    home = world.machine.home
    world.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
              "k", "-subj", "/CN=everybody", "-out", "free.pem")  # fmt: skip
    (home / "two.pem").write_bytes((home / "root.pem").read_bytes() * 2)
    refused = {
        "install free.pem": (5, "with constraints on its names"),
        "install intermediate.pem": (5, "this is no root"),
        "install two.pem": (2, "holds 2 certificates"),
        "install nothing": (4, "there is no certificate at nothing"),
        "install k": (7, "no certificate in this file"),
        "remove 0123456789abcdef": (4, "no root of strongroom with the fingerprint"),
        "install --store nss": (4, "no trust store here"),
        "install --for 7d": (2, "takes no --for"),
        "burn": (2, "install, remove or status"),
        "install root.pem twice": (2, "takes no more"),
    }
    said = world.at_once(f"ca trust {line}" for line in refused)
    for (line, (code, words)), done in zip(refused.items(), said, strict=True):
        assert (done[0], words in done[2], done[1]) == (code, True, ""), (line, done)
    assert world.run("sh", "-c", "ls /usr/local/share/ca-certificates/strongroom-*").code != 0


def test_without_the_right_to_the_system_the_browsers_are_done(world: World) -> None:
    """And it is said what root does; here the system's directory cannot be written at all."""
    world.database(".pki/nssdb")
    assert world.run("mount", "-o", "remount,bind,ro", "/usr/local/share/ca-certificates").code == 0
    done = world.strongroom("ca", "trust", "install")
    assert (done.code, "only root may change what the system trusts" in done.err) == (5, True), done
    assert "hint: as root: strongroom ca trust install root.pem\n" in done.err
    assert done.err.count("installed: strongroom root") == 1
    assert world.strongroom("ca", "trust", "install", "--store", "nss").code == 0
    assert world.strongroom("ca", "trust", "status", "--store", "nss").code == 0
    assert world.strongroom("ca", "trust", "status").code == 4
    (world.machine.home / ".pki/nssdb/cert9.db").write_text("damaged")
    damaged = world.strongroom("ca", "trust", "status")
    assert (damaged.code, damaged.text.split()[:2]) == (15, ["system", "absent"]), damaged
    assert "certutil cannot use" in damaged.err
