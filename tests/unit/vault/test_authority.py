"""The authority of a vault: what it issues and renews, and contexts that renew themselves."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import socket
import ssl
import threading
import time
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12

from strongroom.crypto.x509 import tls
from strongroom.crypto.x509.bundles import pkcs12
from strongroom.errors import Conflict, Denied, Expired, NotFound, StoreUnavailable, Tampered, WrongKey
from strongroom.items import Field, ReservedPath
from strongroom.keys.slots.key_file import new_key_file
from strongroom.locate.diagnosis.authority import diagnose_authority
from strongroom.stores.memory import MemoryStore
from strongroom.testing.https import HttpsServer
from strongroom.vault.authority.records import INTERMEDIATE, Records
from strongroom.vault.opening import create_vault
from strongroom.vault.vault import Vault

DAY_US = 86_400_000_000
NAMES = ("web.internal.test", "localhost", "127.0.0.1")
PERMIT = ("internal.test", "localhost", "127.0.0.0/8")
PATIENCE_SECONDS = 60


class Clock:
    """The wall clock, and how far a test has moved it."""

    def __init__(self) -> None:
        self.ahead_us = 0

    def __call__(self) -> int:
        return time.time_ns() // 1000 + self.ahead_us


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def vault(clock: Clock) -> Iterator[Vault]:
    """A vault with an authority."""
    with new_vault(clock) as vault:
        vault.ca.create(PERMIT)
        yield vault


def days(count: float) -> int:
    return int(count * DAY_US)


def test_an_authority_is_made_once(vault: Vault) -> None:
    """And is constrained to what it was made for, root and intermediate alike."""
    with pytest.raises(Conflict):
        vault.ca.create(PERMIT)
    for certificate in (vault.ca.root, vault.ca.intermediate):
        assert certificate.constraints.spelled() == list(PERMIT)
    vault.ca.intermediate.check_signed_by(vault.ca.root)
    with pytest.raises(Tampered):
        vault.ca.root.check_signed_by(vault.ca.intermediate)


BAD = (
    {"permit": ()}, {"permit": ("10.0.0.0/8",)}, {"kind": "dsa"},
    {"name": ""}, {"name": "a\n"}, {"name": "a" * 43}, {"name": "ö" * 22}, {"name": "\ud800"},
)  # fmt: skip


@pytest.mark.parametrize("bad", BAD)
def test_what_can_be_no_authority_is_refused(bad: dict[str, object], clock: Clock) -> None:
    """And nothing is stored."""
    with new_vault(clock) as vault:
        with pytest.raises(ValueError):
            vault.ca.create(**bad)  # type: ignore[arg-type]
        with pytest.raises(NotFound):
            assert vault.ca.root
        vault.ca.create(PERMIT)


@pytest.mark.parametrize("name", ["a" * 42, "ö" * 21])
def test_the_longest_name_is_one(name: str, clock: Clock) -> None:
    """Of both, and the intermediate's is the longer one: RFC 5280 has room for 64."""
    with new_vault(clock) as vault:
        assert vault.ca.create(PERMIT, name=name).subject.startswith(f"{name} root ")
        assert len(vault.ca.intermediate.subject.encode()) == 64
        assert vault.ca.issue("localhost").certificate.names


def test_there_is_never_half_an_authority(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails behind the root's record takes that back: else nothing could be issued, nor an authority be made."""
    put = Records.add_authority

    def broken(self: Records, path: ReservedPath, *given: Any, **more: Any) -> None:
        if path == INTERMEDIATE:
            raise StoreUnavailable("the disk is full")
        put(self, path, *given, **more)

    with new_vault(clock) as vault:
        with monkeypatch.context() as patched:
            patched.setattr(Records, "add_authority", broken)
            with pytest.raises(StoreUnavailable):
                vault.ca.create(PERMIT)
        vault.ca.create(PERMIT)
        assert vault.ca.issue("localhost").certificate.names


def test_a_root_key_kept_apart_is_nowhere_else(clock: Clock) -> None:
    """It is handed over before anything is stored, and wiped after."""
    kept: list[bytearray] = []
    taken: list[bytes] = []

    def keep(pem: bytearray) -> None:
        kept.append(pem)
        taken.append(bytes(pem))

    with new_vault(clock) as vault:
        vault.ca.create(PERMIT, keep_root_key=keep)
        assert taken[-1].startswith(b"-----BEGIN PRIVATE KEY-----")
        assert kept[0] == bytes(len(kept[0]))
        assert "key" not in vault.get(ReservedPath("@ca/root"))
        assert vault.ca.issue("localhost").certificate.names

    def broken(_pem: bytearray) -> None:
        raise OSError("no such place")

    with new_vault(clock) as vault:
        with pytest.raises(OSError, match="no such place"):
            vault.ca.create(PERMIT, keep_root_key=broken)
        with pytest.raises(NotFound):
            assert vault.ca.root


def test_nobody_lives_longer_than_who_signed(vault: Vault, clock: Clock) -> None:
    """What was asked for is refused with numbers; the usual is cut short; after the end there is nothing."""
    end = vault.ca.intermediate.not_after
    clock.ahead_us = days(1092)
    issued = vault.ca.issue("localhost").certificate
    assert issued.not_after == end
    with pytest.raises(Conflict, match=f"{end:%Y-%m-%d}"):
        vault.ca.issue("localhost", lifetime=timedelta(days=5))
    assert vault.ca.renew(vault.ca.issue("localhost", lifetime=timedelta(days=1)).certificate)
    clock.ahead_us = days(1096)
    with pytest.raises(Expired):
        vault.ca.issue("localhost")


def test_a_leaf_never_begins_before_its_authority(vault: Vault) -> None:
    """Though certificates are backdated for clocks that are behind."""
    leaf = vault.ca.issue("localhost").certificate
    assert vault.ca.intermediate.not_before <= leaf.not_before <= datetime.now(UTC) - timedelta(minutes=4)
    assert leaf.lifetime == timedelta(days=7)


@pytest.mark.parametrize("lifetime", [timedelta(0), timedelta(seconds=-1), timedelta(days=398)])
def test_a_lifetime_has_bounds(lifetime: timedelta, vault: Vault) -> None:
    """A second to 397 days."""
    with pytest.raises(ValueError):
        vault.ca.issue("localhost", lifetime=lifetime)


def test_what_is_issued_is_as_small_as_can_be(vault: Vault) -> None:
    """No subject, critical names, one use of the key, the profile's uses, identifiers, a serial number by chance."""
    for profile, uses in (("server", 1), ("client", 1), ("peer", 2)):
        raw = vault.ca.issue(*NAMES, profile=profile).certificate.raw
        assert list(raw.subject) == []
        assert raw.serial_number.bit_length() > 128
        found = {type(one.value): one for one in raw.extensions}
        assert found[x509.SubjectAlternativeName].critical
        assert found[x509.BasicConstraints].value == x509.BasicConstraints(ca=False, path_length=None)
        assert len(found[x509.ExtendedKeyUsage].value) == uses
        usage = found[x509.KeyUsage].value
        assert usage.digital_signature
        assert not (usage.key_encipherment or usage.key_agreement or usage.key_cert_sign or usage.crl_sign)
        assert {x509.SubjectKeyIdentifier, x509.AuthorityKeyIdentifier} <= set(found)
        assert len(found) == 6
    with pytest.raises(ValueError, match="profile"):
        vault.ca.issue(*NAMES, profile="code-signing")


def test_renewal_is_for_the_same_names_and_the_key_at_hand(vault: Vault) -> None:
    """With its key, for a new key; without, for the same."""
    first = vault.ca.issue(*NAMES, profile="peer", lifetime=timedelta(days=3))
    pem = first.key.pem() if first.key else b""
    second = vault.ca.renew(first.certificate, pem)
    assert (second.certificate.names, second.certificate.profile) == (first.certificate.names, "peer")
    assert second.certificate.lifetime == timedelta(days=3)
    assert second.certificate.public != first.certificate.public
    same = vault.ca.renew(first.certificate)
    assert (same.key, same.certificate.public) == (None, first.certificate.public)
    other = vault.ca.issue(*NAMES)
    with pytest.raises(Denied, match="not the key"):
        vault.ca.renew(other.certificate, pem)
    with pytest.raises(WrongKey):
        vault.ca.renew(other.certificate, b"nothing")


def test_another_authoritys_certificate_is_not_renewed(vault: Vault, clock: Clock) -> None:
    """Nor one that was made up under a number of ours."""
    with new_vault(clock) as other:
        other.ca.create(PERMIT)
        with pytest.raises(NotFound):
            vault.ca.renew(other.ca.issue("localhost").certificate)


def test_a_revoked_certificate_stands_on_the_list_for_as_long_as_it_matters(vault: Vault, clock: Clock) -> None:
    """And on one list more; numbers only grow; it is not renewed."""
    first, second = (vault.ca.issue("localhost").certificate for _ in range(2))
    assert (vault.ca.revocation_list().number, len(vault.ca.revocation_list().raw)) == (1, 0)
    colons = ":".join(first.serial[place : place + 2].upper() for place in range(0, 40, 2))
    vault.ca.revoke(colons, reason="superseded")
    made = vault.ca.revocation_list()
    assert (made.number, [one.serial_number for one in made.raw]) == (3, [first.raw.serial_number])
    with pytest.raises(Denied, match="revoked"):
        vault.ca.renew(first)
    with pytest.raises(Conflict, match="was revoked at"):
        vault.ca.revoke(first.serial)
    for serial in ("", "12", "0" * 41, "../root", "not hex"):
        with pytest.raises(NotFound):
            vault.ca.revoke(serial)
    with pytest.raises(ValueError, match="a reason is one of"):
        vault.ca.revoke(second.serial, reason="remove-from-crl")
    clock.ahead_us = days(8)
    assert len(vault.ca.revocation_list().raw) == 1
    clock.ahead_us = days(15)
    assert len(vault.ca.revocation_list().raw) == 0


def test_the_intermediate_is_renewed_for_its_key(vault: Vault, clock: Clock) -> None:
    """It begins anew, with the same key and name, below the same root."""
    before = vault.ca.intermediate
    clock.ahead_us = days(1000)
    after = vault.ca.renew_intermediate()
    assert (after.subject, after.public, after.constraints.spelled()) == (before.subject, before.public, list(PERMIT))
    assert after.not_after > before.not_after
    after.check_signed_by(vault.ca.root)
    with pytest.raises(WrongKey):
        vault.ca.renew_intermediate(vault.ca.issue("localhost").key.pem())  # type: ignore[union-attr]


def test_a_key_that_others_have_is_good_in_no_certificate(vault: Vault) -> None:
    """A renewal had kept it; and is itself renewed no more."""
    issued, other = vault.ca.issue("localhost"), vault.ca.issue("localhost")
    same = vault.ca.renew(issued.certificate)
    fresh = vault.ca.renew(issued.certificate, issued.pem())
    vault.ca.revoke(issued.certificate.serial, reason="key-compromise")
    with pytest.raises(Denied, match="revoked"):
        vault.ca.renew(same.certificate)
    revoked = {one.certificate.serial: one.reason for one in vault.ca.issued() if one.revoked}
    assert revoked == {one.certificate.serial: "key-compromise" for one in (issued, same)}
    assert len(vault.ca.revocation_list().raw) == 2
    vault.ca.renew(fresh.certificate)
    vault.ca.revoke(other.certificate.serial, reason="superseded")
    assert len(vault.ca.revocation_list().raw) == 3


def request_for(key: Any) -> bytes:
    """A request for a certificate of *key*, which asks for nothing."""
    asked = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, SHA256())
    return asked.public_bytes(Encoding.PEM)


def test_a_key_that_others_have_gets_no_new_certificate(vault: Vault) -> None:
    """A request for it is its owner's, or that of who has found it; another reason is not about the key."""
    found, kept = generate_private_key(SECP256R1()), generate_private_key(SECP256R1())
    for key, reason in ((found, "key-compromise"), (kept, "superseded")):
        made = vault.ca.issue("a.internal.test", request=request_for(key))
        vault.ca.revoke(made.certificate.serial, reason=reason)
    vault.ca.issue("a.internal.test", request=request_for(kept))
    with pytest.raises(Denied, match="compromised"):
        vault.ca.issue("b.internal.test", request=request_for(found))
    assert len(vault.ca.issued()) == 3


def test_a_certificate_without_names_is_bundled_under_its_number(vault: Vault) -> None:
    """Such as an authority's, or somebody else's."""
    _, issuer = vault.ca.records.issuer(INTERMEDIATE)
    made = pkcs12(issuer.key, issuer.certificate, (), b"password")
    found = load_pkcs12(made, b"password").cert
    assert found is not None
    assert found.friendly_name == issuer.certificate.serial.encode()


def test_a_record_past_a_date_of_its_own_is_revoked_as_others(vault: Vault, clock: Clock) -> None:
    """Ours have none; whoever may issue could give one to a record, and nothing could be read any more."""
    issued, other = vault.ca.issue("localhost").certificate, vault.ca.issue("localhost").certificate
    path = ReservedPath(f"@ca/issued/{issued.serial}")
    field = Field("certificate", "bytes", issued.der(), is_secret=False)
    vault.set(path, {"certificate": field}, expires=timedelta(hours=1))
    clock.ahead_us += days(1)
    vault.ca.revoke(other.serial)
    vault.ca.revoke(issued.serial)
    assert {one.serial_number for one in vault.ca.revocation_list().raw} == {
        one.raw.serial_number for one in (issued, other)
    }
    assert [one.revoked is not None for one in vault.ca.issued()] == [True, True]


def test_the_list_is_ordered_and_can_be_narrowed(vault: Vault, clock: Clock) -> None:
    """What ends soonest first; `expiring` leaves out what has ended."""
    for lifetime in (30, 1, 7):
        vault.ca.issue("localhost", lifetime=timedelta(days=lifetime))
    assert [one.certificate.lifetime.days for one in vault.ca.issued()] == [1, 7, 30]
    assert [one.certificate.lifetime.days for one in vault.ca.issued(expiring=timedelta(days=8))] == [1, 7]
    clock.ahead_us = days(2)
    now = datetime.now(UTC) + timedelta(days=2)
    assert [one.state(now) for one in vault.ca.issued()] == ["expired", "good", "good"]
    assert [one.certificate.lifetime.days for one in vault.ca.issued(expiring=timedelta(days=8))] == [7]


def test_the_doctor_says_what_is_wrong_and_what_will_be(vault: Vault, clock: Clock) -> None:
    """Each finding when it is due, and not before; serious ones first."""

    def found() -> list[tuple[str, bool]]:
        now = datetime.fromtimestamp(clock() / 1e6, UTC)
        return [(one.about, one.is_serious) for one in diagnose_authority(vault.ca, now)]

    assert found() == [("root", False)]
    first = vault.ca.issue("localhost").certificate
    vault.ca.revoke(first.serial)
    assert ("revocation", False) in found()
    vault.ca.revocation_list()
    assert found() == [("root", False)]
    second = vault.ca.issue("localhost").certificate
    clock.ahead_us = days(5)
    assert found() == [("certificate", False), ("root", False)]
    vault.ca.renew(second)
    assert found() == [("root", False)]
    third = vault.ca.issue("localhost", lifetime=timedelta(days=30)).certificate
    vault.ca.revoke(third.serial)
    vault.ca.revocation_list()
    clock.ahead_us = days(13)
    assert ("revocation", False) in found()
    clock.ahead_us = days(1010)
    assert found() == [("intermediate", False), ("revocation", False), ("root", False)]
    clock.ahead_us = days(1096)
    assert found() == [("intermediate", True), ("revocation", False), ("root", False)]


def test_the_doctor_sees_a_chain_that_does_not_fit(vault: Vault, clock: Clock) -> None:
    """Another authority's intermediate below this root."""
    with new_vault(clock) as other:
        other.ca.create(PERMIT)
        item = other.get(ReservedPath("@ca/intermediate"))
        vault.set(ReservedPath("@ca/intermediate"), {name: item.field(name) for name in item})
    (chain, *_) = diagnose_authority(vault.ca, datetime.now(UTC))
    assert (chain.about, chain.error) == ("chain", Tampered)


def test_nothing_that_holds_a_key_shows_or_pickles_it(vault: Vault) -> None:
    """Neither the certificate nor the context."""
    issued = vault.ca.issue("localhost")
    for thing in (issued, issued.key, vault.tls("localhost")):
        assert "PRIVATE" not in repr(thing)
        with pytest.raises(TypeError):
            pickle.dumps(thing)
    with issued:
        assert issued.key is not None
    with pytest.raises(ValueError, match="not here"):
        issued.pem()


def shown_by(server: HttpsServer, client: ssl.SSLContext) -> int:
    """The serial number of what it shows, after the client has verified it."""
    with socket.create_connection(("127.0.0.1", server.port), 30) as raw:
        with client.wrap_socket(raw, server_hostname="localhost") as connection:
            der = connection.getpeercert(True)
            assert der is not None
            return x509.load_der_x509_certificate(der).serial_number


def test_a_live_context_serves_and_renews_itself(vault: Vault) -> None:
    """New connections get the new certificate from the same context; nothing is restarted."""
    context = vault.tls(*NAMES)
    client = vault.tls_client()
    with HttpsServer(context) as server:
        first = shown_by(server, client)
        assert shown_by(server, client) == first
        (issued,) = vault.ca.issued()
        third = issued.certificate.lifetime / 3
        assert context._due == (issued.certificate.not_after - third).timestamp()  # type: ignore[attr-defined]
        context._due = 0.0  # type: ignore[attr-defined]
        assert shown_by(server, client) != first
    assert len(vault.ca.issued()) == 2


def test_a_live_context_that_cannot_renew_goes_on_and_says_so(clock: Clock) -> None:
    """It tries again after a minute, not with each connection."""
    vault = new_vault(clock)
    vault.ca.create(PERMIT)
    context, client = vault.tls(*NAMES), vault.tls_client()
    vault.lock()
    with warnings.catch_warnings(record=True) as said, HttpsServer(context) as server:
        warnings.simplefilter("always")
        context._due = 0.0  # type: ignore[attr-defined]
        assert shown_by(server, client) == shown_by(server, client)
    assert ["could not be renewed" in str(one.message) for one in said] == [True]


def test_threads_meet_a_whole_certificate_while_it_is_renewed(vault: Vault) -> None:
    """Each handshake succeeds, though the context is loaded anew all the time."""
    context, client = vault.tls(*NAMES), vault.tls_client()
    seen: set[int] = set()
    failures: list[BaseException] = []

    def visit() -> None:
        try:
            for _ in range(8):
                context._due = 0.0  # type: ignore[attr-defined]
                seen.add(shown_by(server, client))
        except BaseException as error:
            failures.append(error)

    with HttpsServer(context) as server:
        threads = [threading.Thread(target=visit) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []
    assert len(seen) > 8


def test_a_fork_during_a_renewal_leaves_no_lock_behind(vault: Vault) -> None:
    """The thread that holds it is not in the child: nobody would ever open it there."""
    context = vault.tls("localhost")
    assert isinstance(context, tls.LiveContext)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with context._turn:
            held.set()
            done.wait(PATIENCE_SECONDS)

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert held.wait(PATIENCE_SECONDS)
        child = os.fork()
        if child == 0:
            code = 1
            try:
                signal.alarm(PATIENCE_SECONDS)
                context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_side=True)
                code = 0
            finally:
                os._exit(code)
        assert os.waitpid(child, 0)[1] == 0
    finally:
        done.set()
        thread.join()


def test_both_sides_can_show_who_they_are(vault: Vault) -> None:
    """A client without a certificate is refused; one with a server's certificate too."""
    context = vault.tls(*NAMES, require_client=True)
    with HttpsServer(context) as server:
        assert fetch(server, vault.tls_client("spiffe://internal.test/orders")).startswith(b"HTTP/1.0 200")
        for client in (vault.tls_client(), tls.client_context((vault.ca.root,))):
            with pytest.raises((ssl.SSLError, ConnectionError)):
                fetch(server, client)
        wrong = tls.client_context((vault.ca.root,))
        tls.load_chain(wrong, vault.ca.issue("localhost").pem())
        with pytest.raises((ssl.SSLError, ConnectionError)):
            fetch(server, wrong)


def fetch(server: HttpsServer, client: ssl.SSLContext) -> bytes:
    with socket.create_connection(("127.0.0.1", server.port), 30) as raw:
        with client.wrap_socket(raw, server_hostname="localhost") as connection:
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            data: bytes = connection.recv(1000)
            assert data
            return data


def test_asyncio_serves_with_it(vault: Vault) -> None:
    """Through memory buffers, as uvicorn and aiohttp do."""

    async def talk() -> int:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(await reader.readline())
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=await vault.atls(*NAMES))
        port = server.sockets[0].getsockname()[1]
        context.append(await vault.atls_client())
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context[0], server_hostname="localhost")
        writer.write(b"hello\n")
        assert await reader.readline() == b"hello\n"
        writer.close()
        server.close()
        return port

    context: list[ssl.SSLContext] = []
    assert asyncio.run(talk())


def test_the_key_of_a_context_is_in_no_file(vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What OpenSSL opens is a descriptor of this process, and it is closed when the context is there."""
    opened: list[str] = []
    real = ssl.SSLContext.load_cert_chain

    def watch(self: ssl.SSLContext, certfile: str, *more: object) -> None:
        opened.append(f"{certfile} -> {os.readlink(certfile)}")
        real(self, certfile, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", watch)
    before = len(os.listdir("/proc/self/fd"))
    vault.tls("localhost")
    assert len(os.listdir("/proc/self/fd")) == before
    assert len(opened) == 1
    assert opened[0].startswith("/proc/self/fd/")
    assert "memfd:strongroom" in opened[0]


def test_without_files_in_memory_there_is_no_context(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """And none on a disk in its place."""
    monkeypatch.delattr(os, "memfd_create")
    with pytest.raises(Denied, match="no files in memory"):
        vault.tls("localhost")


def new_vault(clock: Clock) -> Vault:
    """A vault in memory, whose clock a test can move."""
    return create_vault(MemoryStore(), [new_key_file()], author="tester", clock_us=clock)
