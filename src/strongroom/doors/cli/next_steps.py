"""What is said after a vault was made: what it is, its recovery code, and how it goes on."""

from __future__ import annotations

from strongroom.doors.cli import output
from strongroom.doors.cli.recovery_codes import show_code

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from strongroom.doors.cli.interface import GlobalArguments
    from strongroom.keys.slots.recovery import RecoveryCredential
    from strongroom.vault.vault import Vault


def report(
    vault: Vault, recovery: RecoveryCredential | None, arguments: GlobalArguments, codes: Mapping[str, object]
) -> None:
    """Show a recovery code, this once, and the next commands.

    Args:
        codes: what ``--json`` shows besides.
    """
    kinds = [slot.kind for slot in vault.slots()]
    if arguments.json:
        output.json(
            {
                "vault": vault.location,
                "id": vault.vault_id.hex(),
                "fingerprint": vault.fingerprint,
                "slots": kinds,
                "recovery_code": None if recovery is None else recovery.code().reveal(),
                **codes,
            }
        )
        return
    output.note(f"made the vault {vault.location}")
    if recovery is not None:
        show_code(recovery)
    command = _command(arguments)
    output.hint(f"store a first item: {command} set bank/checking username=NAME password")
    if "passphrase" in kinds:
        output.hint(f"type the passphrase once a day, and not each time: {command} unlock --for 12h")
    if arguments.key_file is None:
        output.hint(f"let programs open it without you: {command} slot add key-file FILE")
    else:
        output.hint(f"a crontab line: {_crontab_line(vault.location, arguments.key_file)}")
    if recovery is None and arguments.key_file is None:
        output.hint(f"a lost passphrase is a lost vault: {command} slot add recovery-code")
    if "age" in kinds:
        name_it_elsewhere(vault)


def _command(arguments: GlobalArguments) -> str:
    """How the next command has to begin to be about the same vault."""
    from strongroom.items import quoted

    return "strongroom" if arguments.vault is None else f"strongroom --vault {quoted(arguments.vault)}"


def name_it_elsewhere(vault: Vault) -> None:
    """Say how a machine that has never seen this vault knows that an age identity has opened the right one."""
    output.hint(f"where it is opened for the first time, name it: --expect-vault {vault.fingerprint}")


def _crontab_line(location: str, key_file: str) -> str:
    from os.path import abspath
    from shlex import quote

    from strongroom.locate.addresses import default_location, expand_user

    # cron gives a job HOME and little else: neither variable of this shell would reach it.
    settings = "" if location == default_location() else f"STRONGROOM_VAULT={quote(location)} "
    settings += f"STRONGROOM_KEY_FILE={quote(abspath(expand_user(key_file)))}"
    return f"0 6 * * * {settings} python3 /path/to/job.py"
