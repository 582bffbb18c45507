"""``decrypt``: what a file says of who may open it, the keys that are at hand, and where it goes."""

from __future__ import annotations

from strongroom.doors.cli import output
from strongroom.doors.cli.encrypting import SUFFIXES
from strongroom.doors.cli.exit_codes import OK, UsageError
from strongroom.doors.cli.streams import STANDARD, Damaged, Showing, Tidy, open_source, open_target, say_uncertain
from strongroom.errors import WouldPrompt, WrongKey
from strongroom.items import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from strongroom.credentials.identities import Identity
    from strongroom.credentials.stream_files import NewFile
    from strongroom.credentials.streams import EncryptedStream
    from strongroom.doors.cli.commands.decrypt import Arguments
    from strongroom.doors.cli.streams import StandardOutput
    from strongroom.vault.vault import Vault

_TRIES = 3


def decrypt(arguments: Arguments) -> int:
    """Decrypt FILE, or standard input.

    Returns: the exit code.
    """
    from strongroom.credentials.streams import open_stream

    path = arguments.output if arguments.output is not None else _usual_output(arguments.file)
    with Tidy(), open_source(arguments.file) as source:
        with Damaged():
            stream = open_stream(source)
        # The output first, so that nobody types a passphrase in vain.
        with open_target(path, is_secret=True, replace=arguments.force) as target:
            _unlock_somehow(stream, arguments)
            with Showing("decrypted", source) as progress:
                _write(stream, target, progress)
    if path != STANDARD:
        if arguments.json:
            output.json({"output": path, "format": stream.format, "bytes": target.written})
        else:
            output.note(f"wrote {path}")
    return OK


def _write(stream: EncryptedStream, target: NewFile | StandardOutput, progress: Showing) -> None:
    is_done = False
    try:
        with Damaged():
            stream.write_to(target, progress=progress)
        target.publish()
        is_done = True
    except BrokenPipeError:
        raise output.ClosedOutput from None
    finally:
        # Whatever ended it: tampering, a full disk, Ctrl-C.
        if not is_done and not target.is_whole:
            say_uncertain(target.written)


def _unlock_somehow(stream: EncryptedStream, arguments: Arguments) -> None:
    if _is_for_identity(stream, arguments):
        return
    if arguments.key or "key" in stream.kinds:
        from strongroom.doors.cli.opening import open_items

        with open_items(arguments) as vault:
            _unlock(stream, _keys_of(vault, stream, arguments))
    elif stream.kinds == ("passphrase",):
        _unlock_with_passphrase(stream, arguments)
    else:
        _unlock(stream, _identities_of(arguments))


def _is_for_identity(stream: EncryptedStream, arguments: Arguments) -> bool:
    """Whether a file that is for a vault's key and for others too was unlocked with the identity, without a vault."""
    if arguments.identity is None or arguments.key or not {"key", "recipient"} <= {*stream.kinds}:
        return False
    try:
        _unlock(stream, _identities_of(arguments))
    except WrongKey:
        return False  # It may be what opens the vault.
    return True


def _unlock(stream: EncryptedStream, identities: Sequence[Identity]) -> None:
    try:
        with Damaged():
            stream.unlock(identities)
    finally:
        for identity in identities:
            identity.wipe()


def _keys_of(vault: Vault, stream: EncryptedStream, arguments: Arguments) -> list[Identity]:
    """What the named keys open; without names, the key that the file was encrypted to."""
    from strongroom.credentials import stored_keys

    found: list[Identity] = []
    try:
        for name in arguments.key:
            found += stored_keys.identities(vault.keys[name])
    except ValueError as error:
        raise UsageError(str(error)) from None
    if arguments.key:
        return found
    wanted = stored_keys.key_ids(stream.stanzas)
    for name in vault.keys.list():
        key = vault.keys[name]
        if key.kind == "aead" and key.id in wanted:
            found += stored_keys.identities(key)
    if not found:
        others = "it is for others too: --identity FILE, or --key NAME" if "recipient" in stream.kinds else ""
        raise WrongKey("the file is encrypted to a key that this vault does not have", advice=others)
    return found


def _identities_of(arguments: Arguments) -> list[Identity]:
    """What the identity file holds."""
    from strongroom.credentials.identities import IDENTITY_FILE_BYTES_MAX, parse_identities
    from strongroom.locate.addresses import expand_user
    from strongroom.stores.files import read_private

    if arguments.identity is None:
        again = "" if arguments.file == STANDARD else f" {quoted(arguments.file)}"
        raise WouldPrompt(
            "the file is encrypted to public keys, and no private one was named",
            advice=f"strongroom decrypt --identity FILE{again}\nstrongroom decrypt --key NAME{again}",
        )
    path = expand_user(arguments.identity)
    try:
        return parse_identities(read_private(path, IDENTITY_FILE_BYTES_MAX, "identity file"))
    except WrongKey as error:
        raise WrongKey(f"{path} is of no use: {error.message}", advice=error.advice) from None


def _unlock_with_passphrase(stream: EncryptedStream, arguments: Arguments) -> None:
    from strongroom.credentials.identities import PassphraseIdentity
    from strongroom.credentials.recipients import Passphrase

    last: WrongKey | None = None
    for typed in _passphrases(arguments):
        try:
            _unlock(stream, [PassphraseIdentity(Passphrase(typed))])
            return
        except ValueError:
            last = WrongKey("this cannot be a passphrase: it is empty, too long or not text")
        except WrongKey:
            last = WrongKey("the passphrase does not open this file")
    raise last or WouldPrompt("no passphrase was given")


def _passphrases(arguments: Arguments) -> Iterator[bytearray]:
    """One from its descriptor, or up to three from a person."""
    from strongroom.doors.cli.inputs import read_passphrase_line, terminal_for

    if arguments.passphrase_fd is not None:
        yield read_passphrase_line(arguments.passphrase_fd)
        return
    with terminal_for("passphrase of the file") as terminal:
        for number in range(_TRIES):
            if number:
                terminal.show("that does not open it, try again\n")
            yield terminal.ask_hidden("passphrase of the file: ")


def _usual_output(file: str) -> str:
    if file == STANDARD:
        return STANDARD
    for suffix in SUFFIXES.values():
        if file.endswith(suffix) and len(file) > len(suffix):
            return file.removesuffix(suffix)
    raise UsageError(
        f"{file} does not end in .age or .strongroom", advice="name the output: --output OUT, or - for standard output"
    )
