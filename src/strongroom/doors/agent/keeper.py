"""Who holds the open vault: unlocks it in a worker thread, and wipes the keys when their time is over.

Everything but the key derivation and the verification runs in the loop's own thread.
"""

from __future__ import annotations

import os
import threading

from strongroom.doors.agent.clocks import Dates, Lifetime, seconds
from strongroom.doors.agent.collecting import Collector
from strongroom.doors.agent.file_values import FileValues
from strongroom.doors.agent.verifying import Verifying
from strongroom.errors import Denied, StrongroomError, VaultLocked, WrongKey
from strongroom.service.scanning import Scanner, Scans
from strongroom.vault.policy import Principal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from strongroom.doors.agent.auditing import Auditing
    from strongroom.doors.agent.secret_memory import SecretMemory
    from strongroom.locate.audit_writing import AuditFile
    from strongroom.vault.vault import Vault

VERIFY_SECONDS = 3600.0
_FIRST_DELAY = 0.5
_DELAY_MAX = 60.0
_UNLOCK = "the vault is locked"
_ADVICE = "unlock it: strongroom unlock"


class Unlocking:
    """One attempt to open the vault, going on in a thread.

    Args:
        open: gives the open vault; its secret is wiped when it returns.
        done: called in the worker thread at the end.
        lifetime: how long the keys shall stay.
        by: who asked for it.
    """

    def __init__(
        self, open: Callable[[], Vault], done: Callable[[], None], lifetime: Lifetime, by: Principal
    ) -> None:
        self.lifetime = lifetime
        self.by = by
        self.vault: Vault | None = None
        self.error: StrongroomError | None = None
        self.bug = ""
        self._open = open
        self._done = done
        self._thread = threading.Thread(target=self._run, name="unlock", daemon=True)
        self._thread.start()

    @property
    def is_over(self) -> bool:
        """Whether vault or error are there."""
        return not self._thread.is_alive() or self.vault is not None or self.error is not None or self.bug != ""

    def wait(self) -> None:
        """Wait for its end."""
        self._thread.join()

    def _run(self) -> None:
        try:
            self.vault = self._open()
        except StrongroomError as error:
            # Its traceback's frames would keep what the attempt held.
            self.error = error.with_traceback(None)
        except Exception as bug:
            # Its class alone: what it says may quote what it was given.
            self.bug = type(bug).__name__
        finally:
            del self._open
            self._done()


def _new_scanner() -> Scanner:
    from strongroom.formats.scanner import Scanner as Made  # who never scans never loads it

    return Made()


class Keeper:
    """Holds the vault. Implements `Keeper` of `service.interface`.

    Args:
        memory: where the keys will lie.
        dates: the date that only goes forward; given to the vault as its clock.
        auditing: is given the audit file of each vault that is opened.
        open_audit: makes the audit file of an open vault.
    """

    def __init__(
        self, memory: SecretMemory, dates: Dates, auditing: Auditing, open_audit: Callable[[Vault], AuditFile]
    ) -> None:
        self._memory = memory
        self._dates = dates
        self._open_audit = open_audit
        self._vault: Vault | None = None
        self._housed: object = None
        self.auditing = auditing
        self._unlocking: Unlocking | None = None
        self._verifying: Verifying | None = None
        self._collector = Collector()
        self.scans = Scans(_new_scanner)
        self.file_opener = FileValues()
        self._verified_at = 0.0
        self._failures = 0
        self._not_before = 0.0
        self._is_lock_asked = False
        self.lifetime = Lifetime()
        self.locked_because = "it has not been unlocked yet"
        self.verified: dict[str, object] = {}
        self.notes: list[str] = []

    @property
    def is_locked(self) -> bool:
        """Whether there is no open vault."""
        return self._vault is None

    @property
    def vault(self) -> Vault:
        """The open vault.

        Raises: VaultLocked: there is none, or its time is over.
        """
        vault = self._vault
        if vault is not None and self.lifetime.is_over():
            self.lock_now("its time was over")
            vault = None
        if vault is None:
            raise VaultLocked(_UNLOCK, advice=_ADVICE)
        keys = vault._core._keys
        if keys is not self._housed:
            self._house(vault)
        return vault

    def _house(self, vault: Vault) -> None:
        """Move the keys into their page: after unlocking, and after a rotation brought new ones."""
        core = vault._core
        with core.mutex:
            if core._keys is not None:
                self._memory.house(core._keys)
            self._housed = core._keys

    def lock(self) -> None:
        """Lock once the request that asks for it is answered and written down; see `lock_if_asked`."""
        self._is_lock_asked = True

    def lock_if_asked(self) -> None:
        """Do what `lock` asked for."""
        if self._is_lock_asked:
            self.lock_now("somebody locked it")

    def lock_now(self, reason: str) -> None:
        """Wipe the keys; a second call does nothing.

        Args:
            reason: for `status`, without a full stop.
        """
        self._is_lock_asked = False
        vault, self._vault = self._vault, None
        if vault is None:
            return
        self._housed = None
        self.scans.forget()
        self.locked_because = reason
        try:
            # Keys first: what follows may fail.
            vault.lock()
        finally:
            self._memory.wipe()
            self.auditing.end(reason)

    def begin_unlocking(
        self, open: Callable[[], Vault], done: Callable[[], None], lifetime: Lifetime, by: Principal
    ) -> Unlocking:
        """Start an attempt in a thread of its own; `finish_unlocking` comes after *done* was called.

        Raises: Denied: another attempt is going on, or the last ones failed too shortly ago.
        """
        wait = self._not_before - seconds()
        if self._unlocking is not None:
            raise Denied("another attempt to unlock is going on", advice="try again in a moment")
        if wait > 0:
            raise Denied(f"too many wrong attempts; the next one is heard in {int(wait) + 1} seconds")
        self._unlocking = Unlocking(open, done, lifetime, by)
        return self._unlocking

    def finish_unlocking(self, attempt: Unlocking) -> None:
        """Take over what an attempt has opened, or count its failure.

        Raises: StrongroomError: why it failed.
        """
        self._unlocking = None
        if attempt.vault is None:
            if isinstance(attempt.error, WrongKey):
                # Only a guess is slowed down, not a full disk or an agent that found nothing to try.
                self._failures += 1
                self._not_before = seconds() + min(_FIRST_DELAY * 2 ** min(self._failures - 1, 10), _DELAY_MAX)
            unexpected = f"unlocking failed unexpectedly ({attempt.bug}): this is a bug in strongroom"
            raise attempt.error or StrongroomError(unexpected)
        vault, attempt.vault = attempt.vault, None
        try:
            self._take(vault, attempt)
        except BaseException:
            if self._vault is vault:
                self.lock_now("unlocking failed")
            else:
                # Another one may still be open: its keys lie in the pages, and zeros in their place would seal.
                vault.lock()
            raise

    def _take(self, vault: Vault, attempt: Unlocking) -> None:
        if attempt.lifetime.is_over():
            raise VaultLocked("its time was over before it was open")
        newest = vault.last_commit
        if newest is not None:
            self._dates.not_before(int(newest.timestamp() * 1_000_000))
        vault._core.clock_us = self._dates.now_us
        vault.ask = None
        audit = self._open_audit(vault)
        try:
            refused = f"ok after {self._failures} failures" if self._failures else "ok"
            audit.record(attempt.by, "unlock", "", (), refused, "", self._dates.now_us())
            self.lock_now("it is being opened anew")
        except BaseException:
            self.auditing.let_go(audit)
            raise
        self._vault = vault
        self.auditing.use(audit)
        self._house(vault)
        self.lifetime = attempt.lifetime
        self.notes = [*vault.notes, *audit.notes]
        self._failures = 0
        self._verified_at = 0.0
        self._collector.forget()

    def tick(self) -> None:
        """What time brings: the end of the keys, the hourly verification, deposits. Called about once a second."""
        if self._vault is None:
            return
        if self.lifetime.is_over():
            self.lock_now("its time was over")
            return
        verifying = self._verifying
        if verifying is not None and verifying.is_over:
            self._verifying = None
            self._memory.give_back()
            self._judge(verifying)
        elif verifying is None and seconds() - self._verified_at > VERIFY_SECONDS:
            self._verified_at = seconds()
            self._verifying = Verifying(self._vault)
        self.auditing.tick()
        self.scans.forget_idle(self._dates.now_us())
        if self._vault is not None:
            self._collector.look(self._vault)

    def _judge(self, verifying: Verifying) -> None:
        if verifying.vault is not self._vault:
            return
        self.verified = {"at_us": self._dates.now_us(), "findings": list(verifying.findings), "says": verifying.says}
        if verifying.is_tampered:
            # Nothing that was tampered with is served; a person looks at it first.
            self.lock_now("verification found something: " + verifying.says)

    def wait_seconds(self) -> float | None:
        """How long the loop may sleep before it must call `tick`; None for as long as it likes."""
        if self._vault is None:
            return None
        left = self.lifetime.left()
        until_verification = max(1.0, self._verified_at + VERIFY_SECONDS - seconds())
        if self._verifying is not None:
            until_verification = 1.0
        until_verification = min(until_verification, self._collector.wait_seconds(self._vault) or until_verification)
        return until_verification if left is None else max(0.0, min(left, until_verification, 60.0))

    def status(self) -> dict[str, object]:
        """What `strongroom agent status` shows about the keys."""
        left = self.lifetime.left()
        return {
            "locked": self._vault is None,
            "locked_because": self.locked_because if self._vault is None else "",
            "seconds_left": None if self._vault is None or left is None else max(0, int(left)),
            "failed_attempts": self._failures,
            "key_memory": self._memory.kind,
            "verified": self.verified,
            "notes": [*self.notes, *self.auditing.notes, *([self._collector.note] if self._collector.note else [])],
            "pid": os.getpid(),
        }
