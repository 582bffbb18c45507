"""Makes files-v1.json: encrypted files frozen in the first format, one for each kind of recipient, and signatures.

Run from the top of the repository, only ever to add a file for a new format:

    PYTHONPATH=src python tests/vectors/make_files_v1.py

The keys are random; test_files_v1.py opens the frozen files with strongroom and with a verifier of
its own, written from docs/format.md.
"""

from __future__ import annotations

import json
import tempfile
from base64 import b64encode
from io import BytesIO
from pathlib import Path

import strongroom
from strongroom import signing, streams
from strongroom.credentials import recipients
from strongroom.crypto import age, hybrid
from strongroom.crypto.entropy import random_buffer

HERE = Path(__file__).parent
# Two chunks, and a part of a third one.
CONTENT = bytes(range(256)) * 130
PASSPHRASE = "Grüße aus dem Tresor"


def encrypted(*who: streams.Recipient) -> str:
    """A file of ours for *who*, in base64."""
    target = BytesIO()
    streams.encrypt(BytesIO(CONTENT), target, who, format="strongroom")
    return b64encode(target.getvalue()).decode("ascii")


def frozen() -> dict[str, object]:
    """Files for a named key in its second version, two hybrid recipients, and a passphrase; signatures of CONTENT."""
    seed, signer = random_buffer(32), random_buffer(32)
    public = hybrid.public_key(age.hybrid_private(seed))
    with tempfile.TemporaryDirectory() as folder:
        with strongroom.create(f"{folder}/vault.db", key_file=f"{folder}/key") as vault:
            key = vault.keys.create("files", "aead")
            key.rotate()
            named = {
                "key_id": key.id.hex(),
                "version": key.primary.number,
                "key": bytes(key._material(2).reveal_buffer()).hex(),
                "file": encrypted(streams.recipient(key)),
            }
    stranger = recipients.HybridRecipient(hybrid.generate()[1])
    with signing.SigningKey(bytearray(signer)) as private:
        minisig = signing.sign_minisign(BytesIO(CONTENT), private, comment="timestamp:1795000000\tfile:content\thashed")
        sshsig = signing.sign_ssh(BytesIO(CONTENT), private)
    return {
        "source": "made by tests/vectors/make_files_v1.py; Apache-2.0, as the rest of strongroom",
        "content": "the bytes 0 to 255, 130 times",
        "named_key": named,
        "recipient": {"seed": seed.hex(), "file": encrypted(stranger, recipients.HybridRecipient(public))},
        "passphrase": {"passphrase": PASSPHRASE, "file": encrypted(recipients.Passphrase(PASSPHRASE))},
        "signature": {"seed": signer.hex(), "minisig": minisig.decode(), "sshsig": sshsig.decode()},
    }


if __name__ == "__main__":
    (HERE / "files-v1.json").write_text(json.dumps(frozen(), indent=1, ensure_ascii=True) + "\n")
