"""A second reader of vaults, written from ``docs/format.md`` alone: it shares no code with strongroom.

    python tests/independent_reader.py VAULT KEY_FILE      each value of each version, as JSON

It opens a SQLite vault with a key file or a passphrase, believes nothing before the header's MAC holds,
and compares all rows with the ledger. Who cannot read a vault with this has found a fault of the page.
"""

import hashlib
import hmac
import json
import sqlite3
import sys
import unicodedata

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PrivateKey, Suite
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

TABLES = {1: "header", 2: "slots", 3: "objects", 4: "nodes", 5: "versions", 6: "audit"}


class Record:
    """Fields one after the other: ``16`` are that many bytes, ``u8`` a number of 8, ``c`` counted bytes, ``t`` text."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, length):
        self.at += length
        check(self.at <= len(self.data), "the length")
        return self.data[self.at - length : self.at]

    def one(self, field):
        if field.isdigit():
            return self.take(int(field))
        if field.startswith("u"):
            return int.from_bytes(self.take(int(field[1:])))
        data = self.take(int.from_bytes(self.take(4)))
        return data.decode() if field == "t" else data

    def read(self, fields):
        return [self.one(field) for field in fields.split()]

    def many(self, fields):
        return [self.read(fields) for _ in range(self.one("u4"))]

    def end(self):
        check(self.at == len(self.data), "the end")


def counted(data):
    return len(data).to_bytes(4) + data


def mac(key, data, digest="sha256"):
    return hmac.digest(key, data, digest)


def check(holds, what):
    if not holds:
        raise ValueError(f"{what} does not hold")


def column(value):
    return b"\1" + value.to_bytes(8, signed=True) if isinstance(value, int) else b"\2" + counted(value)


def verify(public, signature, message):
    Ed25519PublicKey.from_public_bytes(public).verify(signature, message)


def expand(key, info, length):
    made = block = b""
    for counter in range(1, 255):
        if len(made) < length:
            made += (block := mac(key, block + info + bytes([counter]), "sha512"))
    return made[:length]


def decrypt(key, context, message):
    """Suite 1."""
    made = expand(key, b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0" + message[:24] + context, 76)
    check(hmac.compare_digest(made[44:], message[24:56]), "the commitment")
    chunks = [message[at : at + 16_400] for at in range(56, len(message), 16_400)]
    check(len(chunks[-1]) < 16_400 and all(len(chunk) == 16_400 for chunk in chunks[:-1]), "the length")
    nonce = int.from_bytes(made[32:44])
    return b"".join(AESGCM(made[:32]).decrypt((nonce ^ n).to_bytes(12), chunk, None) for n, chunk in enumerate(chunks))


class Vault:
    def __init__(self, path, *, key_file=None, passphrase=None):
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as store:
            self.rows = {name: store.execute(f"SELECT * FROM {name}").fetchall() for name in TABLES.values()}
            ledger = store.execute("SELECT * FROM ledger").fetchall()
        [(_, body, header_mac)] = self.rows["header"]
        header = Record(body)
        magic, self.id, _lineage, self.epoch, _created, _flags, self.identity = header.read("10 16 16 u4 u8 u8 32")
        check(magic == b"SRVAULT\0\1\1", "the magic")
        self.certificates, _recipients, keyset = header.many("u4 32 64"), header.many("c"), header.one("c")
        header.end()
        root_key = self.root_key(key_file, passphrase)
        covered = counted(body) + b"".join(counted(record) for _, record in sorted(self.rows["slots"]))
        made = mac(self.derive(root_key, b"header"), self.context(6, self.epoch) + covered)
        check(hmac.compare_digest(made, header_mac), "the header's MAC")
        keys = Record(decrypt(self.derive(root_key, b"keyset"), self.context(1, self.epoch), keyset))
        keys.read("u1 u4")
        self.data_keys = {number: key for number, _suite, _status, _created, key in keys.many("u4 u1 u1 u8 32")}
        self.keys = {purpose: key for purpose, _version, key in keys.many("u1 u4 32")}  # the newest comes last
        keys.end()
        self.check_ledger(ledger)

    def context(self, kind, key_id, *parts):
        head = b"strongroom/v1\0\x01" + self.id + bytes([kind]) + key_id.to_bytes(4)
        return head + b"".join(map(counted, parts))

    def derive(self, root_key, purpose):
        return expand(root_key, b"strongroom/v1/" + purpose + b"\0" + self.id + self.epoch.to_bytes(4), 32)

    def root_key(self, key_file, passphrase):
        for slot_id, row in self.rows["slots"]:
            slot = Record(row)
            magic, kind, own_id, _created, parameters, public, wrap = slot.read("5 1 16 u8 c 1216 236")
            check(magic == b"SRSL\1" and own_id == slot_id, "a slot")
            secret = self.secret(kind[0], parameters, key_file, passphrase)
            if secret is not None:
                info = b"strongroom/v1/slot-kek\0" + self.id + slot_id + kind + parameters
                key = expand(mac(b"strongroom/v1/slot", secret, "sha512"), info, 32)
                wrapped = decrypt(key, self.context(2, 0, slot_id, kind, parameters, public), wrap)
                return self.follow(Record(wrapped), slot_id, public, *slot.read("u4 1168 64"))
        raise ValueError("no slot for this credential")

    def secret(self, kind, parameters, key_file, passphrase):
        if kind == 2 and key_file is not None:
            _version, key_id, key, _checksum = key_file.strip().split(":")
            return bytes.fromhex(key) if bytes.fromhex(key_id) == parameters else None
        if kind == 1 and passphrase is not None:
            typed = mac(b"strongroom/v1/passphrase", unicodedata.normalize("NFC", passphrase).encode())
            cost = Record(parameters)
            if cost.one("u1") == 2:
                return hashlib.pbkdf2_hmac("sha256", typed, *cost.read("32 u4"))
            salt, kib, passes, lanes = cost.read("32 u4 u4 u4")
            return Argon2id(salt=salt, length=32, iterations=passes, lanes=lanes, memory_cost=kib).derive(typed)
        return None

    def follow(self, wrapped, slot_id, public, signed_epoch, handover, signature):
        """From what the slot knows to today's root key."""
        seed, curve, identity, epoch, root_key = wrapped.read("64 32 32 u4 32")
        if epoch < self.epoch:
            for new, key, certified in self.certificates:
                if new > epoch:
                    verify(identity, certified, self.context(5, new, identity, key))
                    identity = key
            check(signed_epoch == self.epoch, "a slot's epoch")
            verify(identity, signature, self.context(4, self.epoch, slot_id, public, handover, identity))
            mlkem, x25519 = MLKEM768PrivateKey.from_seed_bytes(seed), X25519PrivateKey.from_private_bytes(curve)
            suite = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
            info = self.context(3, self.epoch, slot_id, public)
            root_key, epoch = suite.decrypt(handover, MLKEM768X25519PrivateKey(mlkem, x25519), info), self.epoch
        check(epoch == self.epoch and identity == self.identity, "the epoch or the identity")
        return root_key

    def open(self, body, kind, *parts):
        number = int.from_bytes(body[:4])
        record = Record(decrypt(self.data_keys[number], self.context(kind, number, *parts), body[4:]))
        check(record.one("u1") == 1, "the form")
        return record

    def check_ledger(self, ledger):
        shares = [self.open(body, 11, bucket.to_bytes(8)).one("u32") for bucket, body in ledger]
        macs = [
            int.from_bytes(mac(self.keys[2], bytes([number]) + b"".join(map(column, row))))
            for number, name in TABLES.items()
            for row in self.rows[name]
        ]
        check(sum(shares) % 2**256 == sum(macs) % 2**256, "the ledger")

    def items(self):
        """Each item's path and id, and its versions."""
        folders, items = {bytes(16): (None, "")}, []
        for parent, token, node, body in self.rows["nodes"]:
            record = self.open(body, 7, parent, token, node)
            kind, name = record.read("u1 t")
            if kind == 1:
                folders[node] = parent, name + "/"
            else:
                record.read("u8 u8 u4 u1 u8")
                record.many("t t")
                items.append((parent, name, node, record.many("u8 16 u8 u8 u8 u1 16 t")))
                record.end()
        for parent, path, node, versions in items:
            while parent is not None:
                parent, name = folders[parent]
                path = name + path
            yield path, node, versions

    def values(self):
        """Field values, by path, number of the version and name."""
        bodies, found = {(item, number): body for item, number, body in self.rows["versions"]}, {}
        for path, item, versions in self.items():
            for number, edition, _created, _deleted, _expires, state, _request, _author in versions:
                if state == 1:
                    version = self.open(bodies[item, number], 8, item, number.to_bytes(8), edition)
                    fields = {name: READ[kind & 127](value) for name, kind, value in version.many("t u1 c")}
                    version.end()
                    found.setdefault(path, {})[number] = fields
        return found


READ = {1: bytes.decode, 2: bytes.hex, 3: json.loads}

if __name__ == "__main__":
    with open(sys.argv[2]) as key_file:
        print(json.dumps(Vault(sys.argv[1], key_file=key_file.read()).values(), indent=1))
