"""Nobody at the keyboard: key files, empty environments, and everything that must be refused there."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to other users")


def in_nothing(machine, *words: str) -> subprocess.CompletedProcess[bytes]:
    """``env -i``, no terminal, standard input closed, another directory: less than cron gives."""
    needed = [f"PYTHONPATH={os.environ['PYTHONPATH']}"] if "PYTHONPATH" in os.environ else []
    return subprocess.run(
        ["/usr/bin/env", "-i", *needed, sys.executable, "-m", "strongroom", *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        cwd="/",
        start_new_session=True,
        timeout=60,
    )


def test_an_empty_environment_is_enough(keyed) -> None:
    """With --vault and --key-file a value is read without HOME, terminal or any variable."""
    keyed.run("set", "bank/checking", "password", stdin=b"canary-1\n")
    words = ("--vault", str(keyed.vault), "--key-file", str(keyed.key))
    done = in_nothing(keyed, "get", "bank/checking", "password", *words)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"canary-1", b"")
    done = in_nothing(keyed, "set", "bank/checking", "note=x", *words)
    assert done.returncode == 0, done.stderr


def test_without_home_the_password_database_answers(keyed) -> None:
    """An unset or relative HOME does not lead astray: the message names the place it looked at."""
    import pwd

    home = pwd.getpwuid(os.getuid()).pw_dir
    for environment in ({"PATH": "/usr/bin"}, {"HOME": ""}, {"HOME": "relative/home"}):
        done = keyed.run("--key-file", str(keyed.key), "get", "nothing/here", environment=environment)
        assert done.code == 4
        assert f"{home}/.local/share/strongroom" in done.err or "nothing/here" in done.err
    data = {"XDG_DATA_HOME": str(keyed.home / ".local" / "share"), "STRONGROOM_KEY_FILE": str(keyed.key)}
    assert keyed.run("ls", environment=data).code == 0
    vault = {"STRONGROOM_VAULT": f"sqlite:{keyed.vault}", "STRONGROOM_KEY_FILE": str(keyed.key)}
    assert keyed.run("ls", environment=vault).code == 0


def test_a_missing_vault_and_a_missing_key_file(keyed) -> None:
    """Each is exit 4 and is named; a key file that the environment names does not silently fall away."""
    done = keyed.run("ls", "--vault", str(keyed.home / "none.db"))
    assert done.code == 4
    missing = keyed.home / "none.db"
    hint = f"hint: make one: strongroom --vault {missing} init\n"
    assert done.err == f"strongroom: there is no vault at {missing}\n{hint}"
    done = keyed.run("ls", "--key-file", str(keyed.home / "none"))
    assert (done.code, done.err) == (4, f"strongroom: there is no key file at {keyed.home}/none\n")
    environment = {**keyed.environment, "STRONGROOM_KEY_FILE": str(keyed.home / "none")}
    done = keyed.run("ls", environment=environment)
    assert (done.code, done.err) == (4, f"strongroom: there is no key file at {keyed.home}/none\n")


def test_a_vault_that_only_a_key_file_opens_says_so(keyed) -> None:
    """Without the key file: exit 8, no prompt even where a terminal is, and the option that is missing."""
    del keyed.environment["STRONGROOM_KEY_FILE"]
    done = keyed.run("ls")
    assert done.code == 8
    assert "hint: the vault has no passphrase to ask for\n" in done.err
    assert "hint: name its key file: --key-file FILE, or STRONGROOM_KEY_FILE=FILE\n" in done.err
    with keyed.at_terminal("ls") as person:
        assert person.ends() == 8


def test_the_wrong_key_file(keyed) -> None:
    """Another vault's key file is exit 6, and so is what is no key file; neither is repeated in a message."""
    other = keyed.home / "other"
    keyed.run("--vault", str(keyed.home / "o.db"), "--key-file", str(other), "init")
    done = keyed.run("ls", "--key-file", str(other))
    assert done.code == 6
    assert done.err.startswith(f"strongroom: the key file {other} does not open {keyed.vault}\n")
    done = keyed.run("ls", environment={**keyed.environment, "STRONGROOM_KEY_FILE": str(other)})
    assert done.code == 6
    assert f"hint: STRONGROOM_KEY_FILE names {other}, which opens no slot of this vault\n" in done.err
    wrong = keyed.home / "wrong"
    for content in (b"", b"canary-9", keyed.key.read_bytes()[:-9] + b"00000000\n", bytes(5000)):
        wrong.unlink(missing_ok=True)
        wrong.write_bytes(content)
        wrong.chmod(0o400)
        done = keyed.run("ls", "--key-file", str(wrong))
        assert done.code in (6, 15), done
        assert str(wrong) in done.err
        assert "canary" not in done.err


def test_the_systemd_credential(keyed) -> None:
    """A service's credential opens the vault when no key file is named; what it may look like is systemd's habit."""
    folder = keyed.home / "credentials"
    folder.mkdir(mode=0o700)
    credential = folder / "strongroom-key"
    credential.write_bytes(keyed.key.read_bytes())
    environment = {"HOME": str(keyed.home), "CREDENTIALS_DIRECTORY": str(folder)}
    for mode, code in ((0o400, 0), (0o440, 0 if os.geteuid() == 0 else 9), (0o444, 9), (0o460, 9)):
        credential.chmod(mode)
        done = keyed.run("ls", environment=environment)
        assert done.code == code, (oct(mode), done)
    credential.unlink()
    done = keyed.run("ls", environment=environment)
    assert done.code == 8
    assert "hint: there is no systemd credential strongroom-key\n" in done.err


def test_open_permissions_are_refused(keyed) -> None:
    """Group or world bits on key file, vault or their directories are exit 9, with the command that helps."""
    keyed.run("set", "a", "x=1")
    shared = keyed.home / "shared"
    shared.mkdir(mode=0o700)
    key = shared / "key"
    key.write_bytes(keyed.key.read_bytes())
    key.chmod(0o400)
    words = ("get", "a", "--key-file", str(key))
    assert keyed.run(*words).code == 0
    for path, mode, hint in (
        (key, 0o440, f"hint: chmod go= {key}\n"),
        (key, 0o404, f"hint: chmod go= {key}\n"),
        (key, 0o420, f"hint: chmod go= {key}\n"),
        (shared, 0o770, f"hint: chmod go-w {shared}\n"),
        (shared, 0o1777, "hint: keep the file in a directory of its own with mode 0700\n"),
        (keyed.vault, 0o640, f"hint: chmod go= {keyed.vault}\n"),
        (keyed.vault.parent, 0o777, f"hint: chmod go-w {keyed.vault.parent}\n"),
    ):
        before = stat.S_IMODE(path.stat().st_mode)
        path.chmod(mode)
        done = keyed.run(*words)
        assert (done.code, done.out) == (9, b""), (path, oct(mode), done)
        assert hint in done.err
        path.chmod(before)
    assert keyed.run(*words).code == 0
    link = shared / "link"
    link.symlink_to(key)
    assert keyed.run("get", "a", "--key-file", str(link)).code == 9
    os.link(key, shared / "second")
    assert keyed.run(*words).code == 9


@needs_root
def test_a_foreign_owner_is_refused(keyed) -> None:
    """A key file, vault or directory of another user is exit 9."""
    keyed.run("set", "a", "x=1")
    for path in (keyed.key, keyed.vault, keyed.vault.parent):
        os.chown(path, 65534, 65534)
        done = keyed.run("get", "a")
        assert done.code == 9, done
        assert f"{path} belongs to user 65534, not to user 0" in done.err
        os.chown(path, 0, 0)
    assert keyed.run("get", "a").code == 0


@pytest.mark.parametrize("table", ["header", "slots", "nodes", "versions", "ledger"])
def test_tampering_is_found(keyed, table: str) -> None:
    """One flipped bit in any table: get refuses or gives the right value, verify is exit 7 and says what."""
    keyed.run("set", "a", "token", stdin=b"canary-2")
    with sqlite3.connect(keyed.vault) as connection:
        column = {"slots": "record", "header": "mac"}.get(table, "body")
        (body,) = connection.execute(f"SELECT {column} FROM {table}").fetchone()
        flipped = body[:-1] + bytes([body[-1] ^ 1])
        connection.execute(f"UPDATE {table} SET {column} = ?", (flipped,))
    connection.close()
    done = keyed.run("get", "a")
    assert (done.code, done.out) in ((7, b""), (0, b"canary-2")), done
    done = keyed.run("verify")
    assert done.code == 7, done
    assert done.text.startswith(("changed: ", "deleted: ", "swapped: ", "rolled back: ")), done
    assert "canary" not in done.err + done.text


def test_findings_are_lines_on_standard_output(keyed) -> None:
    """verify prints one line per finding, and --json the same as a list."""
    import json

    for name in ("a", "b"):
        keyed.run("set", name, "token", stdin=b"canary-3")
    with sqlite3.connect(keyed.vault) as connection:
        rows = connection.execute("SELECT item, number FROM versions ORDER BY item").fetchall()
        connection.execute("DELETE FROM versions WHERE item = ?", (rows[0][0],))
    connection.close()
    done = keyed.run("verify")
    assert done.code == 7
    assert any(line.startswith("deleted: ") for line in done.text.splitlines()), done
    report = json.loads(keyed.run("verify", "--json").out)
    assert report["ok"] is False
    assert report["findings"] == done.text.splitlines()


def test_no_secret_in_the_process_list(keyed) -> None:
    """While set waits for its value and get runs, neither argument list nor environment shows it."""
    read, write = os.pipe()
    command = [sys.executable, "-m", "strongroom", "set", "bank", "password"]
    with subprocess.Popen(command, stdin=read, env=keyed.full_environment(None), stderr=subprocess.PIPE) as waiting:
        os.close(read)
        os.write(write, b"canary-4")
        time.sleep(0.3)
        shown = b"".join(Path(f"/proc/{waiting.pid}/{name}").read_bytes() for name in ("cmdline", "environ", "comm"))
        assert b"strongroom" in shown
        assert b"canary-4" not in shown
        os.close(write)
        assert waiting.stderr is not None
        assert b"canary-4" not in waiting.stderr.read()
    assert keyed.run("get", "bank").out == b"canary-4"


def test_a_bug_shows_no_secret(keyed, tmp_path: Path) -> None:
    """An unexpected exception is exit 1: its type and place, without its words and without a traceback."""
    keyed.run("set", "a", "x=1")
    plant = tmp_path / "plant"
    plant.mkdir()
    (plant / "sitecustomize.py").write_text(
        "import strongroom.vault.vault as v\n"
        "def get(self, *a, **k):\n    raise RuntimeError('canary-5')\n"
        "v.Vault.get = get\n"
    )
    paths = os.pathsep.join([str(plant), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = keyed.run("get", "a", environment={**keyed.environment, "PYTHONPATH": paths})
    assert done.code == 1
    assert done.err.startswith("strongroom: unexpected RuntimeError: this is a bug in strongroom\n")
    assert "canary" not in done.err
    assert "Traceback" not in done.err
