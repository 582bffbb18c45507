"""What each reader takes out of a file, and what it refuses: with a line, and never with what stands there."""

from __future__ import annotations

from contextlib import suppress

import pytest

from strongroom.formats.interface import (
    DEPTH_MAX,
    ENTRIES_MAX,
    FILE_BYTES_MAX,
    LINE_BYTES_MAX,
    BadFile,
    Entry,
    looks_secret,
)
from strongroom.formats.registry import FORMATS, format_of, reader

CANARY = "canary-8e1f"

# name of the case: (format, file, what is found: names joined by dots -> (kind, value, looks secret))
FOUND: dict[str, tuple[str, str, dict[str, tuple[str, bytes, bool]]]] = {
    "json": (
        "json",
        '{"db": {"password": "p\\u00e9", "port": 1.50}, "l": [true, null, {"token": "t"}]}',
        {
            "db.password": ("text", "pé".encode(), True),
            "db.port": ("json", b"1.50", False),
            "l.0": ("json", b"true", False),
            "l.1": ("json", b"null", False),
            "l.2.token": ("text", b"t", True),
        },
    ),
    "yaml": (
        "yaml",
        "a: &x 'q'\npassword: *x\npin: 0123\nport: 0x10\nn: 12\nb: |\n  one\n  two\nd: 2020-01-01\ne: ~\n",
        {
            "a": ("text", b"q", True),
            "pin": ("text", b"0123", True),
            "port": ("text", b"0x10", False),
            "n": ("json", b"12", False),
            "b": ("text", b"one\ntwo\n", False),
            "d": ("text", b"2020-01-01", False),
            "e": ("json", b"null", False),
        },
    ),
    "yaml, several documents": (
        "yaml",
        "password: a\n---\npassword: b\n",
        {"0.password": ("text", b"a", True), "1.password": ("text", b"b", True)},
    ),
    "yaml, merged": (
        "yaml",
        "base: &b {token: t}\ne:\n  <<: *b\n  password: p\n",
        {"base.token": ("text", b"t", True), "e.password": ("text", b"p", True)},
    ),
    "toml": (
        "toml",
        '[db]\npassword = "p"\nport = 0x10\nratio = 1.5\n[[s]]\nkey = \'a\'\n',
        {
            "db.password": ("text", b"p", True),
            "db.port": ("json", b"16", False),
            "db.ratio": ("json", b"1.5", False),
            "s.0.key": ("text", b"a", True),
        },
    ),
    "ini": (
        "ini",
        "[DEFAULT]\na = 1\n[db]\npassword : p%w ; x\nmulti = a\n  b\nbare\nempty =\n",
        {
            "DEFAULT.a": ("text", b"1", False),
            "db.password": ("text", b"p%w ; x", True),
            "db.multi": ("text", b"a\nb", False),
            "db.empty": ("text", b"", False),
        },
    ),
    "netrc": (
        "netrc",
        '# c\nmachine h login l password "a b" # c\nmacdef m\n password x\n\n'
        "machine h user k password #p\ndefault account a",
        {
            "h.login": ("text", b"l", False),
            "h.password": ("text", b"a b", True),
            "h[2].login": ("text", b"k", False),
            "h[2].password": ("text", b"#p", True),
            "default.account": ("text", b"a", False),
            "macdef.m": ("text", b"", False),
        },
    ),
    "xml": (
        "xml",
        '<c a="1"><property name="db.password" value="&lt;p"/><s><password>é</password></s>'
        "<s><password><![CDATA[<q]]></password></s><a>x<!-- c -->y</a></c>",
        {
            "c.@a": ("text", b"1", False),
            "c.property.@name": ("text", b"db.password", False),
            "c.property.@value": ("text", b"<p", True),
            "c.s.password": ("text", "é".encode(), True),
            "c.s[2].password": ("text", b"<q", True),
            "c.a": ("text", b"xy", False),
        },
    ),
    "python": (
        "python",
        'SECRET_KEY = "a" "b"\nDATABASES = {"default": {"PASSWORD": "p", "PORT": 5432}}\n'
        'if x:\n    API_TOKEN: str = b"t"\nclass C:\n    PIN = 12\n'
        'X = dict(password="y")\nY["z"]["secret"] = "w"\nN = None\nF = f"{x}"\nG = f("v")\n',
        {
            "SECRET_KEY": ("text", b"ab", True),
            "DATABASES.default.PASSWORD": ("text", b"p", True),
            "DATABASES.default.PORT": ("json", b"5432", False),
            "API_TOKEN": ("bytes", b"t", True),
            "C.PIN": ("json", b"12", True),
            "X.password": ("text", b"y", True),
            "Y.z.secret": ("text", b"w", True),
        },
    ),
    "csv of a browser": (
        "csv",
        "name,url,username,password,note\n,https://www.a.com/y,u,p,\n"
        "B,https://b,v,q,n\nB,https://b,w,r,\nB,https://b,w,s,\n",
        {
            "a.com.url": ("text", b"https://www.a.com/y", False),
            "a.com.username": ("text", b"u", False),
            "a.com.password": ("text", b"p", True),
            "B.url": ("text", b"https://b", False),
            "B.username": ("text", b"v", False),
            "B.password": ("text", b"q", True),
            "B.notes": ("text", b"n", True),
            "B w.url": ("text", b"https://b", False),
            "B w.username": ("text", b"w", False),
            "B w.password": ("text", b"r", True),
            "B w 2.url": ("text", b"https://b", False),
            "B w 2.username": ("text", b"w", False),
            "B w 2.password": ("text", b"s", True),
        },
    ),
    "csv of a password manager": (
        "csv",
        "folder,favorite,type,name,notes,fields,reprompt,login_uri,login_username,login_password,login_totp\n"
        "W/Db,1,login,prod,,,0,http://d,u,p,o\n",
        {
            "W.Db.prod.url": ("text", b"http://d", False),
            "W.Db.prod.username": ("text", b"u", False),
            "W.Db.prod.password": ("text", b"p", True),
            "W.Db.prod.totp": ("text", b"o", True),
        },
    ),
    "csv with columns of one's own": (
        "csv",
        'path,api key\ndb/prod,"a ""b"""\n',
        {"db.prod.api key": ("text", b'a "b"', True)},
    ),
    "kv, version 2": (
        "kv",
        '{"request_id": "x", "data": {"data": {"a": "b", "n": {"c": [1]}}, "metadata": {"version": 1}}}',
        {"a": ("text", b"b", True), "n": ("json", b'{"c":[1]}', True)},
    ),
    "kv, version 1": ("kv", '{"request_id": "x", "data": {"data": "b"}}', {"data": ("text", b"b", True)}),
    "kv, paths": (
        "kv",
        '{"secret/app": {"p": "x"}, "team": {"db/prod": {"q": "y"}, "o": {"data": {"r": "z"}, "metadata": {}}}}',
        {
            "secret.app.p": ("text", b"x", True),
            "team.db.prod.q": ("text", b"y", True),
            "team.o.r": ("text", b"z", True),
        },
    ),
}


@pytest.mark.parametrize("case", FOUND)
def test_what_is_found(case: str) -> None:
    """Names, kinds, values, and what looks secret; nothing of it shows in a repr."""
    format, text, expected = FOUND[case]
    document = reader(format, "")(text.encode())
    found = {".".join(entry.keys): (entry.kind, entry.data, entry.is_secret) for entry in document.entries}
    assert found == expected
    for entry in document.entries:
        assert "<hidden>" in repr(entry)
        with pytest.raises(TypeError):
            entry.__reduce_ex__(2)
    assert "<hidden>" in repr(document)


# name of the case: (format, file, part of the message)
REFUSED: dict[str, tuple[str, bytes, str]] = {
    "billion laughs in XML": (
        "xml",
        b'<!DOCTYPE l [<!ENTITY a "canary-8e1f"><!ENTITY b "&a;&a;">]><l>&b;</l>',
        "document type",
    ),
    "an external entity": ("xml", b'<!DOCTYPE l SYSTEM "file:///etc/passwd"><l/>', "document type"),
    "XML in another encoding": ("xml", b'<?xml version="1.0" encoding="latin-1"?><a/>', "not UTF-8"),
    "XML that ends early": ("xml", b"<password>canary-8e1f", "line 1"),
    "XML, deep": ("xml", b"<a>" * 100 + b"</a>" * 100, "deep"),
    "a Python object in YAML": ("yaml", b"a: 1\nb: !!python/object/apply:os.system [canary-8e1f]", "line 2 asks for a"),
    "a Python name in YAML": ("yaml", b"b: !!python/name:os.system", "Python object"),
    "YAML, deep": ("yaml", b"[" * 5000, "deep"),
    "YAML, deep but closed": ("yaml", b"[" * 60 + b"]" * 60, "deep"),
    "YAML with a name twice": ("yaml", b"a: canary-8e1f\na: 2", "line 2 gives a name"),
    "YAML with a list as a name": ("yaml", b"? [a]\n: b", "no scalar"),
    "YAML with a lost alias": ("yaml", b"password: *canary-8e1f", "line 1, column"),
    "YAML with a tab": ("yaml", b"a:\n\t- canary-8e1f", "line 2"),
    "YAML with a control character": ("yaml", b"a: \x01", "not YAML"),
    "YAML with a bad directive": ("yaml", b"%YAML canary\n---\na: b", "not YAML"),
    "YAML, too long": ("yaml", b"a: b\n" * 300_000, "up to 1048576"),
    "YAML, too much": ("yaml", b"a," * 60_000, "lines and commas"),
    "TOML, too many dots": ("toml", b"a = 1\n" + b"b." * 300 + b"c = 1", "line 2 has more than 200 dots"),
    "INI, blanks": ("ini", b"[a]\nx" + b" " * 100 + b"y", "line 2 has too many blanks"),
    "blanks": ("json", b"[\n" + b" " * 300 + b"1]", "line 2 holds more than 256 blanks"),
    "lines": ("json", b"\n" * 100_001, "more than 100000 lines"),
    "dotenv, variables": ("dotenv", b"A=1\nB=" + b"${A}" * 300, "line 2 has more than 256 variables"),
    "Python, branches": ("python", b"if a:\n pass\n" + b"elif a:\n pass\n" * 2_000, "deep"),
    "TOML, broken": ("toml", b'password = "canary-8e1f\n', "line 1"),
    "TOML, deep": ("toml", b"a = " + b"[" * 5000, "deep"),
    "TOML, too long": ("toml", b"# x\n" * 300_000, "up to 1048576"),
    "TOML with a name twice": ("toml", b"canary-8e1f = 1\ncanary-8e1f = 2\n", "line 2"),
    "JSON, broken": ("json", b'{"password": "canary-8e1f"', "line 1, column"),
    "JSON with a name twice": ("json", b'{"canary-8e1f": 1, "canary-8e1f": 2}', "twice"),
    "JSON with NaN": ("json", b"[NaN]", "NaN"),
    "JSON, deep": ("json", b"[" * 100_000, "deep"),
    "JSON, deep but closed": ("json", b"[" * 60 + b"1" + b"]" * 60, "deep"),
    "JSON with half a pair": ("json", b'{"password": "\\ud800"}', "surrogate"),
    "JSON with endless digits": ("json", b"[" + b"9" * 6000 + b"]", "digits"),
    "INI without a section": ("ini", b"password = canary-8e1f", "line 1 stands before"),
    "INI with an option twice": ("ini", b"[a]\nb = canary-8e1f\nb = 2", "line 3"),
    "INI with a section twice": ("ini", b"[a]\n[a]", "line 2"),
    "INI that continues nothing": ("ini", b"[a]\nb\n  canary-8e1f", "not INI"),
    "INI, no option": ("ini", b"[a]\n= canary-8e1f", "line 2"),
    "netrc, no machine": ("netrc", b"login canary-8e1f", "line 1 is not netrc"),
    "netrc, cut": ("netrc", b"machine a login", "after the word login"),
    "netrc, open quote": ("netrc", b'machine a password "canary-8e1f', "quote"),
    "Python, broken": ("python", b"PASSWORD = 'canary-8e1f", "line 1"),
    "Python, deep": ("python", b"x = " + b"-" * 100_000 + b"1", "deep"),
    "Python, deep calls": ("python", b"x = " + b"f(" * 3_000 + b")" * 3_000, ""),
    "Python, many digits": ("python", b"x = " + b"9" * 6000, "not Python"),
    "Python with half a pair": ("python", b"PASSWORD = 'canary-8e1f\\ud800'", "surrogate"),
    "Python with lines of old Macs": ("python", b"a = 1\rb = 2", "carriage return"),
    "CSV without a header": ("csv", b",,\n1,2,3", "name every column"),
    "CSV, nothing names rows": ("csv", b"a,b\n1,2", "no column names the rows"),
    "CSV, a row is short": ("csv", b"name,password\ncanary-8e1f", "line 2 has 1 columns"),
    "CSV, open quote": ("csv", b'name,password\na,"canary-8e1f', "not CSV"),
    "CSV, the same column twice": ("csv", b"url,website,password\na,b,c", "two columns"),
    "CSV, a row without a name": ("csv", b"name,password\n,canary-8e1f", "line 2 has neither"),
    "KV, a list": ("kv", b"[]", "a JSON object"),
    "KV, no items": ("kv", b'{"canary": "b"}', "objects of fields"),
    "KV, deleted": ("kv", b'{"request_id": "x", "data": {"data": null, "metadata": {}}}', "deleted"),
    "a zip": ("json", b"PK\x03\x04canary-8e1f", "a zip archive"),
    "a pickle": ("yaml", b"\x80\x04\x95canary-8e1f", "a pickle"),
    "gzip": ("toml", b"\x1f\x8bcanary", "a gzip file"),
    "UTF-16": ("ini", "[a]\nb = canary-8e1f".encode("utf-16"), "UTF-16"),
    "Latin-1": ("json", b'{"a":\n "canary-8e1f \xe9"}', "line 2 is not UTF-8"),
    "a NUL": ("csv", b"name,password\na,canary\0-8e1f", "line 2 holds a NUL"),
    "a line without end": ("dotenv", b"A=" + b"x" * LINE_BYTES_MAX, "longer than 1048576"),
    "a file without end": ("dotenv", b"A=x\n" * (FILE_BYTES_MAX // 4 + 1), "longer than 4194304"),
    "too many values": ("json", b"[" + b"1," * ENTRIES_MAX + b"1]", "more than 20000"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case: str) -> None:
    """A `BadFile` that says where; neither it nor what caused it holds a word of the file."""
    format, data, words = REFUSED[case]
    with pytest.raises(BadFile) as caught:
        reader(format, "python-dotenv")(data)
    assert words in str(caught.value)
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_laughter_in_yaml_is_read_in_a_moment() -> None:
    """Aliases of aliases: each anchor is read once, so that a billion values are nine."""
    pairs = zip("abcdefgh", "bcdefghi", strict=True)
    text = 'a: &a ["l"]\n' + "".join(f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n" for a, b in pairs)
    document = reader("yaml", "")(text.encode())
    assert [entry.keys for entry in document.entries] == [("a", "0")]


def test_an_alias_that_holds_itself() -> None:
    """A list inside of itself ends."""
    assert reader("yaml", "")(b"a: &a [*a, x]").entries[0].keys == ("a", "1")


def test_the_depth_that_is_allowed() -> None:
    """Just as deep as the limit is fine."""
    text = "[" * DEPTH_MAX + "1" + "]" * DEPTH_MAX
    assert len(reader("json", "")(text.encode()).entries[0].keys) == DEPTH_MAX


def test_nothing_of_a_settings_module_is_run(tmp_path: object) -> None:
    """Not even what Python would run at import."""
    data = b"import os\nos.abort()\nPASSWORD = 'x'\nTOKEN = os.abort()\n"
    assert [entry.keys for entry in reader("python", "")(data).entries] == [("PASSWORD",)]


# name of the case: (format, dialect, file); each took a reader, or its library, time by the square of its length.
SLOW: dict[str, tuple[str, str, str]] = {
    "blanks in INI": ("ini", "", "[a]\n" + ("x" + " " * 250) * 4000),
    "blanks in .env": ("dotenv", "python-dotenv", "A=" + " " * 1_000_000 + "x"),
    "variables in .env": ("dotenv", "python-dotenv", 'A="' + "${B" * 300_000 + '"'),
    "variables in .env, known": ("dotenv", "python-dotenv", "B=1\n" * 3_000 + "A=${B}\n" * 3_000),
    "lines in .env": ("dotenv", "python-dotenv", "#\n" * 1_000_000),
    "dots in TOML": ("toml", "", "a." * 400_000 + "b = 1"),
    "dotted names in TOML": ("toml", "", "[t]\n" + "".join(f"a.b{number}=1\n" for number in range(3_000))),
    "quoted dotted names in TOML": ("toml", "", "[t]\n" + "".join(f"a . \"b={at}\" =1\n" for at in range(3_000))),
    "deep dotted names in TOML": ("toml", "", "".join(f"a.b.c{number}.d=1\n" for number in range(149))),
    "brackets in YAML": ("yaml", "", "a: " + "[" * 100_000),
    "flows in YAML": ("yaml", "", "{" + "a," * 400_000 + "}"),
    "documents in YAML": ("yaml", "", "---\na\n" * 100_000),
    "one name in CSV": ("csv", "", "name,password\n" + "a,b\n" * 9_000),
    "one line of Python": ("python", "", "A = {" + ",".join(f"'ü{number}': 'x'" for number in range(19_000)) + "}"),
    "branches in Python": ("python", "", "if a:\n pass\n" + "elif a:\n pass\n" * 2_000),
    "siblings in XML": ("xml", "", "<a>" + "<b>1</b>" * 19_000 + "</a>"),
}


@pytest.mark.parametrize("case", SLOW)
def test_no_file_takes_long(case: str) -> None:
    """Read or refused in seconds, on a busy machine too."""
    from time import process_time

    format, dialect, text = SLOW[case]
    started = process_time()
    with suppress(BadFile):  # a limit; the test of refusals says which
        reader(format, dialect)(text.encode()).spellings()
    assert process_time() - started < 10


@pytest.mark.parametrize(
    ("keys", "value", "expected"),
    [
        (("DB_PASSWORD",), b"x", True),
        (("secrets", "db"), b"x", True),
        (("secrets", "host"), b"x", False),
        (("URL",), b"postgres://u:p@h/d", True),
        (("URL",), b"postgres://u:p/w@h/d", True),
        (("URL",), b"postgres://u@h/d", False),
        (("URL",), b"https://h:80/a@b", False),
        (("URL",), b"https://u:p@h/", True),
        (("x",), b"ghp_0123456789abcdef", True),
        (("x",), b"ghp_x", False),
        (("x",), b"-----BEGIN PRIVATE KEY-----", True),
        (("x",), b"-----BEGIN PUBLIC KEY-----", False),
        (("x",), b"hello world, this is long", False),
        (("x",), b"\xff\xfe", False),
    ],
)
def test_what_looks_secret(keys: tuple[str, ...], value: bytes, expected: bool) -> None:
    """By its name, by a name around it, by what it is."""
    assert looks_secret(keys, value) is expected
    assert Entry(keys, value).is_secret is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (".env", "dotenv"), (".env.production", "dotenv"), ("app.env", "dotenv"), ("a.INI", "ini"), ("x.toml", "toml"),
        ("a.yml", "yaml"), ("package.json", "json"), ("web.config", "xml"), ("_netrc", "netrc"), ("a.py", "python"),
        ("credentials", "ini"), ("Passwords.csv", "csv"),
    ],
)  # fmt: skip
def test_formats_by_name(name: str, expected: str) -> None:
    """What a file's name says."""
    assert format_of(name) == expected
    assert expected in FORMATS


def test_a_name_that_says_nothing() -> None:
    """Then somebody has to say it."""
    for name in ("file", "a.txt", "", "environment"):
        with pytest.raises(BadFile, match="does not say"):
            format_of(name)
