"""A new passphrase, key file, keyring entry or code for ``init``, ``slot add`` and ``slot change``."""

from __future__ import annotations

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import UsageError
from strongroom.doors.cli.inputs import new_passphrase
from strongroom.doors.cli.recovery_codes import may_show_code, show_code
from strongroom.errors import NotFound, OutcomeUnknown, StrongroomError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Self

    from strongroom.doors.cli.interface import GlobalArguments
    from strongroom.keys.slots.interface import Credential
    from strongroom.keys.slots.recovery import RecoveryCredential
    from strongroom.secret import SecretStr

KINDS = ("passphrase", "key-file", "recovery-code", "keyring", "age", "shares")
KINDS_WITH_WORD = {"key-file": "FILE", "age": "RECIPIENT", "shares": "TofN"}
"""The kinds that take a word more, and what it is."""
_AGE_ADVICE = "strongroom slot add age age1...\nstrongroom slot add age ~/.ssh/id_ed25519.pub"


class NewCredential:
    """What will open a slot; a context manager that takes back what was made for it if no slot was written."""

    def __init__(
        self,
        credential: Credential,
        *,
        take_back: Callable[[], object] | None = None,
        recovery: RecoveryCredential | None = None,
        shares: Sequence[SecretStr] = (),
    ) -> None:
        self.credential = credential
        self._take_back = take_back
        self._recovery = recovery
        self._shares = shares

    def keep(self) -> None:
        """Say that the slot is there."""
        self._take_back = None

    def show(self, arguments: GlobalArguments, slot: dict[str, object]) -> None:
        """Print the slot for ``--json``, and the recovery code to whoever may see it."""
        if arguments.json:
            output.json({**slot, **self.codes()})
        elif self._recovery is not None:
            show_code(self._recovery)

    def codes(self) -> dict[str, object]:
        """What ``--json`` shows this once: a recovery code or shares."""
        if self._recovery is not None:
            return {"recovery_code": self._recovery.code().reveal()}
        return {"shares": [share.reveal() for share in self._shares]} if self._shares else {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None = None, error: BaseException | None = None, _trace: object = None
    ) -> None:
        self.credential.wipe()
        for share in self._shares:
            share.wipe()
        # After a Ctrl-C, or an answer that is missing, the slot may be there, and this all that opens it.
        is_certain = error is None or (isinstance(error, StrongroomError) and not isinstance(error, OutcomeUnknown))
        if self._take_back is not None and is_certain:
            # It opens nothing, and would stand in the way of the next attempt.
            self._take_back()


def new_credential(kind: str, word: str | None, arguments: GlobalArguments) -> NewCredential:
    """Ask for, read or make what shall open a slot.

    Args:
        kind: one of `KINDS`; ``recovery`` is the slots' own word for the third.
        word: as `KINDS_WITH_WORD` says.
        arguments: the command's.

    Raises:
        UsageError: another kind, or a word that is missing, too much or malformed.
        WouldPrompt: there is nobody to type a passphrase, or to read a code.
        StoreUnavailable: the OS keyring is locked, missing or silent.
        FormatUnsupported: the kind needs an extra that is not installed.
    """
    makers = {
        "passphrase": _passphrase,
        "key-file": _key_file,
        "recovery-code": _recovery_code,
        "recovery": _recovery_code,
        "keyring": _keyring,
        "age": _age,
        "shares": _shares,
    }
    if kind not in makers:
        from difflib import get_close_matches

        near = get_close_matches(kind, KINDS, 1)
        raise UsageError(
            f"a slot is one of {', '.join(KINDS)}",
            advice=f"did you mean: strongroom slot add {near[0]}" if near else "strongroom slot --help",
        )
    wanted = KINDS_WITH_WORD.get(kind)
    if wanted is None and word is not None:
        raise UsageError(f"a {kind} slot takes no further word")
    if wanted is not None and not word:
        raise UsageError(f"a slot of kind {kind} needs {wanted}", advice=f"strongroom slot add {kind} {wanted}")
    return makers[kind](word or "", arguments)


def _passphrase(_word: str, arguments: GlobalArguments) -> NewCredential:
    from strongroom.keys.slots.passphrase import PassphraseCredential

    return NewCredential(PassphraseCredential(new_passphrase(arguments)))


def _key_file(path: str, _arguments: GlobalArguments) -> NewCredential:
    from strongroom.locate.key_files import obtain_key_file, remove_key_file

    key, is_new = obtain_key_file(path)
    return NewCredential(key, take_back=(lambda: remove_key_file(path)) if is_new else None)


def _recovery_code(_word: str, arguments: GlobalArguments) -> NewCredential:
    from strongroom.keys.slots.recovery import new_recovery_code

    may_show_code(arguments)
    recovery = new_recovery_code()
    return NewCredential(recovery, recovery=recovery)


def _keyring(_word: str, _arguments: GlobalArguments) -> NewCredential:
    from strongroom.keys.slots.os_keyring import new_keyring_credential
    from strongroom.locate.os_keyring import forget_entry, store_entry

    credential = new_keyring_credential()
    store_entry(credential)
    return NewCredential(credential, take_back=lambda: forget_entry(credential.parameters))


def _age(recipient: str, _arguments: GlobalArguments) -> NewCredential:
    from strongroom.keys.slots.age import new_age_credential

    if not recipient.startswith(("age1", "ssh-")):
        recipient = _recipient_in(recipient)
    try:
        return NewCredential(new_age_credential(recipient))
    except ValueError as error:
        raise UsageError(str(error), advice=_AGE_ADVICE) from None


def _recipient_in(path: str) -> str:
    """The first recipient in a file of public keys, such as ``~/.ssh/id_ed25519.pub``."""
    from strongroom.doors.cli.inputs import read_file
    from strongroom.locate.addresses import expand_user

    try:
        lines = read_file(expand_user(path)).decode("utf-8", "replace").splitlines()
    except NotFound as error:
        raise NotFound(f"{error.message}, and this is no recipient", advice=_AGE_ADVICE) from None
    for line in lines:
        if line.strip() and not line.startswith("#"):
            return line
    raise UsageError(f"there is no recipient in {path}", advice=_AGE_ADVICE)


def _shares(numbers: str, arguments: GlobalArguments) -> NewCredential:
    from strongroom.doors.cli.shares import may_show_shares, parse_share_numbers, show_shares
    from strongroom.keys.slots.shares import new_shares

    threshold, count = parse_share_numbers(numbers)
    may_show_shares(arguments)
    try:
        credential, shares = new_shares(threshold, count)
    except ValueError as error:
        raise UsageError(str(error), advice="such as: strongroom slot add shares 2of3") from None
    made = NewCredential(credential, shares=shares)
    if not arguments.json:
        try:
            show_shares(shares, threshold)
        except BaseException:
            made.__exit__()
            raise
    return made
