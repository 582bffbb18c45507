"""Something else lies at the name that a command writes: it is refused, or replaced, and never written through.

Links to a file, to nothing and to a device, hard links, pipes, directories, devices and strangers'
files, at each name of `output_names`.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.every_command import Case, Home
from tests.faults.forking import Commands, Done
from tests.faults.output_names import AGENT, ALLOW, ENCRYPT_FILE, INSTALL, ROWS, SEAL, Row
from tests.faults.vault_trials import IS_WHOLE

STRANGER = 65_534


class Place:
    """A copy of a home in which a vault lies; commands run in it.

    Attributes:
        victim: a file of the user's own that has nothing to do with any of it.
        nothing: where a dangling link points to.
    """

    def __init__(self, root: Path, base: Path) -> None:
        shutil.copytree(base, root, symlinks=True)
        self.root = root
        self.home = root / "home"
        self.victim = root / "outside" / "victim"
        self.nothing = root / "outside" / "nothing"
        self.folder = root / "outside" / "folder"
        self.victim.write_text("precious")
        self.victim.chmod(0o600)
        self.folder.mkdir(mode=0o700)
        (self.folder / "precious").write_text("precious")

    def paths(self, name: str) -> list[Path]:
        """Where a name of `ROWS` lies in this home; for a time of day those of the next seconds."""
        if "TIME" in name:
            now = time.time()
            times = (time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now + ahead)) for ahead in range(-1, 60))
            return [self.home / name.replace("TIME", moment) for moment in times]
        if name.endswith("readers/#"):
            digest = hashlib.sha256(os.fsencode(self.root / "outside" / "values.json")).hexdigest()
            return [self.home / name.replace("#", digest[:32])]
        if name.endswith("#.place"):
            digest = hashlib.sha256(os.fsencode(self.home / "vault.db")).hexdigest()
            return [self.home / name.replace("#", digest[:32])]
        above = self.root if name.startswith("outside/") else self.home
        return list(above.glob(name.replace("#", "*"))) if "#" in name else [above / name]

    def clear(self, path: Path) -> None:
        """Make room for what is planted."""
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)

    def run(self, commands: Commands, command: str, *, patience_seconds: float = 60.0) -> Done:
        """One command line, with what opens the vault at hand."""
        words = [word.format(home=self.home, outside=self.root / "outside") for word in command.split()]
        return commands.run(words, self.environment(), self.home, patience_seconds=patience_seconds)

    def environment(self) -> dict[str, str]:
        """That of every command here; where an agent is asked, it is the one that the command itself has started."""
        environment = {
            "HOME": str(self.home),
            "PATH": "/usr/bin:/bin",
            "XDG_STATE_HOME": str(self.home / "state"),
            "XDG_CONFIG_HOME": str(self.home / "config"),
            "STRONGROOM_AGENT_SOCKET": str(self.home / "agent.sock"),
            "STRONGROOM_VAULT": str(self.home / "vault.db"),
            "STRONGROOM_KEY_FILE": str(self.home / "key"),
        }
        for name in ("PYTHONPATH", "COVERAGE_PROCESS_CONFIG"):
            if name in os.environ:
                environment[name] = os.environ[name]
        return environment

    def snapshot(self) -> dict[str, tuple[object, ...]]:
        """Everything that is nobody's to change: by name, content, owner, mode and time of change."""
        found: dict[str, tuple[object, ...]] = {}
        for path in (self.victim, self.folder / "precious", Path("/dev/null")):
            status = path.stat()
            content = path.read_text() if stat.S_ISREG(status.st_mode) else ""
            when = status.st_mtime_ns if content else status.st_rdev
            found[str(path)] = (content, status.st_mode, status.st_uid, when)
        return found | {"nothing": (os.path.lexists(self.nothing),)}


def _link(place: Place, path: Path) -> None:
    path.symlink_to(place.victim)


def _dangling(place: Place, path: Path) -> None:
    path.symlink_to(place.nothing)


def _null(_place: Place, path: Path) -> None:
    path.symlink_to("/dev/null")


def _hard_link(place: Place, path: Path) -> None:
    os.link(place.victim, path)


def _pipe(_place: Place, path: Path) -> None:
    os.mkfifo(path, 0o600)


def _directory(_place: Place, path: Path) -> None:
    path.mkdir(mode=0o700)
    (path / "precious").write_text("precious")


def _folder_link(place: Place, path: Path) -> None:
    path.symlink_to(place.folder)


def _device(_place: Place, path: Path) -> None:
    os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 3))


def _foreign(_place: Place, path: Path) -> None:
    path.write_text("precious")
    path.chmod(0o600)
    os.chown(path, STRANGER, STRANGER)


def _foreign_pipe(_place: Place, path: Path) -> None:
    os.mkfifo(path, 0o600)
    os.chown(path, STRANGER, STRANGER)


PLANTS: dict[str, Callable[[Place, Path], None]] = {
    "link": _link,
    "dangling": _dangling,
    "null": _null,
    "hard link": _hard_link,
    "pipe": _pipe,
    "directory": _directory,
    "link to a directory": _folder_link,
}
if os.geteuid() == 0:
    PLANTS |= {"device": _device, "foreign": _foreign, "foreign pipe": _foreign_pipe}

_DIRECTORIES = ("directory", "link to a directory")
_REPLACED = {"": 0, "directory": 15}
# A device or a pipe of one's own is an output like another; the pipe waits for its reader, as everywhere.
_STREAMED = {"": 10, "device": 0, "pipe": -9, "foreign pipe": 9}

# By name: the exit code for each plant, "" for all others. 9 is refused as unsafe, 10 as there already, 4 as no
# directory; 0 is done in spite of it, beside it or in its place.
CODES: dict[str, dict[str, int]] = {
    "state": {"": 0},
    "state/strongroom": {"": 9, "dangling": 0, **dict.fromkeys(_DIRECTORIES, 0)},
    "state/strongroom/readers": {"": 9, "dangling": 0, **dict.fromkeys(_DIRECTORIES, 0)},
    # Its content is nobody's: whatever can be locked does, and else nothing is remembered, with a note.
    "state/strongroom/lock": {"": 0},
    "vault.db.before-TIME": {"": 0},
    "agent.sock.new": _REPLACED,
    "agent.sock.lock": {"": 9, **dict.fromkeys(("hard link", "pipe", "device", "foreign", "foreign pipe"), 0)},
    "vault.db.audit": {"": 9, "dangling": 4, **dict.fromkeys(_DIRECTORIES, 0)},
    # The audit goes on in a new file, which the agent's status remarks upon.
    "vault.db.audit/#-000001.log": {"": 0},
    "vault.db.inbox": {"": 9, "directory": 0},
    "vault.db.inbox/key": {"": 9, "foreign": 0},
    **{name: {"": 4, **dict.fromkeys(_DIRECTORIES, 0)} for name in ("config", "config/systemd", "config/systemd/user")},
    # Whatever is no file is not replaced.
    "outside/rendered": {**_REPLACED, **dict.fromkeys(("null", "pipe", "device", "foreign pipe", *_DIRECTORIES), 9)},
    **{name: {"": 10} for name in ("camera.key", "backup.db", "checkpoint")},
    "outside/exported": {"": 10},
    # Of a database that is gone, for all that anybody knows.
    **{f"moved.db-{ending}": {"": 10} for ending in ("wal", "shm", "journal")},
    **{f"outside/{name}": _STREAMED for name in ("sealed", "locked", "opened", "service.pem")},
    **{f"outside/certificate.{ending}": _STREAMED for ending in ("minisig", "age")},
}
# By command, where it decides.
CODES_OF_COMMANDS = {"init --key-file {home}/fresh": {"": 10}, INSTALL: {"": 10}, f"{INSTALL} --yes": _REPLACED}


def expected_code(name: str, command: str, plant: str) -> int:
    """What a command says; 9 if no table says otherwise."""
    if name.endswith(("vault.db", ".service")):
        codes = CODES_OF_COMMANDS.get(command, {})
    else:
        codes = CODES.get(name, {})
    return codes.get(plant, codes.get("", 9))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which there is one of everything."""
    root = tmp_path_factory.mktemp("planted") / "base"
    root.mkdir(mode=0o700)
    home = Home(root)
    for case in (
        Case("init --key-file {home}/key"),
        Case("set bank user=dustin password", stdin="{password}"),
        Case("set post password", stdin="x"),
        Case(ALLOW),
        Case("key create signer --kind signing"),
        Case("key create sealer --kind aead"),
        Case(f"{SEAL}/sealed"),
        Case(ENCRYPT_FILE),
        Case("ca init --permit example.test"),
        Case("backup {home}/backup.db"),
        Case(AGENT),
        Case("get bank password"),
        Case("agent stop"),
    ):
        home.run(case)
    # The agent wipes its environment, by which others are known.
    deadline = time.monotonic() + 60
    while os.path.lexists(home.home / "agent.sock"):
        assert time.monotonic() < deadline, "the agent does not end"
        time.sleep(0.01)
    return root


@pytest.fixture(scope="module")
def commands() -> Iterator[Commands]:
    with Commands() as made:
        yield made


def attempt(place: Place, commands: Commands, name: str, command: str, plant: str) -> list[str]:
    """Plant, run, and what is wrong afterwards."""
    planted = {}
    for path in place.paths(name):
        place.clear(path)
        PLANTS[plant](place, path)
        planted[path] = path.lstat()
    before = place.snapshot()
    expected = expected_code(name, command, plant)
    done = place.run(commands, command, patience_seconds=1.5 if expected < 0 else 60.0)
    if command == AGENT and not done.code:
        place.run(commands, "agent stop")
    findings = []
    if place.snapshot() != before:
        findings.append("a victim was changed")
    if done.code != expected:
        findings.append(f"exit {done.code}, not {expected}")
    if expected < 0:
        return findings
    said = done.err + done.out.decode()
    if "Traceback" in said or (done.code and not any(str(path).removesuffix(".new") in said for path in planted)):
        findings.append("the name is not in the message")
    for path, status in planted.items():
        findings += judge_name(path, status, ROWS[name])
    return [f"{plant} at {name}: {finding}: {done}" for finding in findings]


def judge_name(path: Path, planted: os.stat_result, row: Row) -> list[str]:
    """What lies there now: what was planted, as it was; or something of ours alone."""
    try:
        now = path.lstat()
    except FileNotFoundError:
        return []
    if (now.st_ino, now.st_dev) == (planted.st_ino, planted.st_dev):
        kept = (now.st_mode, now.st_uid, now.st_size) == (planted.st_mode, planted.st_uid, planted.st_size)
        # A directory may have taken something in.
        return [] if kept or stat.S_ISDIR(now.st_mode) else ["what was planted was changed"]
    is_ours = now.st_uid == os.geteuid() and not stat.S_ISLNK(now.st_mode)
    is_private = not stat.S_IMODE(now.st_mode) & (0o022 if row.is_public or row.is_ordinary else 0o077)
    is_alone = stat.S_ISDIR(now.st_mode) or now.st_nlink == 1
    return [] if is_ours and is_private and is_alone else ["it was replaced by something that is not ours alone"]


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.commands])
def test_what_is_planted(base: Path, commands: Commands, tmp_path: Path, name: str) -> None:
    """Nothing hangs, no victim is changed, exit code and message fit; what is made is private and has one name.

    Every plant meets one of the name's commands; STRONGROOM_FAULTS_WHOLE=1 lets it meet all of them.
    """
    findings = []
    row = ROWS[name]
    for number, plant in enumerate(PLANTS):
        chosen = row.commands if IS_WHOLE else (row.commands[number % len(row.commands)],)
        for command in chosen:
            place = Place(tmp_path / f"{number}-{row.commands.index(command)}", base)
            findings += attempt(place, commands, name, command, plant)
            shutil.rmtree(place.root, ignore_errors=True)  # an agent may be about to end
    assert findings == []


@pytest.mark.parametrize("plant", ["link", "dangling", "hard link", "directory"])
def test_a_careless_writer_is_found_out(base: Path, commands: Commands, tmp_path: Path, plant: str) -> None:
    """`open(path, "w")`, as a command that knows nothing of this would have it: each plant shows."""
    place = Place(tmp_path / "place", base)

    class Careless:
        def run(self, *_arguments: object, **_options: object) -> Done:
            try:
                (place.home / "backup.db").write_text("a secret")
            except OSError:
                return Done([], 1, b"", "Traceback")
            return Done([], 0, b"", "")

    careless: Commands = Careless()  # type: ignore[assignment]
    assert attempt(place, careless, "backup.db", "backup {home}/backup.db", plant) != []
    shutil.rmtree(place.root)
    clean = Place(tmp_path / "place", base)
    assert attempt(clean, commands, "backup.db", "backup {home}/backup.db", plant) == []


def test_what_hangs_is_ended(base: Path, commands: Commands, tmp_path: Path) -> None:
    """And has an exit code that no command may have."""
    place = Place(tmp_path / "place", base)
    words = ["run", "--key-file", str(place.home / "key"), "--", "/bin/sleep", "60"]
    done = commands.run(words, {"STRONGROOM_VAULT": str(place.home / "vault.db")}, place.home, patience_seconds=1.0)
    assert done.code == -9
