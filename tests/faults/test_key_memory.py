"""After wipe, another process that may read the program's memory finds no key in it.

The parent makes a vault, so it knows every key. The child gets what lies in a store and a masked
credential, opens the vault, wipes its keys and waits, while the parent searches its memory.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import subprocess
import sys
from pathlib import Path

import pytest

from strongroom.crypto import kdf
from strongroom.keys.opening import create_keys
from strongroom.keys.sealing import open_wrap
from strongroom.keys.slots.key_file import KeyFileCredential
from strongroom.keys.slots.passphrase import Argon2idProfile, PassphraseCredential, Pbkdf2Profile
from strongroom.keys.slots.recovery import RecoveryCredential, new_recovery_code

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc/PID/mem")

CHILD = """
import sys
from strongroom.keys.opening import unlock
from strongroom.keys.slots.key_file import KeyFileCredential
from strongroom.keys.slots.passphrase import PassphraseCredential
from strongroom.keys.slots.recovery import RecoveryCredential

def pause(word):
    print(word, flush=True)
    sys.stdin.readline()

kind, body, mac, slot_id, record, blob, masked = sys.stdin.readline().split()
secret = bytearray.fromhex(masked)
for place in range(len(secret)):
    secret[place] ^= 0x5A
record = bytes.fromhex(record)
if kind in ("argon2id", "pbkdf2"):
    credential = PassphraseCredential(secret)
elif kind == "key-file":
    credential = KeyFileCredential(record[34:50], secret)
else:
    credential = RecoveryCredential(secret)
keys = unlock(bytes.fromhex(body), bytes.fromhex(mac), [(bytes.fromhex(slot_id), record)], credential)
assert keys.envelope.decrypt(7, bytes.fromhex(blob), b"place") == b"value"
index = keys.mac("index")
pause("open")
keys.wipe()
credential.wipe()
del index
pause("wiped")
"""

PASSPHRASE = b"correct horse battery staple"
CREDENTIALS = {
    "argon2id": lambda: PassphraseCredential(
        bytearray(PASSPHRASE), profile=Argon2idProfile(memory_kib=19_456, iterations=1, lanes=1)
    ),
    "pbkdf2": lambda: PassphraseCredential(bytearray(PASSPHRASE), profile=Pbkdf2Profile()),
    "key-file": lambda: KeyFileCredential(bytes(range(16)), bytearray(hashlib.sha256(b"a key").digest())),
    "recovery": new_recovery_code,
}


def _secret(credential: PassphraseCredential | KeyFileCredential | RecoveryCredential) -> bytes:
    if isinstance(credential, PassphraseCredential):
        return PASSPHRASE
    return bytes(credential.secret(credential.new_parameters()))


def _search(process_id: int, needles: dict[str, bytes]) -> dict[str, int]:
    counts = dict.fromkeys(needles, 0)
    with Path(f"/proc/{process_id}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{process_id}/maps").read_text().splitlines():
            mapping = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line)
            if mapping is None:
                continue
            start, end = (int(address, 16) for address in mapping.groups())
            memory.seek(start)
            content = b""
            while len(content) < end - start and (more := memory.read(end - start - len(content))):
                content += more
            for name, needle in needles.items():
                counts[name] += content.count(needle)
    return counts


@pytest.mark.parametrize("kind", CREDENTIALS)
def test_no_key_is_left_after_wipe(kind: str) -> None:
    credential = CREDENTIALS[kind]()
    keys = create_keys(bytes(range(16)), bytes(16), 1)
    record = keys.new_slot(credential, 1)
    body, mac = keys.seal_header([record])
    blob = keys.envelope.encrypt(7, b"value", b"place")
    secret = _secret(credential)
    stretched = bytes(credential.secret(record.parameters))
    private_key = bytes(open_wrap(keys.header.vault_id, record, credential)[:96])
    needles = {
        "root key": keys.root_key.reveal(),
        "data key": bytes(keys.keyset.data_key(1)),
        "index key": bytes(keys.keyset.purpose_key(1)),
        "identity seed": bytes(keys.keyset.purpose_key(4)),
        "slot's ML-KEM seed": private_key[:64],
        "slot's X25519 key": private_key[64:],
        "slot key": bytes(
            kdf.slot_key(stretched, keys.header.vault_id, record.slot_id, record.kind, record.parameters)
        ),
        "header key": bytes(kdf.derive(keys.root_key.reveal(), b"header", keys.header.vault_id, 1)),
        "keyset key": bytes(kdf.derive(keys.root_key.reveal(), b"keyset", keys.header.vault_id, 1)),
        "credential": secret,
        "stretched credential": stretched,
    }
    if isinstance(credential, PassphraseCredential):
        needles["MAC of the passphrase"] = hmac.digest(b"strongroom/v1/passphrase", secret, "sha256")
    # The first 16 bytes of a freed object are what an allocator overwrites first: search for the rest.
    needles = {name: needle[16:] if len(needle) >= 32 else needle for name, needle in needles.items()}
    masked = bytes(byte ^ 0x5A for byte in secret)
    fields = [body, mac, record.slot_id, record.encode(), blob, masked]
    with subprocess.Popen([sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(" ".join([kind, *(field.hex() for field in fields)]).encode() + b"\n")
        child.stdin.flush()
        assert child.stdout.readline() == b"open\n"
        in_use = _search(child.pid, needles)
        child.stdin.write(b"\n")
        child.stdin.flush()
        assert child.stdout.readline() == b"wiped\n"
        left = _search(child.pid, needles)
        child.stdin.write(b"\n")
        child.stdin.flush()
    # The search does find what is there.
    assert in_use["root key"] == 1
    assert in_use["data key"] == 1
    assert {name: count for name, count in left.items() if count} == {}
