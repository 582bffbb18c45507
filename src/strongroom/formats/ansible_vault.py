"""Ansible Vault: whole files, and values of a YAML file with the tag ``!vault``. Only read.

The header is authenticated by nothing, so its label decides nothing: the one password is tried on each.
Source: ansible-core, parsing/vault/__init__.py.
"""

from __future__ import annotations

from binascii import Error as NotHex
from binascii import unhexlify

from strongroom.crypto.foreign import ansible
from strongroom.errors import FormatUnsupported, WrongKey
from strongroom.formats.interface import FILE_BYTES_MAX, BadFile, Document, decode

HEADER = b"$ANSIBLE_VAULT;"
_VERSIONS = ("1.1", "1.2")
_TAGS = ("!vault", "!vault-encrypted")
VALUES_MAX = 1_000
"""In one YAML file: each takes 5 ms and more."""


def is_vault(data: bytes | bytearray) -> bool:
    """Whether *data* is encrypted as a whole."""
    return data.startswith(HEADER)


def has_values(data: bytes | bytearray) -> bool:
    """Whether *data* looks as if values of it were encrypted, each by itself."""
    return HEADER in data and b"!vault" in data


def decrypted(data: bytes | bytearray, password: bytes | bytearray) -> bytearray:
    """What a whole file holds; the caller wipes it.

    Args:
        password: white space around it does not count, as it does not to Ansible.

    Raises:
        BadFile: not as Ansible writes it.
        FormatUnsupported: of another version, or with another cipher.
        WrongKey: another password, or it was changed; nothing tells which.
    """
    if len(data) > 4 * FILE_BYTES_MAX:
        raise BadFile(f"an Ansible vault is read up to {4 * FILE_BYTES_MAX} bytes")
    first, *rest = bytes(data).strip().split(b"\n")
    words = first.decode("ascii", "replace").strip().split(";")
    if words[0] != "$ANSIBLE_VAULT" or len(words) < 3:
        raise BadFile("this is no Ansible vault")
    if words[1] not in _VERSIONS or words[2] != "AES256":
        said = "an Ansible vault of this version or cipher is not read here"
        raise FormatUnsupported(said, advice="ansible-vault rekey")
    try:
        # Ansible counts no columns.
        parts = [unhexlify(part) for part in unhexlify(b"".join(line.strip() for line in rest)).split(b"\n")]
    except (NotHex, ValueError):
        raise BadFile("this Ansible vault was cut or changed") from None
    if len(parts) != 3 or len(parts[1]) != ansible.TAG_BYTES:
        raise BadFile("this Ansible vault was cut or changed")
    salt, tag, sealed = parts
    return ansible.open_sealed(bytes(password).strip(), salt, tag, sealed)


def read_values(data: bytes | bytearray, password: bytes | bytearray) -> Document:
    """A YAML file, with the values that are encrypted in it decrypted; they are secret, whatever they are called.

    Raises: as `decrypted`, and as `yaml_file.read`.
    """
    from strongroom.formats.yaml_file import read

    text, _ = decode(data)
    document, count = read(data), 0
    for entry in document.entries:
        if not text[slice(*entry.span)].startswith(_TAGS):
            continue
        count += 1
        if count > VALUES_MAX:
            raise BadFile(f"more than {VALUES_MAX} values are encrypted in the file")
        try:
            entry.data = bytes(decrypted(entry.data, password))
            entry.data.decode("utf-8")
        except UnicodeDecodeError:
            entry.kind = "bytes"
        except (BadFile, FormatUnsupported, WrongKey) as error:
            raise type(error)(f"line {entry.line}: {error}") from None
        entry.note, entry.is_secret = "", True
    return Document(text, document.entries)
