"""A checkpoint: how far each writer of the audit file had come, signed by the vault's identity.

Kept elsewhere it shows what the files alone cannot: that their end was cut off, or that somebody
who holds the keys wrote all of them anew. Pure. Source: docs/format.md#audit-file.
"""

from __future__ import annotations

from strongroom.crypto import labels, signatures
from strongroom.errors import FormatUnsupported, Tampered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from strongroom.keys.format import Header
    from strongroom.vault.core import Core

LENGTH_MAX = 256 * 1024
_FIRST_LINE = "strongroom-audit-checkpoint-v1"
_FAMILY = "strongroom-audit-checkpoint-v"
_LINK_DIGITS = 64
_WRITER_DIGITS = 32


class Checkpoint:
    """What a checkpoint says.

    Attributes:
        time_us: when it was made, µs since 1970 UTC.
        writers: number and link of each writer's newest line.
    """

    __slots__ = ("time_us", "writers")

    def __init__(self, time_us: int, writers: Mapping[str, tuple[int, bytes]]) -> None:
        self.time_us = time_us
        self.writers = dict(writers)


def make_checkpoint(core: Core, time_us: int, writers: Mapping[str, tuple[int, bytes]]) -> bytes:
    """The text of a checkpoint, signed.

    Args:
        core: of the open vault.
    """
    header = core.keys.header
    lines = [_FIRST_LINE, f"vault {header.vault_id.hex()}", f"time {time_us}"]
    lines += [f"writer {writer} {number} {link.hex()}" for writer, (number, link) in sorted(writers.items())]
    body = ("\n".join(lines) + "\n").encode("ascii")
    seed = core.keys.keyset.purpose_key(labels.IDENTITY_SEED)
    signature = signatures.sign(seed, _message(header.vault_id, header.epoch, body))
    return body + f"identity {header.identity.hex()}\nsignature {signature.hex()}\n".encode("ascii")


def read_checkpoint(core: Core, data: bytes) -> Checkpoint:
    """What a checkpoint says, once its signature was found to be of this vault's identity, now or once.

    Raises:
        Tampered: it is none, of another vault, or was changed.
        FormatUnsupported: a newer program made it.
    """
    lines = _lines(data)
    header = core.keys.header
    if lines[0] != _FIRST_LINE or len(lines) < 5:
        raise _newer() if lines[0].startswith(_FAMILY) and lines[0] != _FIRST_LINE else _malformed()
    if lines[1] != f"vault {header.vault_id.hex()}":
        raise Tampered("the checkpoint is of another vault")
    identity, signature = _hex(lines[-2], "identity"), _hex(lines[-1], "signature")
    body = ("\n".join(lines[:-2]) + "\n").encode("ascii")
    epoch = _epoch_of(header, identity)
    signatures.verify(identity, _message(header.vault_id, epoch, body), signature)
    writers = {}
    for line in lines[3:-2]:
        word, writer, number, link = (*line.split(" "), "", "", "", "")[:4]
        if word != "writer" or len(writer) != _WRITER_DIGITS or len(link) != _LINK_DIGITS:
            raise _malformed()
        writers[writer] = _number(number), bytes.fromhex(link)
    return Checkpoint(_number(lines[2].removeprefix("time ")), writers)


def _message(vault_id: bytes, epoch: int, body: bytes) -> bytes:
    return labels.context(vault_id, labels.AUDIT_CHECKPOINT, epoch, body)


def _epoch_of(header: Header, identity: bytes) -> int:
    """The epoch in which *identity* was this vault's.

    Raises: Tampered: it never was.
    """
    if identity == header.identity:
        return header.epoch
    certificates = header.certificates
    for certificate in certificates:
        if certificate.identity == identity:
            return certificate.epoch
    if certificates:
        # The first identity stands in no certificate; it signed the first one.
        first = certificates[0]
        message = labels.context(
            header.vault_id, labels.IDENTITY_CERTIFICATE, first.epoch, identity, first.identity
        )
        try:
            signatures.verify(identity, message, first.signature)
        except Tampered:
            pass  # said below, in words about the checkpoint
        else:
            return first.epoch - 1
    raise Tampered("the checkpoint was signed by a stranger")


def _lines(data: bytes) -> list[str]:
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError:
        raise _malformed() from None
    if len(data) > LENGTH_MAX or not text.endswith("\n") or "\r" in text:
        raise _malformed()
    return text[:-1].split("\n")


def _hex(line: str, name: str) -> bytes:
    word, _, digits = line.partition(" ")
    try:
        found = bytes.fromhex(digits)
    except ValueError:
        found = b""
    if word != name or not found or found.hex() != digits:
        raise _malformed()
    return found


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20 and (text == "0" or text[0] != "0")):
        raise _malformed()
    return int(text)


def _malformed() -> Tampered:
    return Tampered("this is no checkpoint of an audit file, or it was changed")


def _newer() -> FormatUnsupported:
    return FormatUnsupported("the checkpoint was made by a newer strongroom", advice="upgrade strongroom")

