"""The fixtures for verified TLS, and that they notice a client that does not verify."""

from __future__ import annotations

import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

import pytest

from strongroom.testing.certificates import TestingAuthority
from strongroom.testing.https import BODY, HttpsServer, assert_client_verifies
from tests.patience import undisturbed

SUITE = '''
import ssl
from urllib.request import urlopen
import pytest
from strongroom.testing.tls import HttpsServer, assert_client_verifies

def test_a_page(https_server, tls_client_context):
    assert b"strongroom" in urlopen(https_server.url, context=tls_client_context).read()

def test_a_root_in_a_file(https_server, tls_root_file):
    assert urlopen(https_server.url, context=ssl.create_default_context(cafile=tls_root_file)).status == 200

@pytest.mark.parametrize("name", ["expired_certificate", "wrong_host_certificate", "revoked_certificate"])
def test_what_is_bad(name, tls_ca, request):
    bad = request.getfixturevalue(name)
    with HttpsServer(tls_ca.server_context(bad)) as server, pytest.raises(OSError, match="certificate verify failed"):
        urlopen(server.url, context=tls_ca.client_context())

def test_both_sides(mtls_pair, tls_client_context):
    with HttpsServer(mtls_pair.server) as server:
        assert urlopen(server.url, context=mtls_pair.client).status == 200
        with pytest.raises(OSError):
            urlopen(server.url, context=tls_client_context).read()

def test_verification_is_on(tls_ca):
    assert_client_verifies(lambda url: urlopen(url, context=tls_ca.client_context()), tls_ca, revocation=True)
'''


def test_a_suite_with_the_plugin_passes(tmp_path: Path) -> None:
    """One line in a conftest.py, and every fixture does what it says; warnings are errors."""
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["strongroom.testing.tls"]\n')
    (tmp_path / "test_suite.py").write_text(SUITE)
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "-p", "no:randomly", "."]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout
    assert "7 passed" in done.stdout


@pytest.fixture(scope="module")
def authority() -> TestingAuthority:
    return TestingAuthority()


def lax(check_hostname: bool, verify: ssl.VerifyMode, flags: int = 0) -> Callable[[TestingAuthority], ssl.SSLContext]:
    def make(authority: TestingAuthority) -> ssl.SSLContext:
        context = authority.client_context(check_revoked=False)
        context.check_hostname = check_hostname
        context.verify_mode = verify
        return context

    return make


LAX = {
    "verification off": (lax(False, ssl.CERT_NONE), False, "ended weeks ago"),
    "the host's name not looked at": (lax(False, ssl.CERT_REQUIRED), False, "of another host"),
    "revocation not looked at": (lax(True, ssl.CERT_REQUIRED), True, "that was revoked"),
}


@pytest.mark.parametrize("case", LAX)
def test_a_client_that_does_not_verify_is_found(case: str, authority: TestingAuthority) -> None:
    """The message names what it took."""
    make, revocation, words = LAX[case]
    context = make(authority)
    with pytest.raises(AssertionError, match=words):
        assert_client_verifies(lambda url: urlopen(url, context=context).read(), authority, revocation=revocation)


def test_a_client_that_reaches_nothing_is_found(authority: TestingAuthority) -> None:
    """It would refuse every bad certificate, too."""
    with pytest.raises(AssertionError, match="does not reach"):
        assert_client_verifies(lambda url: urlopen(url), authority)


def test_a_client_that_does_nothing_is_found(authority: TestingAuthority) -> None:
    """It refuses nothing."""
    with pytest.raises(AssertionError, match="does not verify"):
        assert_client_verifies(lambda url: None, authority)


def test_a_page_is_served(authority: TestingAuthority) -> None:
    """Again and again, to whoever comes."""
    context = authority.client_context()
    with HttpsServer(authority.server_context()) as server:
        for _ in range(3):
            assert urlopen(server.url, context=context).read() == BODY


def test_a_certificate_takes_less_than_a_millisecond(authority: TestingAuthority) -> None:
    """The best of many rounds: other processes may be at work."""

    def seconds() -> float:
        begun = time.thread_time()
        for _ in range(5):
            authority.issue()
        return (time.thread_time() - begun) / 5

    undisturbed(seconds, lambda found: found < 0.001, attempts=200)
