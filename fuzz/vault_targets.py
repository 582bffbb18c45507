"""The parsers of a vault's own bytes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

import strongroom
from fuzz.target import Target, again
from strongroom.crypto.columns import ColumnKey
from strongroom.errors import StrongroomError
from strongroom.keys import deposit_keys
from strongroom.keys.envelope import Envelope
from strongroom.keys.format import Header, SlotRecord
from strongroom.keys.keyset import Keyset
from strongroom.keys.slots import key_file, recovery
from strongroom.keys.slots.registry import check_parameters
from strongroom.locate import anchor_record
from strongroom.secret import SecretBytes, SecretStr
from strongroom.vault import audit_file, deposit_records, grants, records
from strongroom.vault.named_keys.record import decode_record, encode_record
from strongroom.vault.policy import parse_pattern

ID = bytes(16)
# What the envelope calls the plaintexts that have parsers of their own.
NODE, VERSION, OBJECT = "7", "8", "9"


@contextmanager
def watched(kind: type, name: str, see: Callable[..., None]) -> Iterator[None]:
    """Tell *see* what each call of a method was given and gave back."""
    method = getattr(kind, name)

    def call(self: object, *given: Any) -> Any:
        result = method(self, *given)
        see(given, result)
        return result

    setattr(kind, name, call)
    try:
        yield
    finally:
        setattr(kind, name, method)


@cache
def written() -> dict[str, list[bytes]]:
    """What a vault with a little of everything writes, before it is encrypted."""
    found: dict[str, list[bytes]] = {}

    def see(name: str) -> Callable[[Any, Any], None]:
        return lambda _given, result: found.setdefault(name, []).append(bytes(result))

    def plaintext(given: Any, _result: object) -> None:
        found.setdefault(str(int(given[0])), []).append(bytes(given[1]))

    with (
        tempfile.TemporaryDirectory() as directory,
        watched(Envelope, "encrypt", plaintext),
        watched(Header, "encode", see("header")),
        watched(SlotRecord, "encode", see("slot")),
        watched(Keyset, "encode", see("keyset")),
        strongroom.create(f"{directory}/vault.db", key_file=f"{directory}/vault.key") as vault,
    ):
        code = recovery.new_recovery_code()
        found["recovery code"] = [code.code().reveal().encode()]
        vault.add_slot(code)
        vault.set("a/b", {"user": "x", "blob": b"\0\xff"}, expires=timedelta(days=1))
        vault.set("a/b", {"password": SecretStr("y")}, cas=1)
        vault.keys.create("k")
        vault.add_grant("n", "user", 0, {"read": ["a/**"], "create": ["b/*"]})
        depositor = vault.deposit_key("web", ["a/**"])
        found["depositor"] = [bytes(depositor.encode())]
        found["notice"] = [Path(f"{directory}/vault.db.inbox/key").read_bytes()]
        found["key file"] = [Path(f"{directory}/vault.key").read_bytes()]
        with strongroom.Depositor(f"{directory}/vault.db", save(directory, depositor)) as web:
            web.deposit("a/c", {"user": "z"})
        found["deposit"] = [one.read_bytes() for one in Path(f"{directory}/vault.db.inbox").glob("*.deposit")]
        vault.rotate(root=True)
    return found


def save(directory: str, key: deposit_keys.DepositorKey) -> Path:
    """The file of a depositor."""
    path = Path(directory) / "deposit.key"
    path.write_bytes(key.encode())
    path.chmod(0o400)
    return path


def named_keys() -> Iterator[bytes]:
    """What the items of named keys hold."""
    for version in written()[VERSION]:
        field = records.decode_fields(version).get("keyset")
        if field is not None:
            yield bytes(field.data)


def contents() -> list[bytes]:
    """What is inside a deposit."""
    return [deposit_records.encode_content("a/b", records.decode_fields(one)) for one in written()[VERSION]]


def seeds(*names: str) -> Callable[[], list[bytes]]:
    """Those of the named kinds, each once."""
    return lambda: list(dict.fromkeys(one for name in names for one in written()[name]))


def read_slot(data: bytes) -> None:
    """A slot's record, and its parameters."""
    record = SlotRecord.decode(data)
    check_parameters(record.kind, record.parameters)
    assert record.encode() == data


def read_anchor(data: bytes) -> None:
    """With a right checksum, without which nothing else is looked at."""
    body = data.decode("ascii", "replace").encode("ascii", "replace").decode("ascii")
    anchor_record.decode(anchor_record.sealed(body), ID)


def read_notice(data: bytes) -> None:
    """The notice of a vault's deposit key: none but the one that was made here is believed."""
    pinned = deposit_keys.decode_depositor_key(bytearray(written()["depositor"][0])).pinned
    deposit_keys.check_notice(data, pinned)
    assert data == written()["notice"][0]


def read_audit_line(data: bytes) -> None:
    """A line of an audit file, and what is looked up in it."""
    audit_file.split_line(data)
    audit_file.parse_line(data)


COLUMN = ColumnKey(SecretBytes(bytes(32)), ID, 1, "t", "c")
STORED = COLUMN.encrypt(b"\1value", b"7")


def read_column(data: bytes) -> None:
    """A value in a column: none but the one that was made here opens."""
    opened = COLUMN.decrypt(data, b"7")
    assert data == STORED and opened == b"\1value"


TARGETS = [
    Target("header", again(Header.decode, Header.encode), seeds("header")),
    Target("slot", read_slot, seeds("slot")),
    Target("keyset", lambda data: Keyset.decode(bytearray(data)), seeds("keyset")),
    Target("node", records.decode_node, seeds(NODE)),
    Target("version", records.decode_fields, seeds(VERSION)),
    Target("grant", partial(grants.decode_grant, ID), seeds(OBJECT)),
    Target("depositor", partial(deposit_records.decode_depositor, ID), seeds(OBJECT)),
    Target("deposit", deposit_records.Deposit.decode, seeds("deposit")),
    Target("deposit-content", lambda data: deposit_records.decode_content(bytearray(data)), contents),
    Target("deposit-notice", read_notice, seeds("notice")),
    Target("depositor-file", lambda data: deposit_keys.decode_depositor_key(bytearray(data)), seeds("depositor")),
    Target("named-key", again(decode_record, lambda record: bytes(encode_record(record))), named_keys),
    Target("key-file", lambda data: key_file.decode_key_file(bytearray(data)), seeds("key file")),
    Target("recovery-code", lambda data: recovery.parse_recovery_code(bytearray(data)), seeds("recovery code")),
    Target("anchor", read_anchor, lambda: [b"strongroom-anchor-v2\nvault " + b"0" * 32 + b"\ncounter 1\n"]),
    Target("audit-line", read_audit_line, lambda: [b'{"n":1,"link":"' + b"0" * 64 + b'"}']),
    Target(
        "pattern", lambda data: parse_pattern(data.decode()), lambda: [b"a/*/b/**", b"/"], (StrongroomError, ValueError)
    ),
    Target("column", read_column, lambda: [STORED]),
]
