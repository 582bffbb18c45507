"""Where an import puts values, what it leaves, and which files it refuses to put references into."""

from __future__ import annotations

import pytest

from strongroom.formats.interface import BadFile
from strongroom.formats.naming import component, field_name
from strongroom.formats.plan import Choice, make_plan, with_references, with_template
from strongroom.formats.registry import reader

ENV = b"""\
DEBUG=1
DB_PASSWORD=pw  # prod
EMPTY_TOKEN=
REF_TOKEN=strongroom://x/y#z
PLACE_TOKEN=<your token>
OUTSIDE_TOKEN=${HOME}
URL=postgres://u:p@h/d
"""


def places(data: bytes, target: str = "t", choice: Choice | None = None, format: str = "dotenv") -> dict[str, str]:
    """Name in the file -> path and field."""
    plan = make_plan(reader(format, "python-dotenv")(data), target, choice or Choice())
    return {one.name: f"{one.path} {one.field}" for one in plan.taken}


def test_what_looks_secret_is_taken() -> None:
    """The rest is left, each with its reason."""
    assert places(ENV) == {"DB_PASSWORD": "t DB_PASSWORD", "URL": "t URL"}
    plan = make_plan(reader("dotenv", "python-dotenv")(ENV), "t", Choice())
    assert {name: why for name, _, why in plan.left} == {
        "DEBUG": "does not look secret",
        "EMPTY_TOKEN": "is empty",
        "REF_TOKEN": "is a reference already",
        "PLACE_TOKEN": "is a placeholder",
        "OUTSIDE_TOKEN": "takes HOME from the environment",
    }
    assert plan.lost == ["DEBUG", "REF_TOKEN", "PLACE_TOKEN", "OUTSIDE_TOKEN"]
    assert {name: field.is_secret for name, field in plan.items["t"].items()} == {"DB_PASSWORD": True, "URL": True}


def test_choices() -> None:
    """All, some by name, all but some; never what the file itself does not say."""
    assert set(places(ENV, choice=Choice(every=True))) == {"DEBUG", "DB_PASSWORD", "URL"}
    assert set(places(ENV, choice=Choice(only=["D*", "OUTSIDE*"]))) == {"DEBUG", "DB_PASSWORD"}
    assert set(places(ENV, choice=Choice(only=["PLACE_TOKEN"]))) == {"PLACE_TOKEN"}
    assert set(places(ENV, choice=Choice(every=True, skip=["DB*"]))) == {"DEBUG", "URL"}
    for choice in (Choice(only=["db_password"]), Choice(skip=["DB_PASSWORD", "NOPE*"])):
        with pytest.raises(BadFile, match=r"is called (db_password|NOPE\*)"):
            places(ENV, choice=choice)


def test_names_become_paths() -> None:
    """The last name is the field; what a path cannot hold is encoded; no two names become one."""
    data = b'{"a/b": {"password": "1", ".": {"token": "2"}}, "": {"x%y": {" key": "3"}}, "password": "4"}'
    assert places(data, format="json") == {
        "a/b.password": "t/a%2Fb password",
        "a/b...token": "t/a%2Fb/%2E token",
        ".x%y. key": "t/%/x%25y %20key",
        "password": "t password",
    }
    assert places(b'{"a": {"password": "1"}}', target="", format="json") == {"a.password": "a password"}


@pytest.mark.parametrize(
    ("name", "as_component", "as_field"),
    [
        ("plain", "plain", "plain"),
        ("a/b", "a%2Fb", "a/b"),
        ("100%", "100%25", "100%25"),
        ("", "%", "%"),
        (".", "%2E", "."),
        ("..", "%2E%2E", ".."),
        (" a ", "%20a%20", "%20a%20"),
        ("   ", "%20%20%20", "%20%20%20"),
        ("a\nb\0", "a%0Ab%00", "a%0Ab%00"),
        ("e\u0301", "e%CC%81", "e%CC%81"),
        ("a\u202eb", "a%E2%80%AEb", "a%E2%80%AEb"),
        ("ü", "ü", "ü"),
    ],
)
def test_names(name: str, as_component: str, as_field: str) -> None:
    """One spelling for each."""
    assert (component(name), field_name(name)) == (as_component, as_field)


@pytest.mark.parametrize("name", ["x" * 1025, "ü" * 600, "\ud800", "%" * 400])
def test_names_that_nothing_can_hold(name: str) -> None:
    """Too long, also once encoded; half of a character."""
    for make in (component, field_name):
        with pytest.raises(ValueError):
            make(name)


REFUSED: dict[str, tuple[str, bytes, str, str]] = {
    "no item": ("json", b'{"password": "canary"}', "", "say where it goes"),
    "too deep for a path": ("json", b'{"a": {"password": "canary"}}', "/".join("abcdefgh" * 4), "32 components"),
    "a name too long": ("json", b'{"%s": {"password": "canary"}}' % (b"x" * 2000), "t", "longer than 1024"),
    "reserved": ("json", b'{"@keys": {"password": "canary"}}', "", "@"),
    "too many fields": (
        "json",
        b"{%s}" % b",".join(b'"password %d": "canary"' % number for number in range(257)),
        "t",
        "at most 256",
    ),
    "two values for one place": ("yaml", b"<<: {password: canary}\npassword: canary2\n", "t", "two values"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_has_no_place(case: str) -> None:
    """It is said before anything is stored, without a value."""
    format, data, target, words = REFUSED[case]
    with pytest.raises(BadFile) as caught:
        make_plan(reader(format, "")(data), target, Choice())
    assert words in str(caught.value)
    assert "canary" not in str(caught.value)


def test_a_name_that_is_set_twice() -> None:
    """The last one counts, both lines get the reference, and the first is said to be passed over."""
    read = reader("dotenv", "python-dotenv")
    document = read(b"A_TOKEN=one\nB=1\nA_TOKEN=two\n")
    plan = make_plan(document, "t", Choice())
    assert [one.superseded for one in plan.taken] == [True, False]
    assert bytes(plan.items["t"]["A_TOKEN"].data) == b"two"
    assert with_references(document, plan, read) == (
        b"A_TOKEN='strongroom://t#A_TOKEN'\nB=1\nA_TOKEN='strongroom://t#A_TOKEN'\n"
    )


def test_a_value_made_of_another() -> None:
    """It would change with the other: both are taken, or the file is refused."""
    read = reader("dotenv", "python-dotenv")
    document = read(b"DB_PASSWORD=pw\nHELLO=x${DB_PASSWORD}y\n")
    with pytest.raises(BadFile, match="HELLO uses another value"):
        with_references(document, make_plan(document, "t", Choice()), read)
    both = with_references(document, make_plan(document, "t", Choice(every=True)), read)
    assert both == b"DB_PASSWORD='strongroom://t#DB_PASSWORD'\nHELLO='strongroom://t#HELLO'\n"


# name of the case: (format, before, with references, as a template)
REPLACED: dict[str, tuple[str, str, str, str]] = {
    "yaml": (
        "yaml",
        "# c\r\na: &x 'q'  # anchored\r\npassword: *x\r\nkey: |\r\n  l1\r\n  l2\r\n# after\r\n"
        "h: {token: t, i: 1}\r\n",
        '# c\r\na: &x "R:a"  # anchored\r\npassword: *x\r\nkey: "R:key"\r\n# after\r\n'
        'h: {token: "R/h:token", i: 1}\r\n',
        "# c\r\na: &x T:a  # anchored\r\npassword: *x\r\nkey: T:key\r\n# after\r\nh: {token: T/h:token, i: 1}\r\n",
    ),
    "json": (
        "json",
        '{ "password" : "a\\"b",\n\t"n": 1.50}',
        '{ "password" : "R:password",\n\t"n": 1.50}',
        '{ "password" : T:password,\n\t"n": 1.50}',
    ),
    "toml": (
        "toml",
        "# c\n[db]   # d\npassword = 'p' # e\nports = [ 1, 2 ]\nx = { token = \"t\" }\n",
        '# c\n[db]   # d\npassword = "R/db:password" # e\nports = [ 1, 2 ]\nx = { token = "R/db/x:token" }\n',
        "# c\n[db]   # d\npassword = T/db:password # e\nports = [ 1, 2 ]\nx = { token = T/db/x:token }\n",
    ),
    "ini": (
        "ini",
        "; c\n[db]\npassword=a b ; d\nuser: me\nkey = l1\n\t l2\n\n# e\n",
        "; c\n[db]\npassword=R/db:password\nuser: me\nkey = R/db:key\n\n# e\n",
        "",
    ),
    "netrc": (
        "netrc",
        'machine h # c\n  login l password "a b" # d\n',
        "machine h # c\n  login l password R/h:password # d\n",
        "",
    ),
    "xml": (
        "xml",
        '<?xml version="1.0"?>\n<!-- c -->\n<c token = \'a\'>\n <password>p&lt;</password ></c>\n',
        "<?xml version=\"1.0\"?>\n<!-- c -->\n<c token = 'R/c:@token'>\n <password>R/c:password</password ></c>\n",
        "",
    ),
    "python": (
        "python",
        '#!/bin/x\n"""d"""\n\nPASSWORD = "a"  # c\nD = {"ü": 1, "token":  ("x"\n  "y")}\n',
        '#!/bin/x\n"""d"""\nfrom strongroom.settings import vault_value\n\nPASSWORD = vault_value("R:PASSWORD")  # c\n'
        'D = {"ü": 1, "token":  (vault_value("R/D:token"))}\n',
        "",
    ),
    "dotenv": (
        "dotenv",
        '\ufeff# c\r\nexport A_TOKEN = "x\r\ny" # d\r\n\r\nB=1\r\n',
        "\ufeff# c\r\nexport A_TOKEN = 'R:A_TOKEN' # d\r\n\r\nB=1\r\n",
        "",
    ),
}


@pytest.mark.parametrize("case", REPLACED)
def test_all_else_stays_as_it_is(case: str) -> None:
    """Comments, order, quotes, white space, line ends, byte order marks: byte for byte."""
    format, before, references, template = REPLACED[case]
    read = reader(format, "python-dotenv")
    document = read(before.encode())
    plan = make_plan(document, "t", Choice())

    def written(pattern: str, begin: str, end: str) -> bytes:
        import re

        def spell(found: re.Match[str]) -> str:
            field = found[2].replace("%", "%25")
            return f"{begin}strongroom://t{found[1]}#{field}{end}"

        return re.sub(r"\b[RT]((?:/\w+)*):(@?\w+)", spell, pattern).encode()

    assert with_references(document, plan, read) == written(references, "", "")
    if template:
        assert with_template(document, plan, read) == written(template, "{{ ", "?as=json }}")
    again = make_plan(read(with_references(document, plan, read)), "t", Choice())
    assert again.taken == []
    assert [why for _, _, why in again.left].count("is a reference already") == len(plan.taken)


def test_formats_without_a_place_for_references() -> None:
    """CSV and KV exports are only read; a module and a .env file have no template."""
    for format, data in (("csv", b"name,password\na,b\n"), ("kv", b'{"a": {"b": "c"}}')):
        document = reader(format, "")(data)
        assert not document.can_replace
        with pytest.raises(BadFile, match="no place"):
            document.replaced({0: "x"})
    for format, data in (("python", b"PASSWORD = 'x'"), ("dotenv", b"A_TOKEN=x")):
        read = reader(format, "python-dotenv")
        document = read(data)
        with pytest.raises(BadFile, match="no templates"):
            with_template(document, make_plan(document, "t", Choice()), read)


@pytest.mark.parametrize(
    ("format", "data"),
    [
        ("ini", b"[a]\npassword = l1\n l2\n"),
        ("netrc", b'machine a password "b c"'),
        ("xml", b"<password>&lt;</password>"),
    ],
)
def test_templates_that_could_not_give_the_value_back(format: str, data: bytes) -> None:
    """A value that its format has to quote or break into lines is no template's."""
    read = reader(format, "")
    document = read(data)
    with pytest.raises(BadFile, match="exactly"):
        with_template(document, make_plan(document, "t", Choice()), read)


@pytest.mark.parametrize(
    ("format", "text"),
    [("ini", " x"), ("ini", "a\nb"), ("netrc", ""), ("dotenv", "a'b"), ("dotenv", "a\nb"), ("python", "no reference")],
)
def test_texts_that_a_format_cannot_write(format: str, text: str) -> None:
    """Then nothing is written at all."""
    data = {"ini": b"[a]\nb = c", "netrc": b"machine a login b", "dotenv": b"A=b", "python": b"A = 'b'"}[format]
    with pytest.raises(BadFile):
        reader(format, "python-dotenv")(data).replaced({0: text})
