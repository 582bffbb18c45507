"""A life in which every command is used, in an order that works, with a word of its own for each secret.

A new verb or action needs a case here; `left_out` says so.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Container, Iterator
from pathlib import Path
from tempfile import TemporaryFile

from strongroom.doors.cli.commands import VERBS, load

# Taken apart, so that no source file, and no environment that names one, holds a word as it is typed.
_MARK = "canary"
_ACTION = re.compile(r"^  ([a-z]+) ([a-z-]+)(?= |$)", re.MULTILINE)


def _word(number: int) -> str:
    return f"{_MARK}{os.urandom(6).hex()}{number}"


def _hash(password: str) -> str:
    salt = "salt-of-a-test"
    digest = hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), 600_000)
    return f"pbkdf2_sha256$600000${salt}${base64.b64encode(digest).decode()}\n"


class Case:
    """One command line.

    Args:
        words: without the program's name; ``{name}`` is filled in from the home's `names`.
        stdin: what is typed, or comes through a pipe; filled in like words.
        fd: comes on the descriptor ``{fd}``; filled in like words.
        code: the exit code.
        learn: the secrets in what it prints as JSON, which nothing may show from then on.
        learn_text: the name of the secret that it prints as text.
        keep: the name under which later words and input find what it prints, which is no secret.
    """

    def __init__(
        self,
        words: str,
        *,
        stdin: str = "",
        fd: str = "",
        code: int = 0,
        learn: Callable[[dict[str, object]], dict[str, str]] | None = None,
        learn_text: str = "",
        keep: str = "",
    ) -> None:
        self.words = words
        self.stdin = stdin
        self.fd = fd
        self.code = code
        self.learn = learn
        self.learn_text = learn_text
        self.keep = keep

    @property
    def verb(self) -> str:
        return self.words.split()[0]

    @property
    def shows(self) -> bool:
        """Whether secrets are what was asked for."""
        return (
            self.verb in ("get", "export", "render")
            or self.learn is not None
            or bool(self.learn_text)
            or self.words.startswith(("key decrypt", "file get", "file decrypt"))
        )

    @property
    def opens_by_itself(self) -> bool:
        """Whether it is about another way than the home's key file."""
        ways = ("--passphrase-fd", "--share-fd", "--identity")
        return self.verb in ("init", "unlock") or any(way in self.words for way in ways)


def _code_of(found: dict[str, object]) -> dict[str, str]:
    return {"code": str(found["recovery_code"])}


def _shares_of(found: dict[str, object]) -> dict[str, str]:
    shares = found["shares"]
    assert isinstance(shares, list)
    # All words but the first three, which are the same in every share.
    return {f"share{number}": " ".join(share.split()[3:]) for number, share in enumerate(shares)} | {
        f"whole_share{number}": share for number, share in enumerate(shares)
    }


def _token_of(found: dict[str, object]) -> dict[str, str]:
    return {"token": str(found["token"])}


def _made_of(found: dict[str, object]) -> dict[str, str]:
    fields = found["fields"]
    assert isinstance(fields, dict)
    return {"made": fields["password"]}


LIFE = (
    Case("help"),
    Case("init --passphrase --key-file {home}/key", stdin="{phrase}\n"),
    Case("set bank user=dustin password", stdin="{password}\n"),
    Case("set mail --json", stdin='{{"user": "bot", "password": "{mail}"}}'),
    Case("set server --field-file certificate={outside}/certificate"),
    Case("set made password --generate --expires 90d"),
    Case("get bank password"),
    Case("get bank password --passphrase-fd {fd}", fd="{phrase}\n"),
    Case("get made --json", learn=_made_of),
    Case("edit mail"),
    Case("edit new/item"),
    Case("ls -r"),
    Case("ls --expiring 200d"),
    Case("rm bank"),
    Case("restore bank"),
    Case("mv mail post"),
    Case("log post"),
    Case("require bank password"),
    Case("configure post --max-versions 3"),
    # What --env hands over stands in the program's environment, as it was asked to; these two keep it out of there.
    Case("run --fd SECRET=strongroom://bank#password --file OTHER=strongroom://post#password -- /bin/sleep 0.05"),
    Case("run --mask --fd SECRET=strongroom://bank#password -- /bin/sleep 0.05"),
    Case("allow {outside}/template --yes"),
    Case("allow --list"),
    Case("render {outside}/template"),
    Case("render {outside}/template -o {outside}/rendered"),
    Case("export bank post --format json"),
    Case("export bank --format env -o {outside}/exported"),
    Case("run --env SECRET=strongroom://bank#absent -- /bin/sleep 0.05", code=4),
    Case("grant add sync --user daemon --read sites/**"),
    Case("grant list"),
    Case("grant test bank read --user daemon", code=5),
    Case("grant remove sync --yes"),
    Case("deposit add-key camera inbox/* --out {home}/camera.key"),
    Case("deposit inbox/photo token --deposit-key {home}/camera.key", stdin="{deposit}\n"),
    Case("deposit list"),
    Case("deposit inbox/other token --deposit-key {home}/camera.key", stdin="{deposit}\n"),
    Case("deposit accept"),
    Case("deposit discard 00", code=4),
    Case("deposit keys"),
    Case("deposit remove-key camera"),
    Case("import {outside}/app.env --replace --yes"),
    Case("example {outside}/app.env"),
    Case("key create signer --kind signing"),
    Case("key create sealer --kind aead"),
    Case("key create maker --kind hmac"),
    Case("key list"),
    Case("key show sealer"),
    Case("key rotate sealer"),
    Case("key disable sealer --version 1"),
    Case("key enable sealer --version 1"),
    Case("key min sealer --version 2"),
    Case("key encrypt sealer", stdin="{kept}", keep="sealed"),
    Case("key rewrap sealer", stdin="{sealed}"),
    Case("key decrypt sealer", stdin="{sealed}"),
    Case("key mac maker", stdin="{kept}"),
    Case("key export signer --public"),
    Case("key export sealer --private --yes", learn_text="exported"),
    Case("key import second --kind aead", stdin="{exported}"),
    Case("key destroy second --yes"),
    Case("key derive", stdin="{hashed}\n", learn_text="derived"),
    Case("sign {outside}/certificate --key signer"),
    Case("check {outside}/certificate --key signer"),
    Case("encrypt {outside}/certificate --key sealer -o {outside}/sealed"),
    Case("decrypt {outside}/sealed -o {outside}/opened"),
    Case("encrypt {outside}/certificate --recipient {recipient}"),
    Case("encrypt {outside}/certificate -p --passphrase-fd {fd} -o {outside}/locked", fd="{file}\n"),
    Case("file encrypt {outside}/values.json --key sealer --recipient {recipient}"),
    Case("file get {outside}/values.json password"),
    Case("file set {outside}/values.json password", stdin="{inline}\n"),
    Case("file edit {outside}/values.json"),
    Case("file decrypt {outside}/values.json"),
    Case("file recipients {outside}/values.json --remove {recipient}"),
    Case("file rotate {outside}/values.json"),
    Case("file check {outside}/values.json"),
    Case("file merge {outside}/values.json {outside}/values.json {outside}/values.json values.json"),
    Case("file textconv {outside}/values.json"),
    # This home is no work tree.
    Case("file install-git", code=2),
    Case("file encrypt {outside}/shared.json --sops --recipient {recipient}"),
    Case("file get {outside}/shared.json password --identity {outside}/identity"),
    Case("file set {outside}/shared.json password --identity {outside}/identity", stdin="{inline}\n"),
    Case("file edit {outside}/shared.json --identity {outside}/identity"),
    Case("file decrypt {outside}/shared.json --identity {outside}/identity"),
    Case("file rotate {outside}/shared.json --identity {outside}/identity"),
    Case("file check {outside}/shared.json --identity {outside}/identity"),
    Case("import {outside}/shared.json --to shared --source-key {outside}/identity"),
    Case("hash", stdin="{hashed}\n"),
    Case("hash verify {outside}/hash", stdin="{hashed}\n"),
    Case("hash describe {outside}/hash"),
    Case("hash calibrate --milliseconds 5"),
    Case("token"),
    Case("token hex"),
    Case("token digits"),
    Case("token django"),
    Case("token passphrase"),
    Case("token issue api --json", learn=_token_of),
    Case("token verify", stdin="{token}\n"),
    Case("token recognise", stdin="{token}\n"),
    Case("token list"),
    Case("token rotate {token_id} --json", learn=_token_of),
    Case("token revoke {token_id}"),
    Case("ca init --permit example.test"),
    Case("ca issue web.example.test --out {outside}/service.pem"),
    Case("ca list"),
    Case("ca renew {outside}/service.pem"),
    Case("ca revoke {outside}/service.pem"),
    Case("ca crl"),
    Case("ca doctor"),
    Case("ca export --root"),
    Case("ca trust status --store system", code=4),
    # Its units are named after this home, and written as those of `agent install` are.
    Case("ca timer {outside}/service.pem --expiring 1h", code=2),
    Case("scan {outside}", code=13),
    Case("upgrade"),
    Case("completion bash"),
    Case("completion zsh"),
    Case("completion fish"),
    Case("completion words -- get b"),
    Case("unlock", stdin="{phrase}\n"),
    Case("agent status"),
    Case("get bank password"),
    Case("set bank password", stdin="{again}\n"),
    Case("edit post"),
    Case("audit"),
    Case("audit verify"),
    Case("audit checkpoint {home}/checkpoint"),
    Case("lock"),
    Case("agent stop"),
    Case("agent install --user"),
    Case("agent install --user --yes"),
    Case("slot list"),
    Case("slot add passphrase --label second", stdin="{second}\n"),
    Case("slot add key-file {home}/other.key --label other"),
    Case("slot add recovery-code --json --label paper", learn=_code_of),
    Case("slot add age {recipient} --label age"),
    Case("slot add shares 2of3 --json --label shares", learn=_shares_of),
    Case("slot change {slot_second}", stdin="{changed}\n"),
    Case("get bank --json --passphrase-fd {fd}", fd="{code}\n"),
    Case("get bank --json --identity {outside}/identity"),
    Case("get bank --json --share-fd {fd}", fd="{whole_share2}\n{whole_share0}\n"),
    Case("slot remove {slot_other} --yes"),
    Case("rotate"),
    Case("rotate --root"),
    Case("status"),
    Case("doctor"),
    Case("backup {home}/backup.db"),
    Case("backup --check {home}/backup.db"),
    Case("restore-backup {home}/backup.db --yes"),
    Case("verify"),
    # What is wrong is said without what it was about.
    Case("get bank absent", code=4),
    Case("get bank --passphrase-fd {fd}", fd="{wrong}\n", code=6),
    Case("set post --json", stdin='{{"password": "{broken}"', code=2),
    Case("set post password --cas 99", stdin="{refused}\n", code=10),
    Case("copy {home}/vault.db {home}/moved.db --yes"),
    Case("get bank password --vault {home}/moved.db"),
)
NAMES = (
    "phrase", "password", "mail", "certificate", "edited", "deposit", "again", "second", "changed", "wrong", "broken",
    "refused", "imported", "kept", "file", "hashed", "committed", "inline", "shared",
)  # fmt: skip


class Home:
    """A home in which it is lived.

    Args:
        root: an empty directory; ``root/home`` is the home, what lies beside it is the user's own.
        traces: where strace writes what each command did, a file for each; None to run without it.
    """

    def __init__(self, root: Path, *, traces: Path | None = None) -> None:
        import pyrage

        self.root = root
        self.traces = traces
        self.home = root / "home"
        self.home.mkdir(mode=0o700)
        outside = root / "outside"
        outside.mkdir(mode=0o700)
        identity = pyrage.x25519.Identity.generate()
        self.secrets = {name: _word(number) for number, name in enumerate(NAMES)} | {"identity": str(identity)}
        (outside / "certificate").write_text(self.secrets["certificate"])
        (outside / "identity").write_text(f"{identity}\n")
        (outside / "identity").chmod(0o600)
        (outside / "app.env").write_text(f"DB_PASSWORD={self.secrets['imported']}\nDEBUG=1\n")
        (outside / "values.json").write_text(json.dumps({"user": "bot", "password": self.secrets["committed"]}))
        (outside / "shared.json").write_text(json.dumps({"user": "bot", "password": self.secrets["shared"]}))
        (outside / "hash").write_text(_hash(self.secrets["hashed"]))
        (outside / "template").write_text("password = {{ strongroom://bank#password }}\n")
        (outside / "edited.json").write_text(json.dumps({"user": "bot", "password": self.secrets["edited"]}))
        self.names = {
            "home": str(self.home),
            "outside": str(outside),
            "recipient": str(identity.to_public()),
            **self.secrets,
        }
        self.environment = {
            "HOME": str(self.home),
            "PATH": "/usr/bin:/bin",
            "TMPDIR": str(self.home),
            "EDITOR": f"/bin/cp {outside}/edited.json",
            "XDG_STATE_HOME": str(self.home / "state"),
            "XDG_CONFIG_HOME": str(self.home / "config"),
            "XDG_RUNTIME_DIR": str(self.home / "run"),
            "STRONGROOM_AGENT_SOCKET": str(self.home / "agent.sock"),
            "STRONGROOM_VAULT": str(self.home / "vault.db"),
        }
        for name in ("PYTHONPATH", "COVERAGE_PROCESS_CONFIG"):
            if name in os.environ:
                self.environment[name] = os.environ[name]

    def live(
        self, watch: Callable[[Case, subprocess.Popen[bytes]], None] = lambda _case, _process: None
    ) -> Iterator[tuple[Case, bytes, bytes]]:
        """Run every case; each with what it wrote to standard output and standard error.

        Args:
            watch: is shown each process as soon as it runs.
        """
        try:
            for case in LIFE:
                yield case, *self.run(case, watch)
        finally:
            self.run(Case("agent stop"), watch)

    def run(
        self, case: Case, watch: Callable[[Case, subprocess.Popen[bytes]], None] = lambda _case, _process: None
    ) -> tuple[bytes, bytes]:
        """Run one case, which must end as it says."""
        reads, writes = os.pipe()
        words = [word.format(**self.names, fd=reads) for word in case.words.split()]
        os.write(writes, case.fd.format(**self.names).encode())
        os.close(writes)
        with_key = {} if case.opens_by_itself else self.with_key()
        # Files and not pipes: a tracer that stays with the agent would keep those open.
        with TemporaryFile() as out_file, TemporaryFile() as err_file:
            process = subprocess.Popen(
                [*self._tracer(), sys.executable, "-m", "strongroom", *words],
                stdin=subprocess.PIPE, stdout=out_file, stderr=err_file,
                env={**self.environment, **with_key}, cwd=self.home, pass_fds=[reads], start_new_session=True,
            )  # fmt: skip
            os.close(reads)
            watch(case, process)
            process.communicate(case.stdin.format(**self.names).encode(), timeout=120)
            out, err = (os.pread(file.fileno(), 1_000_000, 0) for file in (out_file, err_file))
        assert process.returncode == case.code, (case.words, process.returncode, out, err)
        if case.learn is not None:
            learnt = case.learn(json.loads(out))
            self.secrets |= learnt
            self.names |= learnt
        if case.learn_text:
            self.secrets[case.learn_text] = self.names[case.learn_text] = out.decode().strip()
        if case.keep:
            self.names[case.keep] = out.decode().strip()
        if "token" in self.names:
            self.names["token_id"] = self.names["token"].split("_")[1]
        if case.words.startswith("slot add"):
            self._learn_slots()
        return out, err

    def with_key(self) -> dict[str, str]:
        """What opens the vault by its key file."""
        return {"STRONGROOM_KEY_FILE": str(self.home / "key")}

    def _tracer(self) -> list[str]:
        if self.traces is None:
            return []
        trace = self.traces / f"{len(list(self.traces.iterdir())):03}"
        # Not the parent of what is traced (-D), so that nobody waits for an agent that stays.
        return [
            "strace", "-D", "-f", "--seccomp-bpf", "-qq", "-v", "-y", "-s", "100000", "-e", "signal=none",
            "-o", str(trace), "-e",
            "trace=execve,open,openat,creat,mkdir,mkdirat,link,linkat,rename,renameat,renameat2,symlink,symlinkat,bind",
        ]  # fmt: skip

    def _learn_slots(self) -> None:
        """Ids that later commands name."""
        shown = subprocess.run(
            [sys.executable, "-m", "strongroom", "slot", "list", "--json"],
            env={**self.environment, **self.with_key()}, capture_output=True, check=True,
        )  # fmt: skip
        self.names |= {f"slot_{slot['label']}": slot["id"] for slot in json.loads(shown.stdout)}


def left_out() -> set[str]:
    """The verbs, and the actions that their help names, of which this life has no case."""
    lived = {tuple(case.words.split()[:length]) for case in LIFE for length in (1, 2)}
    actions = {match.groups() for verb in VERBS for match in _ACTION.finditer(load(verb).DETAILS) if match[1] == verb}
    return {" ".join(words) for words in {(verb,) for verb in VERBS} | actions if words not in lived}


def processes_of(home: Path, but: Container[int] = ()) -> Iterator[int]:
    """Every process whose environment names this home; those of *but* are not looked at."""
    mark = f"HOME={home}\0".encode()
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) not in but:
            try:
                with open(f"/proc/{entry}/environ", "rb") as environment:
                    if mark in environment.read() + b"\0":
                        yield int(entry)
            except OSError:
                continue  # it has gone


def wait_until_gone(home: Path) -> None:
    """Wait for the end of what was started here."""
    deadline = time.monotonic() + 60
    while left := list(processes_of(home)):
        assert time.monotonic() < deadline, left
        time.sleep(0.02)
