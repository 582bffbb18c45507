"""Paths, names and versions: what is accepted, what is refused, and what is taken to be secret."""

from __future__ import annotations

import re
import shlex
from datetime import UTC, datetime, timedelta

import pytest

from strongroom.items import (
    ItemSettings,
    ReservedPath,
    Version,
    is_secret_name,
    parse_folder,
    parse_path,
    quoted,
    quoted_name,
)

REFUSED_PATHS = {
    "nothing": ("", "empty"),
    "a leading slash": ("/a", "empty"),
    "a trailing slash": ("a/", "empty"),
    "a double slash": ("a//b", "empty"),
    "a dot": ("a/./b", "is . or .."),
    "two dots": ("../b", "is . or .."),
    "a space in front": (" a", "white space"),
    "a space behind": ("a /b", "white space"),
    "a no-break space behind": ("a\u00a0", "white space"),
    "a newline": ("a\nb", "control character"),
    "NUL": ("a\0b", "control character"),
    "escape": ("\x1b[2J", "control character"),
    "delete": ("a\x7f", "control character"),
    "a C1 control": ("a\x9bb", "U+009B"),
    "right-to-left override": ("a\u202eb", "U+202E"),
    "a left-to-right isolate": ("\u2066ab", "U+2066"),
    "a line separator": ("a\u2028b", "U+2028"),
    "a lone surrogate": ("a\ud800", "not UTF-8"),
    "not in form C": ("cafe\u0301", "normal form C"),
    "too long a component": ("x" * 1025, "longer than 1024 bytes"),
    "too long a component in bytes": ("\u00e9" * 513, "longer than 1024 bytes"),
    "too long a path": ("/".join(["x" * 1000] * 5), "longer than 4096 bytes"),
    "too long a path in bytes": ("/".join(["\u00e9" * 500] * 5), "longer than 4096 bytes"),
    "too deep": ("/".join("x" * 33), "more than 32 components"),
}


@pytest.mark.parametrize("case", REFUSED_PATHS)
def test_refused_paths(case: str) -> None:
    """A path that could not be shown, typed or found again is a ValueError that does not repeat it."""
    path, why = REFUSED_PATHS[case]
    with pytest.raises(ValueError, match=re.escape(why)) as refusal:
        parse_path(path)
    assert str(refusal.value).isprintable()


@pytest.mark.parametrize(
    "path",
    ["a", "bank/checking", "caf\u00e9/\u4e2d\u6587/\U0001f511", "a b/c d", "%2f", "...", "-rf", "~", "\u05e9"],
)
def test_accepted_paths(path: str) -> None:
    """Anything readable is a path, and its components join to the same path again."""
    assert "/".join(parse_path(path)) == path
    assert parse_folder(path + "/") == parse_folder(path) == parse_path(path)


def test_the_largest_path() -> None:
    """32 components and 4,096 bytes are allowed."""
    assert len(parse_path("/".join("x" * 32))) == 32
    assert len(parse_path("/".join(["x" * 1023] * 4))) == 4


def test_the_top_folder() -> None:
    """The empty prefix and a single slash are the top."""
    assert parse_folder("") == parse_folder("/") == ()


@pytest.mark.parametrize("value", [None, b"a", 5])
def test_a_path_is_text(value: object) -> None:
    """Misuse is a TypeError."""
    for parse in (parse_path, parse_folder):
        with pytest.raises(TypeError):
            parse(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name",
    "password Password PASSWORD dbPassword db_password api_key apiKey APIKEY accessToken token secret client-secret "
    "pin otp totp passphrase private_key seed cookie credentials signing.key userpassword 2fa_code".split(),
)
def test_names_of_secrets(name: str) -> None:
    """A field of this name is hidden unless somebody says otherwise."""
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    "username url host port public_key publicKey key_id token_url tokenType password_name keyboard monkey author "
    "notes email compass opinion spinner".split(),
)
def test_names_that_are_not_secret(name: str) -> None:
    """A field of this name may be shown."""
    assert not is_secret_name(name)


def test_version_times_are_aware() -> None:
    """Times are UTC to the microsecond; zero means none."""
    moment = datetime(2026, 2, 3, 4, 5, 6, 789, tzinfo=UTC)
    created = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    plain = Version(3, created_us=created, deleted_us=0, expires_us=0, destroyed=False, author="dustin")
    assert (plain.created, plain.deleted, plain.expires) == (moment, None, None)
    ended = Version(3, created_us=created, deleted_us=created, expires_us=created + 1, destroyed=True, author="dustin")
    assert (ended.deleted, ended.expires) == (moment, moment + timedelta(microseconds=1))
    assert repr(plain) == "Version(number=3, author='dustin', destroyed=False)"


def test_settings_copy_their_metadata() -> None:
    """Changing the mapping afterwards does not change the settings."""
    notes = {"owner": "ops"}
    settings = ItemSettings(max_versions=3, custom_metadata=notes)
    notes["owner"] = "other"
    assert settings.custom_metadata == {"owner": "ops"}
    assert (ItemSettings().max_versions, ItemSettings().cas_required, ItemSettings().custom_metadata) == (0, False, {})


QUOTED = {
    "bank/checking": "bank/checking",
    "müller": "müller",
    "my bank/it's": "'my bank/it'\\''s'",
    "$(reboot)": "'$(reboot)'",
    "": "''",
}


@pytest.mark.parametrize("text", QUOTED)
def test_a_name_in_a_hint_is_one_word_for_a_shell(text: str) -> None:
    """What a person pastes reaches the command as it was written, whatever it holds."""
    assert quoted(text) == QUOTED[text]
    assert shlex.split(quoted(text)) == [text]


@pytest.mark.parametrize("names", [("-a",), ("a", "-b c"), ("-a b", "c"), ("a b", "c-")])
def test_names_in_a_hint_pass_for_no_options(names: tuple[str, ...]) -> None:
    """The mark stands in front of all of them if one of them needs it, and not otherwise."""
    words = shlex.split(quoted_name(*names))
    assert words[-len(names) :] == list(names)
    assert (words[0] == "--") == any(name[0] == "-" for name in names)


@pytest.mark.parametrize("path", ["@keys/a", "@", "@keys", "@tokens/x/y"])
def test_reserved_paths_are_the_programs_own(path: str) -> None:
    """A name that begins with @ is refused at the front of a path, unless the program itself says it."""
    for parse in (parse_path, parse_folder):
        with pytest.raises(ValueError, match="begins with @"):
            parse(path)
        assert "/".join(parse(ReservedPath(path))) == path
    assert parse_folder(ReservedPath(path + "/")) == parse_path(ReservedPath(path))
    assert parse_path(f"mail/{path}") == ("mail", *path.split("/"))
    assert parse_path("someone@example.org") == ("someone@example.org",)
