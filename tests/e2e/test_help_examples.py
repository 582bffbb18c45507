"""The examples of every help page work when they are copied, on a machine that has what they speak of."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile

import pytest

from strongroom.doors.cli.commands import VERBS, load
from tests.e2e.conftest import PATIENCE_SECONDS, Machine

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="they are lines of a POSIX shell")

SSH_KEY = "test -f ~/.ssh/id_ed25519 || { mkdir -p ~/.ssh; ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/id_ed25519; }\n"
SIGNED = "strongroom key create release --kind signing; strongroom sign app.tar.gz --key release\n"
# What has to be there first, for the verbs whose examples begin in the middle of something.
BEFORE = {
    "init": SSH_KEY + "rm -r ~/.local",
    "restore": "echo other | strongroom set bank/checking password",
    "allow": "git init -q",
    "restore-backup": "strongroom backup vault.backup",
    "check": SIGNED + "strongroom sign app.tar.gz --key release --format ssh -o app.tar.gz.sshsig\n"
    "strongroom key export release --public --format signers > allowed_signers",
    "scan": "git init -q",
    "audit": "strongroom unlock; strongroom get bank/checking password > read",
    "encrypt": SSH_KEY,
    "decrypt": SSH_KEY + "strongroom encrypt app.tar.gz --recipient ~/.ssh/id_ed25519.pub\n"
    "strongroom key create files --kind aead\n"
    "printf x > report.csv; strongroom encrypt report.csv --key files; rm report.csv",
    "file": SSH_KEY + "git init -q; printf 'db:\\n  password: x\\n  host: y\\n' > settings.yaml",
    "agent": "strongroom unlock",
    "lock": "strongroom unlock",
}
AFTER = "strongroom agent stop 2> stopping || true"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A machine with a vault, a program of that name on PATH, and the files that examples name."""
    keyed = Machine(tmp_path_factory.mktemp("model"))
    assert keyed.run("init", "--key-file", str(keyed.key)).code == 0
    keyed.environment["STRONGROOM_KEY_FILE"] = str(keyed.key)
    programs = keyed.home / "programs"
    programs.mkdir()
    # The first word of an example; what it needs of this process's environment is in its own.
    program = programs / "strongroom"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m strongroom --yes "$@"\n')
    program.chmod(0o755)
    # An editor that a person would leave at once.
    (programs / "vi").symlink_to("/bin/true")
    keyed.environment.update(PATH=f"{programs}:/usr/bin:/bin", EDITOR="true", LANG="C.UTF-8")
    assert keyed.run("set", "bank/checking", "username=dustin", "password", stdin=b"canary-7f3a").code == 0
    assert keyed.run("set", "mail/smtp", "host=smtp.example.org", "password", stdin=b"canary-91bd").code == 0
    files = {
        ".env": "DB_HOST=localhost\nDB_PASSWORD=tr0ub4dor-3\n",
        ".env.example": "username=\npassword=\n",
        ".env.vault": "DB_PASSWORD=strongroom://bank/checking#password\n",
        "app.ini.template": "password = {{ strongroom://bank/checking#password }}\n",
        "passwords.csv": "name,url,username,password\nshop,https://shop.example,dustin,canary-55\n",
        "site.key": "not really a key\n",
        "report.csv": "a,b\n1,2\n",
    }
    for name, text in files.items():
        (keyed.home / name).write_text(text)
        (keyed.home / name).chmod(0o600)
    with tarfile.open(keyed.home / "app.tar.gz", "w:gz") as archive:
        archive.add(keyed.home / "report.csv", "report.csv")
    return keyed


# What is typed, where that is more than any value.
STDIN = {"init": b"tea with nine blue elephants\n"}


@pytest.fixture
def furnished(model: Machine, machine: Machine) -> Machine:
    """A copy of it for one page's examples."""
    shutil.copytree(model.home, machine.home, symlinks=True, dirs_exist_ok=True)
    machine.environment = {
        name: text.replace(str(model.home), str(machine.home)) for name, text in model.environment.items()
    }
    return machine


@pytest.mark.parametrize("verb", VERBS)
def test_examples_work(verb: str, furnished: Machine) -> None:
    """Each line by itself, one after the other, in one home directory."""
    lines = [line for line in load(verb).EXAMPLES.splitlines() if not line.startswith("#")]
    script = "\n".join([BEFORE.get(verb, ""), *(f"( {line} ) < ~/answer" for line in lines)])
    (furnished.home / "answer").write_bytes(STDIN.get(verb, b"canary-aa02\n"))
    environment = furnished.full_environment(None, (verb,))
    try:
        done = subprocess.run(
            ["/bin/bash", "-e", "-x", "-c", script],
            cwd=furnished.home,
            env=environment,
            capture_output=True,
            timeout=PATIENCE_SECONDS,
        )
    finally:
        subprocess.run(["/bin/sh", "-c", AFTER], cwd=furnished.home, env=environment, timeout=PATIENCE_SECONDS)
    assert done.returncode == 0, "\n".join(done.stderr.decode("utf-8", "replace").splitlines()[-12:])
