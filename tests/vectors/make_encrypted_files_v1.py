"""Makes encrypted-files-v1.json: files whose values are encrypted one by one, frozen in the first format.

Run from the top of the repository, only ever to add a file for a new format:

    PYTHONPATH=src:. python tests/vectors/make_encrypted_files_v1.py

The keys are random, but for the identity of the tests; test_encrypted_files_v1.py opens the frozen files with
strongroom and with a verifier of its own, written from docs/format-files.md.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import strongroom
from strongroom import encrypted_files, streams
from strongroom.encrypted_files import FileRecipient
from tests.encrypted_files import ALICE, FILES, recipient

HERE = Path(__file__).parent


def frozen() -> dict[str, object]:
    """One file of each format, each in its second revision: for an age identity, and for a vault's key."""
    files = {}
    with tempfile.TemporaryDirectory() as folder:
        with strongroom.create(f"{folder}/vault.db", key_file=f"{folder}/key") as vault:
            key = vault.keys.create("app", "aead")
            both = [recipient(ALICE), FileRecipient("key app", streams.recipient(key))]
            for format, text in FILES.items():
                plain = ("*port", "other.*")
                with encrypted_files.encrypt(text.encode(), both, format=format, plain=plain) as file:
                    file.encoded()
                    name = next(path for path in file.names() if path[-1].lower().endswith("password"))
                    file.set(name, "second")
                    files[format] = {
                        "plain": bytes(file.plaintext()).decode(),
                        "name": list(name),
                        "file": file.encoded().decode(),
                    }
            material = bytes(key._material(1).reveal_buffer()).hex()
            named = {"id": key.id.hex(), "version": 1, "key": material}
    return {
        "source": "made by tests/vectors/make_encrypted_files_v1.py; Apache-2.0, as the rest of strongroom",
        "identity": "bech32 of AGE-SECRET-KEY- and the byte 65, 32 times",
        "named_key": named,
        "files": files,
    }


if __name__ == "__main__":
    (HERE / "encrypted-files-v1.json").write_text(json.dumps(frozen(), indent=1) + "\n")
