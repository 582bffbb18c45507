"""Import from programs that run: the desktop's keyring, and an OpenBao server's own printout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.e2e.conftest import Done, Machine
from tests.interop.conftest import Desktop
from tests.interop.kv_door import bao_program, bao_server


def importing(desktop: Desktop, *words: str) -> Done:
    """`import keyring:` in the desktop's session, with the key file."""
    key = str(desktop.machine.key)
    return desktop.machine.run("import", "keyring:", *words, "--key-file", key, environment=desktop.environment)


def fields(desktop: Desktop, path: str) -> dict[str, str]:
    """An item."""
    done = desktop.machine.run("get", path, "--json", "--key-file", str(desktop.machine.key))
    assert done.code == 0, done
    found: dict[str, str] = json.loads(done.text)["fields"]
    return found


def test_the_desktops_keyring(desktop: Desktop) -> None:
    """What keyring and other programs wrote; programs that use keyring find theirs in the vault afterwards."""
    run = desktop.run
    assert run(sys.executable, "-m", "keyring", "set", "https://example.net/", "me", stdin=b"canary-1").returncode == 0
    wifi = ("--label", "Wi-Fi: home", "setting", "802-11", "uuid", "u-1")
    assert run("secret-tool", "store", *wifi, stdin=b"canary-2").returncode == 0
    again = ("--label", "Wi-Fi: home", "setting", "802-11", "uuid", "u-2")
    assert run("secret-tool", "store", *again, stdin=b"canary-\xff").returncode == 0
    done = importing(desktop, "--dry-run")
    assert done.code == 0, done
    assert "canary" not in done.text + done.err
    done = importing(desktop)
    assert done.code == 0, done
    assert fields(desktop, "keyring/https:%2F%2Fexample.net%2F/me") == {
        "password": "canary-1", "service": "https://example.net/", "username": "me",
    }  # fmt: skip
    first, second = fields(desktop, "keyring/Wi-Fi: home"), fields(desktop, "keyring/Wi-Fi: home 2")
    assert {first["uuid"], second["uuid"]} == {"u-1", "u-2"}
    assert "canary-2" in (first["password"], second["password"])
    assert {"$bytes": "Y2FuYXJ5Lf8="} in (first["password"], second["password"])
    assert "stored 0 values" in importing(desktop).err
    environment = {
        **desktop.environment,
        "PYTHON_KEYRING_BACKEND": "strongroom.doors.keyring.VaultKeyring",
        "STRONGROOM_KEY_FILE": str(desktop.machine.key),
        "STRONGROOM_VAULT": str(desktop.machine.vault),
    }
    command = [sys.executable, "-m", "keyring", "get", "https://example.net/", "me"]
    shown = subprocess.run(
        command, env=desktop.machine.full_environment(environment), capture_output=True, timeout=60, check=True
    )
    assert shown.stdout == b"canary-1\n"
    assert not desktop.was_asked()


def test_our_own_entry_stays_where_it_is(desktop: Desktop) -> None:
    """The key of a keyring slot is no credential to be kept in the vault that it opens."""
    key = str(desktop.machine.key)
    done = desktop.machine.run("slot", "add", "keyring", "--key-file", key, environment=desktop.environment)
    assert done.code == 0, done
    done = importing(desktop)
    assert done.code == 0, done
    assert "opens this user's vault" in done.err
    assert "nothing in the OS keyring is to be imported" in done.err


def test_keyrings_that_cannot_be_read(desktop: Desktop) -> None:
    """Locked, or no session: exit 15 with the reason, nobody is asked; and no file of it can be rewritten."""
    assert importing(desktop, "--replace").code == 2
    desktop.lock()
    done = importing(desktop)
    assert (done.code, "the OS keyring is locked" in done.err) == (15, True)
    words = ("import", "keyring:", "--key-file", str(desktop.machine.key))
    for address in ("", "unix:path=/nonexistent", "nonsense"):
        done = desktop.machine.run(*words, environment={**desktop.environment, "DBUS_SESSION_BUS_ADDRESS": address})
        assert (done.code, "no session with an OS keyring" in done.err) == (15, True)
    assert not desktop.was_asked()


def test_openbaos_own_printout(keyed: Machine, tmp_path: Path) -> None:
    """`bao kv get -format=json` as it comes, of both versions of the engine, over a pipe and from a file."""
    key = ("--key-file", str(keyed.key))
    with bao_server(tmp_path) as address:
        environment = {**os.environ, "BAO_ADDR": address, "BAO_TOKEN": "root", "HOME": str(tmp_path)}

        def bao(*words: str) -> bytes:
            command = [bao_program(), *words]
            return subprocess.run(command, env=environment, capture_output=True, timeout=60, check=True).stdout

        bao("kv", "put", "secret/shop/db", "user=anna", "password=canary ü\n")
        bao("secrets", "enable", "-path=one", "-version=1", "kv")
        bao("kv", "put", "one/api", "token=canary-2")
        reply = bao("kv", "get", "-format=json", "secret/shop/db")
        place = keyed.home / "reply.json"
        place.write_bytes(bao("kv", "get", "-format=json", "one/api"))
    done = keyed.run("import", "-", "--format", "kv", "--to", "shop/db", *key, stdin=reply)
    assert done.code == 0, done
    assert "canary" not in done.text + done.err
    words = ("import", "reply.json", "--format", "kv", "--to", "shop/api", "--wipe", "--yes")
    assert keyed.run(*words, *key).code == 0
    assert not place.exists()
    assert keyed.run("get", "shop/db", "password", *key).out == "canary ü\n".encode()
    assert keyed.run("get", "shop/api", "token", *key).out == b"canary-2"
