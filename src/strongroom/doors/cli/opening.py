"""What every command does first: names checked, the passphrase fetched, the vault opened."""

from __future__ import annotations

from strongroom.doors.cli.exit_codes import UsageError
from strongroom.items import FIELD_NAME_BYTES_MAX, check_name, parse_folder, parse_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.doors.cli.interface import GlobalArguments
    from strongroom.vault.vault import Vault


def checked_path(path: str) -> str:
    """*path*, when it can name an item.

    Raises: UsageError: it cannot; the vault need not be opened to say so.
    """
    try:
        parse_path(path)
    except ValueError as error:
        raise UsageError(f"{path} is not an item's path: {error}") from None
    return path


def checked_folder(prefix: str) -> str:
    """*prefix*, when it can name a folder; ``""`` is the top.

    Raises: UsageError: it cannot.
    """
    try:
        parse_folder(prefix)
    except ValueError as error:
        raise UsageError(f"{prefix} is not a folder's path: {error}") from None
    return prefix


def checked_field(name: str) -> str:
    """*name*, when it can name a field.

    Raises: UsageError: it cannot.
    """
    try:
        check_name(name, "field name", FIELD_NAME_BYTES_MAX)
    except ValueError as error:
        raise UsageError(str(error)) from None
    return name


def open_vault(arguments: GlobalArguments, *, location: str | None = None) -> Vault:
    """The vault that the global options and the environment name, opened.

    Args:
        arguments: the command's.
        location: another vault than the one they name, to be opened in the same way.

    Raises: StrongroomError: as `strongroom.locate.opening.open`.
    """
    from strongroom.locate.opening import open

    place = location_of(arguments) if location is None else location
    if arguments.key_file == "":
        raise UsageError("--key-file takes a file")
    if arguments.passphrase_fd is not None:
        from strongroom.doors.cli.inputs import read_passphrase_line

        if arguments.key_file is not None:
            raise UsageError("--key-file and --passphrase-fd are two ways to open; give one")
        passphrase = read_passphrase_line(arguments.passphrase_fd)
        return open(place, passphrase=passphrase, use_agent=arguments.use_agent)
    try:
        return open(place, key_file=arguments.key_file, use_agent=arguments.use_agent)
    except ValueError as error:
        if ":" not in place:
            raise
        # A scheme that nothing serves.
        raise UsageError(str(error)) from None


def location_of(arguments: GlobalArguments) -> str:
    """Where the vault is that the options and the environment name, or that this user has.

    Raises:
        UsageError: they name something that no vault can be at.
        VaultNotFound: nothing names one, and this user has no home.
    """
    from strongroom.locate.addresses import find_location

    try:
        return find_location(arguments.vault)
    except ValueError as error:
        raise UsageError(str(error)) from None
