"""``strongroom.encrypted_files``: YAML, JSON, TOML, INI and dotenv files in git, with each value encrypted.

    from strongroom import encrypted_files, streams

    identities = streams.parse_identities(bytearray(Path("me.txt").read_bytes()))
    with encrypted_files.read(Path("secrets.yaml").read_bytes()).unlock(identities) as file:
        password = file.get("db", "password").reveal()

Read `encrypted` first. No function here touches a disk.
"""

from strongroom.encrypted_files.encrypted import EncryptedFile, is_encrypted, read
from strongroom.encrypted_files.merging import Merge, merge, resolved, with_marks_in_plain
from strongroom.encrypted_files.opened import OpenFile, encrypt
from strongroom.encrypted_files.recipients import FileRecipient

__all__ = [
    "EncryptedFile",
    "FileRecipient",
    "Merge",
    "OpenFile",
    "encrypt",
    "is_encrypted",
    "merge",
    "read",
    "resolved",
    "with_marks_in_plain",
]
