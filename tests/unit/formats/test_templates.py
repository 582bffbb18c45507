"""Templates are filled byte for byte, and references are resolved all together or not at all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.errors import Denied, Expired, NotFound
from strongroom.formats.references import BadReference, Reference, parse
from strongroom.formats.references_in_text import TEMPLATE_BYTES_MAX, Template
from strongroom.formats.references_resolving import Wanted, resolve
from strongroom.keys.slots.key_file import new_key_file
from strongroom.stores.memory import MemoryStore
from strongroom.vault.opening import create_vault
from strongroom.vault.vault import Vault

A, B = parse("strongroom://a#x"), parse("strongroom://b#y?as=json")


def test_references_are_filled_and_all_else_stays() -> None:
    """Other braces, other encodings, carriage returns, NULs."""
    text = b"\xff{{ strongroom://a#x }}\r\n{{strongroom://b#y?as=json}}{{ other }}\0{{\tstrongroom://a#x\t}}{ {"
    template = Template(text)
    assert template.references == [A, B, A]
    assert template.lines == [1, 2, 2]
    filled = template.fill({A: b"{{ strongroom://c#z }}", B: b"\x00\n"})
    assert filled == b"\xff{{ strongroom://c#z }}\r\n\x00\n{{ other }}\0{{ strongroom://c#z }}{ {"


MALFORMED = {
    "not closed": b"\n{{ strongroom://a#x ",
    "closed on the next line": b"\n{{ strongroom://a#x\n}}",
    "one brace": b"\n{{ strongroom://a#x }",
    "a blank inside": b"\n{{ strongroom://my item#x }}",
    "a filter": b"\n{{ strongroom://a#x | upper }}",
    "another scheme": b"\n{{ strongroom:a#x }}",
    "no path": b"\n{{ strongroom:// }}",
    "not UTF-8": b"\n{{ strongroom://\xff#x }}",
    "a way up": b"\n{{ strongroom://a/../b }}",
}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED)
def test_what_is_meant_as_a_reference_and_is_none_is_refused_with_its_line(text: bytes) -> None:
    """It would stand in the output, and look like a value."""
    with pytest.raises(BadReference, match="line 2"):
        Template(text)


def test_a_template_has_limits() -> None:
    """Checked before anything is looked for."""
    with pytest.raises(BadReference, match="at most"):
        Template(bytes(TEMPLATE_BYTES_MAX + 1))
    with pytest.raises(BadReference, match="at most 10000"):
        Template(b"{{strongroom://a#x}}" * 10_001)
    # Beginnings without an end do not take a look at all the rest each.
    with pytest.raises(BadReference):
        Template(b"{{ strongroom://a" * 200_000)


@given(st.binary(max_size=300))
def test_a_text_without_references_stays_as_it_is(text: bytes) -> None:
    """Whatever it is."""
    try:
        template = Template(text)
    except BadReference:
        return
    assert template.fill(dict.fromkeys(template.references, b"")) == text or template.references


@pytest.fixture
def vault() -> Iterator[Vault]:
    with create_vault(MemoryStore(), [new_key_file()], author="test") as made:
        made.set_many({"a": {"x": "1", "y": "2"}, "b": {"y": "3"}, "raw": {"z": b"\xff"}})
        yield made


def wanted(*texts: str) -> list[Wanted]:
    return [Wanted(parse(f"strongroom://{text}"), name) for text, name in zip(texts, "ABCDEFG", strict=False)]


def test_all_values_are_read_together(vault: Vault) -> None:
    """A reference that is wanted twice is read once."""
    found = resolve(vault, wanted("a#x", "a#y?as=base64", "b", "a#x"))
    assert {str(reference).removeprefix("strongroom://"): value for reference, value in found.items()} == {
        "a#x": b"1", "a#y?as=base64": b"Mg==", "b": b"3"
    }  # fmt: skip
    assert resolve(vault, []) == {}


def test_missing_ones_are_all_listed_before_anything_else_is_said(vault: Vault) -> None:
    """Items and fields; with the commands that store them."""
    with pytest.raises(NotFound) as caught:
        resolve(vault, wanted("a", "none#x", "a#none", "raw#z?as=json", "none#x"))
    assert caught.value.message == "3 of 5 references name nothing: B (none#x), C (a#none), E (none#x)"
    assert caught.value.advice == "strongroom set none x\nstrongroom set a none"


@pytest.mark.parametrize("text", ["a", "raw#z?as=json"])
def test_a_value_without_that_form_is_an_error(vault: Vault, text: str) -> None:
    """Several fields and none named; bytes as JSON."""
    with pytest.raises(BadReference):
        resolve(vault, wanted(text))


def test_a_long_list_of_missing_ones_is_cut(vault: Vault) -> None:
    """Fifty names say it."""
    many = [Wanted(Reference(f"none-{n}", "x")) for n in range(80)]
    with pytest.raises(NotFound, match=r"80 of 80 .*, none-49#x and 30 more$"):
        resolve(vault, many)


class Guarded:
    """A vault of which some items may not be read, or have expired: what an agent's client meets."""

    def __init__(self, vault: Vault, errors: dict[str, Exception]) -> None:
        self._vault = vault
        self._errors = errors

    def get_many(self, paths: list[str]) -> object:
        for path in paths:
            if path in self._errors:
                raise self._errors[path]
        return self._vault.get_many(paths)

    def get(self, path: str) -> object:
        if path in self._errors:
            raise self._errors[path]
        return self._vault.get(path)


def test_what_may_not_be_read_and_what_has_expired_is_named(vault: Vault) -> None:
    """A missing one goes first, for nothing of it is secret to who asks."""
    guarded = Guarded(vault, {"b": Denied("no"), "c": Expired("late"), "d": Denied("no")})
    with pytest.raises(Denied) as denied:
        resolve(guarded, wanted("a#x", "b#y", "c#y", "d#y"))  # type: ignore[arg-type]
    assert denied.value.message == "you may not read B (b#y), D (d#y)"
    with pytest.raises(Expired) as expired:
        resolve(guarded, wanted("a#x", "c#y"))  # type: ignore[arg-type]
    assert expired.value.message == "past their date: B (c#y)"
    assert expired.value.advice == "strongroom set c y"
    with pytest.raises(NotFound):
        resolve(guarded, wanted("b#y", "none#y"))  # type: ignore[arg-type]
