"""``strongroom key``: what a key does on the command line, and how it leaves the vault or comes in."""

from __future__ import annotations

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import OK, UsageError
from strongroom.doors.cli.inputs import confirm, read_stdin, secret_line
from strongroom.doors.cli.keys import key_of, refuse
from strongroom.doors.cli.opening import open_items
from strongroom.errors import NotFound, Tampered
from strongroom.items import quoted_name
from strongroom.secret import wipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta
    from typing import Literal

    from strongroom.doors.cli.commands.key import Arguments
    from strongroom.vault.named_keys.named_key import NamedKey


def _export(arguments: Arguments) -> int:
    refuse(arguments, "public", "private", "format", "version", "overlap")
    if arguments.public == arguments.private:
        raise UsageError("key export takes --public or --private", advice="strongroom key --help")
    with open_items(arguments) as vault:
        key = key_of(vault.keys, arguments)
        export = _export_public if arguments.public else _export_private
        try:
            return export(arguments, key)
        except ValueError as error:
            raise UsageError(str(error)) from None


def _export_public(arguments: Arguments, key: NamedKey) -> int:
    from strongroom.credentials.public_keys import FORMATS, encode_public

    if arguments.format == "signers":
        from strongroom.doors.cli.signatures import signers_lines

        if arguments.version is not None:
            raise UsageError("a signers file has all versions that are enabled")
        output.lines(signers_lines(key, arguments.overlap))
        return OK
    if arguments.overlap is not None:
        raise UsageError("--overlap is for --format signers")
    number = arguments.version or key.primary.number
    version = next((one for one in key.versions if one.number == number), None)
    if version is None:
        raise NotFound(
            f"the key {key.name} has no version {number}", advice=f"strongroom key show {quoted_name(key.name)}"
        )
    if key.kind not in FORMATS:
        raise UsageError(
            f"a key of kind {key.kind} is secret, and has no public part",
            advice=f"all of it: strongroom key export --private {quoted_name(key.name)}",
        )
    form = arguments.format or FORMATS[key.kind][0]
    output.value(encode_public(key.kind, version.public, form, comment=f"{key.name} version {number}"))
    return OK


def _export_private(arguments: Arguments, key: NamedKey) -> int:
    from strongroom.credentials.public_keys import encode_private
    from strongroom.vault.named_keys.danger import export_private

    if arguments.format not in (None, "base64", "raw", "pem"):
        raise UsageError("a private part is exported as base64, raw or pem")
    if output.is_terminal() and not confirm(arguments, f"Show the private part of {key.name} on this terminal?"):
        output.note("nothing was shown")
        return OK
    with export_private(key, arguments.version) as private:
        data = encode_private(key.kind, private, arguments.format or "base64")
    try:
        output.value(data)
    finally:
        wipe(data)
    output.note(f"whoever has this decrypts or signs as the key {key.name} does, also after it was rotated")
    return OK


def _import(arguments: Arguments) -> int:
    from strongroom.crypto.fernet import decode
    from strongroom.vault.named_keys.danger import import_key, import_version

    refuse(arguments, "kind", "stage", "public", "private")
    if arguments.public:
        return _import_public(arguments)
    line = secret_line("private part of the key in base64")
    private = bytearray()
    try:
        text = bytes(line.strip()).translate(bytes.maketrans(b"+/", b"-_"))
        private = bytearray(decode(text + b"=" * (-len(text) % 4)))
        with open_items(arguments) as vault:
            try:
                key = key_of(vault.keys, arguments)
            except NotFound:
                if arguments.kind is None or arguments.stage:
                    raise
                key = import_key(vault.keys, arguments.name or "", arguments.kind, private)  # type: ignore[arg-type]
                output.note(f"imported the key {key.name} of kind {key.kind}")
                return OK
            if arguments.kind not in (None, key.kind):
                raise UsageError(f"there is a key {key.name}, and it is of kind {key.kind}")
            version = import_version(key, private, stage=arguments.stage)
            output.note(f"imported version {version.number} of the key {key.name}")
    except ValueError as error:
        raise UsageError(str(error)) from None
    finally:
        wipe(line)
        wipe(private)
    return OK


def _import_public(arguments: Arguments) -> int:
    from strongroom.credentials.public_keys import FORMATS, decode_public

    text = str(read_stdin(), "utf-8", "replace")
    with open_items(arguments) as vault:
        known: NamedKey | None = None
        try:
            known = key_of(vault.keys, arguments)
        except NotFound:
            if arguments.kind is None or arguments.stage:
                raise
        kind = arguments.kind if known is None else known.kind
        if known is not None and arguments.kind not in (None, kind):
            raise UsageError(f"there is a key {known.name}, and it is of kind {kind}")
        if kind not in FORMATS:
            raise UsageError(f"a key of kind {kind} has no public part")
        try:
            public = decode_public(kind, text)
            if known is None:
                key = vault.keys.import_public(arguments.name or "", kind, public)  # type: ignore[arg-type]
                output.note(f"imported the public part of the key {key.name} of kind {key.kind}")
            else:
                number = known.add_public(public, stage=arguments.stage).number
                output.note(f"imported version {number} of the public key {known.name}")
        except ValueError as error:
            raise UsageError(str(error)) from None
    return OK


def _encrypt(arguments: Arguments) -> int:
    refuse(arguments, "associated_data", "raw")

    def act(key: NamedKey, data: bytearray, associated: bytes) -> bytes:
        if key.kind == "box":
            return _written(arguments, key, key.seal(bytes(data), info=associated))
        return _written(arguments, key, key.encrypt(data, associated_data=associated))

    return _applied(arguments, act)


def _decrypt(arguments: Arguments) -> int:
    refuse(arguments, "associated_data", "raw", "max_age", "any_age")
    if arguments.any_age and arguments.max_age is not None:
        raise UsageError("--max-age and --any-age exclude each other")
    age: timedelta | Literal["any"] | None = "any" if arguments.any_age else arguments.max_age

    def act(key: NamedKey, data: bytearray, associated: bytes) -> bytes:
        message = _read(arguments, key, data)
        if key.kind == "box":
            if age is not None:
                raise UsageError("what is sealed to a box key has no date")
            return key.open(message, info=associated)
        if key.kind == "fernet" and age is None:
            raise UsageError(
                "a Fernet token holds the time at which it was made, and how old it may be was not said",
                advice="--max-age 1d, or --any-age",
            )
        return key.decrypt(message, associated_data=associated, max_age=age)

    return _applied(arguments, act)


def _rewrap(arguments: Arguments) -> int:
    refuse(arguments, "associated_data", "raw")

    def act(key: NamedKey, data: bytearray, associated: bytes) -> bytes:
        return _written(arguments, key, key.rewrap(_read(arguments, key, data), associated_data=associated))

    return _applied(arguments, act)


def _mac(arguments: Arguments) -> int:
    refuse(arguments)
    return _applied(arguments, lambda key, data, _associated: key.mac(data).hex().encode())


def _derive(arguments: Arguments) -> int:
    from strongroom.credentials.fernet_passwords import derive_key
    from strongroom.doors.cli.inputs import new_passphrase
    from strongroom.secret import SecretBytes

    refuse(arguments, "parameters", "compliance")
    if arguments.compliance and arguments.parameters is not None:
        raise UsageError("--parameters says already how the key is made")
    # A new password is typed twice; one that was used before, once.
    is_new = arguments.parameters is None
    line = new_passphrase(arguments, "password", of="token") if is_new else secret_line("password")
    with SecretBytes(line) as password:
        try:
            made = derive_key(password, arguments.parameters, compliance=arguments.compliance)
        except ValueError as error:
            raise UsageError(str(error)) from None
    with made.key as key:
        if arguments.json:
            output.json({"key": key.reveal(), "parameters": made.parameters})
            return OK
        output.value(key.reveal_buffer())
    output.note("the same key again, with the same password:")
    output.hint(f"strongroom key derive --parameters '{made.parameters}'")
    return OK


def _applied(arguments: Arguments, act: Callable[[NamedKey, bytearray, bytes], bytes]) -> int:
    """Standard output gets what *act* makes of standard input."""
    associated = arguments.associated_data.encode("utf-8", "surrogateescape")
    data = read_stdin()
    try:
        with open_items(arguments) as vault:
            output.value(act(key_of(vault.keys, arguments), data, associated))
    except ValueError as error:
        raise UsageError(str(error)) from None
    finally:
        wipe(data)
    return OK


def _written(arguments: Arguments, key: NamedKey, message: bytes) -> bytes:
    """A message as text; a token is text already."""
    from strongroom.crypto.fernet import encode

    return message if arguments.raw or key.kind == "fernet" else encode(message)


def _read(arguments: Arguments, key: NamedKey, data: bytearray) -> bytes:
    """A message as it was written; without the newline that a terminal or `echo` puts behind text."""
    from strongroom.crypto.fernet import decode

    if arguments.raw:
        return bytes(data)
    text = bytes(data).strip()
    if key.kind == "fernet":
        return text
    try:
        return decode(text)
    except ValueError:
        raise Tampered(
            "this is no message in base64", advice="what was written with --raw is read with --raw"
        ) from None


ACTIONS: dict[str, Callable[[Arguments], int]] = {
    "export": _export,
    "import": _import,
    "encrypt": _encrypt,
    "decrypt": _decrypt,
    "rewrap": _rewrap,
    "mac": _mac,
    "derive": _derive,
}
