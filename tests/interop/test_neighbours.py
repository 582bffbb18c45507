"""Moving in from other programs' stores, which the programs made: pass, KeePassXC, Ansible Vault, dotenvx, SOPS."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import PATIENCE_SECONDS, Done, Machine
from tests.peers import npm_package, require, require_programs

BIN = f"{Path(sys.executable).parent}:{os.environ['PATH']}"


def do(home: Path, *command: str, stdin: bytes = b"", **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Another program, with this home; it has to succeed."""
    full = {"HOME": str(home), "PATH": BIN, "LC_ALL": "C.UTF-8", **environment}
    done = subprocess.run(command, input=stdin, env=full, cwd=home, capture_output=True, timeout=PATIENCE_SECONDS)
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done


def items(machine: Machine) -> dict[str, dict[str, str]]:
    """Everything in the vault."""
    paths = machine.run("ls", "-r").text.splitlines()
    return {path: json.loads(machine.run("get", path, "--json").text)["fields"] for path in paths}


def importing(machine: Machine, *words: str, code: int = 0, stdin: bytes = b"", **environment: str) -> Done:
    """`import`, which shows no value."""
    done = machine.run("import", *words, stdin=stdin, environment={**machine.environment, **environment})
    assert done.code == code, done
    assert b"canary" not in done.out
    assert "canary" not in done.err
    return done


def private(path: Path, text: str) -> Path:
    """A file that nobody else reads."""
    path.touch(mode=0o600)
    path.write_text(text)
    return path


@pytest.fixture
def keyed(machine: Machine) -> Machine:
    """A machine with a vault that a key file opens."""
    done = machine.run("init", "--key-file", str(machine.key))
    assert done.code == 0, done
    machine.environment["STRONGROOM_KEY_FILE"] = str(machine.key)
    return machine


@pytest.fixture
def gnupg(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a gpg with one key without a passphrase; its agent ends with the test."""
    require_programs("gpg", "gpgconf", "pass")
    # A socket's path is short.
    place = Path("/tmp") / f"sr-gnupg-{os.getpid()}-{tmp_path_factory.mktemp('gnupg').name}"
    place.mkdir(mode=0o700)
    # Whatever program for passphrases this machine has, nobody is there to answer it.
    (place / "gpg-agent.conf").write_text("pinentry-program /bin/false\n")
    environment = {"GNUPGHOME": str(place)}
    try:
        make = ("gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key", "me@example.net")
        do(place, *make, "future-default", "default", "never", **environment)
        yield environment
    finally:
        do(place, "gpgconf", "--kill", "all", **environment)
        shutil.rmtree(place, ignore_errors=True)


def test_pass(keyed: Machine, gnupg: dict[str, str]) -> None:
    """A store that pass made: passwords, fields, notes, one-time passwords, a key, bytes; a link stays."""
    store = keyed.home / ".password-store"
    environment = {**gnupg, "PASSWORD_STORE_DIR": str(store)}
    do(keyed.home, "pass", "init", "me@example.net", **environment)
    entries = {
        "web/example.net": b"canary-1\nlogin: me\nurl: https://example.net\notpauth://totp/x?secret=canary2\n"
        b"hello: you\nfree text\n",
        "bank": b"canary-3",
        "keys/ssh": b"-----BEGIN OPENSSH PRIVATE KEY-----\ncanary-4\n-----END OPENSSH PRIVATE KEY-----\n",
        "binary": b"\xffcanary-5",
        "-rf": b"canary-6\n",
    }
    for name, content in entries.items():
        do(keyed.home, "pass", "insert", "--multiline", "--force", "--", name, stdin=content, **environment)
    (store / "link.gpg").symlink_to(store / "bank.gpg")
    (store / "elsewhere").symlink_to(keyed.home)
    (store / ".hidden.gpg").write_bytes(b"nothing")
    done = importing(keyed, str(store), "--to", "old", **gnupg)
    assert "is a link: elsewhere.password, link.password" in done.err
    assert "nothing in a pass store says who wrote an entry" in done.err
    found = items(keyed)
    assert found["old/web/example.net"] == {
        "password": "canary-1", "username": "me", "url": "https://example.net",
        "totp": "otpauth://totp/x?secret=canary2", "hello": "you", "notes": "free text",
    }  # fmt: skip
    assert found["old/bank"] == {"password": "canary-3"}
    assert found["old/keys/ssh"] == {"content": entries["keys/ssh"].decode()}
    assert found["old/binary"] == {"content": {"$bytes": "/2NhbmFyeS01"}}
    assert found["old/-rf"] == {"password": "canary-6"}
    assert "stored 0 values" in importing(keyed, str(store), "--to", "old", **gnupg).err
    assert "no file that could be" in importing(keyed, str(store), "--wipe", code=2, **gnupg).err


def test_pass_that_gpg_does_not_open(keyed: Machine, gnupg: dict[str, str]) -> None:
    """Another one's key, a file that is none, an empty store, a directory that is none: nothing is stored."""
    store = keyed.home / "store"
    environment = {**gnupg, "PASSWORD_STORE_DIR": str(store)}
    do(keyed.home, "pass", "init", "me@example.net", **environment)
    assert "no entry" in importing(keyed, str(store), code=2, **gnupg).err
    do(keyed.home, "pass", "insert", "--multiline", "bank", stdin=b"canary", **environment)
    empty = keyed.home / "gnupg"
    empty.mkdir(mode=0o700)
    assert "bank with none of its keys" in importing(keyed, str(store), code=6, GNUPGHOME=str(empty)).err
    do(keyed.home, "gpgconf", "--kill", "all", GNUPGHOME=str(empty))
    (store / "bank.gpg").write_bytes(b"no OpenPGP")
    importing(keyed, str(store), code=15, **gnupg)
    # Not encrypted: anybody could have put it there, and gpg --decrypt shows it all the same.
    do(keyed.home, "gpg", "--batch", "--yes", "-o", str(store / "bank.gpg"), "--store", stdin=b"canary", **gnupg)
    assert "never encrypted" in importing(keyed, str(store), code=7, **gnupg).err
    assert "is a directory" in importing(keyed, str(keyed.home), code=2, **gnupg).err
    importing(keyed, str(store), code=14, PATH="/nowhere")
    assert items(keyed) == {}


def test_pass_with_a_passphrase_that_nobody_can_type(keyed: Machine, gnupg: dict[str, str]) -> None:
    """gpg has the key, and no terminal: exit 8, and no hang."""
    key = ("gpg", "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "secret")
    do(keyed.home, *key, "--quick-generate-key", "locked@example.net", "future-default", "default", "never", **gnupg)
    store = keyed.home / "store"
    environment = {**gnupg, "PASSWORD_STORE_DIR": str(store)}
    do(keyed.home, "pass", "init", "locked@example.net", **environment)
    do(keyed.home, "pass", "insert", "--multiline", "bank", stdin=b"canary", **environment)
    do(keyed.home, "gpgconf", "--kill", "gpg-agent", **gnupg)
    assert "its passphrase was not typed" in importing(keyed, str(store), code=8, **gnupg).err


@pytest.mark.parametrize("by", ["keepassxc", "pykeepass"])
def test_keepass(keyed: Machine, by: str) -> None:
    """A database of KeePassXC (KDBX 3.1, AES) and one of pykeepass's (KDBX 4, Argon2), with a password."""
    path = keyed.home / "my.kdbx"
    if by == "keepassxc":
        require_programs("keepassxc-cli")
        # Its own platform plug-ins are not needed without a screen.
        cli = ("env", "QT_QPA_PLATFORM=offscreen", "keepassxc-cli")
        do(keyed.home, *cli, "db-create", "-q", "-t", "100", "-p", str(path), stdin=b"p\xc3\xa9ss\np\xc3\xa9ss\n")
        do(keyed.home, *cli, "mkdir", "-q", str(path), "web", stdin=b"p\xc3\xa9ss\n")
        for name, word in (("web/site", b"canary-1"), ("top", b"canary-2")):
            add = ("add", "-q", "-u", "me", "--url", "https://x", "-p", str(path), name)
            do(keyed.home, *cli, *add, stdin=b"p\xc3\xa9ss\n" + word + b"\n")
    else:
        database = make_database(path, "p\u00e9ss")
        group = database.add_group(database.root_group, "web")
        entry = database.add_entry(group, "site", "me", "canary-1", url="https://x", notes="canary-n", otp="otpauth://x")
        entry.set_custom_property("PIN", "canary-p", protect=True)
        entry.add_attachment(database.add_binary(b"\xffcanary"), "k.bin")
        database.add_entry(database.root_group, "top", "me", "canary-2", url="https://x")
        database.add_entry(database.root_group, "top", "you", "{REF:P@T:site}")
        gone = database.add_entry(database.root_group, "gone", "me", "canary-gone")
        database.trash_entry(gone)
        database.save()
    words = ("my.kdbx", "--source-passphrase-fd", "0")
    done = importing(keyed, *words, stdin="p\u00e9ss\n".encode())
    found = items(keyed)
    assert found["top"] == {"username": "me", "password": "canary-2", "url": "https://x"}
    site = {"username": "me", "password": "canary-1", "url": "https://x"}
    if by == "pykeepass":
        site |= {"notes": "canary-n", "totp": "otpauth://x", "PIN": "canary-p"}
        assert found["web/site"].pop("k.bin") == {"$bytes": "/2NhbmFyeQ=="}
        assert found["top you"] == {"username": "you", "password": "canary-1"}
        assert "lies in the recycle bin" in done.err
        assert not any("gone" in path for path in found)
    assert found["web/site"] == site
    importing(keyed, *words, code=6, stdin=b"wrong\n")
    assert "no terminal" in importing(keyed, "my.kdbx", code=8).err
    path.write_bytes(path.read_bytes()[:-40])
    importing(keyed, *words, code=2, stdin="p\u00e9ss\n".encode())


def make_database(path: Path, password: str | None, key_file: Path | None = None) -> object:
    """An empty database of pykeepass's, as cheap as it can be opened."""
    import pykeepass

    database = pykeepass.create_database(
        str(path), password=password, keyfile=None if key_file is None else str(key_file)
    )
    parameters = database.kdbx.header.value.dynamic_header.kdf_parameters.data.dict
    parameters.M.value, parameters.I.value, parameters.P.value = 8 * 1024 * 1024, 1, 1
    return database


def test_keepass_with_a_key_file(keyed: Machine) -> None:
    """The key file alone, and with a password; it is asked for only where the file alone is not enough."""
    key = private(keyed.home / "my.key", "some bytes of a photograph")
    for number, password in enumerate((None, "pass")):
        database = make_database(keyed.home / f"{number}.kdbx", password, key)
        database.add_entry(database.root_group, f"entry {number}", "me", f"canary-{number}")
        database.save()
    importing(keyed, "0.kdbx", "--source-key", "my.key")
    importing(keyed, "1.kdbx", "--source-key", "my.key", "--source-passphrase-fd", "0", stdin=b"pass\n")
    assert {path: fields["password"] for path, fields in items(keyed).items()} == {
        "entry 0": "canary-0", "entry 1": "canary-1",
    }  # fmt: skip
    importing(keyed, "1.kdbx", "--source-key", "my.key", code=8)
    key.chmod(0o644)
    importing(keyed, "0.kdbx", "--source-key", "my.key", code=9)


def test_a_password_is_asked_for_at_the_terminal(keyed: Machine) -> None:
    """Without echo, again after a wrong one; Ctrl-C ends it, and nothing is stored."""
    database = make_database(keyed.home / "a.kdbx", "right")
    database.add_entry(database.root_group, "site", "me", "canary-1")
    database.save()
    with keyed.at_terminal("import", "a.kdbx") as person:
        person.sees("passphrase of a.kdbx: ")
        person.waits_for("off")
        person.types("\x03")
        assert person.ends() == -signal.SIGINT
        assert person.echo_is_on
    assert items(keyed) == {}
    with keyed.at_terminal("import", "a.kdbx") as person:
        person.sees("passphrase of a.kdbx: ").types("wrong")
        person.sees("try again").sees("passphrase of a.kdbx: ").types("right")
        person.sees("Import 2 values?").types("y")
        assert person.ends() == 0
        assert "canary" not in person.screen
    assert items(keyed) == {"site": {"username": "me", "password": "canary-1"}}


def test_ansible_vault(keyed: Machine) -> None:
    """Whole files with and without a label, and single values: by ansible-vault itself, its password in a file."""
    program = shutil.which("ansible-vault", path=BIN)
    require(program is not None, "not installed: ansible-vault")
    assert program is not None
    password = private(keyed.home / "pw", "letmein \n")
    for name, label in (("whole.yml", "default"), ("labelled.yml", "prod")):
        (keyed.home / name).write_text("db:\n  password: canary-1\n  host: example.net\n")
        do(keyed.home, program, "encrypt", "--vault-id", f"{label}@pw", "--encrypt-vault-id", label, name)
        importing(keyed, name, "--source-key", "pw")
    value = do(
        keyed.home, program, "encrypt_string", "--vault-password-file", "pw", "canary-2", "--name", "harmless"
    ).stdout.decode()
    (keyed.home / "vars.yml").write_text(f"---\nuser: me\n{value}\nother: !custom 1\n")
    done = importing(keyed, "vars.yml", "--source-passphrase-fd", "0", stdin=b"letmein\n")
    assert "does not look secret: user" in done.err
    assert "tag of its own: other" in done.err
    home = keyed.home.name
    assert items(keyed) == {
        "whole/db": {"password": "canary-1", "host": "example.net"},
        "labelled/db": {"password": "canary-1", "host": "example.net"},
        f"{home}/vars": {"harmless": "canary-2"},
    }
    for name in ("whole.yml", "vars.yml"):
        importing(keyed, name, "--source-passphrase-fd", "0", stdin=b"wrong\n", code=6)
        importing(keyed, name, code=8)
    password.chmod(0o644)
    importing(keyed, "whole.yml", "--source-key", "pw", code=9)
    importing(keyed, "whole.yml", "--wipe", "--yes", "--source-passphrase-fd", "0", stdin=b"letmein\n")
    assert not (keyed.home / "whole.yml").exists()
    importing(keyed, "vars.yml", "--replace", "--yes", "--source-passphrase-fd", "0", stdin=b"letmein\n", code=2)


DOTENVX = (
    ("@dotenvx/dotenvx", "dotenvx-dotenvx-2.38.2"), ("@dotenvx/primitives", "dotenvx-primitives-3.3.1"),
    ("@dotenvx/providers", "dotenvx-providers-0.3.13"), ("@dotenvx/tooling", "dotenvx-tooling-1.0.6"),
    ("undici", "undici-6.29.1"), ("write-file-atomic", "write-file-atomic-5.0.1"), ("imurmurhash", "imurmurhash-0.1.4"),
    ("signal-exit", "signal-exit-4.1.0"), ("yocto-spinner", "yocto-spinner-1.2.2"),
    ("yoctocolors", "yoctocolors-2.2.0"),
)  # fmt: skip


@pytest.fixture(scope="session")
def dotenvx(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program of npm's, unpacked with what it needs."""
    require_programs("node")
    root = tmp_path_factory.mktemp("dotenvx")
    for name, package in DOTENVX:
        place = root / "node_modules" / name
        place.mkdir(parents=True)
        with npm_package(package) as archive:
            for member in archive.getmembers():
                if member.isfile() and not member.name.endswith((".md", ".map", ".d.ts")):
                    target = place / member.name.partition("/")[2]
                    target.parent.mkdir(parents=True, exist_ok=True)
                    data = archive.extractfile(member)
                    assert data is not None
                    target.write_bytes(data.read())
    return root / "node_modules/@dotenvx/dotenvx/src/cli/dotenvx.js"


def test_dotenvx(keyed: Machine, dotenvx: Path) -> None:
    """Values that dotenvx encrypted, with the key that it put beside the file; its settings and empty values stay."""
    shop = keyed.home / "shop"
    shop.mkdir(mode=0o700)
    (shop / ".env").write_text('# c\nDB_PASSWORD="canary-1 # x"\nHELLO=canary-2\nEMPTY=\n')
    do(shop, "node", str(dotenvx), "encrypt")
    assert "canary" not in (shop / ".env").read_text()
    done = importing(keyed, "shop/.env")
    assert "binds no value to its name" in done.err
    assert items(keyed) == {"shop/env": {"DB_PASSWORD": "canary-1 # x", "HELLO": "canary-2"}}
    keys = shop / ".env.keys"
    keys.rename(keyed.home / "moved")
    assert ".env.keys" in importing(keyed, "shop/.env", code=6).err
    importing(keyed, "shop/.env", "--source-key", "moved")
    private(keys, "DOTENV_PRIVATE_KEY=" + "11" * 32)
    assert "line" in importing(keyed, "shop/.env", code=6).err
    importing(keyed, "-", "--format", "dotenv", code=8, stdin=(shop / ".env").read_bytes())
    importing(keyed, "shop/.env", "--source-key", "moved", "--wipe", "--yes")
    assert not (shop / ".env").exists()


def test_sops(keyed: Machine) -> None:
    """A file of sops's: what it encrypted is taken, weak spots are named, the identity is where sops looks for it."""
    require_programs("age-keygen")
    sops = shutil.which("sops", path=BIN)
    require(sops is not None, "not installed: sops")
    assert sops is not None
    keys = keyed.home / ".config/sops/age"
    keys.mkdir(parents=True, mode=0o700)
    do(keyed.home, "age-keygen", "-o", str(keys / "keys.txt"))
    recipient = (keys / "keys.txt").read_text().split("public key: ")[1].split()[0]
    (keyed.home / "s.yaml").write_text("db:\n  word: canary-1\n  host_unencrypted: h\nempty: ''\n")
    do(keyed.home, sops, "encrypt", "--age", recipient, "-i", "s.yaml")
    done = importing(keyed, "s.yaml")
    assert "db.host_unencrypted could have been called otherwise" in done.err
    assert items(keyed) == {f"{keyed.home.name}/s/db": {"word": "canary-1"}}
    importing(keyed, "s.yaml", "--source-key", str(keys / "keys.txt"), "--all", "--wipe", "--yes")
    assert not (keyed.home / "s.yaml").exists()
