"""Patterns, grants and decisions, as named cases."""

from __future__ import annotations

import pytest

from strongroom.items import parse_folder, parse_path
from strongroom.vault.policy import Executable, Grant, Principal, decide, matches, parse_pattern

ID = bytes(16)
WEB = Principal(1001, 1001, [50])

# name of the case: (pattern, what it covers, what it does not)
PATTERNS = {
    "an item": ("bank/a", ["bank/a"], ["bank", "bank/", "bank/A", "bank/a/b", "bank/ab", "bank/a/", "a"]),
    "one component": ("bank/*", ["bank/a", "bank/*", "bank/"], ["bank", "bank/a/b", "bank/a/", "Bank/a", "banks/a"]),
    "anything below": ("bank/**", ["bank/a", "bank/a/b", "bank/", "bank/a/"], ["bank", "banks/a", "a/bank/b"]),
    "one in the middle": ("*/login", ["a/login", "é/login"], ["login", "a/b/login", "a/login/"]),
    "everything": ("**", ["a", "a/b/c", "", "a/"], []),
    "the top's own items": ("*", ["a", ""], ["a/b", "a/"]),
    "a folder's list": ("bank/", ["bank/"], ["bank", "bank/a", "bank/a/"]),
    "the top's list": ("/", [""], ["a", "a/"]),
    "a literal that looks like a pattern": ("a.c", ["a.c"], ["abc", "a/c"]),
}

REFUSED = {
    "nothing": "",
    "two stars before the end": "**/a",
    "two stars before a slash": "a/**/",
    "a star inside a name": "a*",
    "three stars": "a/***",
    "a dot": "a/./b",
    "two dots": "../a",
    "an empty component": "a//b",
    "a slash in front": "/a",
    "two slashes": "//",
    "a control character": "a\n",
    "a right-to-left override": "a\u202eb",
    "not in normal form C": "e\u0301",
    "too long a component": "a" * 1025,
    "too long in all": "/".join(["a" * 1000] * 5),
    "too deep": "/".join(["a"] * 33),
}


def split(text: str) -> tuple[str, ...]:
    return (*parse_folder(text), "") if text == "" or text.endswith("/") else parse_path(text)


@pytest.mark.parametrize("case", PATTERNS)
def test_a_pattern_covers_whole_components(case: str) -> None:
    """Exactly these paths, and not their parts, neighbours or parents."""
    pattern, covered, others = PATTERNS[case]
    parsed = parse_pattern(pattern)
    assert [text for text in covered if not matches(parsed, split(text))] == []
    assert [text for text in others if matches(parsed, split(text))] == []


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_pattern_is_refused(case: str) -> None:
    """Nothing that could be taken to mean something else is ever stored."""
    with pytest.raises(ValueError, match=r"."):
        parse_pattern(REFUSED[case])


def test_the_deepest_path_has_a_pattern() -> None:
    """32 components, as for paths; and the list of a folder that deep."""
    deep = "/".join(["a"] * 32)
    assert matches(parse_pattern(deep), parse_path(deep))
    assert matches(parse_pattern(f"{deep}/"), (*parse_path(deep), ""))


GRANTS = {
    "a nameless user": {"subject_id": 65534},
    "no user at all": {"subject_id": 0xFFFFFFFF},
    "a negative user": {"subject_id": -1},
    "neither user nor group": {"subject": "host"},
    "no pattern": {"patterns": []},
    "65 patterns": {"patterns": ["a"] * 65},
    "no capability": {"capabilities": []},
    "an unknown capability": {"capabilities": ["sudo"]},
    "a denial with something else": {"capabilities": ["deny", "read"]},
    "a denial for one program": {
        "capabilities": ["deny"],
        "executable": Executable("/bin/x", device=1, inode=1, owner=0),
    },
    "a denial for one unit": {"capabilities": ["deny"], "unit": "web.service"},
    "a denial that ends": {"capabilities": ["deny"], "expires_us": 1},
    "an empty name": {"name": ""},
    "a name with a newline": {"name": "a\nb"},
}


def grant(**changes: object) -> Grant:
    given: dict[str, object] = {
        "grant_id": ID,
        "name": "web",
        "subject": "user",
        "subject_id": 1001,
        "patterns": ["sites/**"],
        "capabilities": ["read"],
    }
    return Grant(**(given | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("case", GRANTS)
def test_what_cannot_be_granted_is_refused(case: str) -> None:
    """A grant that means nothing, everybody, or a denial that somebody could walk around."""
    with pytest.raises(ValueError, match=r"."):
        grant(**GRANTS[case])


def allowed(
    *grants: Grant, who: Principal = WEB, path: str = "sites/a", capability: str = "read", now: int = 10
) -> bool:
    return decide(grants, who, 1000, split(path), capability, now).allowed


def test_nothing_is_granted_to_begin_with() -> None:
    """Neither to a stranger nor to root; to the owner everything, whatever is denied."""
    everyone = grant(patterns=["**"], subject="group", subject_id=50, capabilities=["deny"])
    assert not allowed()
    assert not allowed(who=Principal(0, 0))
    assert allowed(everyone, who=Principal(1000, 50, [50]))


def test_a_group_counts_as_the_first_or_as_another() -> None:
    """The process's own group and its further ones; a user of that number is somebody else."""
    team = grant(subject="group", subject_id=50)
    assert allowed(team)
    assert allowed(team, who=Principal(1002, 50))
    assert not allowed(team, who=Principal(50, 51))


def test_a_user_is_not_the_group_of_that_number() -> None:
    """Numbers of users and of groups are two things, also where one principal has both."""
    user, group = grant(subject_id=1001), grant(subject="group", subject_id=1001)
    assert allowed(user, who=Principal(1001, 2002))
    assert not allowed(user, who=Principal(2002, 1001, [1001]))
    assert allowed(group, who=Principal(2002, 1001))
    assert not allowed(group, who=Principal(1001, 2002, [2003]))


def test_a_grant_ends_at_its_last_moment() -> None:
    """One microsecond before the end it holds; at the end it does not, and the reason says so."""
    ending = grant(expires_us=10)
    assert allowed(ending, now=9)
    assert not allowed(ending, now=10)
    assert not allowed(grant(expires_us=1))
    assert "ended" in decide([ending], WEB, 1000, ("sites", "a"), "read", 10).reason


def test_a_program_only_narrows() -> None:
    """Device, inode, path and root as owner all have to be right; an unknown program is none."""
    narrowed = grant(executable=Executable("/usr/bin/sync", device=3, inode=4, owner=0))

    def running(device: int, inode: int, owner: int, path: str = "/usr/bin/sync") -> Principal:
        return Principal(1001, 1001, executable=Executable(path, device=device, inode=inode, owner=owner))

    assert allowed(narrowed, who=running(3, 4, 0))
    assert not allowed(narrowed, who=running(3, 5, 0))
    assert not allowed(narrowed, who=running(2, 4, 0))
    assert not allowed(narrowed, who=running(3, 4, 1001))
    assert not allowed(narrowed, who=running(3, 4, 0, "/usr/bin/python3")), "the number of a file that was removed"
    assert not allowed(narrowed, who=running(3, 4, 0, "/usr/bin/sync (deleted)"))
    assert not allowed(narrowed)
    assert not allowed(narrowed, who=Principal(1002, 1002, executable=running(3, 4, 0).executable))


def test_a_unit_only_narrows() -> None:
    """The whole name, and only for the user that is granted something."""
    narrowed = grant(unit="sync.service")
    assert allowed(narrowed, who=Principal(1001, 1001, unit="sync.service"))
    assert not allowed(narrowed, who=Principal(1001, 1001, unit="sync.service.x"))
    assert not allowed(narrowed, who=Principal(1001, 1001))
    assert not allowed(narrowed, who=Principal(1002, 1002, unit="sync.service"))


def test_a_denial_wins_in_any_order() -> None:
    """Before or after what it takes away, for a group against the user's own grant."""
    denial = grant(subject="group", subject_id=50, capabilities=["deny"], patterns=["sites/a"])
    assert not allowed(grant(), denial)
    assert not allowed(denial, grant())
    assert allowed(denial, grant(), path="sites/b")


def test_a_deposit_is_no_other_capability() -> None:
    """Who may deposit may not read, list, create in the other sense, or delete."""
    deposit = grant(capabilities=["deposit"])
    assert allowed(deposit, capability="deposit")
    assert [one for one in ("create", "read", "update", "delete", "list") if allowed(deposit, capability=one)] == []


@pytest.mark.parametrize("capability", ["deny", "sudo", "", "READ"])
def test_nobody_asks_for_what_is_no_capability(capability: str) -> None:
    """A misspelt capability is the caller's fault, not a quiet denial, and not a quiet yes for the owner."""
    with pytest.raises(ValueError, match="capability"):
        decide([], Principal(1000, 1000), 1000, ("a",), capability, 0)


def test_a_denial_is_found_behind_grants_of_other_things() -> None:
    """Grants for others, elsewhere and of another capability stand in front of it: the search goes on."""
    others = [
        grant(subject_id=1002),
        grant(patterns=["elsewhere/**"]),
        grant(capabilities=["list"]),
        grant(expires_us=1),
        grant(unit="sync.service"),
    ]
    denial = grant(capabilities=["deny"])
    for one in others:
        assert allowed(one, grant())
        assert not allowed(one, grant(), one, denial)


def test_what_is_reserved_is_granted_by_its_name_alone() -> None:
    """No star at the front covers it, except where the grant denies; below its name stars are stars again."""
    for pattern in ("**", "*/a", "*/**", "@other/**", "keys/a"):
        assert not allowed_below("@keys", [grant(patterns=[pattern])]), pattern
    for pattern in ("@keys/**", "@keys/a", "@keys/*"):
        assert allowed_below("@keys", [grant(patterns=[pattern])]), pattern
        assert not allowed_below("@keys", [grant(patterns=[pattern], subject_id=1002)])
    assert not allowed_below("@keys", [grant(patterns=["@keys/b"])])
    for pattern in ("**", "*/a", "*/**", "@keys/**"):
        denial = grant(patterns=[pattern], capabilities=["deny"])
        assert not allowed_below("@keys", [grant(patterns=["@keys/**"]), denial]), pattern


def allowed_below(first: str, grants: list[Grant]) -> bool:
    """Whether the item ``a`` in that folder may be read."""
    return decide(grants, WEB, 1000, (first, "a"), "read", 10).allowed


def test_a_decision_is_yes_or_no_and_says_why() -> None:
    """In words that name the grant, and no path."""
    cases = {
        "nothing is granted here": ([], False),
        "the grant web denies it": ([grant(capabilities=["deny"])], False),
        "the grant web allows it": ([grant()], True),
        "the grant web has ended": ([grant(expires_us=10)], False),
        "the grant web is for another executable or unit": ([grant(unit="other.service")], False),
    }
    for reason, (grants, expected) in cases.items():
        decision = decide(grants, WEB, 1000, ("sites", "a"), "read", 10)
        assert (decision.allowed, decision.reason) == (expected, reason)
        assert decision.allowed is expected


def test_a_grant_describes_itself_wholly() -> None:
    """What `grant list --json` shows: each part under its name, capabilities in their order."""
    program = Executable("/usr/bin/sync", device=3, inode=4, owner=0)
    full = grant(
        patterns=["sites/*/x", "a/", "/"], capabilities=["list", "read"], shown="web", executable=program,
        unit="sync.service", expires_us=9, created_us=8,
    )  # fmt: skip
    assert full.describe() == {
        "id": "00" * 16,
        "name": "web",
        "subject": "user",
        "subject_id": 1001,
        "shown": "web",
        "capabilities": ["read", "list"],
        "patterns": ["sites/*/x", "a/", "/"],
        "executable": {"path": "/usr/bin/sync", "device": 3, "inode": 4},
        "unit": "sync.service",
        "expires_us": 9,
        "created_us": 8,
    }
    plain = grant(subject="group").describe()
    assert (plain["subject"], plain["shown"], plain["executable"], plain["unit"]) == ("group", "", None, "")
    assert (plain["expires_us"], plain["created_us"]) == (0, 0)


def test_the_most_that_a_grant_may_have() -> None:
    """64 patterns, and a pattern of 4,096 bytes; one more is refused above."""
    assert len(grant(patterns=["a"] * 64).patterns) == 64
    longest = "/".join(["a" * 1023] * 4)
    assert len(longest) == 4095
    assert parse_pattern(longest + "/")[-1] == ""
    with pytest.raises(ValueError, match="bytes"):
        parse_pattern(longest + "/a")


def test_a_star_hides_no_wrong_component_behind_it() -> None:
    """Each component is looked at, also after one that stands for any."""
    for pattern in ("*/..", "*/.", "*/a*", "*//a", "*/a\n/**"):
        with pytest.raises(ValueError, match=r"."):
            parse_pattern(pattern)


def test_who_asks_is_nobody_in_particular_unless_it_is_said() -> None:
    """Without a unit or process number there is none; both are kept as given."""
    plain, full = Principal(1, 2), Principal(1, 2, [3], pid=4, unit="a.service")
    assert (plain.uid, plain.gid, plain.groups) == (1, 2, frozenset())
    assert (plain.pid, plain.executable, plain.unit) == (0, None, "")
    assert (full.pid, full.unit) == (4, "a.service")
