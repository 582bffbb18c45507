"""`ca timer`: units that a real systemd takes, starts and keeps the time for."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from strongroom.doors.cli.certificate_timers import unit_name
from tests.certificates import run, vault_with_authority
from tests.e2e.conftest import PATIENCE_SECONDS, Machine
from tests.e2e.test_certificates import AT_ONCE
from tests.interop.test_systemd_credential import IN_NAMESPACE, needs_root
from tests.peers import require_programs

# A user's systemd, as there; and what is asked of it.
MANAGER = IN_NAMESPACE.partition("systemd-run")[0]
ASKED = """
systemctl --user start "$1.timer"
systemctl --user show -p NextElapseUSecRealtime --value "$1.timer"
systemctl --user start "$1.service"
systemctl --user show -p Result --value "$1.service"
"""


@pytest.fixture
def machine(machine: Machine) -> Machine:
    """With an authority, and a certificate in a file whose name has what a unit's line would take apart."""
    with vault_with_authority(machine) as vault:
        file = machine.home / "100% $HOME's.pem"
        file.touch(mode=0o600)
        file.write_bytes(vault.ca.issue("localhost").pem())
    return machine


def units_of(machine: Machine) -> dict[str, Path]:
    return {one.suffix: one for one in (machine.home / ".config/systemd/user").glob("strongroom-renew-*")}


def test_systemd_understands_the_units(machine: Machine) -> None:
    """`systemd-analyze verify` has nothing to say; the command's words come out as they went in."""
    require_programs("systemd-analyze")
    (file,) = machine.home.glob("100*")
    told = 'sh -c \'echo "it is done" > "100% done"; true $PATH\''
    done = machine.run("ca", "timer", file.name, "--exec", told, "--expiring", "8d", "--key-file", str(machine.key))
    assert (done.code, done.out) == (0, b""), done
    units = units_of(machine)
    verified = run("systemd-analyze", "verify", "--user", "--man=no", *map(str, units.values()))
    assert [line for line in verified.stderr.splitlines() if "strongroom" in line] == []
    (line,) = [one for one in units[".service"].read_text().splitlines() if one.startswith("ExecStart=")]
    words = shlex.split(line.removeprefix("ExecStart=").replace("$$", "$").replace("%%", "%"))
    assert words == [
        sys.executable, "-P", "-m", "strongroom", "ca", "renew", str(file), "--expiring", "192h",
        "--vault", str(machine.vault), "--exec", told,
    ]  # fmt: skip
    assert f"LoadCredential=strongroom-key:{machine.key}" in units[".service"].read_text()


@needs_root
def test_a_real_systemd_renews_the_file(machine: Machine) -> None:
    """With the key as the service's credential; the command runs behind it, and the timer knows when it comes next."""
    require_programs("unshare", "systemctl", "dbus-daemon")
    (file,) = machine.home.glob("100*")
    before = file.read_bytes()
    mark = machine.home / "it is done"
    words = ("ca", "timer", file.name, "--expiring", "8d", "--key-file", str(machine.key))
    assert machine.run(*words, "--exec", f"touch '{mark}'").code == 0
    runtime = machine.root / "runtime"
    runtime.mkdir(mode=0o700)
    environment = {name: text for name, text in machine.environment.items() if name != "STRONGROOM_KEY_FILE"} | {
        "XDG_RUNTIME_DIR": str(runtime),
        "DBUS_SESSION_BUS_ADDRESS": f"unix:path={runtime}/bus",
    }
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", MANAGER + ASKED, "sh", units_of(machine)[".service"].stem],
        env=environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False,
    )  # fmt: skip
    elapses, result = done.stdout.splitlines() or ("", "")
    assert (done.returncode, result, bool(elapses)) == (0, "success", True), done
    assert mark.exists()
    assert file.read_bytes() != before
    assert len(json.loads(machine.run("ca", "list", "--json").text)) == 2


REFUSED = {
    ("nothing.pem",): (4, "no certificate"),
    ("key",): (7, "no certificate in this file"),
    ("service.pem", "--expiring", "2h"): (2, "a timer comes every hour"),
    ("service.pem", "--exec", "'"): (2, "--exec"),
    ("service.pem", "--out", "x"): (2, "takes no --out"),
    ("service.pem", "--store", "nss"): (2, "takes no --store"),
    (): (2, "needs FILE"),
}


def test_what_cannot_be_is_refused(machine: Machine) -> None:
    """And no unit is written; one that is there is replaced only when that was said."""
    next(machine.home.glob("100*")).rename(machine.home / "service.pem")
    lines = json.dumps([["ca", "timer", *words] for words in REFUSED])
    answers = run(sys.executable, "-c", AT_ONCE, lines, cwd=machine.home, **machine.full_environment(None)).stdout
    for (words, (code, text)), said in zip(REFUSED.items(), json.loads(answers), strict=True):
        assert (said[0], text in said[2]) == (code, True), (words, said)
    assert units_of(machine) == {}
    assert machine.run("ca", "timer", "service.pem").code == 0
    again = machine.run("ca", "timer", "service.pem")
    assert (again.code, "add --yes" in again.err) == (10, True)
    link, elsewhere = units_of(machine)[".service"], machine.home / "elsewhere"
    link.unlink()
    elsewhere.write_text("mine")
    link.symlink_to(elsewhere)
    assert machine.run("ca", "timer", "service.pem").code == 10
    assert machine.run("ca", "timer", "service.pem", "--yes").code == 0
    assert (link.is_symlink(), elsewhere.read_text()) == (False, "mine")
    assert "--expiring 56h" in units_of(machine)[".service"].read_text()


def test_no_two_files_have_the_same_unit() -> None:
    """Names are those of systemd-escape, and one line."""
    paths = ["/a/b", "/a-b", "/a\\x2db", "/a b", "/.a", "/a/.b", "/ä", "/a\nb", "/a%b"]
    assert len({unit_name(path) for path in paths}) == len(paths)
    require_programs("systemd-escape")
    for path in paths:
        assert unit_name(path) == run("systemd-escape", "--path", path).stdout.rstrip("\n"), path
    assert os.fsencode(unit_name(os.fsdecode(b"/\xff"))) == b"\\xff"
