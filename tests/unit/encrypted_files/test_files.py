"""An encrypted file: what is encrypted, what stays, what a change costs in lines, and who may read."""

from __future__ import annotations

import re

import pytest

import strongroom
from strongroom import encrypted_files
from strongroom.encrypted_files import FileRecipient
from strongroom.encrypted_files.sealing import PADDING_BYTES, TOKEN_MARK
from strongroom.encrypted_files.trailer import PLAIN_MAX, RECIPIENTS_MAX
from strongroom.errors import Denied, NotFound, Tampered, VaultLocked, WrongKey
from strongroom.formats.interface import BadFile
from tests.encrypted_files import ALICE, BOB, CAROL, FILES, identity, locked, made, opened, public, recipient


@pytest.mark.parametrize("format", FILES)
def test_a_file_comes_back_to_the_byte(format: str) -> None:
    """Comments, order, quotes, types, blocks and empty values."""
    text = FILES[format]
    data = made(text, format)
    assert "p&1" not in data.decode() and "5432" not in data.decode()
    with opened(data) as file:
        assert file.plaintext() == text.encode()
        assert file.encoded() == data, "nothing has changed, so nothing is written anew"
        assert file.revision == 1


@pytest.mark.parametrize("format", FILES)
def test_names_and_comments_stay_readable(format: str) -> None:
    """Of each line that holds a value, everything but the value."""
    before, after = FILES[format].splitlines(), made(FILES[format], format).decode().splitlines()
    for line in before:
        if line.startswith(("#", "[")) or not line.strip():
            assert line in after
    assert len(locked(made(FILES[format], format)).names()) == len(opened(made(FILES[format], format)).names())


@pytest.mark.parametrize("format", FILES)
def test_a_change_touches_one_value_and_the_trailer(format: str) -> None:
    """A diff shows the line that was changed, the revision and the MAC."""
    data = made(FILES[format], format)
    with opened(data) as file:
        name = next(path for path in file.names() if path[-1].lower().endswith("user"))
        file.set(name, "somebody")
        after = file.encoded()
        assert file.revision == 2
    lines, new = data.decode().splitlines(), after.decode().splitlines()
    assert len(lines) == len(new)
    changed = [old for old, now in zip(lines, new, strict=True) if old != now]
    assert len(changed) == 3
    assert opened(after).get(*name).reveal() == "somebody"


@pytest.mark.parametrize("format", FILES)
def test_an_edit_of_the_whole_text_keeps_what_it_did_not_touch(format: str) -> None:
    """Also beside comments that come and lines that move."""
    data = made(FILES[format], format)
    with opened(data) as file:
        text = bytes(file.plaintext()).decode()
        file.replace(text.replace("p&1", "q&2").encode())
        after = file.encoded()
    tokens = [set(re.findall(re.escape(TOKEN_MARK) + r"[\w-]+", one.decode())) for one in (data, after)]
    assert len(tokens[0] - tokens[1]) == len(tokens[1] - tokens[0]) == 1


def test_two_values_that_are_alike_do_not_look_alike() -> None:
    """Neither in one file nor in two."""
    tokens = re.findall(re.escape(TOKEN_MARK) + r"[\w-]+", made("a: same\nb: same\n", "yaml").decode())
    tokens += re.findall(re.escape(TOKEN_MARK) + r"[\w-]+", made("a: same\n", "yaml").decode())
    assert len(set(tokens)) == 3


@pytest.mark.parametrize(("first", "second"), [(0, PADDING_BYTES - 4), (PADDING_BYTES - 3, 2 * PADDING_BYTES - 4)])
def test_a_length_shows_in_steps(first: int, second: int) -> None:
    """A token tells the length of its value to the next 32 bytes, the 4 of its own length counted."""

    def length(characters: int) -> int:
        return len(re.search(re.escape(TOKEN_MARK) + r"[\w-]+", made(f"a: {'x' * characters}\n", "yaml").decode())[0])  # type: ignore[index]

    assert length(max(first, 1)) == length(second) < length(second + 1)


def test_patterns_name_what_stays_readable() -> None:
    """They are in the file, so that whoever changes it next keeps to them."""
    data = made("db:\n  host: there\n  password: x\n", "yaml", plain=("*.host",))
    assert b"host: there\n" in data and b"#strongroom plain *.host\n" in data
    with opened(data) as file:
        file.set(("db", "host"), "elsewhere")
        file.set(("db", "password2"), "y")
        after = file.encoded()
    assert b'host: "elsewhere"\n' in after and b"y" not in after.split(b"password2: ")[1][:3]


@pytest.mark.parametrize("plain", [("",), ("x" * 257,), ('a"b',), ("a\nb",), ("a",) * (PLAIN_MAX + 1)])
def test_patterns_that_cannot_stand_in_a_file_are_refused(plain: tuple[str, ...]) -> None:
    """Before anything is encrypted."""
    with pytest.raises(ValueError):
        made("a: b\n", "yaml", plain=plain)


def test_every_recipient_opens_it_and_nobody_else() -> None:
    """Each by their own stanza."""
    data = made(FILES["yaml"], "yaml", ALICE, BOB)
    assert locked(data).recipients == (public(ALICE), public(BOB))
    for who in (ALICE, BOB):
        assert opened(data, who).get("db.password").reveal() == "p&1"
    with pytest.raises(WrongKey):
        opened(data, CAROL)


def test_somebody_more_changes_no_value_and_somebody_less_changes_all() -> None:
    """Whoever is removed knows the old key; a new one is made."""
    data = made(FILES["yaml"], "yaml", ALICE)
    with opened(data) as file:
        file.add_recipients([recipient(BOB)])
        more = file.encoded()
    tokens = [set(re.findall(re.escape(TOKEN_MARK) + r"[\w-]+", one.decode())) for one in (data, more)]
    assert tokens[0] == tokens[1]
    with opened(more, BOB) as file:
        file.remove_recipients([public(ALICE)])
        less = file.encoded()
    assert not tokens[1] & set(re.findall(re.escape(TOKEN_MARK) + r"[\w-]+", less.decode()))
    assert opened(less, BOB).plaintext() == FILES["yaml"].encode()
    with pytest.raises(WrongKey):
        opened(less, ALICE)


def test_recipients_that_cannot_be_are_refused() -> None:
    """Nobody, the same twice, too many, hybrid ones beside others, a passphrase."""
    with opened(made("a: b\n", "yaml")) as file:
        with pytest.raises(ValueError):
            file.remove_recipients([public(ALICE)])
        with pytest.raises(ValueError):
            file.add_recipients([recipient(ALICE)])
        with pytest.raises(NotFound):
            file.remove_recipients([public(BOB)])
        with pytest.raises(ValueError):
            file.add_recipients([FileRecipient(f"key k{number}") for number in range(RECIPIENTS_MAX)])
        assert [one.text for one in file.recipients] == [public(ALICE)]
    for text in ("", "age1nonsense", 'ssh-ed25519 "', "key NAME nonsense", "somebody"):
        with pytest.raises(ValueError):
            FileRecipient(text)


def test_a_hybrid_recipient_does_not_stand_beside_a_weaker_one() -> None:
    """The file would be as weak as that."""
    from strongroom.credentials.recipients import hybrid_text
    from strongroom.crypto import age, hybrid

    strong = FileRecipient(hybrid_text(hybrid.public_key(age.hybrid_private(bytes(32)))))
    with pytest.raises(ValueError, match="do not stand beside"):
        encrypted_files.encrypt(b"a: b\n", [strong, recipient(ALICE)], format="yaml")


def test_a_key_of_a_vault_that_is_not_at_hand_cannot_be_encrypted_to() -> None:
    """An error, and no file without that recipient."""
    with encrypted_files.encrypt(b"a: b\n", [FileRecipient("key app"), recipient(ALICE)], format="yaml") as file:
        with pytest.raises(Denied):
            file.encoded()


@pytest.mark.parametrize(
    ("format", "text"),
    [
        ("yaml", "a: b\na: c\n"),
        ("dotenv", "A=b\nA=c\n"),
        ("json", "[1, 2]\n"),
        ("json", "{}\n"),
        ("yaml", "a: [b\n"),
        ("yaml", "a: strongroom1.x\n"),
        ("yaml", "\ufeffa: b\n"),
        ("xml", "<a/>"),
    ],
)
def test_what_cannot_be_encrypted_is_refused(format: str, text: str) -> None:
    """A name twice, no place for a trailer, a malformed file, something that looks encrypted, a byte order mark."""
    with pytest.raises(BadFile):
        made(text, format)


def test_a_file_is_not_encrypted_twice() -> None:
    """Nor is a plain one read as an encrypted one."""
    data = made("a: b\n", "yaml")
    assert encrypted_files.is_encrypted(data) and not encrypted_files.is_encrypted(b"a: b\n")
    with pytest.raises(BadFile):
        made(data.decode(), "yaml")
    with pytest.raises(BadFile):
        locked(b"a: b\n")


def test_a_value_is_found_by_its_names_or_with_dots() -> None:
    """One rule: joined with dots it is the same; what means two values is an error."""
    with opened(made('{"a": {"b": "1"}, "c.d": "2", "c": {"e": 3}}', "json")) as file:
        assert file.get("a", "b").reveal() == file.get("a.b").reveal() == "1"
        assert file.get("c.d").reveal() == "2"
        assert file.get("c", "e").reveal() == "3", "a number as it is written"
        for names in (("a",), ("x",), ("",)):
            with pytest.raises(NotFound):
                file.get(*names)
    with opened(made('{"a": {"b": "1"}, "a.b": "2"}', "json")) as file, pytest.raises(NotFound, match="2 values"):
        file.get("a.b")


@pytest.mark.parametrize(
    ("format", "names"),
    [
        ("yaml", ("db", "new")), ("yaml", ("new",)), ("yaml", ("new", "sub")), ("json", ("db", "new")),
        ("json", ("new",)), ("toml", ("db", "new")), ("toml", ("new",)), ("toml", ("new", "sub")),
        ("ini", ("db", "new")), ("ini", ("new", "sub")), ("dotenv", ("NEW",)), ("dotenv-posix", ("NEW",)),
        ("dotenv-compose", ("NEW",)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("value", ["simple", "with $ and ' and \" and \\ and #"])
def test_a_value_is_added(format: str, names: tuple[str, ...], value: str) -> None:
    """Where its like is; every other value keeps its ciphertext, and the file its comments."""
    data = made(FILES[format], format)
    with opened(data) as file:
        try:
            file.set(names, value)
        except BadFile:
            assert format == "dotenv-compose" and "$" in value, "its readers do not agree on this one"
            return
        after = file.encoded()
    with opened(after) as file:
        assert file.get(*names).reveal() == value
    tokens = [set(re.findall(re.escape(TOKEN_MARK) + r"[\w-]+", one.decode())) for one in (data, after)]
    assert tokens[0] < tokens[1] and len(tokens[1]) == len(tokens[0]) + 1


@pytest.mark.parametrize("format", ["yaml", "json", "toml"])
def test_a_number_stays_a_number_if_it_can(format: str) -> None:
    """And becomes a text if it cannot; a text never becomes a number."""
    with opened(made(FILES[format], format)) as file:
        for value, is_text in (("1", False), ("2.5", False), ("true", False), ("x", True), ("3", True)):
            file.set(("port",), value)
            assert (file.get("port").reveal(), file.is_text("port")) == (value, is_text)
        file.set(("db", "user"), "17")
        assert file.is_text("db", "user")


def test_a_value_that_has_no_place_is_refused() -> None:
    """And the file is as it was."""
    with opened(made("a: 1\n", "yaml")) as file:
        for names in (("a", "b"), ("x", "y", "z")):
            with pytest.raises(BadFile):
                file.set(names, "v")
        assert file.plaintext() == b"a: 1\n"
    with opened(made("[s]\na = 1\n", "ini")) as file, pytest.raises(BadFile):
        file.set(("s", "a"), "two\nlines")


def test_a_variable_in_a_dotenv_value_follows_the_value_that_it_names() -> None:
    """What is encrypted is how it is written."""
    with opened(made(FILES["dotenv"], "dotenv")) as file:
        file.set(("DB_USER",), "other")
        assert file.get("URL").reveal() == "http://other"


def test_a_closed_file_has_no_key() -> None:
    """And shows no value in between."""
    file = opened(made("a: hunter2\n", "yaml"))
    assert "hunter2" not in repr(file) + repr(file._body) + repr(file._body.values()) + repr(file._key)
    with file:
        pass
    for use in (file.encoded, file.plaintext, lambda: file.get("a"), file.rotate):
        with pytest.raises(VaultLocked):
            use()


def test_the_module_is_on_the_face() -> None:
    """And `strongroom` alone does not load it."""
    assert strongroom.encrypted_files is encrypted_files
    assert all(hasattr(encrypted_files, name) for name in encrypted_files.__all__)


def test_line_ends_may_be_turned_by_git_and_nothing_else() -> None:
    """A checkout with core.autocrlf opens, and what is written there has those line ends, too."""
    for format in ("yaml", "json", "ini"):
        data = made(FILES[format], format)
        turned = data.replace(b"\n", b"\r\n")
        with opened(turned) as file:
            names = file.names()[0]
            file.set(names, "new")
            after = file.encoded()
        assert after.count(b"\n") == after.count(b"\r\n")
        assert opened(after.replace(b"\r\n", b"\n")).get(*names).reveal() == "new"
    with pytest.raises(Tampered):
        opened(made("a: b\n", "yaml").replace(b"a: ", b"a:  "))


def test_identities_of_several_kinds_are_tried() -> None:
    """The first that fits opens it."""
    data = made("a: b\n", "yaml", BOB)
    with locked(data).unlock([identity(ALICE), identity(BOB)]) as file:
        assert file.get("a").reveal() == "b"
