"""``sign`` and ``check``: what is said of a signature, and whose keys it is checked with."""

from __future__ import annotations

import os

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import UsageError
from strongroom.doors.cli.streams import STANDARD, read_small
from strongroom.errors import NotFound
from strongroom.items import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import timedelta

    from strongroom.credentials.signers import Signer
    from strongroom.credentials.signing import Checked, SigningKey
    from strongroom.doors.cli.commands import check, sign
    from strongroom.vault.named_keys.named_key import NamedKey

SUFFIXES = {"minisign": ".minisig", "ssh": ".sshsig"}
_OTHERS = (".sig",)  # what ssh-keygen itself calls it


def checked_use(arguments: sign.Arguments) -> str:
    """The namespace, when the options fit the format.

    Raises: UsageError: they do not.
    """
    if arguments.format != "ssh" and arguments.namespace is not None:
        raise UsageError("a minisign signature has no namespace", advice="--format ssh")
    if arguments.format == "ssh" and arguments.comment is not None:
        raise UsageError("an ssh signature has no comment", advice="--format minisign")
    return arguments.namespace or "file"


def report(arguments: sign.Arguments, path: str, key: SigningKey) -> None:
    """Say where the signature is and how it is verified without strongroom."""
    commands = verify_commands(arguments, path, key)
    if arguments.json and path != STANDARD:
        shown, public = _names_of(arguments.format, key)
        output.json({"signature": path, "key": shown, "public_key": public, "verify": commands})
        return
    if path != STANDARD:
        output.note(f"wrote {path}")
    for command in commands:
        output.hint(command)


def verify_commands(arguments: sign.Arguments, path: str, key: SigningKey) -> list[str]:
    """The commands of stock tools, to be pasted into a shell."""
    _shown, public = _names_of(arguments.format, key)
    file = "FILE" if arguments.file == STANDARD else quoted(arguments.file)
    path = "SIGNATURE" if path == STANDARD else path
    if arguments.format != "ssh":
        where = "" if path == f"{arguments.file}.minisig" else f" -x {quoted(path)}"
        return [f"minisign -V -P {public} -m {file}{where}"]
    who = quoted(_principal(arguments.key or ""))
    line = quoted(f"{_principal(arguments.key or '')} {public}")
    namespace = quoted(arguments.namespace or "file")
    return [
        f"echo {line} > allowed_signers",
        f"ssh-keygen -Y verify -f allowed_signers -I {who} -n {namespace} -s {quoted(path)} < {file}",
    ]


def _names_of(format: str, key: SigningKey) -> tuple[str, str]:
    """The key's name in signatures, and its public part as the tools take it."""
    from strongroom.credentials import minisign, ssh_keys
    from strongroom.credentials.ssh_keys import SshPublicKey

    if format == "ssh":
        return SshPublicKey(ssh_keys.ed25519_blob(key.public)).fingerprint, ssh_keys.public_line(key.public)
    made = minisign.key_of(key.public)
    return made.shown_id, made.encode()


def _principal(name: str) -> str:
    """The key's name as one word, as a principal of a signers file is."""
    return "".join(one if one.isalnum() or one in "._-@+" else "-" for one in name)


def signers_lines(key: NamedKey, overlap: timedelta | None) -> list[str]:
    """The lines of a signers file: each enabled version, with the time in which it is good.

    Raises: ValueError: the key is of another kind.
    """
    from strongroom.credentials.stored_keys import signers

    return [one.line() for one in signers(key, _principal(key.name), overlap=overlap)]


def find_signature(arguments: check.Arguments) -> str:
    """The signature that lies beside the file.

    Raises:
        NotFound: there is none.
        UsageError: there are several, or the file is standard input.
    """
    file = arguments.file
    if file == STANDARD:
        raise UsageError("name the signature of standard input", advice="strongroom check - SIGNATURE --signers FILE")
    found = [file + suffix for suffix in (*SUFFIXES.values(), *_OTHERS) if os.path.lexists(file + suffix)]
    if not found:
        raise NotFound(f"there is no signature {file}.minisig, .sshsig or .sig", advice="name it after the file")
    if len(found) > 1:
        given = {"signers": arguments.signers, "public-key": arguments.public_key, "key": arguments.key}
        whose = "".join(f" --{name} {quoted(one)}" for name, one in given.items() if one) or " --signers FILE"
        choices = "\n".join(f"strongroom check {quoted(file)} {quoted(one)}{whose}" for one in found)
        raise UsageError(f"{file} has {len(found)} signatures; name one", advice=choices)
    return found[0]


def signers_of(arguments: check.Arguments) -> list[Signer]:
    """The public keys that the options name.

    Raises:
        NotFound: there is no such file or key.
        UsageError: it holds no public keys.
    """
    from strongroom.credentials import stored_keys
    from strongroom.credentials.signers import SIGNERS_BYTES_MAX, parse_signers
    from strongroom.doors.cli.opening import open_items

    if sum(one is not None for one in (arguments.signers, arguments.public_key, arguments.key)) != 1:
        raise UsageError(
            "check needs to know whose signature is expected",
            advice="--signers FILE, a signers file or a public key file\n--public-key RWQ...\n--key NAME",
        )
    if arguments.key is not None:
        try:
            with open_items(arguments) as vault:
                return stored_keys.signers(vault.keys[arguments.key], _principal(arguments.key))
        except ValueError as error:
            raise UsageError(str(error)) from None
    if arguments.public_key is not None:
        where, data = "--public-key", arguments.public_key.encode("utf-8", "surrogateescape")
    else:
        where = arguments.signers or ""
        data = read_small(where, SIGNERS_BYTES_MAX, "signers file")
    try:
        return parse_signers(data)
    except ValueError as error:
        raise UsageError(f"{where}: {error}") from None


def show(arguments: check.Arguments, checked: Checked) -> None:
    """Say who signed, and what the signature says besides."""
    who = "" if checked.principals == "*" else f"{checked.principals} with "
    if arguments.json:
        output.json(
            {
                "format": checked.format,
                "signer": None if checked.principals == "*" else checked.principals,
                "key": checked.key,
                "comment": checked.comment or None,
                "namespace": checked.namespace or None,
            }
        )
        return
    output.note(f"the signature of {arguments.file} fits: {who}{checked.key}")
    if checked.comment:
        output.note("signed comment: " + checked.comment.replace("\t", "  "))
