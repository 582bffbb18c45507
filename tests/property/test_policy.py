"""The policy against a model that was written without looking at it: paths as text, patterns as regular expressions."""

from __future__ import annotations

import re
from typing import NamedTuple

from hypothesis import example, given, settings
from hypothesis import strategies as st

from strongroom.items import ReservedPath, parse_folder, parse_path
from strongroom.vault.policy import CAPABILITIES, Executable, Grant, Principal, decide

OWNER = 1000
NOW = 1_790_000_000_000_000
ASKED = [capability for capability in CAPABILITIES if capability != "deny"]

# Names that a sloppy match would mix up: parts of each other, other case, other normal forms' looks, signs of patterns.
NAMES = st.sampled_from(
    ["a", "b", "ab", "A", "a.", ".a", "a*", "*", "**", "[ab]", "é", "ß", "a b", "-", "%2e", "..a", "@a", "@ab"]
)
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
FOLDERS = st.lists(NAMES, max_size=3).map(lambda names: "".join(f"{name}/" for name in names))
PLAIN = NAMES.filter(lambda name: "*" not in name)


class Program(NamedTuple):
    device: int
    inode: int
    owner: int
    path: str


class Rule(NamedTuple):
    """A grant, as the model knows it."""

    subject: str
    number: int
    patterns: list[str]
    capabilities: frozenset[str]
    program: Program | None
    unit: str
    expires: int


class Asker(NamedTuple):
    """A principal, as the model knows it."""

    uid: int
    gid: int
    groups: list[int]
    program: Program | None
    unit: str


@st.composite
def patterns(draw: st.DrawFn) -> str:
    parts = draw(st.lists(PLAIN | st.just("*"), max_size=3))
    end = draw(st.sampled_from(["name", "*", "**", "folder"]))
    if end == "folder":
        return "".join(f"{part}/" for part in parts) or "/"
    return "/".join([*parts, draw(PLAIN) if end == "name" else end])


PROGRAMS = st.builds(
    Program, st.sampled_from([1, 2]), st.sampled_from([7, 8]), st.sampled_from([0, 0, 5]), st.sampled_from(["/x", "/y"])
)
UNITS = st.sampled_from(["", "", "web.service", "web.service.d"])
USERS = st.sampled_from([0, OWNER, 1001, 1002])
GROUPS = st.sampled_from([0, 1001, 50, 51])


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    subject = draw(st.sampled_from(["user", "group"]))
    is_denial = draw(st.integers(0, 4)) == 0
    return Rule(
        subject,
        draw(USERS if subject == "user" else GROUPS),
        draw(st.lists(patterns(), min_size=1, max_size=3)),
        frozenset(["deny"]) if is_denial else draw(st.frozensets(st.sampled_from(ASKED), min_size=1)),
        None if is_denial else draw(st.none() | PROGRAMS.map(lambda program: program._replace(owner=0))),
        "" if is_denial else draw(UNITS),
        0 if is_denial else draw(st.sampled_from([0, 0, NOW - 1, NOW, NOW + 1])),
    )


ASKERS = st.builds(Asker, USERS, GROUPS, st.lists(GROUPS, max_size=3), st.none() | PROGRAMS, UNITS)


def model(known: list[Rule], asker: Asker, text: str, capability: str) -> bool:
    """What ought to be decided; *text* is a path, or a folder with its slash, or empty for the top."""
    if asker.uid == OWNER:
        return True
    own = []
    for rule in known:
        numbers = [asker.uid] if rule.subject == "user" else [asker.gid, *asker.groups]
        fitting = [one for one in rule.patterns if re.fullmatch(as_expression(one), text, re.DOTALL)]
        if text.startswith("@") and rule.capabilities != {"deny"}:
            # What is reserved is granted by its name alone, and denied like anything else.
            fitting = [one for one in fitting if re.match("@[^/]*", one)]
        if rule.number in numbers and fitting:
            own.append(rule)
    if [rule for rule in own if "deny" in rule.capabilities]:
        return False
    for rule in own:
        has_ended = rule.expires != 0 and rule.expires <= NOW
        is_other_program = rule.program is not None and rule.program != asker.program
        is_other_unit = rule.unit not in ("", asker.unit)
        if capability in rule.capabilities and not has_ended and not is_other_program and not is_other_unit:
            return True
    return False


def as_expression(pattern: str) -> str:
    if pattern == "/":
        return ""
    if pattern == "**":
        return ".*"
    parts = ["[^/]*" if part == "*" else re.escape(part) for part in pattern.split("/")]
    if pattern.endswith("/**"):
        parts[-1] = ".*"
    return "/".join(parts)


def real_program(program: Program | None) -> Executable | None:
    if program is None:
        return None
    return Executable(program.path, device=program.device, inode=program.inode, owner=program.owner)


def real_grant(number: int, rule: Rule) -> Grant:
    return Grant(
        number.to_bytes(16, "big"),
        f"grant {number}",
        rule.subject,
        rule.number,
        rule.patterns,
        rule.capabilities,
        executable=real_program(rule.program),
        unit=rule.unit,
        expires_us=rule.expires,
    )


def decided(known: list[Rule], asker: Asker, text: str, capability: str) -> bool:
    path = ReservedPath(text)
    components = (*parse_folder(path), "") if text == "" or text.endswith("/") else parse_path(path)
    grants = [real_grant(number, rule) for number, rule in enumerate(known)]
    principal = Principal(
        asker.uid, asker.gid, asker.groups, executable=real_program(asker.program), unit=asker.unit
    )
    return decide(grants, principal, OWNER, components, capability, NOW).allowed


SITES = Rule("user", 1001, ["a/**"], frozenset(["list", "read"]), None, "", 0)
HIDDEN = Rule("user", 1001, ["a/b/*"], frozenset(["deny"]), None, "", 0)
WEB = Asker(1001, 50, [], None, "")


@settings(max_examples=600, deadline=None)
@given(st.lists(rules(), max_size=6), ASKERS, PATHS | FOLDERS, st.sampled_from(ASKED))
@example([SITES, HIDDEN], WEB, "a/b/", "list")
@example([SITES, HIDDEN], WEB, "a/", "list")
@example([SITES], WEB, "a", "read")
@example([SITES], WEB, "ab/a", "read")
@example([SITES._replace(patterns=["**"])], WEB, "", "list")
@example([SITES._replace(patterns=["*"])], WEB, "a/b", "read")
@example([SITES._replace(patterns=["**"])], WEB, "@a/b", "read")
@example([SITES._replace(patterns=["*/b"])], WEB, "@a/b", "read")
@example([SITES._replace(patterns=["@a/*"])], WEB, "@a/b", "read")
@example([SITES._replace(patterns=["@a/*"]), HIDDEN._replace(patterns=["**"])], WEB, "@a/b", "read")
def test_every_decision_is_the_models(known: list[Rule], asker: Asker, text: str, capability: str) -> None:
    """Generated policies, principals and paths: the policy says what the model says."""
    assert decided(known, asker, text, capability) == model(known, asker, text, capability)


@settings(max_examples=300, deadline=None)
@given(st.lists(rules(), max_size=5), ASKERS, PATHS, st.sampled_from(ASKED), rules())
def test_a_denial_only_ever_takes_away(
    known: list[Rule], asker: Asker, text: str, capability: str, other: Rule
) -> None:
    """Whatever the order: one more denial never allows, one more grant never denies."""
    denial = other._replace(capabilities=frozenset(["deny"]), program=None, unit="", expires=0)
    before = decided(known, asker, text, capability)
    assert decided([denial, *known], asker, text, capability) <= before
    assert decided([*known, denial], asker, text, capability) == decided([denial, *known], asker, text, capability)
    if "deny" not in other.capabilities:
        assert decided([*known, other], asker, text, capability) >= before


def test_the_comparison_notices_a_match_by_substring() -> None:
    """The model and its examples would have caught the commonest fault."""
    assert model([SITES], WEB, "a/b", "read")
    assert not model([SITES], WEB, "ab/a", "read")
    assert not model([SITES], WEB, "A/b", "read")
    assert not model([SITES, HIDDEN], WEB, "a/b/", "list")
    assert model([SITES._replace(patterns=["@a/**"])], WEB, "@a/b", "read")
    assert not model([SITES._replace(patterns=["**"])], WEB, "@a/b", "read")
