"""Every name that a command writes, as strace shows it; and what may be planted there before.

``#`` stands for hex digits, ``TIME`` for the time of day. What begins with a dot and ends in
``.#.new`` is an unfinished file, whose name has 64 random bits, is made anew each time and with
O_EXCL: nobody can know it before. All others have a row here, and `test_planted_names` plants.
"""

from __future__ import annotations

import os
import re
from pathlib import Path


class Row:
    """One name.

    Args:
        commands: command lines that write it; none for a name that nobody can know before.
        is_public: made to be read by others.
        is_ordinary: a file like any other, whose mode the umask decides: what is encrypted or signed.
        is_rare: not every life shows it, because it depends on what SQLite does.
    """

    def __init__(
        self, *commands: str, is_public: bool = False, is_ordinary: bool = False, is_rare: bool = False
    ) -> None:
        self.commands = commands
        self.is_public = is_public
        self.is_ordinary = is_ordinary
        self.is_rare = is_rare


READ, WRITE = "get bank password", "set new name=x"
RESTORE = "restore-backup {home}/backup.db --yes"
COPY = "copy {home}/vault.db {home}/moved.db --yes"
AGENT = "unlock --key-file {home}/key"
ADD_KEY = "deposit add-key camera inbox/* --out {home}/camera.key"
INSTALL = "agent install --user"
SEAL = "encrypt {outside}/certificate --key sealer -o {outside}"
ENCRYPT_FILE = "file encrypt {outside}/values.json --key sealer"
ROTATE_FILE = "file rotate {outside}/values.json"
ALLOW = "allow {outside}/template --yes"

ROWS = {
    "vault.db": Row("init --key-file {home}/fresh", RESTORE, READ, WRITE, "verify", "rotate"),
    "vault.db-wal": Row(READ, WRITE, RESTORE, "backup {home}/new.db", "doctor"),
    "vault.db-shm": Row(READ, WRITE, RESTORE),
    "vault.db-journal": Row(READ, RESTORE),
    "key": Row("init --key-file {home}/key --vault {home}/second.db"),
    "other.key": Row("slot add key-file {home}/other.key"),
    "camera.key": Row(ADD_KEY),
    "backup.db": Row("backup {home}/backup.db"),
    "checkpoint": Row("audit checkpoint {home}/checkpoint", is_public=True),
    "vault.db.before-TIME": Row(RESTORE),
    "moved.db": Row(COPY),
    "moved.db-wal": Row(COPY),
    "moved.db-shm": Row(COPY),
    "moved.db-journal": Row(COPY, is_rare=True),
    "vault.db.restoring-#": Row(),
    **{f"vault.db.restoring-#{ending}": Row(is_rare=True) for ending in ("-wal", "-shm", "-journal")},
    "state": Row(WRITE),
    "state/strongroom": Row(WRITE),
    "state/strongroom/lock": Row(WRITE),
    "state/strongroom/#.anchor": Row(WRITE, READ),
    "state/strongroom/#.place": Row(WRITE, READ),
    "state/strongroom/#.counter": Row(WRITE, READ),
    "state/strongroom/allowed-files": Row(ALLOW),
    "agent.sock": Row(AGENT),
    "agent.sock.new": Row(AGENT),
    "agent.sock.lock": Row(AGENT),
    "vault.db.audit": Row(AGENT),
    "vault.db.audit/#-000001.log": Row(AGENT),
    "vault.db.inbox": Row(ADD_KEY),
    "vault.db.inbox/key": Row(ADD_KEY, is_public=True),
    # A deposit's id is 128 random bits.
    "vault.db.inbox/#.deposit": Row(is_public=True),
    "vault.db.inbox/.#.new": Row(),
    "config": Row(INSTALL),
    "config/systemd": Row(INSTALL),
    "config/systemd/user": Row(INSTALL),
    "config/systemd/user/strongroom-agent.service": Row(INSTALL, f"{INSTALL} --yes", is_public=True),
    "outside/rendered": Row("render {outside}/template -o {outside}/rendered"),
    "outside/exported": Row("export bank --format env -o {outside}/exported"),
    # What the user names to be read: held open from the first look on, and replaced when it is still what was read.
    "outside/app.env": Row(),
    "outside/values.json": Row(is_ordinary=True),
    "outside/shared.json": Row(),
    "state/strongroom/readers": Row(ROTATE_FILE),
    "state/strongroom/readers/#": Row(ROTATE_FILE),
    "outside/certificate.minisig": Row("sign {outside}/certificate --key signer", is_ordinary=True),
    **{f"outside/{name}": Row(f"{SEAL}/{name}", is_ordinary=True) for name in ("sealed", "locked", "certificate.age")},
    "outside/opened": Row("decrypt {outside}/sealed -o {outside}/opened"),
    "outside/service.pem": Row("ca issue web.example.test --out {outside}/service.pem"),
    "/dev/shm/strongroom-#": Row(),
    "/dev/shm/strongroom-#/item.json": Row(),
    "/dev/shm/strongroom-#/values.json": Row(),
    "/dev/shm/strongroom-#/shared.json": Row(),
}

_CALL = re.compile(
    r"(?:\d+ +)?(?:(open|openat|creat|mkdir|mkdirat|link|linkat|rename|renameat|renameat2|symlink|symlinkat|bind)"
    r"(?:\(| resumed>))(.*)"
)
_NAMED = re.compile(r'(?:<([^>]*)>, )?"((?:[^"\\]|\\.)*)"')
# Without a name as long as it is not linked: O_TMPFILE.
_WRITES = re.compile(r"^(?!.*O_TMPFILE).*(O_CREAT|O_WRONLY|O_RDWR|O_TRUNC)")
_UNFINISHED = re.compile(r"(.*/)?\.([^/]+)\.#\.new(-wal|-shm|-journal)?")
# Of others: terminals, the interpreter's cache, a coverage measurement.
_NOT_OURS = re.compile(r"/dev/(tty|null)|.*/__pycache__(/.*)?|.*/\.coverage.*")


def names_written(traces: Path, root: Path) -> set[str]:
    """What the traced processes made, or opened to write, as `ROWS` has it.

    Args:
        root: of an `every_command.Home`.

    Returns: for an unfinished name the one that was chosen.
    """
    found = set()
    for trace in traces.iterdir():
        for line in trace.read_text(errors="replace").splitlines():
            call = _CALL.match(line)
            if call is None or (call[1] in ("open", "openat") and not _WRITES.search(line)):
                continue
            # The last name of a call is the one that is made; one in a directory that is open stands behind that.
            names = [
                os.path.join(folder, name)
                for folder, name in _NAMED.findall(line.rpartition(" = ")[0])
                if folder or name.startswith("/")
            ]
            found.update(names[-1:])
    shown = {shorten(name, root) for name in found if not _NOT_OURS.fullmatch(name)}
    return {_UNFINISHED.sub(r"\1\2", name) for name in shown}


def shorten(path: str, root: Path) -> str:
    """A path as `ROWS` has it."""
    name = path.removeprefix(f"{root}/").removeprefix("home/")
    return re.sub(r"[0-9a-f]{8,64}", "#", re.sub(r"\d{8}T\d{6}Z", "TIME", name))
