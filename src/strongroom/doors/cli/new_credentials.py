"""A new passphrase, key file or recovery code for ``slot add`` and ``slot change``."""

from __future__ import annotations

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import UsageError
from strongroom.doors.cli.inputs import new_passphrase
from strongroom.doors.cli.recovery_codes import may_show_code, show_code

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

    from strongroom.doors.cli.interface import GlobalArguments
    from strongroom.keys.slots.interface import Credential
    from strongroom.keys.slots.recovery import RecoveryCredential

KINDS = ("passphrase", "key-file", "recovery-code")


class NewCredential:
    """What will open a slot; a context manager that takes a new key file back unless `keep` was called."""

    def __init__(
        self, credential: Credential, *, made_file: str | None = None, recovery: RecoveryCredential | None = None
    ) -> None:
        self.credential = credential
        self._made_file = made_file
        self._recovery = recovery

    def keep(self) -> None:
        """Say that the slot is there."""
        self._made_file = None

    def show(self, arguments: GlobalArguments, slot: dict[str, object]) -> None:
        """Print the slot for ``--json``, and the recovery code to whoever may see it."""
        if arguments.json:
            code = {} if self._recovery is None else {"recovery_code": self._recovery.code().reveal()}
            output.json({**slot, **code})
        elif self._recovery is not None:
            show_code(self._recovery)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.credential.wipe()
        if self._made_file is not None:
            from strongroom.locate.key_files import remove_key_file

            # It opens nothing, and would stand in the way of the next attempt.
            remove_key_file(self._made_file)


def new_credential(kind: str, file: str | None, arguments: GlobalArguments) -> NewCredential:
    """Ask for, read or make what shall open a slot.

    Args:
        kind: one of `KINDS`; ``recovery`` is the slots' own word for the last.
        file: where the key file is, or shall be.
        arguments: the command's.

    Raises:
        UsageError: another kind, or a key file without FILE.
        WouldPrompt: there is nobody to type a passphrase, or to read a code.
    """
    if kind == "passphrase":
        from strongroom.keys.slots.passphrase import PassphraseCredential

        return NewCredential(PassphraseCredential(new_passphrase(arguments)))
    if kind == "key-file":
        from strongroom.locate.key_files import obtain_key_file

        if file is None:
            raise UsageError("a key file slot needs FILE", advice="strongroom slot add key-file FILE")
        key, is_new = obtain_key_file(file)
        return NewCredential(key, made_file=file if is_new else None)
    if kind in ("recovery-code", "recovery"):
        from strongroom.keys.slots.recovery import new_recovery_code

        may_show_code(arguments)
        recovery = new_recovery_code()
        return NewCredential(recovery, recovery=recovery)
    raise UsageError(f"a slot is one of {', '.join(KINDS)}")
