"""Everything a program gets from strongroom, turned into text in every way there is: no secret.

repr, str, format, pprint, vars, JSON with a default, dataclasses, pickle, copy, logging's
extra; and what the garbage collector knows of after the vault was locked.
"""

from __future__ import annotations

import ast
import copy
import dataclasses
import json
import pickle
import pprint
import reprlib
import string
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import strongroom
from strongroom.errors import StrongroomError
from strongroom.items import Field
from strongroom.keys.slots.key_file import new_key_file
from strongroom.keys.slots.passphrase import PassphraseCredential
from strongroom.keys.slots.recovery import new_recovery_code
from strongroom.locate.key_files import read_key_file
from strongroom.secret import HiddenBuffer, SecretBytes, SecretStr
from strongroom.vault.vault import Vault
from tests.agents import PASSPHRASE, AgentUnderTest, make_vault
from tests.faults.test_agent_memory import needles_of

VALUE = b"canary-7f3a"

# What makes a text of an object; what an object refuses is no text.
WAYS: dict[str, Callable[[object], object]] = {
    "repr": repr,
    "str": str,
    "format": format,
    "padded": lambda thing: f"{thing!s:>80}",
    "percent": lambda thing: "%s %r" % (thing, thing),  # noqa: UP031
    "ascii": ascii,
    "in a list": lambda thing: repr([thing, {"x": thing}]),
    "pprint": pprint.pformat,
    "reprlib": reprlib.repr,
    "template": lambda thing: string.Template("$x").substitute(x=thing),
    "dict of format": lambda thing: "{0.__dict__}".format(thing),  # noqa: UP030, UP032
    "vars": lambda thing: repr(vars(thing)),  # type: ignore[call-overload]
    "json": lambda thing: json.dumps(thing, default=str),
    "json of vars": lambda thing: json.dumps(thing, default=vars),
    "json of repr": lambda thing: json.dumps({"x": thing}, default=repr),
    "dataclass": lambda thing: repr(dataclasses.asdict(thing)),  # type: ignore[call-overload]
    "state": lambda thing: repr(thing.__getstate__()),  # type: ignore[attr-defined]
    "reduce": lambda thing: repr(thing.__reduce_ex__(4)),
    "copy": lambda thing: repr(copy.copy(thing)),
    "deep copy": lambda thing: repr(copy.deepcopy(thing)),
    "dir": dir,
    "encoded": lambda thing: str(thing).encode(),
    **{f"pickle {protocol}": (lambda thing, p=protocol: pickle.dumps(thing, p)) for protocol in range(6)},
}


def things(directory: Path, vault: Vault) -> Iterator[tuple[str, object]]:
    """The objects of the public interface, and what they are made of."""
    secret = SecretStr(VALUE.decode())
    item = vault.get("bank/checking")
    yield from {
        "SecretStr": secret,
        "SecretBytes": SecretBytes(VALUE),
        "HiddenBuffer": HiddenBuffer(VALUE),
        "Field": Field("password", "text", VALUE, is_secret=True),
        "vault": vault,
        "core": vault._core,
        "keys": vault._core.keys,
        "keyset": vault._core.keys.keyset,
        "envelope": vault._core.envelope,
        "item": item,
        "a field's secret": item["password"],
        "a field": item.field("password"),
        "version": item.version,
        "history": vault.history("bank/checking"),
        "slots": vault.slots(),
        "settings": vault.settings(),
        "status": vault.status(),
        "report": vault.verify(),
        "many items": vault.get_many(["bank/checking"]),
        "key file": read_key_file(str(directory / "key")),
        "new key file": new_key_file(),
        "passphrase": PassphraseCredential(bytearray(PASSPHRASE)),
        "recovery": new_recovery_code(),
        "named key": vault.keys.create("one", kind="aead") if hasattr(vault, "keys") else None,
    }.items()
    key = vault.deposit_key("camera", ["inbox/*"])
    yield "depositor's key", key
    key.wipe()
    for wrong in ("absent", "bank/checking"):
        try:
            vault.get(wrong, "absent")
        except StrongroomError as error:
            yield f"error about {wrong}", error


def leaks(thing: object, needles: dict[str, bytes]) -> list[str]:
    """By which way which secret shows itself."""
    found = []
    for way, make in WAYS.items():
        try:
            text = make(thing)
        except (TypeError, AttributeError, ValueError, RecursionError, KeyError, pickle.PicklingError):
            continue
        data = text if isinstance(text, bytes) else repr(text).encode() if not isinstance(text, str) else text.encode()
        for name, needle in needles.items():
            shown = repr(needle)[2:-1].encode()
            looks = (needle, shown, shown.replace(b"\\", b"\\\\"), needle.hex().encode())
            if any(look in data for look in looks):
                found.append(f"{name} by {way}")
    return found


def test_no_object_shows_a_secret(tmp_path: Path) -> None:
    """In none of the ways."""
    make_vault(tmp_path)
    needles = needles_of(tmp_path) | {"value": VALUE}
    with strongroom.open(tmp_path / "vault.db", key_file=tmp_path / "key", use_agent=False) as vault:
        assert isinstance(vault, Vault)
        found = {name: leaks(thing, needles) for name, thing in things(tmp_path, vault)}
    assert {name: how for name, how in found.items() if how} == {}


def test_no_object_of_an_agent_shows_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same through an agent."""
    make_vault(tmp_path)
    with AgentUnderTest(tmp_path) as agent:
        agent.unlocked()
        monkeypatch.setenv("STRONGROOM_AGENT_SOCKET", str(agent.socket))
        with strongroom.open(tmp_path / "vault.db") as vault:
            item = vault.get("bank/checking")
            shown = {"vault": vault, "item": item, "secret": item["password"], "field": item.field("password")}
            found = {name: leaks(thing, {"value": VALUE}) for name, thing in shown.items()}
    assert {name: how for name, how in found.items() if how} == {}


class Careless:
    """What shows all it has."""

    def __init__(self, key: bytes) -> None:
        self.key = key


def test_the_search_sees() -> None:
    """Each kind of text, of an object that hides nothing."""
    found = leaks(Careless(bytes(range(200, 216))), {"key": bytes(range(200, 216))})
    assert {"key by vars", "key by pickle 4", "key by state", "key by dict of format"} <= set(found)
    assert leaks(VALUE.decode(), {"value": VALUE})


COLLECTED = """
import ast, gc, sys
import strongroom
from strongroom.secret import SecretStr

mask = 0x5A
location, key, masked = ast.literal_eval(sys.stdin.readline())
vault = strongroom.open(location, key_file=key, use_agent=False)
item = vault.get("bank/checking")
assert len(item["password"].reveal()) == 11
vault.set("bank/new", {"password": item["password"]})
vault.rotate()

def search(names):
    found, seen, left = set(), set(), list(gc.get_objects())
    while left:
        thing = left.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, (bytes, bytearray)) and len(thing) < 1_000_000:
            data = bytes(byte ^ mask for byte in thing)
            found.update(name for name, needle in names.items() if needle in data)
        elif isinstance(thing, str) and len(thing) < 100_000:
            data = bytes(byte ^ mask for byte in thing.encode("utf-8", "surrogatepass"))
            found.update(name for name, needle in names.items() if needle in data)
        else:
            left.extend(gc.get_referents(thing))
    return found

print(sorted(search(masked)), flush=True)
vault.lock()
del item, vault
gc.collect()
print(sorted(search(masked)), flush=True)
"""


def test_nothing_is_left_to_the_collector(tmp_path: Path) -> None:
    """A walk over everything that the collector knows finds keys and value while the vault is open, and none later."""
    make_vault(tmp_path)
    needles = needles_of(tmp_path) | {"value": VALUE}
    masked = {name: bytes(byte ^ 0x5A for byte in needle) for name, needle in needles.items()}
    job = (str(tmp_path / "vault.db"), str(tmp_path / "key"), masked)
    done = subprocess.run(
        [sys.executable, "-c", COLLECTED], input=f"{job!r}\n", capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    in_use, left = map(ast.literal_eval, done.stdout.splitlines())
    assert {"root key, half 0", "root key, half 1", "value"} <= set(in_use)
    assert left == []
