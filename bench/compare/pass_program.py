"""pass, a shell script over GnuPG, among the programs of the comparison."""

# ruff: noqa: D102 - what the class above says of a method holds for each program
from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

from bench.compare.programs import Done, FilePerValue, need, run


class Pass(FilePerValue):
    """GnuPG files under a directory."""

    name, setup, ending = "pass", "a GnuPG key without a passphrase", ".gpg"
    apt = ("pass", "gnupg")

    def start(self) -> None:
        # The socket of gpg-agent has no room for a long path.
        self.gnupg = Path(tempfile.mkdtemp(prefix="gpg-"))
        self.settings = {"GNUPGHOME": str(self.gnupg), "PASSWORD_STORE_DIR": str(self.store)}
        self.program = need("pass")
        need("gpg")
        self.help_commands = [[self.program, "help"]]
        self.user = "one@example.org"
        self.make_key(self.user)
        self.checked([self.program, "init", self.user])

    def make_key(self, user: str) -> None:
        """A GnuPG key of a user, on a curve: another RSA key for each question would take minutes."""
        self.checked(["gpg", "--batch", "--passphrase", "", "--quick-gen-key", user, "future-default"])

    def end_for_a_while(self) -> None:
        if not shutil.which("gpgconf"):
            return
        run(["gpgconf", "--kill", "all"], self.environment())

    def end(self) -> None:
        self.end_for_a_while()
        shutil.rmtree(self.gnupg, ignore_errors=True)

    def version(self) -> str:
        found = re.search(r"v([\d.]+)", self.checked([self.program, "version"]))
        return found[1] if found else ""

    def putting(self, name: str, value: str) -> tuple[list[str], str]:
        return [self.program, "insert", "--multiline", "--force", name], value

    def getting(self, name: str) -> list[str]:
        return [self.program, "show", name]

    def lose_key(self) -> None:
        self.end()
        self.gnupg.mkdir(mode=0o700)
        self.make_key(self.user)

    def _as(self, gnupg: Path, name: str) -> Done:
        return run(self.getting(name), self.environment() | {"GNUPGHOME": str(gnupg)})

    def _leave_only(self, user: str) -> Path:
        """Another GnuPG home, which has nobody's key but this one's."""
        theirs = Path(tempfile.mkdtemp(prefix="g-", dir=self.gnupg))
        exported = self.home / "exported.asc"
        self.checked(["gpg", "--batch", "--yes", "-o", str(exported), "--export-secret-keys", user])
        self.checked(["gpg", "--homedir", str(theirs), "--batch", "--import", str(exported)])
        exported.unlink()
        return theirs

    def share(self, name: str, other: str) -> tuple[str, Done, Done]:
        self.make_key("two@example.org")
        self.checked([self.program, "init", "--path=shared", self.user, "two@example.org"])
        self.checked([self.program, "mv", name, f"shared/{name}"])
        theirs = self._leave_only("two@example.org")
        return "a folder of its own", self._as(theirs, f"shared/{name}"), self._as(theirs, other)

    def renew_key(self, name: str) -> tuple[Done, Done]:
        old = self._leave_only(self.user)
        self.make_key("new@example.org")
        self.checked([self.program, "init", "new@example.org"])
        return self._as(old, name), self.get(name)

    def older(self, name: str, before: str, after: str) -> Done:
        self.settings |= {f"GIT_{who}_{what}": "one@example.org" for who in ("AUTHOR", "COMMITTER")
                          for what in ("NAME", "EMAIL")}  # fmt: skip
        self.checked([self.program, "git", "init", "--quiet"])
        for value in (before, after):
            self.put(name, value)
        show = ["sh", "-c", f"'{self.program}' git show HEAD~1:{name}.gpg | gpg --batch --quiet --decrypt"]
        return run(show, self.environment())
