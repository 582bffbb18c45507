"""A secret shows itself to nobody who did not ask for it by name."""

from __future__ import annotations

import copy
import json
import logging
import marshal
import pickle
import pprint
import subprocess
import sys
import traceback
from collections.abc import Callable

import pytest

from strongroom.errors import Tampered
from strongroom.items import Field, Item, Version
from strongroom.secret import HiddenBuffer, SecretBytes, SecretStr, wipe

CANARY = "Xk9-canary-value"

Secret = SecretStr | SecretBytes


@pytest.fixture(params=["text", "bytes"])
def secret(request: pytest.FixtureRequest) -> Secret:
    """One of each kind."""
    return SecretStr(CANARY) if request.param == "text" else SecretBytes(CANARY.encode())


def make_item() -> Item:
    """An item with one secret and one public field."""
    version = Version(1, created_us=1, deleted_us=0, expires_us=0, destroyed=False, author="test")
    fields = {
        "password": Field("password", "text", CANARY.encode(), is_secret=True),
        "username": Field("username", "text", b"dustin", is_secret=False),
        "cert": Field("cert", "bytes", b"\xff\x00", is_secret=False),
    }
    return Item("bank/checking", version, fields)


SHOWN: dict[str, Callable[[object], str]] = {
    "repr": repr,
    "str": str,
    "format": lambda value: f"{value}",
    "format with a width": lambda value: f"{value:>40}",
    "percent": lambda value: f"{value!s} {value!r}",
    "in a list": lambda value: repr([value, {"password": value}]),
    "pprint": pprint.pformat,
    "in an exception": lambda value: "".join(traceback.format_exception_only(ValueError(value))),
}


@pytest.mark.parametrize("way", SHOWN)
def test_it_is_masked_wherever_python_shows_it(way: str, secret: Secret) -> None:
    """Each way of turning an object into text gives the mask."""
    text = SHOWN[way](secret)
    assert CANARY not in text
    assert "hidden" in text


@pytest.mark.parametrize("way", sorted(SHOWN.keys() - {"format with a width"}))
def test_an_item_is_masked_as_well(way: str) -> None:
    """An item shows its path and the names of its fields."""
    text = SHOWN[way](make_item())
    assert "bank/checking" in text
    assert CANARY not in text


def test_it_is_masked_in_a_log(secret: Secret, caplog: pytest.LogCaptureFixture) -> None:
    """Logging with a secret as argument writes the mask."""
    logging.getLogger("test").warning("the password is %s", secret)
    assert "hidden" in caplog.text
    assert CANARY not in caplog.text


REFUSED: dict[str, Callable[[Secret], object]] = {
    "pickle": pickle.dumps,
    "oldest pickle": lambda value: pickle.dumps(value, 0),
    "pickle of a container": lambda value: pickle.dumps({"password": value}),
    "json": lambda value: json.dumps({"password": value}),
    "getstate": lambda value: value.__getstate__(),
    "hash": hash,
    "set member": lambda value: {value},
    "len": lambda value: len(value),  # type: ignore[arg-type]
    "iteration": lambda value: list(value),  # type: ignore[call-overload]
    "bytes()": lambda value: bytes(value),  # type: ignore[call-overload]
    "index": lambda value: value[0],  # type: ignore[index]
    "addition": lambda value: "x" + value,  # type: ignore[operator]
    "in": lambda value: "x" in value,  # type: ignore[operator]
    "vars": vars,
    "new attribute": lambda value: setattr(value, "note", 1),
}


@pytest.mark.parametrize("way", REFUSED)
def test_it_refuses_to_be_exported(way: str, secret: Secret) -> None:
    """What would copy it out, measure it or mark it is a TypeError, or no attribute; and says nothing of the value."""
    with pytest.raises((TypeError, AttributeError)) as refusal:
        REFUSED[way](secret)
    assert CANARY not in str(refusal.value)


def test_marshal_refuses_it(secret: Secret) -> None:
    """marshal takes anything with a buffer; a secret has none."""
    with pytest.raises(ValueError, match="unmarshallable"):
        marshal.dumps(secret)


@pytest.mark.parametrize("thing", [make_item(), make_item().field("password")], ids=["item", "field"])
def test_what_holds_secrets_refuses_pickle(thing: object) -> None:
    """An item and a field cannot be pickled either."""
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(thing)


def test_reveal_gives_the_value() -> None:
    """reveal() is the one way out, exact to the character and the byte."""
    assert SecretStr("pässwörd \U0001f511\n").reveal() == "pässwörd \U0001f511\n"
    assert SecretBytes(bytes(range(256))).reveal() == bytes(range(256))
    assert SecretBytes(memoryview(b"abc")).reveal() == b"abc"
    assert SecretStr("").reveal() == ""


def test_wiping_overwrites_the_bytes() -> None:
    """The buffer that was handed over is zeros afterwards, the view too, and reveal() refuses."""
    for kind in (SecretStr, SecretBytes):
        buffer = bytearray(CANARY.encode())
        value = kind(buffer)
        view = value.reveal_buffer()
        value.wipe()
        assert bytes(buffer) == bytes(len(CANARY))
        assert bytes(view) == bytes(len(CANARY))
        for call in (value.reveal, value.reveal_buffer):
            with pytest.raises(ValueError, match="wiped"):
                call()
        value.wipe()


def test_leaving_the_block_wipes(secret: Secret) -> None:
    """A secret is a context manager."""
    with secret as inside:
        assert inside is secret
    with pytest.raises(ValueError, match="wiped"):
        secret.reveal()


def test_a_view_cannot_be_written(secret: Secret) -> None:
    """reveal_buffer() is read-only."""
    with pytest.raises(TypeError):
        secret.reveal_buffer()[0] = 0


def test_copies_are_the_same_object(secret: Secret) -> None:
    """A copy would outlive wipe(); so there is none."""
    assert copy.copy(secret) is secret
    assert copy.deepcopy([secret])[0] is secret


def test_equality() -> None:
    """Equal only to the same kind with the same bytes, and to nothing once wiped."""
    assert SecretStr("a") == SecretStr("a")
    assert SecretBytes(b"a") == SecretBytes(bytearray(b"a"))
    unequal = [SecretStr("b"), SecretStr("aa"), SecretStr(""), SecretBytes(b"a"), "a", b"a", None]
    assert [SecretStr("a") == other for other in unequal] == [False] * len(unequal)
    wiped, other = SecretStr("a"), SecretStr("a")
    wiped.wipe()
    other.wipe()
    assert wiped != other
    assert wiped != SecretStr("\0")


def test_it_is_true_even_when_empty() -> None:
    """`if secret:` asks whether there is one, and tells nothing of its length."""
    assert SecretStr("")
    assert SecretBytes(b"")


@pytest.mark.parametrize("value", [None, 5, ["a"], SecretStr("a")], ids=["None", "int", "list", "secret"])
def test_other_types_are_refused(value: object) -> None:
    """Misuse is a TypeError at once."""
    with pytest.raises(TypeError):
        SecretStr(value)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        SecretBytes(value)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        SecretStr(b"bytes are not text")  # type: ignore[arg-type]


def test_wipe_keeps_the_length() -> None:
    """Buffers that are shared or mapped cannot change their size."""
    buffer = bytearray(b"abcd")
    wipe(memoryview(buffer)[1:3])
    assert buffer == b"a\0\0d"
    wipe(buffer)
    assert buffer == bytes(4)


def test_an_item_shows_names_only() -> None:
    """Its fields are secrets unless they are asked for as public."""
    item = make_item()
    assert isinstance(item["password"], SecretStr)
    assert isinstance(item["username"], SecretStr)
    assert isinstance(item["cert"], SecretBytes)
    assert item.public("username") == "dustin"
    assert (item.is_secret("password"), item.is_secret("username")) == (True, False)
    with pytest.raises(ValueError, match="is secret"):
        item.public("password")
    with pytest.raises(ValueError, match="is bytes"):
        item.public("cert")
    with pytest.raises(KeyError) as missing:
        item["pin"]
    assert str(missing.value) == "bank/checking has no field 'pin'"
    assert list(item) == list(item.names()) == ["password", "username", "cert"]
    assert len(item) == 3
    assert "password" in item
    assert 5 not in item
    assert CANARY not in repr(item) + repr(item.field("password"))


def test_wiping_one_secret_of_an_item_leaves_the_item() -> None:
    """Each `item[name]` is a secret of its own."""
    item = make_item()
    item["password"].wipe()
    assert item["password"].reveal() == CANARY


def test_a_traceback_with_locals_shows_the_mask() -> None:
    """Crash reporters print local variables; a secret among them stays masked."""
    program = (
        "import sys, traceback\n"
        "from strongroom.secret import SecretStr\n"
        "def work():\n"
        f"    password = SecretStr({CANARY[:3]!r} + {CANARY[3:]!r})\n"
        "    raise RuntimeError('boom')\n"
        "try:\n    work()\n"
        "except RuntimeError as error:\n"
        "    print(''.join(traceback.TracebackException.from_exception(error, capture_locals=True).format()))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert "password = SecretStr(<hidden" in done.stdout
    assert CANARY not in done.stdout


def test_errors_are_one_line_and_keep_their_advice() -> None:
    """str() is the message alone, for a KeyError too; findings have a place of their own."""
    error = Tampered("the ledger does not add up", advice="run: strongroom verify", findings=("planted: a row",))
    assert str(error) == "the ledger does not add up"
    assert error.advice == "run: strongroom verify"
    assert error.findings == ("planted: a row",)


def test_a_hidden_buffer_does_not_show_itself() -> None:
    """It is a bytearray to whoever computes with it, and nothing to whoever prints it."""
    buffer = HiddenBuffer(b"canary")
    shown = [repr(buffer), str(buffer), f"{buffer}", f"{buffer!r:>30}", ascii(buffer), repr({"key": [buffer]})]
    assert not [text for text in shown if "canary" in text]
    assert buffer == b"canary"
    for refused in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            refused(buffer)
    wipe(buffer)
    assert bytes(buffer) == bytes(6)
