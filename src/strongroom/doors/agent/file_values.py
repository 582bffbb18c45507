"""Opens an encrypted file that a client brings, with keys of the vault; what `service.file_values` asks for."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from strongroom.credentials.identities import Identity
    from strongroom.vault.vault import Vault

PARTS_MAX = 2_000
"""Lines and commas of a file: each may take a parser 0.1 ms, and everybody else waits for it."""


class FileValues:
    """Implements `FileOpener` of `service.file_values`. What it needs is loaded with the first file."""

    def key_names(self, data: bytes) -> list[str]:
        """The names of a vault's keys that a file is encrypted to, none of one that would take too long.

        Raises: ValueError: it is no encrypted file.
        """
        from strongroom import encrypted_files
        from strongroom.encrypted_files.recipients import KEY

        file = encrypted_files.read(data)
        if data.count(b"\n") + data.count(b",") > PARTS_MAX:
            raise ValueError("this file has too many lines to be opened here")
        return [text.removeprefix(KEY).partition(" ")[0] for text in file.recipients if text.startswith(KEY)]

    def value(self, vault: Vault, data: bytes, keys: Sequence[str], name: str) -> bytearray:
        """One value.

        Raises: StrongroomError: as `EncryptedFile.unlock` and `OpenFile.get`.
        """
        from strongroom import encrypted_files
        from strongroom.credentials import stored_keys
        from strongroom.errors import NotFound
        from strongroom.secret import HiddenBuffer

        identities: list[Identity] = []
        opened = []
        try:
            for one in keys:
                try:
                    opened.append(vault.keys[one])
                    identities += stored_keys.identities(opened[-1])
                except (NotFound, ValueError):
                    continue  # Another vault's, or one that has this name for something else.
            with encrypted_files.read(data).unlock(identities) as file, file.get(name) as value:
                return HiddenBuffer(value.reveal_buffer())
        finally:
            for identity in identities:
                identity.wipe()
            for key in opened:
                key.close()
