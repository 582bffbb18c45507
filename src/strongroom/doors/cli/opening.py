"""What every command does first: names checked, the passphrase fetched, the vault opened."""

from __future__ import annotations

from strongroom.doors.cli.exit_codes import UsageError
from strongroom.errors import StrongroomError, VaultNotFound, WouldPrompt
from strongroom.items import (
    COMPONENT_BYTES_MAX,
    FIELD_NAME_BYTES_MAX,
    check_name,
    parse_folder,
    parse_path,
    quoted,
    quoted_name,
)
from strongroom.locate.unlock import anybody

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from strongroom.doors.cli.interface import GlobalArguments
    from strongroom.locate.expected import Expected
    from strongroom.vault.vault import Vault


def checked_path(path: str) -> str:
    """*path*, when it can name an item.

    Raises: UsageError: it cannot; the vault need not be opened to say so.
    """
    try:
        parse_path(path)
    except ValueError as error:
        is_folder = path.endswith("/") and path.strip("/")
        advice = f"a name that ends with a slash is a folder: strongroom ls {quoted_name(path)}" if is_folder else ""
        raise UsageError(f"{path or repr(path)} is not an item's path: {error}", advice=advice) from None
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


def checked_label(label: str) -> str:
    """*label*, when a slot can carry it; ``""`` is none.

    Raises: UsageError: it cannot.
    """
    try:
        if label:
            check_name(label, "label", COMPONENT_BYTES_MAX)
    except ValueError as error:
        raise UsageError(str(error)) from None
    return label


def open_vault(
    arguments: GlobalArguments,
    *,
    before: Callable[[Vault], None] = anybody,
    any_format: bool = False,
    may_ask: bool = True,
) -> Vault:
    """The vault that the global options and the environment name, opened, and found to be the newest state.

    Args:
        arguments: the command's.
        before: is shown the vault before it is compared with what this machine knows of it.
        any_format: it may be of an older format, to be upgraded.
        may_ask: whether a person may be asked how to open it.

    Raises: StrongroomError: as `strongroom.locate.opening.open`.
    """
    from strongroom.doors.cli import output
    from strongroom.locate.recognition import guard

    def admit(vault: Vault) -> None:
        before(vault)
        guard(vault, expected=expected_of(arguments), tell=output.note)

    place = location_of(arguments)
    try:
        return open_admitted(arguments, place, admit=admit, any_format=any_format, may_ask=may_ask)
    except WouldPrompt as error:
        if may_ask and _is_held_by_agent(arguments, place):
            more = "an agent holds this vault open, and gives out no keys: this command needs one of its own"
            raise WouldPrompt(error.message, advice=f"{more}\n{error.advice}") from None
        raise


def _is_held_by_agent(arguments: GlobalArguments, place: str) -> bool:
    from strongroom.locate.agents import find_agent

    if not arguments.use_agent:
        return False
    try:
        found = find_agent(place, is_named=arguments.vault is not None)
    except StrongroomError:
        return False  # What is wrong with the agent is not what this command ends with.
    if found is None or isinstance(found, StrongroomError):
        return False
    found.close()
    return True


def open_items(arguments: GlobalArguments) -> Vault:
    """The vault for commands that read and write items: through its agent when one runs, else as `open_vault`.

    Raises: StrongroomError: as `strongroom.locate.opening.open`.
    """
    ways = (arguments.key_file, arguments.passphrase_fd, arguments.identity, arguments.share_fd)
    if not arguments.use_agent or any(way is not None for way in ways):
        return open_vault(arguments)
    from strongroom.locate.agents import open_with_agent

    return open_with_agent(
        location_of(arguments),
        is_named=arguments.vault is not None,
        expected=expected_of(arguments),
        directly=lambda may_ask: open_vault(arguments, may_ask=may_ask),
    )


def open_admitted(
    arguments: GlobalArguments,
    place: str,
    *,
    admit: Callable[[Vault], None] = anybody,
    is_backup: bool = False,
    any_format: bool = False,
    may_ask: bool = True,
) -> Vault:
    """The vault or copy at *place*, opened as the global options say, whatever state it is in.

    Args:
        arguments: the command's.
        place: from `location_of`, or the absolute path of a copy.
        admit: looks at it before anything is written to it, and may refuse it by raising.
        is_backup: it may lie anywhere and is only read.
        any_format: it may be of an older format, to be upgraded.
        may_ask: whether a person may be asked how to open it.

    Raises: StrongroomError: as `strongroom.locate.opening.open_admitted`.
    """
    from functools import partial

    from strongroom.locate import opening

    _check_ways(arguments)
    open = partial(
        opening.open_admitted, place, is_backup=is_backup, any_format=any_format, may_ask=may_ask, admit=admit
    )
    if arguments.passphrase_fd is not None:
        from strongroom.doors.cli.inputs import read_passphrase_line

        passphrase = read_passphrase_line(arguments.passphrase_fd)
        return open(passphrase=passphrase)
    if arguments.share_fd is not None:
        from strongroom.doors.cli.inputs import read_share_lines

        shares = read_share_lines(arguments.share_fd)
        return open(shares=shares)
    try:
        return open(key_file=arguments.key_file, identity=arguments.identity)
    except VaultNotFound as error:
        raise _about_its_place(error, arguments) from None
    except ValueError as error:
        if ":" not in place:
            raise
        # A scheme that nothing serves.
        raise UsageError(str(error), advice="vaults lie at FILE, or postgresql://USER@HOST/DATABASE") from None


def _about_its_place(error: VaultNotFound, arguments: GlobalArguments) -> VaultNotFound:
    """*error* with a command that makes a vault where one was looked for."""
    if arguments.vault is not None and error.advice.endswith("strongroom init"):
        error.advice = f"make one: strongroom --vault {quoted(arguments.vault)} init"
    return error


def expected_of(arguments: GlobalArguments) -> Expected:
    """What the options say of the vault before it is opened."""
    from strongroom.locate.expected import Expected

    return Expected(counter=arguments.expect_counter, fingerprint=arguments.expect_vault)


def _check_ways(arguments: GlobalArguments) -> None:
    if "" in (arguments.key_file, arguments.identity):
        raise UsageError("--key-file and --identity take a file")
    ways = (arguments.key_file, arguments.passphrase_fd, arguments.identity, arguments.share_fd)
    if sum(way is not None for way in ways) > 1:
        raise UsageError("--key-file, --passphrase-fd, --identity and --share-fd are ways to open; give one")


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
