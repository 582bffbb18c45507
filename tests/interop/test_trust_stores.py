"""Trust stores, changed by the system's own programs in a place of a test's own; the machine's stay as they are."""

from __future__ import annotations

import base64
import fcntl
import os
import threading
import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from strongroom.crypto.x509.certificates import Certificate
from strongroom.errors import Conflict, Denied, StoreUnavailable, Tampered
from strongroom.locate.trust import interface, stores
from strongroom.locate.trust.nss import NssStore
from strongroom.locate.trust.system import DEBIAN, Layout, SystemStore
from tests.certificates import Chain, run
from tests.peers import require_programs


@pytest.fixture(scope="module")
def root() -> Certificate:
    """An authority's."""
    return Chain().root


@pytest.fixture(scope="module")
def second() -> Certificate:
    """Another authority's."""
    return Chain().root


class Sandbox:
    """Debian's directories below one that is a test's, with two public roots, and a hook that keeps what it hears."""

    def __init__(self, folder: Path) -> None:
        require_programs("update-ca-certificates")
        self.local, self.links, hooks, certs = (folder / name for name in ("local", "links", "hooks", "certs"))
        for one in (self.local, self.links, hooks, certs):
            one.mkdir()
        for number in (1, 2):
            (certs / f"{number}.crt").write_bytes(Chain().root.pem())
        settings = folder / "ca-certificates.conf"
        settings.write_text("1.crt\n2.crt\n")
        self.heard = folder / "heard"
        self.heard.touch()
        hook = hooks / "keep"
        hook.write_text(f"#!/bin/sh\ncat >> {self.heard}\n")
        hook.chmod(0o755)
        program = [
            DEBIAN.command[0], "--certsconf", str(settings), "--certsdir", str(certs), "--localcertsdir",
            str(self.local), "--etccertsdir", str(self.links), "--hooksdir", str(hooks),
        ]  # fmt: skip
        self.bundle = self.links / "ca-certificates.crt"
        self.layout = Layout(str(self.local), ".crt", str(self.bundle), program, str(settings))
        assert run(*program).returncode == 0
        self.before = self.names()
        self.heard.write_text("")
        self.store = SystemStore(self.layout)

    def names(self) -> set[str]:
        return {one.name for one in self.links.iterdir()}

    def states(self, root: Certificate) -> list[str]:
        return [one.state for one in self.store.found(root)]


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    return Sandbox(tmp_path)


def test_a_root_is_installed_once_and_removed_without_a_trace(sandbox: Sandbox, root: Certificate) -> None:
    """One file, one link, one hash; hooks hear of both."""
    assert sandbox.states(root) == []
    assert [sandbox.store.install(root) for _ in range(3)] == [True, False, False]
    assert sandbox.states(root) == ["trusted"]
    assert [one.name for one in sandbox.local.iterdir()] == [f"strongroom-{root.fingerprint[:16]}.crt"]
    assert (sandbox.local / f"strongroom-{root.fingerprint[:16]}.crt").stat().st_mode & 0o777 == 0o644
    assert sandbox.bundle.read_text().count("BEGIN CERTIFICATE") == 3
    assert len(sandbox.names() - sandbox.before) == 2
    link = sandbox.links / f"strongroom-{root.fingerprint[:16]}.pem"
    assert sandbox.heard.read_text() == f"+{link}\n"
    assert [sandbox.store.remove(root) for _ in range(2)] == [True, False]
    assert sandbox.names() == sandbox.before
    assert list(sandbox.local.iterdir()) == []
    assert sandbox.bundle.read_text().count("BEGIN CERTIFICATE") == 2
    assert sandbox.heard.read_text() == f"+{link}\n-{link}\n"


def test_a_root_that_somebody_copied_there_is_no_reason_for_a_second(sandbox: Sandbox, root: Certificate) -> None:
    """By hand, below a directory, under a name of their own; and it is removed as well."""
    (sandbox.local / "ours").mkdir()
    (sandbox.local / "ours" / "company.crt").write_bytes(root.pem())
    assert sandbox.states(root) == ["pending"]
    assert sandbox.store.install(root) is True
    assert sandbox.store.install(root) is False
    assert sandbox.bundle.read_text().count("BEGIN CERTIFICATE") == 3
    assert sandbox.store.remove(root) is True
    assert sandbox.states(root) == []
    assert not (sandbox.local / "ours" / "company.crt").exists()


def test_a_root_among_others_is_left_to_its_owner(
    sandbox: Sandbox, root: Certificate, second: Certificate
) -> None:
    """Nothing is removed, and the file is named."""
    file = sandbox.local / "company.crt"
    file.write_bytes(second.pem() + root.pem())
    with pytest.raises(Conflict, match=r"company\.crt among others"):
        sandbox.store.remove(root)
    assert file.read_bytes() == second.pem() + root.pem()


def test_what_is_left_behind_is_seen_and_removed(sandbox: Sandbox, root: Certificate) -> None:
    """A file that was deleted by hand, when nobody had the bundle made."""
    sandbox.store.install(root)
    (sandbox.local / f"strongroom-{root.fingerprint[:16]}.crt").unlink()
    assert sandbox.states(root) == ["left"]
    assert sandbox.store.remove(root) is True
    assert sandbox.states(root) == []


def test_the_roots_of_other_authorities_are_found(sandbox: Sandbox, root: Certificate, second: Certificate) -> None:
    """Those that strongroom has put there; what others did there is none of ours."""
    (sandbox.local / "company.crt").write_bytes(Chain().root.pem())
    (sandbox.local / "notes.crt").write_text("no certificate")
    sandbox.store.install(second)
    (sandbox.local / "nothing.crt").symlink_to("nowhere")
    (found,) = sandbox.store.found(root)
    assert (found.certificate.fingerprint, found.state) == (second.fingerprint, "trusted")
    assert "strongroom" in repr(found)
    assert [one.certificate.fingerprint for one in sandbox.store.found(None)] == [second.fingerprint]


def test_what_others_trust_is_not_read(sandbox: Sandbox, root: Certificate) -> None:
    """Among public roots are some that our reader takes with a warning, or not at all."""
    strange = base64.encodebytes(b"\x30\x03\x02\x01\x00").decode()
    strange = f"-----BEGIN CERTIFICATE-----\n{strange}-----END CERTIFICATE-----\n"
    (sandbox.local / "company.crt").write_text(strange + "-----BEGIN CERTIFICATE-----\n=\n-----END CERTIFICATE-----\n")
    sandbox.bundle.write_text(strange + sandbox.bundle.read_text())
    assert sandbox.store.found(root) == []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        SystemStore(DEBIAN).found(root)


def test_a_damaged_file_under_our_name_is_named(sandbox: Sandbox, root: Certificate) -> None:
    """It is in the bundle as it is: somebody should know."""
    (sandbox.local / "strongroom-0.crt").write_text("damaged")
    with pytest.raises(Tampered, match=r"strongroom-0\.crt"):
        sandbox.store.found(root)


FAILING: dict[str, Callable[[Sandbox], tuple[str, ...]]] = {
    "it fails": lambda _: ("/bin/false",),
    "it does nothing": lambda _: ("/bin/true",),
    "it is not there": lambda sandbox: (str(sandbox.local / "no-program"),),
}


@pytest.mark.parametrize("case", FAILING)
def test_what_is_not_taken_up_is_taken_back(case: str, sandbox: Sandbox, root: Certificate) -> None:
    """A file that the next run of the program would pick up is not left there."""
    sandbox.layout.command = FAILING[case](sandbox)
    with pytest.raises(StoreUnavailable):
        sandbox.store.install(root)
    assert list(sandbox.local.iterdir()) == []


def test_what_fails_behind_the_bundle_is_taken_back(sandbox: Sandbox, root: Certificate) -> None:
    """The program has made the bundle, and then it ends with an error, or is ended."""
    real, program = sandbox.layout.command, sandbox.heard.parent / "failing"
    program.write_text(f'#!/bin/sh\n{" ".join(real)} "$@"\nexit 1\n')
    program.chmod(0o755)
    sandbox.layout.command = (str(program),)
    with pytest.raises(StoreUnavailable, match="exit code 1"):
        sandbox.store.install(root)
    assert list(sandbox.local.iterdir()) == []
    assert sandbox.states(root) == []
    assert sandbox.names() == sandbox.before
    sandbox.layout.command = real
    assert sandbox.store.install(root) is True


def test_what_cannot_be_taken_back_is_said(sandbox: Sandbox, root: Certificate) -> None:
    """With the command that removes it."""
    program = sandbox.heard.parent / "half"
    program.write_text(f"#!/bin/sh\ncat {sandbox.local}/*.crt >> {sandbox.bundle} 2>/dev/null\nexit 1\n")
    program.chmod(0o755)
    sandbox.layout.command = (str(program),)
    with pytest.raises(StoreUnavailable, match="has left the root") as caught:
        sandbox.store.install(root)
    assert "ca trust remove" in caught.value.advice
    assert sandbox.states(root) == ["left"]


def test_who_holds_the_directory_holds_nobody_up_for_ever(
    sandbox: Sandbox, root: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everybody may read it, and so lock it."""
    monkeypatch.setattr("strongroom.locate.trust.system._PATIENCE_SECONDS", 0.1)
    descriptor = os.open(sandbox.local, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        with pytest.raises(StoreUnavailable, match="somebody else"):
            sandbox.store.install(root)
    finally:
        os.close(descriptor)
    monkeypatch.undo()
    assert sandbox.store.install(root) is True


def test_a_removal_that_fails_is_seen_and_can_be_repeated(sandbox: Sandbox, root: Certificate) -> None:
    """The bundle still has it: that is said, and no success."""
    sandbox.store.install(root)
    command, sandbox.layout.command = sandbox.layout.command, ("/bin/true",)
    with pytest.raises(StoreUnavailable, match="has left the root"):
        sandbox.store.remove(root)
    assert sandbox.states(root) == ["left"]
    sandbox.layout.command = (str(sandbox.local / "no-program"),)
    with pytest.raises(StoreUnavailable, match="cannot start"):
        sandbox.store.remove(root)
    sandbox.layout.command = command
    assert sandbox.store.remove(root) is True
    assert sandbox.states(root) == []


def test_those_who_come_at_once_install_one(sandbox: Sandbox, root: Certificate) -> None:
    """Each waits for the other, and finds it done."""
    done: list[bool] = []
    threads = [threading.Thread(target=lambda: done.append(sandbox.store.install(root))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == [False, False, False, True]
    assert sandbox.bundle.read_text().count("BEGIN CERTIFICATE") == 3


def test_red_hats_way_has_its_own_names(tmp_path: Path, root: Certificate) -> None:
    """Files end with .pem, and the program knows no settings. It is not of Debian: a script stands for it."""
    anchors, bundle, program = tmp_path / "anchors", tmp_path / "bundle.pem", tmp_path / "update-ca-trust"
    anchors.mkdir()
    bundle.write_bytes(Chain().root.pem())
    (tmp_path / "public.pem").write_bytes(bundle.read_bytes())
    program.write_text(
        '#!/bin/sh\n[ "$#$1" = 1extract ] || exit 3\n'
        f"cat {tmp_path}/public.pem {anchors}/*.pem 2>/dev/null > {bundle}\nexit 0\n"
    )
    program.chmod(0o755)
    settings = tmp_path / "settings"  # as on Alpine, where Debian's program is another one
    settings.touch()
    store = SystemStore(Layout(str(anchors), ".pem", str(bundle), [str(program), "extract"], str(settings)))
    assert store.install(root) is True
    assert [one.name for one in anchors.iterdir()] == [f"strongroom-{root.fingerprint[:16]}.pem"]
    assert [one.state for one in store.found(root)] == ["trusted"]
    assert store.remove(root) is True
    assert store.found(root) == []


class Database:
    """An NSS database of a test's own."""

    def __init__(self, folder: Path, password: str = "") -> None:
        require_programs("certutil")
        folder.mkdir(parents=True)
        self.folder = folder
        if password:
            (folder / "password").write_text(password + "\n")
        protection = ("-f", str(folder / "password")) if password else ("--empty-password",)
        assert self.certutil("-N", *protection).returncode == 0
        self.store = NssStore(str(folder), "certutil")

    def certutil(self, *words: str):  # type: ignore[no-untyped-def]
        return run("certutil", words[0], "-d", f"sql:{self.folder}", *words[1:])

    def verdict(self, chain: Chain) -> str:
        """What a browser would say of a server below the root."""
        (self.folder / "i.pem").write_bytes(chain.intermediate.pem())
        (self.folder / "l.pem").write_bytes(chain.leaf()[0].pem())
        for nickname in "il":
            self.certutil("-A", "-n", nickname, "-t", ",,", "-a", "-i", str(self.folder / f"{nickname}.pem"))
        done = self.certutil("-V", "-n", "l", "-u", "V")
        return str(done.stdout + done.stderr)


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "nssdb")


def test_nss_trusts_what_was_installed_and_no_longer_what_was_removed(database: Database) -> None:
    """For servers, and nothing else."""
    chain = Chain()
    assert "not recognized" in database.verdict(chain)
    assert [database.store.install(chain.root) for _ in range(2)] == [True, False]
    assert "certificate is valid" in database.verdict(chain)
    nickname = f"strongroom {chain.root.fingerprint[:16]}"
    assert [(one.name, one.state) for one in database.store.found(chain.root)] == [(nickname, "trusted")]
    assert [one.name for one in database.store.found(None)] == [nickname]
    assert [database.store.remove(chain.root) for _ in range(2)] == [True, False]
    assert "not recognized" in database.verdict(chain)


def test_nss_has_no_second_copy_of_what_somebody_imported(database: Database, root: Certificate) -> None:
    """Untrusted under a name with spaces: it becomes trusted where it lies, and is removed there."""
    file = database.folder / "root.pem"
    file.write_bytes(root.pem())
    assert database.certutil("-A", "-n", "Our own root", "-t", ",,", "-a", "-i", str(file)).returncode == 0
    assert [(one.name, one.state) for one in database.store.found(root)] == [("Our own root", "untrusted")]
    assert database.store.found(None) == []
    assert database.store.install(root) is True
    assert [(one.name, one.state) for one in database.store.found(root)] == [("Our own root", "trusted")]
    assert database.store.remove(root) is True
    assert database.store.found(root) == []


def test_a_database_that_cannot_be_used_is_named(tmp_path: Path, root: Certificate) -> None:
    """It asks nobody for its password, and waits for nobody."""
    locked = Database(tmp_path / "locked", password="not ours")
    with pytest.raises(StoreUnavailable, match="locked"):
        locked.store.install(root)
    damaged = Database(tmp_path / "damaged")
    (damaged.folder / stores.DATABASE).write_bytes(b"no database" * 1000)
    with pytest.raises(StoreUnavailable, match="damaged"):
        damaged.store.found(root)
    for store in (NssStore(str(tmp_path), None), NssStore(str(tmp_path), str(tmp_path / "nothing"))):
        with pytest.raises(StoreUnavailable, match="certutil"):
            store.found(root)


def test_the_databases_of_browsers_are_found(tmp_path: Path) -> None:
    """Chromium's, each profile of Firefox once; and none that belongs to somebody else."""
    for place in (".pki/nssdb", ".mozilla/firefox/a.default", "snap/firefox/common/.mozilla/firefox/b.default"):
        folder = tmp_path / place
        folder.mkdir(parents=True)
        (folder / stores.DATABASE).touch()
    (tmp_path / ".mozilla/firefox/Crash Reports").mkdir()
    (tmp_path / ".config/mozilla").mkdir(parents=True)
    (tmp_path / ".config/mozilla/firefox").symlink_to(tmp_path / ".mozilla/firefox")
    found = [Path(one.place).name for one in stores.find_stores(str(tmp_path), "nss")]
    assert found == ["nssdb", "a.default", "b.default"]
    if os.geteuid() == 0:
        os.chown(tmp_path / ".pki/nssdb" / stores.DATABASE, 65534, 65534)
        assert len(stores.find_stores(str(tmp_path), "nss")) == 2


def test_the_names_in_stores_tell_roots_apart(root: Certificate) -> None:
    """By 64 bits of the fingerprint that people see."""
    assert root.fingerprint.startswith(interface.label(root))
    assert len(interface.label(root)) == 16
    assert interface.is_same(root, Certificate(root.der()))
    assert not interface.is_same(root, None)


def test_only_root_changes_what_the_system_trusts(root: Certificate) -> None:
    """Another user is refused before anything is written."""
    if os.geteuid() != 0:
        with pytest.raises(Denied, match="only root"):
            SystemStore(DEBIAN).install(root)
        return
    os.setresuid(65534, 65534, 0)
    try:
        with pytest.raises(Denied, match="only root"):
            SystemStore(DEBIAN).install(root)
    finally:
        os.setresuid(0, 0, 0)


def test_the_judge_is_a_real_one(sandbox: Sandbox) -> None:
    """What was prepared is what update-ca-certificates makes: a bundle, links and hashes."""
    assert len(sandbox.before) == 5
    certificates = x509.load_pem_x509_certificates(sandbox.bundle.read_bytes())
    assert [one.not_valid_after_utc > datetime.now(UTC) + timedelta(days=1) for one in certificates] == [True, True]
