"""A real gnome-keyring: it holds one random key, opens the vault, and is never made to ask anybody."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import sys
import time

import pytest

from tests.e2e.conftest import Machine
from tests.interop.conftest import Desktop
from tests.peers import require_programs


def slots(desktop: Desktop, *words: str) -> list[dict[str, str]]:
    """What `slot list` says, opened as *words* say."""
    done = desktop.machine.run("slot", "list", "--json", *words, environment=desktop.environment)
    assert done.code == 0, done
    listed: list[dict[str, str]] = json.loads(done.out)
    return listed


def key_file(desktop: Desktop) -> tuple[str, str]:
    """The options that open with the key file."""
    return ("--key-file", str(desktop.machine.key))


@pytest.fixture
def kept(desktop: Desktop) -> Desktop:
    """A desktop whose keyring opens the vault; the vault holds an item."""
    run = desktop.machine.run
    assert run("set", "bank/checking", "password", *key_file(desktop), stdin=b"canary-5d1e\n").code == 0
    done = run("slot", "add", "keyring", "--label", "desk", *key_file(desktop), environment=desktop.environment)
    assert done.code == 0, done
    assert done.err.startswith("strongroom: added the keyring slot ")
    return desktop


def test_the_keyring_opens_the_vault(kept: Desktop) -> None:
    """Without any option or variable; other programs find one entry of 32 bytes, and no value of the vault."""
    done = kept.machine.run("get", "bank/checking", "password", environment=kept.environment)
    assert (done.code, done.out, done.err) == (0, b"canary-5d1e", "")
    (slot,) = [slot for slot in slots(kept) if slot["kind"] == "keyring"]
    (name,) = kept.secrets()
    assert slot["parameters"] == f"OS keyring entry {name}"
    assert slot["label"] == "desk"
    assert len(base64.b64decode(kept.lookup(name), validate=True)) == 32
    shown = kept.run(sys.executable, "-m", "keyring", "get", "strongroom", name)
    assert shown.stdout.strip() == kept.lookup(name)
    assert not kept.was_asked()


def test_a_vault_made_with_the_keyring_alone(desktop: Desktop) -> None:
    """`init --keyring` needs neither a passphrase nor a key file."""
    environment = {**desktop.environment, "STRONGROOM_VAULT": str(desktop.machine.home / "second.db")}
    run = desktop.machine.run
    done = run("init", "--keyring", "--json", environment=environment)
    assert json.loads(done.out)["slots"] == ["keyring"]
    assert run("set", "a", "x=1", environment=environment).code == 0
    assert run("get", "a", environment=environment).out == b"1"
    without = run("get", "a", environment={**environment, "DBUS_SESSION_BUS_ADDRESS": ""})
    assert without.code == 8


def test_a_locked_keyring_is_said_and_nobody_is_asked(kept: Desktop) -> None:
    """Exit 8 with the reason, in seconds; with a key file the vault opens all the same."""
    kept.lock()
    started = time.monotonic()
    done = kept.machine.run("get", "bank/checking", "password", environment=kept.environment)
    assert done.code == 8
    assert "hint: the OS keyring is locked\n" in done.err
    assert "hint: unlock it in your desktop session, then repeat\n" in done.err
    assert time.monotonic() - started < 120
    done = kept.machine.run("slot", "add", "keyring", *key_file(kept), environment=kept.environment)
    assert (done.code, done.err.splitlines()[0]) == (15, "strongroom: the OS keyring is locked")
    assert kept.machine.run("get", "bank/checking", *key_file(kept), environment=kept.environment).out == b"canary-5d1e"
    assert not kept.was_asked()


def test_the_watch_on_questions_sees_one(kept: Desktop) -> None:
    """The keyring's own command does ask when it is locked; the test above would notice that."""
    kept.lock()
    assert kept.run(sys.executable, "-m", "keyring", "get", "strongroom", "anything").returncode != 0
    assert kept.was_asked()


def test_a_session_without_a_keyring(kept: Desktop) -> None:
    """No bus address, and a bus that is not there: each is exit 8 with a reason."""
    runtime = kept.environment["XDG_RUNTIME_DIR"]
    for address in ("", f"unix:path={runtime}/nothing", "nonsense"):
        environment = {**kept.environment, "DBUS_SESSION_BUS_ADDRESS": address}
        done = kept.machine.run("get", "bank/checking", environment=environment)
        assert done.code == 8, done
        assert "hint: there is no session with an OS keyring\n" in done.err, address
        assert "Traceback" not in done.err


def test_a_bus_without_a_keyring(keyed: Machine) -> None:
    """A session bus on which nothing keeps secrets, as in a container, is exit 15 when a slot shall be made."""
    require_programs("dbus-daemon", "dbus-run-session")
    config = keyed.root / "bus.conf"
    config.write_text(
        f"<busconfig><type>session</type><listen>unix:dir={keyed.root}</listen>"
        '<policy context="default"><allow send_destination="*"/><allow eavesdrop="true"/><allow own="*"/></policy>'
        "</busconfig>"
    )
    command = [sys.executable, "-m", "strongroom", "slot", "add", "keyring", "--key-file", str(keyed.key)]
    done = subprocess.run(
        ["dbus-run-session", "--config-file", str(config), "--", *command],
        env=keyed.full_environment(None),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 15, done
    assert b"strongroom: no OS keyring runs in this session\n" in done.stderr


def test_a_keyring_that_hangs_costs_five_seconds(kept: Desktop) -> None:
    """A keyring that has stopped, as behind a window nobody sees, does not stop us; awake, it opens again."""
    kept.stop()
    started = time.monotonic()
    done = kept.machine.run("get", "bank/checking", environment=kept.environment)
    assert done.code == 8, done
    assert "hint: the OS keyring did not answer within 5 seconds\n" in done.err
    assert 4 < time.monotonic() - started < 120
    kept.go_on()
    assert kept.machine.run("get", "bank/checking", environment=kept.environment).code == 0


def test_a_silent_bus_does_not_hang(kept: Desktop) -> None:
    """Something that listens in the bus's place and never answers is given up as well."""
    path = f"{kept.environment['XDG_RUNTIME_DIR']}/silent"
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(path)
        silent.listen()
        started = time.monotonic()
        environment = {**kept.environment, "DBUS_SESSION_BUS_ADDRESS": f"unix:path={path}"}
        done = kept.machine.run("get", "bank/checking", environment=environment)
        assert done.code == 8, done
        assert "hint: there is no session with an OS keyring\n" in done.err
        assert time.monotonic() - started < 120


def test_an_entry_that_is_gone_or_changed(kept: Desktop) -> None:
    """Gone is exit 8, as if nothing were at hand; changed is exit 6; neither shows what lies there."""
    (name,) = kept.secrets()
    words = ("service", "strongroom", "username", name)
    foreign = {"a password": b"hunter2", "another key": base64.b64encode(bytes(32))}
    for case, content in foreign.items():
        kept.run("secret-tool", "clear", *words)
        kept.run("secret-tool", "store", "--label=x", *words, stdin=content)
        done = kept.machine.run("get", "bank/checking", environment=kept.environment)
        assert done.code == 6, case
        assert "hint: the OS keyring's entry for this vault does not open it\n" in done.err
        assert content.decode() not in done.err
    kept.run("secret-tool", "clear", *words)
    done = kept.machine.run("get", "bank/checking", environment=kept.environment)
    assert done.code == 8
    assert "hint: the OS keyring has no entry for this vault\n" in done.err


def test_changing_and_removing_take_the_old_entry_away(kept: Desktop) -> None:
    """A changed slot has another entry, a removed one none; until then either of them opens the vault."""
    run = kept.machine.run
    (slot,) = [slot for slot in slots(kept) if slot["kind"] == "keyring"]
    (before,) = kept.secrets()
    assert run("slot", "change", slot["id"], environment=kept.environment).code == 0
    (after,) = kept.secrets()
    assert after != before
    assert run("get", "bank/checking", environment=kept.environment).code == 0
    assert run("slot", "remove", slot["id"], "--yes", environment=kept.environment).code == 0
    assert kept.secrets() == []
    assert run("get", "bank/checking", environment=kept.environment).code == 8
    assert [slot["kind"] for slot in slots(kept, *key_file(kept))] == ["key-file"]


def test_a_slot_of_another_machine_is_removed_with_a_note(kept: Desktop) -> None:
    """Without its keyring the slot goes all the same, and the entry that may be left is named."""
    (slot,) = [slot for slot in slots(kept) if slot["kind"] == "keyring"]
    (name,) = kept.secrets()
    done = kept.machine.run("slot", "remove", slot["id"], "--yes", *key_file(kept))
    assert done.code == 0
    assert f"the OS keyring entry {name} may still be there" in done.err
    assert kept.secrets() == [name]


def test_removing_when_the_entry_is_gone_already(kept: Desktop) -> None:
    """Somebody removed it by hand: nothing to say."""
    (slot,) = [slot for slot in slots(kept) if slot["kind"] == "keyring"]
    kept.run("secret-tool", "clear", "service", "strongroom")
    words = ("slot", "remove", slot["id"], "--yes", *key_file(kept))
    done = kept.machine.run(*words, environment=kept.environment)
    assert (done.code, "may still be there" in done.err) == (0, False), done


def test_a_slot_that_cannot_be_made_leaves_no_entry(desktop: Desktop) -> None:
    """A vault that could not be made takes its keyring entry back."""
    place = desktop.machine.home / "open"
    place.mkdir()
    place.chmod(0o777)
    environment = {**desktop.environment, "STRONGROOM_VAULT": str(place / "v.db")}
    done = desktop.machine.run("init", "--keyring", environment=environment)
    assert done.code == 9, done
    assert desktop.secrets() == []


def test_the_environment_does_not_choose_the_keyring(kept: Desktop) -> None:
    """PYTHON_KEYRING_BACKEND names any Python class; it is not asked."""
    environment = {**kept.environment, "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
    assert kept.machine.run("get", "bank/checking", environment=environment).out == b"canary-5d1e"
    # What the keyring's own settings choose is looked at before it can open a window.
    elsewhere = {**kept.environment, "KEYRING_PROPERTY_PREFERRED_COLLECTION": "/org/freedesktop/secrets/collection/no"}
    done = kept.machine.run("get", "bank/checking", environment=elsewhere)
    assert done.code == 8
    assert "hint: the OS keyring has no default collection\n" in done.err


def test_without_the_extra(machine: Machine, kept: Desktop) -> None:
    """Without the keyring package the search goes on, and says how to install it."""
    blocked = machine.root / "blocked"
    (blocked / "keyring").mkdir(parents=True)
    (blocked / "keyring" / "__init__.py").write_text("raise ImportError\n")
    path = [str(blocked), *kept.machine.full_environment(None).get("PYTHONPATH", "").split(":")]
    environment = {**kept.environment, "PYTHONPATH": ":".join(filter(None, path))}
    done = kept.machine.run("get", "bank/checking", environment=environment)
    assert done.code == 8
    assert "hint: a keyring slot needs the extra keyring, which is not installed\n" in done.err
    assert "hint: pip install 'strongroom[keyring]'\n" in done.err
