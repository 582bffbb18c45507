"""What a scan asks git: which files there are, what is staged, and every object of the history, once.

A repository's own settings may name programs (`core.fsmonitor`, hooks, filters, `gpg.program`); none of them is run.
"""

from __future__ import annotations

import os
import subprocess
import threading

from strongroom.doors.cli.exit_codes import UsageError
from strongroom.errors import StoreUnavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import IO

_NO_HOOKS = "core.hooksPath=/dev/null"
_SAFE = (
    "--no-optional-locks", "--no-replace-objects",
    "-c", "core.fsmonitor=false", "-c", _NO_HOOKS, "-c", "core.untrackedCache=false", "-c", "log.showSignature=false",
    "-c", "protocol.allow=never", "-c", "core.quotePath=false",
)  # fmt: skip
_HEADER_BYTES_MAX = 1024


class Object:
    """One object of the history.

    Attributes:
        kind: ``"blob"``, ``"commit"`` or ``"tag"``.
        path: one under which it was there; empty for a commit or a tag.
        size: its bytes.
    """

    __slots__ = ("kind", "name", "path", "size")

    def __init__(self, kind: str, name: str, size: int, path: str) -> None:
        self.kind = kind
        self.name = name
        self.size = size
        self.path = path


class Repository:
    """The repository that a directory belongs to.

    Args:
        directory: where git is run.
    """

    def __init__(self, directory: str) -> None:
        self.directory = directory

    def ask(self, *words: str, may_fail: bool = False, own_hooks: bool = False) -> bytes | None:
        """What git says on standard output.

        Args:
            may_fail: None instead of an error.
            own_hooks: leave its setting about hooks alone; for what runs none.

        Raises: StoreUnavailable: git refuses.
        """
        command = self.command(*words)
        if own_hooks:
            at = command.index(_NO_HOOKS)
            del command[at - 1 : at + 1]
        done = subprocess.run(
            command, capture_output=True, stdin=subprocess.DEVNULL, env=_environment(), check=False
        )
        if done.returncode == 0:
            return done.stdout
        if may_fail:
            return None
        said = done.stderr.decode("utf-8", "replace").strip().splitlines() or [f"exit {done.returncode}"]
        raise StoreUnavailable(f"git {words[0]} failed: {said[0].removeprefix('fatal: ')}")

    def names(self, *words: str) -> list[str]:
        """Names that git lists with a NUL after each."""
        return [os.fsdecode(name) for name in (self.ask(*words) or b"").split(b"\0") if name]

    def staged(self) -> list[Object]:
        """The files that the next commit would change, as they are staged."""
        # Neither what is deleted nor what is in conflict: that cannot be committed, and has no one content.
        options = ("--no-abbrev", "--no-renames", "--no-relative", "--diff-filter=du")
        fields = (self.ask("diff", "--cached", "--raw", "-z", *options) or b"").split(b"\0")
        found = []
        for entry, path in zip(fields[::2], fields[1::2], strict=False):
            _, mode, _, name, _ = entry.decode("ascii").split(" ")
            if mode != "160000":  # a submodule's commit is in another repository
                found.append((name, os.fsdecode(path)))
        sizes = self._sizes([name for name, _ in found])
        return [Object("blob", name, sizes[name], path) for name, path in found]

    def _sizes(self, names: Sequence[str]) -> dict[str, int]:
        if not names:
            return {}
        asked = subprocess.run(
            self.command("cat-file", "--batch-check=%(objectname) %(objectsize)"),
            input="".join(f"{name}\n" for name in names).encode("ascii"),
            capture_output=True,
            env=_environment(),
            check=False,
        )
        found = dict(line.split(" ") for line in asked.stdout.decode().splitlines())
        if asked.returncode or not all(found.get(name, "").isdigit() for name in names):
            raise StoreUnavailable("git does not have everything that is staged", advice="git fsck")
        return {name: int(size) for name, size in found.items()}

    def history(self) -> list[Object]:
        """Everything that any branch, tag, stash or reflog entry leads to: each blob, commit and tag once."""
        listing = subprocess.Popen(
            self.command("rev-list", "--objects", "--all", "--reflog"), stdout=subprocess.PIPE, env=_environment()
        )
        checking = subprocess.Popen(
            self.command("cat-file", "--batch-check=%(objecttype) %(objectname) %(objectsize) %(rest)"),
            stdin=listing.stdout,
            stdout=subprocess.PIPE,
            env=_environment(),
        )
        found = []
        with listing, checking:
            assert listing.stdout is not None and checking.stdout is not None  # noqa: S101 - both are pipes
            listing.stdout.close()
            for line in checking.stdout:
                if line.endswith(b" missing\n") and line.count(b" ") == 1:
                    raise StoreUnavailable("the history is not whole here", advice="git fetch --unshallow --refetch")
                kind, name, size, path = os.fsdecode(line.rstrip(b"\n")).split(" ", 3)
                if kind in ("blob", "commit", "tag"):
                    found.append(Object(kind, name, int(size), path if kind == "blob" else ""))
        if listing.returncode or checking.returncode:
            raise StoreUnavailable("git rev-list failed: the history cannot be read")
        return found

    def contents(self, objects: Sequence[Object]) -> Iterator[tuple[Object, Callable[[int], bytes]]]:
        """Each object, and a function that reads the next bytes of it, empty at its end."""
        reading = subprocess.Popen(
            self.command("cat-file", "--batch"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=_environment()
        )
        assert reading.stdin is not None and reading.stdout is not None  # noqa: S101 - both are pipes
        # In a thread: whoever writes all the names before reading anything waits for ever.
        feeding = threading.Thread(target=_feed, args=(reading.stdin, objects), daemon=True)
        with reading:
            feeding.start()
            try:
                for one in objects:
                    header = reading.stdout.readline(_HEADER_BYTES_MAX).split()
                    if len(header) != 3 or header[0].decode() != one.name:
                        raise StoreUnavailable(f"git has no object {one.name}")
                    body = _Body(reading.stdout, int(header[2]))
                    yield one, body.read
                    body.finish()
            finally:
                # Also when nobody wants the rest: the thread ends with the pipe.
                reading.terminate()
                feeding.join()

    def commit_with(self, blob: str) -> str:
        """The oldest commit that brought a blob, and its date; empty for what is no blob, or has no commit."""
        said = self.ask(
            "log", "--all", "--reflog", "--reverse", "--format=%h of %as", f"--find-object={blob}", may_fail=True
        )
        lines = (said or b"").decode("utf-8", "replace").splitlines()
        return lines[0] if lines else ""

    def command(self, *words: str) -> list[str]:
        """The words that run git here."""
        return ["git", *_SAFE, "-C", self.directory, *words]


def tamed(directory: str) -> dict[str, str]:
    """The environment for another program that runs git in *directory*: settings there that name programs do nothing.
    """
    settings = [one.split("=", 1) for one in _SAFE if "=" in one]
    asked = ("config", "-z", "--name-only", "--get-regexp", r"^diff\..*\.textconv$")
    named = Repository(directory).ask(*asked, may_fail=True)
    # What each difference passes through: the file as it is.
    settings += [[os.fsdecode(name), "cat"] for name in (named or b"").split(b"\0") if name]
    environment = {**_environment(), "GIT_CONFIG_COUNT": str(len(settings))}
    for number, (name, value) in enumerate(settings):
        environment |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return environment


def _feed(stream: IO[bytes], objects: Sequence[Object]) -> None:
    try:
        for one in objects:
            stream.write(one.name.encode("ascii") + b"\n")
        stream.close()
    except (OSError, ValueError):
        return  # git has ended; whoever reads says so


class _Body:
    """The bytes of one object in the stream of `cat-file --batch`."""

    def __init__(self, stream: IO[bytes], size: int) -> None:
        self._stream = stream
        self._left = size

    def read(self, size: int) -> bytes:
        """The next bytes, at most *size*; empty at the end."""
        data = self._stream.read(min(size, self._left))
        self._left -= len(data)
        if not data and self._left:
            raise StoreUnavailable("git ended in the middle of an object")
        return data

    def finish(self) -> None:
        """Pass over what is left, and the newline behind it."""
        while self._left:
            self.read(1 << 20)
        self._stream.read(1)


def repository_of(directory: str, *, is_needed: bool) -> Repository | None:
    """The repository that *directory* is a work tree of, or in the work tree of; None when there is none.

    Args:
        is_needed: raise instead.

    Raises:
        UsageError: there is none, or no git.
        StoreUnavailable: git does not want to read this one.
    """
    try:
        done = subprocess.run(
            Repository(directory).command("rev-parse", "--is-inside-work-tree"),
            capture_output=True,
            stdin=subprocess.DEVNULL,
            env=_environment(),
            check=False,
        )
    except OSError:
        if is_needed:
            raise UsageError("there is no git on this machine") from None
        return None
    if done.returncode == 0 and done.stdout.strip() == b"true":
        return Repository(directory)
    if done.returncode and b"not a git repository" not in done.stderr:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines() or [""]
        raise StoreUnavailable(f"git does not read {directory}: {said[0].removeprefix('fatal: ')}")
    if is_needed:
        raise UsageError(f"{directory} is in no git work tree")
    return None


def _environment() -> dict[str, str]:
    """Ours, with messages in one language, and nothing fetched or asked."""
    return {**os.environ, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1"}
