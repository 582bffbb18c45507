"""What `strongroom unlock` brings to the agent: from an option, the environment, a pipe or a person."""

from __future__ import annotations

import os

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import UsageError
from strongroom.doors.cli.inputs import read_passphrase_line, read_share_lines, stdin_is_terminal
from strongroom.errors import WouldPrompt, WrongKey
from strongroom.locate.terminal import Terminal
from strongroom.locate.unlock import typed_words
from strongroom.secret import wipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from strongroom.doors.cli.agents import AgentControl
    from strongroom.doors.cli.interface import GlobalArguments
    from strongroom.locate.expected import Expected

    Unlock = Callable[[str, bytearray], None]

_TRIES = 3
_STDIN = 0


def unlock_somehow(
    arguments: GlobalArguments, location: str, unlock: Unlock, *, is_needed: Callable[[], bool]
) -> bool:
    """Find a way to open the vault and go it.

    In the order of `locate.unlock`: an option and nothing else; a key file or identity that the
    environment names; the OS keyring; one line of standard input, or a person at the terminal.

    Args:
        location: the vault's.
        unlock: has the agent open it: (way, secret).
        is_needed: asked before a person is, and never otherwise.

    Returns: whether it was unlocked; not if a person would have had to be asked for nothing.
    Raises:
        WrongKey: what was brought does not open it.
        WouldPrompt: nothing was, and nobody can be asked.
    """
    explicit = _explicit(arguments)
    if explicit is not None:
        _use(unlock, *explicit)
        return True
    kinds = _slot_kinds(location)
    for way, secret in _at_hand(kinds):
        try:
            _use(unlock, way, secret)
        except (WrongKey, WouldPrompt) as error:
            # What merely lies in the environment may belong to another vault.
            output.note(error.message)
        else:
            return True
    return _typed(location, kinds, unlock, is_needed)


def is_needed(agent: AgentControl, expected: Expected, *, has_times: bool) -> bool:
    """Whether a person must be asked; says so if the vault is unlocked already.

    Args:
        expected: what is to be tested of the vault, which takes opening it.
        has_times: it is to be unlocked for another time than it is.
    """
    from strongroom.doors.cli.agent_status import unlocked_for

    status = agent.status()
    if status["locked"]:
        return True
    output.note(f"{agent.location} is already {unlocked_for(status)}")
    if has_times or expected.counter is not None or expected.fingerprint is not None:
        return True
    output.hint("for another time: strongroom unlock --for 8h")
    return False


def _use(unlock: Unlock, way: str, secret: bytearray) -> None:
    try:
        unlock(way, secret)
    finally:
        wipe(secret)


def _explicit(arguments: GlobalArguments) -> tuple[str, bytearray] | None:
    ways = (arguments.key_file, arguments.passphrase_fd, arguments.identity, arguments.share_fd)
    if sum(way is not None for way in ways) > 1:
        raise UsageError("--key-file, --passphrase-fd, --identity and --share-fd are ways to open; give one")
    if arguments.key_file is not None:
        return "key-file", _key_file(arguments.key_file)
    if arguments.identity is not None:
        return "identity", bytearray(os.fsencode(os.path.abspath(arguments.identity)))
    if arguments.passphrase_fd is not None:
        return "typed", read_passphrase_line(arguments.passphrase_fd)
    if arguments.share_fd is not None:
        joined = bytearray()
        for line in read_share_lines(arguments.share_fd):
            joined += line + b"\n"
            wipe(line)
        return "shares", joined
    return None


def _at_hand(kinds: set[str]) -> list[tuple[str, bytearray]]:
    from strongroom.locate.identities import IDENTITY_VARIABLE
    from strongroom.locate.unlock import KEY_FILE_VARIABLE

    ways: list[tuple[str, bytearray]] = []
    if key_file := os.environ.get(KEY_FILE_VARIABLE):
        ways.append(("key-file", _key_file(key_file)))
    if (identity := os.environ.get(IDENTITY_VARIABLE)) and "age" in kinds:
        ways.append(("identity", bytearray(os.fsencode(os.path.abspath(identity)))))
    if "keyring" in kinds:
        ways.append(("at-hand", bytearray()))
    return ways


def _typed(location: str, kinds: set[str], unlock: Unlock, is_needed: Callable[[], bool]) -> bool:
    words = typed_words(kinds)
    if not words:
        raise WouldPrompt(
            f"nothing at hand opens {location}", advice="name a key: --key-file FILE, --identity FILE or --share-fd N"
        )
    if not stdin_is_terminal() and kinds & {"passphrase", "recovery"}:
        line = _stdin_line()
        if line is not None:
            _use(unlock, "typed", line)
            return True
    if not is_needed():
        return False
    terminal = Terminal.open()
    if terminal is None:
        raise WouldPrompt(
            f"nothing at hand opens {location}, and there is no terminal to ask on",
            advice="write the passphrase to standard input as one line, or name a key: --key-file FILE or --share-fd N",
        )
    prompt = f"{' or '.join(words)} for {output.escape(location)}: "
    with terminal:
        for left in reversed(range(_TRIES)):
            try:
                _use(unlock, *_asked(terminal, prompt, location, kinds))
                return True
            except WrongKey:
                if not left:
                    raise
                terminal.show("that does not open it, try again\n")
    raise AssertionError("the last attempt raised")


def _asked(terminal: Terminal, prompt: str, location: str, kinds: set[str]) -> tuple[str, bytearray]:
    """One line that a person types, or a share and the further ones that it needs."""
    typed = terminal.ask_hidden(prompt)
    if "shares" in kinds:
        from strongroom.locate.share_input import ask_for_share_lines, is_share
        from strongroom.stores.registry import open_store

        if not kinds & {"passphrase", "recovery"} or is_share(typed):
            store = open_store(location)
            try:
                return "shares", ask_for_share_lines(store, terminal, typed)
            finally:
                store.close()
    return "typed", typed


def _stdin_line() -> bytearray | None:
    try:
        return read_passphrase_line(_STDIN)
    except UsageError:
        return None


def _key_file(path: str) -> bytearray:
    from strongroom.locate.addresses import expand_user
    from strongroom.locate.key_files import LENGTH_MAX
    from strongroom.stores.files import read_private

    return read_private(expand_user(path), LENGTH_MAX, "key file")


def _slot_kinds(location: str) -> set[str]:
    from strongroom.keys.slots.registry import kind_name
    from strongroom.stores.registry import open_store
    from strongroom.vault.opening import slot_records

    store = open_store(location)
    try:
        return {kind_name(record.kind) for record in slot_records(store)}
    finally:
        store.close()
