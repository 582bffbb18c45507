"""What a reader takes out of a file, references and templates give back: judged by each format's own library."""

from __future__ import annotations

import ast
import configparser
import csv
import io
import json
import netrc
import shlex
import subprocess
import tomllib
import warnings
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import dotenv
import pytest
import tomlkit
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from strongroom.formats.interface import BadFile, Document
from strongroom.formats.naming import component, field_name
from strongroom.formats.plan import Choice, Plan, make_plan, with_references, with_template
from strongroom.formats.references import parse
from strongroom.formats.references_in_text import Template
from strongroom.formats.registry import reader
from strongroom.items import Item, Version, check_name

VERSION = Version(1, created_us=0, deleted_us=0, expires_us=0, destroyed=False, author="")
FEW = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])

TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufeff\ufffe\uffff"), max_size=12)
TEXTS = st.one_of(
    TEXT,
    st.sampled_from(
        ["a: b # c", "{{ x }}", "'", '"', "\\", "${A}", "$$", "- x", "#", "null", "true", "0123", "1e3", "a\nb\n",
         " x ", "%(a)s", "]]>", "&amp;", "<a>", "\t", "😀", "x" * 200, "=", "`id`", "$(id)", "%", "\u2028", "\x7f"]
    ),
)  # fmt: skip
NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp"), exclude_characters="\ufeff"), max_size=8)
PLAIN_NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = TEXTS | NUMBERS | st.booleans()


def trees(names: st.SearchStrategy[str], scalars: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Dictionaries with dictionaries and lists in them."""
    inner = st.recursive(
        scalars,
        lambda children: st.lists(children, max_size=3) | st.dictionaries(names, children, max_size=3),
        max_leaves=6,
    )
    return st.dictionaries(names, inner, min_size=1, max_size=4)


def values_of(plan: Plan) -> dict[str, Item]:
    """The items that the vault would hold."""
    return {path: Item(path, VERSION, fields) for path, fields in plan.items.items()}


def resolved(found: Any, items: dict[str, Item]) -> Any:
    """What a program would see that resolves the references in *found*."""
    if isinstance(found, dict):
        return {name: resolved(value, items) for name, value in found.items()}
    if isinstance(found, list):
        return [resolved(value, items) for value in found]
    if isinstance(found, str) and found.startswith("strongroom://"):
        reference = parse(found)
        field = items[reference.path].field(reference.field or "")
        text = reference.value(items[reference.path]).decode()
        return json.loads(text) if field.kind == "json" else text
    return found


def check(format: str, text: str, judge: Callable[[str], Any], *, dialect: str = "python-dotenv") -> Plan:
    """Import *text*, put references into it, and compare what *judge* reads before and after; so with a template."""
    read = reader(format, dialect)
    document = read(text.encode())
    plan = make_plan(document, "t", Choice(every=True))
    items = values_of(plan)
    before = judge(text)
    after = judge(with_references(document, plan, read).decode())
    assert resolved(after, items) == before
    check_template(document, plan, read, judge, items)
    return plan


def check_template(
    document: Document,
    plan: Plan,
    read: Callable[[bytes], Document],
    judge: Callable[[str], Any],
    items: dict[str, Item],
) -> None:
    """Render the template as `render` does; a format that cannot carry the values must have said so."""
    try:
        template = Template(with_template(document, plan, read))
    except BadFile:
        return
    values = {reference: reference.value(items[reference.path]) for reference in template.references}
    filled = bytes(template.fill(values)).decode()
    assert judge(filled) == judge(document.spliced({}).decode())


@FEW
@given(trees(NAMES, SCALARS | st.none()), st.sampled_from([None, 2]), st.booleans())
def test_json(tree: dict[str, Any], indent: int | None, is_ascii: bool) -> None:
    """Objects and lists, however they are laid out."""
    check("json", json.dumps(tree, indent=indent, ensure_ascii=is_ascii), json.loads)


def yaml_load(text: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return YAML(typ="safe", pure=True).load(text)


@FEW
@given(trees(NAMES.filter(lambda name: name != "<<"), SCALARS), st.booleans(), st.sampled_from([20, 200]))
def test_yaml(tree: dict[str, Any], is_flow: bool, width: int) -> None:
    """Blocks and flows, long lines folded, text that would read as something else."""
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = is_flow
    yaml.width = width
    out = io.StringIO()
    yaml.dump(tree, out)
    try:
        if yaml_load(out.getvalue()) != tree:
            return  # the library's own writer loses something: no judge
    except Exception:
        return
    check("yaml", out.getvalue(), yaml_load)


@FEW
@given(trees(NAMES, SCALARS))
def test_toml(tree: dict[str, Any]) -> None:
    """Tables, arrays of tables and of everything else."""
    text = tomlkit.dumps(tree)
    try:
        tomllib.loads(text)
    except ValueError:
        return  # tomlkit wrote what is no TOML
    check("toml", text, tomllib.loads)


def ini_load(text: str) -> dict[str, dict[str, str]]:
    parser = configparser.RawConfigParser()
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text)
    return {name: dict(parser.items(name)) for name in parser.sections()}


INI_NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_. -]{0,8}[a-z]", fullmatch=True)
INI_VALUES = TEXTS.filter(lambda text: text.isprintable()) | st.just("a\nb\n\nc")


@FEW
@given(st.dictionaries(INI_NAMES, st.dictionaries(INI_NAMES, INI_VALUES, max_size=3), min_size=1, max_size=3))
def test_ini(tree: dict[str, dict[str, str]]) -> None:
    """Sections and options, values of several lines."""
    parser = configparser.RawConfigParser()
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    for section, options in tree.items():
        if section.upper() == "DEFAULT":
            return
        parser[section] = options
    out = io.StringIO()
    parser.write(out)
    check("ini", out.getvalue(), ini_load)


def quoted_netrc(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


MACHINES = st.dictionaries(
    st.from_regex(r"[a-z][a-z0-9.-]{0,10}", fullmatch=True).filter(
        lambda name: name not in ("default", "machine", "macdef", "login", "user", "account", "password")
    ),
    st.tuples(TEXT.filter(bool), TEXT.filter(bool)),
    min_size=1,
    max_size=3,
)


@FEW
@given(MACHINES, st.sampled_from([" ", "\n  ", "\t"]))
def test_netrc(tmp_path_factory: pytest.TempPathFactory, machines: dict[str, tuple[str, str]], gap: str) -> None:
    """Quoted and bare words, judged by the standard library."""
    place = tmp_path_factory.mktemp("netrc") / "netrc"

    def load(text: str) -> dict[str, dict[str, str]]:
        place.write_text(text, encoding="utf-8")
        return {
            host: {"login": login, "password": password}
            for host, (login, _, password) in netrc.netrc(str(place)).hosts.items()
        }

    text = "".join(
        gap.join(("machine", host, "login", quoted_netrc(login), "password", quoted_netrc(password))) + "\n"
        for host, (login, password) in machines.items()
    )
    plan = check("netrc", text, load)
    for path, item in values_of(plan).items():
        login, password = machines[path.removeprefix("t/")]
        assert all(item[name].reveal() == {"login": login, "password": password}[name] for name in item)


def xml_load(text: str) -> Any:
    root = ElementTree.fromstring(text)

    def walk(element: ElementTree.Element) -> dict[str, Any]:
        inner = [walk(child) for child in element]
        return {"attributes": dict(element.attrib), "text": (element.text or "").strip(), "inner": inner}

    return walk(root)


XML_TEXT = TEXTS.filter(lambda text: text.isprintable()).map(str.strip)


@FEW
@given(
    st.dictionaries(PLAIN_NAMES, XML_TEXT, min_size=1, max_size=4), st.dictionaries(PLAIN_NAMES, XML_TEXT, max_size=3)
)
def test_xml(elements: dict[str, str], attributes: dict[str, str]) -> None:
    """Elements and attributes, entities of XML's own in both."""
    root = ElementTree.Element("root", attributes)
    for name, text in elements.items():
        child = ElementTree.SubElement(root, name, attributes)
        child.text = text
    ElementTree.indent(root)
    check("xml", ElementTree.tostring(root, encoding="unicode"), xml_load)


@FEW
@given(trees(NAMES, SCALARS | st.none() | st.binary(max_size=6)), st.booleans())
def test_python(tree: dict[str, Any], is_wide: bool) -> None:
    """Assignments of literals; executed here, with what `vault_value` would give, and nowhere else."""
    text = "".join(f"NAME_{place} = {value!r}  # c\n" for place, value in enumerate(tree.values()))
    text = f'"""Docstring."""\nfrom __future__ import annotations\n{text}' if is_wide else text
    read = reader("python", "")
    document = read(text.encode())
    plan = make_plan(document, "t", Choice(every=True))
    items = values_of(plan)

    def vault_value(reference: str) -> Any:
        wanted = parse(reference)
        field = items[wanted.path].field(wanted.field or "")
        data = bytes(field.data)
        return data if field.kind == "bytes" else json.loads(data) if field.kind == "json" else data.decode()

    replaced = with_references(document, plan, read).decode()
    assert replaced.count("import vault_value") == (1 if plan.taken else 0)
    before: dict[str, Any] = {}
    after: dict[str, Any] = {"vault_value": vault_value}
    exec(compile(text, "before", "exec"), before)
    without = replaced.replace("from strongroom.settings import vault_value\n", "")
    exec(compile(without, "after", "exec"), after)
    names = [name for name in before if name.startswith("NAME_")]
    assert {name: after[name] for name in names} == {name: before[name] for name in names}
    ast.parse(replaced)


@FEW
@given(st.dictionaries(PLAIN_NAMES, TEXTS, min_size=1, max_size=4))
def test_dotenv_of_python_dotenv(values: dict[str, str]) -> None:
    """As `dotenv.set_key` quotes them, and `dotenv_values` reads them."""

    def load(text: str) -> dict[str, str | None]:
        return dict(dotenv.dotenv_values(stream=io.StringIO(text, newline=""), interpolate=False))

    text = "".join(
        "{}='{}'\n".format(name, value.replace("\\", "\\\\").replace("'", "\\'"))
        for name, value in values.items()
        if "${" not in value
    )
    check("dotenv", text, load)


@settings(FEW, max_examples=25)
@given(st.dictionaries(PLAIN_NAMES.map("V_".__add__), TEXTS, min_size=1, max_size=8))
def test_dotenv_of_a_shell(values: dict[str, str]) -> None:
    """As `shlex.quote` writes them and bash reads them, the original and the file with references."""

    def load(text: str) -> dict[str, str]:
        script = "set -a; . /dev/stdin; exec /usr/bin/env -0"
        command = ["/bin/bash", "--norc", "-c", script]
        done = subprocess.run(command, input=text.encode(), capture_output=True, env={}, timeout=60)
        assert not done.stderr
        pairs = (one.partition("=") for one in done.stdout.decode().split("\0"))
        return {name: value for name, _, value in pairs if name.startswith("V_")}

    text = "".join(f"export {name}={shlex.quote(value)}  # c\n" for name, value in values.items() if "\r" not in value)
    plan = check("dotenv", text, load, dialect="posix")
    assert {one.name for one in plan.taken} | {name for name, _, _ in plan.left} == set(load(text))


@FEW
@given(st.lists(st.tuples(TEXT.map(str.strip).filter(bool), TEXTS, TEXTS), min_size=1, max_size=4))
def test_csv(rows: list[tuple[str, str, str]]) -> None:
    """Every row is an item of its own, and every filled cell a field of it."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(("title", "username", "password"))
    writer.writerows(rows)
    document = reader("csv", "")(out.getvalue().encode())
    plan = make_plan(document, "t", Choice(every=True))
    found = sorted(bytes(field.data).decode() for fields in plan.items.values() for field in fields.values())
    left = {bytes(entry.data).decode() for entry in document.entries} - set(found)
    expected = sorted(value for _, user, password in rows for value in (user, password) if value and value not in left)
    assert found == expected


@FEW
@given(st.lists(st.text(st.characters(exclude_categories=("Cs",)), max_size=10), min_size=2, max_size=2, unique=True))
def test_names(names: list[str]) -> None:
    """Different names stay different, and each can stand in a path or as a field."""
    for make in (component, field_name):
        first, second = map(make, names)
        assert first != second
        for made in (first, second):
            check_name(made, "name", 1024)
    assert "/" not in component(names[0])
