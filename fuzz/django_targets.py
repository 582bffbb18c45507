"""The parsers of what a Django site reads back: slots, columns, cookies, addresses, buckets of log-ins."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from ipaddress import ip_address
from typing import Any
from uuid import UUID

from fuzz.target import Target

# A project has to be there before a model is imported, and there is one for each process.
from tests.django import project

project.configure()

from django.apps import apps  # noqa: E402
from django.http import HttpRequest, HttpResponse, parse_cookie  # noqa: E402

from strongroom.crypto.columns import ColumnKey  # noqa: E402
from strongroom.django.fields import messages  # noqa: E402
from strongroom.django.keys import Column  # noqa: E402
from strongroom.django.rows import END  # noqa: E402
from strongroom.django.user_vaults import addresses, allowances, devices, slots  # noqa: E402
from strongroom.django.user_vaults.models import UserVault, VaultSlot  # noqa: E402
from strongroom.errors import WrongKey  # noqa: E402
from strongroom.keys.slots.passphrase import Argon2idProfile  # noqa: E402
from strongroom.keys.slots.recovery import RecoveryCredential  # noqa: E402
from strongroom.secret import SecretBytes  # noqa: E402

Everything: Any = apps.get_model("shop", "Everything")
USER_KEY = bytes(range(32))
BYTES = ("salt", "wrapped", "proof")
SLOT = ("kind", "algorithm", "memory_kib", "iterations", "lanes", "salt", "wrapped", "created_us")
VAULT = ("user_id", "created_us", "generation", "proof")


def bytes_of(said: str) -> bytes:
    """Of hexadecimal digits; other text as it is."""
    try:
        return bytes.fromhex(said)
    except ValueError:
        return said.encode("utf-8", "replace")


def spelled(row: Any, names: tuple[str, ...]) -> dict[str, object]:
    """The columns of a row, as JSON takes them."""
    return {name: getattr(row, name).hex() if name in BYTES else getattr(row, name) for name in names}


def parsed(data: bytes) -> Any:
    """JSON, or None: what is no row at all is none of the parsers' business."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def filled(row: Any, said: object, names: tuple[str, ...]) -> Any:
    """A row as SQLite hands it over: any type in any column."""
    given = said if isinstance(said, dict) else {}
    for name in names:
        value = given.get(name)
        setattr(row, name, bytes_of(value) if name in BYTES and isinstance(value, str) else value)
    return row


def new_slot(number: int) -> VaultSlot:
    """A row that has its key alone."""
    return VaultSlot(pk=UUID(int=number))


def new_vault() -> UserVault:
    """The vault of user 7."""
    return UserVault(pk=UUID(int=1), user_id=7, created_us=1, generation=1, proof=b"")


def code() -> RecoveryCredential:
    """What opens the slot that was made here."""
    return RecoveryCredential(bytearray(19))


@cache
def recovery_slot() -> VaultSlot:
    """One that a code opens: the only kind that costs nothing to try."""
    slot = new_slot(2)
    slot.kind, slot.created_us = VaultSlot.Kind.RECOVERY, 1
    return slots.wrap(slot, new_vault(), code(), SecretBytes(USER_KEY))


@cache
def slot_seeds() -> tuple[bytes, ...]:
    """A slot of each kind; the slow ones are not opened."""
    recovery = spelled(recovery_slot(), SLOT)
    argon = {**recovery, "kind": "password", "algorithm": 1, "memory_kib": 65_536, "iterations": 3, "lanes": 4}
    pbkdf2 = {**argon, "algorithm": 2, "memory_kib": 0, "iterations": 600_000, "lanes": 0}
    changed = [{**recovery, "wrapped": "00" * 72}, {**recovery, "salt": 5}, {**argon, "lanes": "4"}]
    return tuple(json.dumps(one).encode() for one in (recovery, argon, pbkdf2, {**pbkdf2, "iterations": 1}, *changed))


def read_slot(data: bytes) -> None:
    """The record of a slot: bounded before it costs anything, and only what was written here opens."""
    slot = filled(new_slot(2), parsed(data), SLOT)
    parameters = slots._parameters(slot)
    assert len(parameters) in (32, 37, 45)
    slots.is_outdated(slot, Argon2idProfile())
    if slot.kind == VaultSlot.Kind.RECOVERY:
        opened = slots.unwrap(slot, new_vault(), code())
        written = recovery_slot()
        assert bytes(opened.reveal_buffer()) == USER_KEY
        assert (slot.salt, slot.wrapped) == (written.salt, written.wrapped)


@cache
def proved() -> bytes:
    """A vault and its two slots."""
    vault, second = new_vault(), filled(new_slot(3), spelled(recovery_slot(), SLOT), SLOT)
    second.created_us = 2
    vault.proof = slots.proof(vault, [recovery_slot(), second], SecretBytes(USER_KEY))
    return json.dumps([spelled(vault, VAULT), spelled(recovery_slot(), SLOT), spelled(second, SLOT)]).encode()


def proof_seeds() -> list[bytes]:
    """What is right, and what is not."""
    vault, first, second = json.loads(proved())
    others = [[vault, first], [vault, second, first], [vault] + [first] * 9, [{**vault, "user_id": 8}, first, second]]
    return [proved(), *(json.dumps(one).encode() for one in others), proved().replace(b'"lanes": 0', b'"lanes": "x"')]


def read_proof(data: bytes) -> None:
    """A vault with its slots: nothing else than what was written is believed."""
    said = parsed(data)
    rows = said if isinstance(said, list) and said else [None]
    vault = filled(new_vault(), rows[0], VAULT)
    found = [filled(new_slot(number), one, SLOT) for number, one in enumerate(rows[1:], 2)]
    slots.check_proof(vault, found, SecretBytes(USER_KEY))
    right = json.loads(proved())
    written = filled(new_vault(), right[0], VAULT)
    made = [filled(new_slot(number), one, SLOT) for number, one in enumerate(right[1:], 2)]
    assert slots._covered(vault, found) == slots._covered(written, made)


COLUMN_FIELDS = tuple(Everything._meta.get_field(name) for name in ("text", "json", "integer", "date", "binary"))
VALUES: tuple[object, ...] = ("x", {"a": [1]}, -5, None, b"\0\xff")


def no_other(number: int) -> Column:
    """There is one version."""
    raise WrongKey(f"there is no version {number}")


@cache
def column(name: str) -> Column:
    """The key of one column."""
    key = ColumnKey(SecretBytes(bytes(32)), bytes(16), 1, Everything._meta.db_table, name)
    return Column(1, {1: key}, no_other, lambda _number: None, lambda: True)


@cache
def stored() -> dict[bytes, object]:
    """A value in each column behind its row, as the database gives it, and the number of the column before it."""
    row, made = Everything(pk=UUID(int=5)), dict[bytes, object]()
    for number, (field, value) in enumerate(zip(COLUMN_FIELDS, VALUES, strict=True)):
        if value is not None:
            message = messages.sealer(field, column(field.column))(value, row)
            made[bytes([number]) + field.row.of(row) + END + bytes(message)] = value
    return made


def read_column(data: bytes) -> None:
    """A row and a value from an encrypted column: none but those that were made here open."""
    number = data[0] % len(COLUMN_FIELDS) if data else 0
    field = COLUMN_FIELDS[number]
    opened = messages.opener(field, column(field.column))(data[1:], None, None)
    assert stored()[bytes([number]) + data[1:]] == opened


def column_seeds() -> list[bytes]:
    """Values in their rows, in another, in another column, and with another version."""
    made = list(stored())
    other = made[0].replace(b"srf\x01\0\0\0\1", b"srf\x01\0\0\0\2")
    return [*made, other, b"\1" + made[0][1:], made[0][:1] + b"9" + made[0][1:]]


NAME = bytes(16)


@cache
def cookie() -> bytes:
    """What a browser sends that has logged in."""
    response = HttpResponse()
    devices.set_cookie(response, NAME)
    return f"{devices.cookie_name()}={response.cookies[devices.cookie_name()].value}".encode()


def read_device(data: bytes) -> None:
    """A header of cookies: no browser is known but the one that was given its cookie here."""
    request = HttpRequest()
    request.COOKIES = parse_cookie(data.decode("latin-1"))
    found = devices.device_of(request, NAME)
    assert found is None or parse_cookie(cookie().decode())[devices.cookie_name()] in data.decode("latin-1")
    assert devices.is_device(request) == (found is not None)


def device_seeds() -> list[bytes]:
    """The cookie, with others, changed, and too long."""
    return [cookie(), b"a=b; " + cookie() + b"; c", cookie()[:-1] + b"!", cookie() + b"x" * 300, b"a=b"]


PROXIES = addresses.Proxies(("10.0.0.0/8", "fd00::/8", addresses.UNIX))


def read_client(data: bytes) -> None:
    """The address of a client behind proxies: one that its networks can be told of, or none."""
    remote, _, header = data.decode("latin-1").partition("\n")
    found = PROXIES.client({"REMOTE_ADDR": remote, "HTTP_X_FORWARDED_FOR": header})
    if found is not None:
        assert all(addresses.networks(found)) and found == ip_address(str(found))


RULES = (allowances.Rule(1, 1.0), allowances.Rule(5, 60.0), allowances.Rule(100, 3600.0))
KEPT_MAX = 8


def turn(kept: allowances.Allowances, step: bytes, now: float) -> None:
    """One call: what it is, of which keys and rules."""
    action, first, second = step
    # As in the limits, a key has one rule, and what is remembered has keys of its own.
    wanted = [(bytes([one]), RULES[one % len(RULES)]) for one in dict.fromkeys((first % 16, second % 16))]
    if action % 4 == 0:
        lacking = kept.lacking(wanted[:1], now)
        assert kept.take(wanted[:1], now) == lacking
        # Used up, it is there again after as long as was said.
        assert lacking <= wanted[0][1].period_seconds + 1
        assert kept.lacking(wanted[:1], now + lacking) == 0 or lacking == 0
    elif action % 4 == 1:
        kept.take(wanted, now)
    elif action % 4 == 2:
        kept.give_back(wanted, now, second / 255)
    else:
        known = b"known" + wanted[0][0]
        kept.remember(known, now + second)
        assert kept.remembers(known, now) == (second > 0)


def read_allowances(data: bytes) -> None:
    """Any calls in any order: what is kept stays bounded, and nobody waits for longer than a rule says."""
    kept, now = allowances.Allowances(KEPT_MAX), 1_000.0
    for place in range(0, len(data) - 3, 4):
        now += data[place] / 16
        turn(kept, data[place + 1 : place + 4], now)
        assert len(kept) <= KEPT_MAX


def some(*seeds: bytes) -> Callable[[], list[bytes]]:
    """These, whenever they are asked for."""
    return lambda: list(seeds)


CLIENTS = some(
    b"203.0.113.9\n10.0.0.1", b"10.0.0.1\n1.1.1.1, 203.0.113.9:4711, 10.0.0.2", b"\n[2001:db8::1]:4711",
    b"::ffff:10.0.0.1\nunknown", b"fe80::1%eth0\n", b"10.0.0.1\n" + b"9.9.9.9, " * 200 + b"fd00::1",
)  # fmt: skip
TARGETS = [
    Target("user-vault-slot", read_slot, lambda: list(slot_seeds())),
    Target("user-vault-proof", read_proof, proof_seeds),
    Target("django-column", read_column, column_seeds),
    Target("device-cookie", read_device, device_seeds, ()),
    Target("client-address", read_client, CLIENTS, ()),
    Target("log-in-buckets", read_allowances, some(bytes(range(64)), b"\0\0\1\0" * 8, b"\1\3\2\xff\1\2\2\x80"), ()),
]
