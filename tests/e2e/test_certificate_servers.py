"""One file of `ca issue` in servers as it is; and contexts of the vault's in gunicorn and Twisted."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.crypto.x509.tls import client_context
from strongroom.testing.certificates import TestingAuthority
from tests.certificates import free_port, openssl, run, vault_with_authority, wait_for_port
from tests.e2e.conftest import Machine
from tests.interop.test_tls_servers import shown
from tests.peers import require_programs
from tests.tls_servers import curl, server

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "tls"
NAMES = ("web.internal.test", "localhost", "127.0.0.1")
NODE = "fetch(process.argv[1]).then(async r => console.log(await r.text()), e => { console.log(e.cause.code); })"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A machine with an authority, and service.pem in its home."""
    machine = Machine(tmp_path_factory.mktemp("served"))
    with vault_with_authority(machine) as vault:
        (machine.home / "service.pem").write_bytes(vault.ca.issue(*NAMES).pem())
    return machine


@pytest.mark.parametrize("program", ["nginx", "haproxy", "apache2", "stunnel4", "twist"])
def test_servers_take_the_file_as_it_is(program: str, served: Machine, tmp_path: Path) -> None:
    """curl and node verify what is served, by name and by address, and refuse another name."""
    require_programs("curl", "node", *({program} - {"twist"}))
    with server(program, tmp_path, served.home / "service.pem") as port:
        for name in NAMES:
            assert curl(served.home, name, port).stdout == "served", name
        refused = curl(served.home, "other.internal.test", port)
        assert (refused.returncode, "no alternative certificate subject name" in refused.stderr) == (60, True)
        node = ("node", "-e", NODE, f"https://localhost:{port}/")
        assert run(*node, NODE_EXTRA_CA_CERTS=str(served.home / "root.pem")).stdout == "served\n"
        if program == "nginx":
            assert run(*node).stdout.startswith("UNABLE_TO_")


def test_openssl_takes_it_for_a_servers(served: Machine) -> None:
    """Strictly."""
    require_programs("openssl")
    assert openssl(served.home, "-purpose", "sslserver", leaf="service.pem").returncode == 0


APPLICATION = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"served"]
"""


def start(served: Machine, port: int, *words: str, **more: str) -> subprocess.Popen[bytes]:
    variables = served.full_environment({**served.environment, **more})
    process = subprocess.Popen([sys.executable, *words], env=variables, cwd=served.home, stderr=subprocess.DEVNULL)
    try:
        wait_for_port(port, process)
    except BaseException:
        end(process)
        raise
    return process


def end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait()


@pytest.fixture(scope="module")
def gunicorn(served: Machine) -> Iterator[int]:
    """The example as it stands; its port."""
    (served.home / "application.py").write_text(APPLICATION)
    port = free_port()
    words = ("-m", "gunicorn", "--config", str(EXAMPLES / "gunicorn.conf.py"), "--log-level", "critical", "--workers",
             "2", "application:app")  # fmt: skip
    process = start(served, port, *words, BIND=f"127.0.0.1:{port}")
    yield port
    end(process)


@pytest.fixture(scope="module")
def twisted(served: Machine) -> Iterator[int]:
    """The example as it stands; its port."""
    port = free_port()
    process = start(served, port, str(EXAMPLES / "twisted_server.py"), str(port))
    yield port
    end(process)


@pytest.mark.parametrize("name", ["gunicorn", "twisted"])
def test_a_server_has_its_certificate_from_the_vault(
    name: str, served: Machine, request: pytest.FixtureRequest
) -> None:
    """A strict client verifies it, and what it shows is in the vault; again and again, it is the same one."""
    port = request.getfixturevalue(name)
    with vault_with_authority(served) as vault:
        client = client_context((vault.ca.root,))
        serials = {shown(port, client) for _ in range(4)}
        assert 1 <= len(serials) <= (2 if name == "gunicorn" else 1)
        issued = {int(one.certificate.serial, 16) for one in vault.ca.issued()}
    assert serials <= issued
    assert curl(served.home, "localhost", port).stdout == "served"


def test_a_client_of_twisted_trusts_one_authority(served: Machine, twisted: int) -> None:
    """The vault's, and no other."""
    (served.home / "other.pem").write_bytes(TestingAuthority().root.pem())

    def said(root: str) -> subprocess.CompletedProcess[str]:
        return run(sys.executable, str(EXAMPLES / "twisted_client.py"), str(twisted), root, cwd=served.home)

    assert said("root.pem").stdout == "served"
    refused = said("other.pem")
    assert (refused.returncode == 0, "certificate verify failed" in refused.stderr) == (False, True)


