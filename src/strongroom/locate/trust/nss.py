"""NSS databases: what Chromium and Firefox on Linux trust, one for each user or profile.

Source: certutil(1) of libnss3-tools, which is the only way in.
"""

from __future__ import annotations

import os
import subprocess

from strongroom.crypto.x509.certificates import Certificate
from strongroom.errors import Conflict, Denied, StoreUnavailable
from strongroom.locate.trust.interface import TRUSTED, UNTRUSTED, Found, is_same, label, pem_blocks

_PREFIX = "strongroom "
_PATIENCE_SECONDS = 60.0
_FOR_SERVERS = "C,,"
"""A trusted authority for servers; for mail and programs it is none."""
DATABASE = "cert9.db"


class NssStore:
    """One database; see `TrustStore`.

    Args:
        place: the directory that holds ``cert9.db``.
        program: certutil's path; None where it is not installed.
    """

    kind = "nss"

    def __init__(self, place: str, program: str | None) -> None:
        self.place = place
        self._program = program

    def check_writable(self) -> None:
        """Its owner may change it; certutil has to be there."""
        self._certutil()
        if not os.access(os.path.join(self.place, DATABASE), os.W_OK):
            raise Denied(f"you may not write {self.place}")

    def found(self, root: Certificate | None) -> list[Found]:
        """What has a nickname of ours, and every copy of *root*."""
        found = []
        for nickname, trust in self._listed():
            is_ours = nickname.startswith(_PREFIX)
            if not is_ours and root is None:
                continue
            try:
                inside = pem_blocks(self._run("-L", "-n", nickname, "-a"))
            except StoreUnavailable:
                if is_ours:
                    raise
                continue  # of a token that is not there
            state = TRUSTED if "C" in trust.partition(",")[0] else UNTRUSTED
            if is_ours:
                roots = [Certificate(one) for one in inside]
            else:
                roots = [root] if root is not None and root.der() in inside else []
            found += [Found(one, nickname, state, is_alone=len(inside) == 1) for one in roots]
        return found

    def install(self, root: Certificate) -> bool:
        """Under a nickname of ours; one that lies there untrusted becomes trusted."""
        self.check_writable()
        copies = self._copies(root)
        if any(one.state == TRUSTED for one in copies):
            return False
        if copies:
            self._run("-M", "-n", copies[0].name, "-t", _FOR_SERVERS)
        else:
            self._run("-A", "-n", f"{_PREFIX}{label(root)}", "-t", _FOR_SERVERS, "-a", data=root.pem())
        if not any(one.state == TRUSTED for one in self._copies(root)):
            raise StoreUnavailable(f"{self.place} did not take up the root")
        return True

    def remove(self, root: Certificate) -> bool:
        """Under whatever nickname it lies there."""
        self.check_writable()
        copies = self._copies(root)
        if any(not one.is_alone for one in copies):
            raise Conflict(f"in {self.place} other certificates have the root's nickname {copies[0].name}")
        for one in copies:
            self._run("-D", "-n", one.name)
        if copies and self._copies(root):
            raise StoreUnavailable(f"the root is in {self.place} still")
        return bool(copies)

    def _copies(self, root: Certificate) -> list[Found]:
        return [one for one in self.found(root) if is_same(one.certificate, root)]

    def _listed(self) -> list[tuple[str, str]]:
        """Nicknames and what each is trusted for, as the table of certutil has them."""
        found = []
        for line in self._run("-L").decode("utf-8", "replace").splitlines():
            nickname, _, trust = line.rstrip().rpartition(" ")
            is_row = trust.count(",") == 2 and set(trust) <= set(",pPcCTuwg")
            if is_row and nickname.strip():
                found.append((nickname.rstrip(), trust))
        return found

    def _certutil(self) -> str:
        if self._program is None:
            raise StoreUnavailable(
                f"certutil is not installed, and nothing else changes {self.place}",
                advice="install libnss3-tools (Debian) or nss-tools (Red Hat)",
            )
        return self._program

    def _run(self, action: str, *words: str, data: bytes = b"") -> bytes:
        command = [self._certutil(), action, "-d", f"sql:{self.place}", *words]
        try:
            done = subprocess.run(  # noqa: S603 - the user's own certutil
                command, input=data, capture_output=True, timeout=_PATIENCE_SECONDS, env={**os.environ, "LC_ALL": "C"},
                # Without a terminal: it would ask there for the password of a database that has one.
                start_new_session=True,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise StoreUnavailable("certutil does not end") from None
        except OSError as error:
            raise StoreUnavailable(f"cannot start certutil: {(error.strerror or '').lower()}") from None
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
            raise StoreUnavailable(f"certutil cannot use {self.place}", advice=f"it said: {said}")
        return done.stdout
