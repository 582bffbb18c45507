"""What the client makes of answers: the meaning of a good one, and one error for whatever is none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from strongroom import errors
from strongroom.remote import answers

METADATA = (
    '{"version": 3, "created_time": "2026-01-02T03:04:05.000006Z", "deletion_time": "", "destroyed": false, '
    '"strongroom": {"author": "dustin", "expires": "", "secret": ["p"], "kinds": {"b": "bytes", "j": "json"}}}'
)
ITEM = '{"data" : {"p": "canary", "b": {"$bytes": "AAE="}, "j": [1,  2]} , "metadata": ' + METADATA + "}"
SETTINGS = '{"max_versions": 3, "cas_required": true, "delete_version_after": "%s", "custom_metadata": {"a": "b"}}'


def test_an_item() -> None:
    """Every kind of field, JSON as it was spelled."""
    item = answers.item("bank", ITEM)
    assert {name: bytes(item.field(name).data) for name in item} == {"p": b"canary", "b": b"\0\1", "j": b"[1,  2]"}
    assert [name for name in item if item.is_secret(name)] == ["p"]
    assert (item.version.number, item.version.author) == (3, "dustin")
    again = answers.items(["bank"], '{"bank": ' + ITEM + "}")["bank"]
    assert bytes(again.field("p").data) == b"canary"


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("0s", None),
        ("90s", timedelta(seconds=90)),
        ("1h0m1.5s", timedelta(hours=1, seconds=1, milliseconds=500)),
        ("2160h0m0s", timedelta(days=90)),
    ],
)
def test_settings(text: str, span: timedelta | None) -> None:
    """Durations as Vault writes them."""
    found = answers.settings(SETTINGS % text)
    assert (found.max_versions, found.cas_required, found.delete_version_after) == (3, True, span)
    assert found.custom_metadata == {"a": "b"}


Read = Callable[[str], object]


def _item(text: str) -> object:
    return answers.item("bank", text)


# name: (what reads it, an answer that a vault does not give)
STRANGE: dict[str, tuple[Read, str]] = {
    "not JSON": (answers.loads, "canary"),
    "a list for an object": (answers.object_of, "[1]"),
    "names without a list": (lambda text: answers.names(text, "keys"), '{"keys": "canary"}'),
    "names that are missing": (lambda text: answers.names(text, "keys"), "{}"),
    "an item that is missing": (lambda text: answers.items(["a"], text), "{}"),
    "an item that is a text": (_item, '"canary"'),
    "an item without metadata": (_item, '{"data": {}}'),
    "a name without a value": (_item, '{"data" 1}'),
    "metadata that is a number": (_item, '{"data": {}, "metadata": 1}'),
    "a version that is a text": (_item, ITEM.replace('"version": 3', '"version": "canary"')),
    "a time of another zone": (_item, ITEM.replace("000006Z", "000006+01:00")),
    "a text that is a number": (_item, ITEM.replace('"p": "canary"', '"p": 7')),
    "bytes that are no base64": (_item, ITEM.replace("AAE=", "canary!")),
    "the version of a write": (answers.written, '{"version": 1}'),
    "the versions of a write": (answers.written_many, '{"versions": ["canary"]}'),
    "a history": (answers.versions, '{"versions": [{"canary": 1}]}'),
    "what expires soon": (answers.dated, '{"items": [{"path": "a"}]}'),
    "settings without a number": (answers.settings, '{"max_versions": "canary"}'),
    "a duration without a unit": (answers.settings, SETTINGS % "1h5"),
    "an envelope without data": (lambda text: answers.data_of(bytearray(text.encode())), '{"errors": ["canary"]}'),
    "an envelope that is none": (lambda text: answers.data_of(bytearray(text.encode())), "canary"),
}


@pytest.mark.parametrize("case", STRANGE)
def test_an_answer_that_is_not_understood(case: str) -> None:
    """One error, whatever is wrong, and nothing of the answer in it or behind it."""
    read, text = STRANGE[case]
    with pytest.raises(errors.StoreUnavailable, match="was not understood") as caught:
        read(text)
    assert "canary" not in f"{caught.value}{caught.value.advice}"
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_an_answer_is_wiped_after_reading() -> None:
    """The buffer, whether it was understood or not."""
    for text in (b'{"data": {"a": 1}}', b"canary"):
        body = bytearray(text)
        try:
            assert answers.data_of(body) == '{"a": 1}'
        except errors.StoreUnavailable:
            assert text == b"canary"
        assert not any(body)
