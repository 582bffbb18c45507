"""Fixtures for tests that use real, verified TLS. In a ``conftest.py``::

    pytest_plugins = ["strongroom.testing.tls"]

One authority in memory serves a whole session. `assert_client_verifies` proves that a
client has verification switched on.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest

from strongroom.testing.certificates import TestingAuthority
from strongroom.testing.https import HttpsServer, assert_client_verifies

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from strongroom.crypto.x509.tls import Context
    from strongroom.vault.authority.issued import IssuedCertificate

__all__ = ["HttpsServer", "TestingAuthority", "assert_client_verifies"]


class MtlsPair(NamedTuple):
    """Two contexts that know each other by their certificates."""

    server: Context
    client: Context


@pytest.fixture(scope="session")
def tls_ca() -> TestingAuthority:
    """The authority that everything else here comes from."""
    return TestingAuthority()


@pytest.fixture(scope="session")
def tls_root_file(tls_ca: TestingAuthority, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the root's certificate, for clients that take a file: ``verify=``, ``--cacert``."""
    path = tmp_path_factory.mktemp("tls") / "root.pem"
    path.write_bytes(tls_ca.root.pem())
    return path


@pytest.fixture
def tls_server_context(tls_ca: TestingAuthority) -> Context:
    """A server's context for localhost, 127.0.0.1 and ::1."""
    return tls_ca.server_context()


@pytest.fixture
def tls_client_context(tls_ca: TestingAuthority) -> Context:
    """A client's context that trusts `tls_ca` alone, and refuses what was revoked before."""
    return tls_ca.client_context()


@pytest.fixture
def https_server(tls_server_context: Context) -> Iterator[HttpsServer]:
    """A server that is running, at its ``url``."""
    with HttpsServer(tls_server_context) as server:
        yield server


@pytest.fixture
def mtls_pair(tls_ca: TestingAuthority) -> MtlsPair:
    """A server's context that asks for certificates, and a client's that has one."""
    own = tls_ca.issue("client.test", profile="client")
    return MtlsPair(tls_ca.server_context(require_client=True), tls_ca.client_context(own))


@pytest.fixture
def expired_certificate(tls_ca: TestingAuthority) -> IssuedCertificate:
    """Ended weeks ago; for `TestingAuthority.server_context`."""
    return tls_ca.expired()


@pytest.fixture
def wrong_host_certificate(tls_ca: TestingAuthority) -> IssuedCertificate:
    """Good, for another host than this one."""
    return tls_ca.issue("another-host.test")


@pytest.fixture
def revoked_certificate(tls_ca: TestingAuthority) -> IssuedCertificate:
    """On the list of clients' contexts that are made after it."""
    return tls_ca.revoked()
