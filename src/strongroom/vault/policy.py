"""Who may do what: principals, grants, and the one place that decides. Pure; no I/O, no clock.

A grant names a user or a group, patterns of paths, and capabilities. Patterns match whole
components and never parts of one: ``*`` stands for one component, ``**`` (only at the
end) for one or more; neither allows anything in what is reserved (`Grant.covers`). A
folder's own path ends with an empty component, as ``sites/`` does, so that ``sites/*`` and
``sites/**`` also cover the list of ``sites/``. Paths come parsed, once, by
`items.parse_path`; nothing here splits or normalises.
"""

from __future__ import annotations

from strongroom.items import COMPONENT_BYTES_MAX, DEPTH_MAX, PATH_BYTES_MAX, RESERVED_MARK, check_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

CAPABILITIES = ("create", "read", "update", "delete", "list", "deny", "deposit")
"""In the order of their bits in a stored grant; only ever appended to."""
PATTERNS_MAX = 64
ANY_ONE = "*"
ANY_BELOW = "**"
UNNAMED_ID = 65534
"""What the kernel says of users and groups that it cannot name; never one user or group."""
_NO_ID = 0xFFFFFFFF


class Executable:
    """A program's file.

    Attributes:
        owner: the uid that owns the file.
    """

    __slots__ = ("device", "inode", "owner", "path")

    def __init__(self, path: str, *, device: int, inode: int, owner: int) -> None:
        self.path = path
        self.device = device
        self.inode = inode
        self.owner = owner


class Principal:
    """Who asks, as the kernel says.

    Attributes:
        uid, gid, groups: the boundary; grants name these.
        pid: 0 when unknown.
        executable: None when unknown.
        unit: the systemd system unit; empty when unknown.
    """

    __slots__ = ("executable", "gid", "groups", "pid", "uid", "unit")

    def __init__(
        self,
        uid: int,
        gid: int,
        groups: Iterable[int] = (),
        *,
        pid: int = 0,
        executable: Executable | None = None,
        unit: str = "",
    ) -> None:
        self.uid = uid
        self.gid = gid
        self.groups = frozenset(groups)
        self.pid = pid
        self.executable = executable
        self.unit = unit

    def __str__(self) -> str:
        return f"uid {self.uid}"


class Grant:
    """What one user or group may do below some paths. Checked when made; never changed.

    Args:
        grant_id: 16 bytes.
        subject: ``"user"`` or ``"group"``, and its number; *shown* is its name when the grant was made.
        patterns: 1 to 64 of them, as text.
        executable: only this file, owned by root, may use the grant.
        unit: only processes of this systemd unit may use the grant.
        expires_us, created_us: µs since 1970 UTC; no expiry is 0.

    Raises: ValueError: a subject that is nobody in particular, a pattern or capability that is
        none, or a denial that does not always hold.
    """

    __slots__ = (
        "capabilities", "created_us", "executable", "expires_us", "id", "name", "patterns", "shown", "subject",
        "subject_id", "unit",
    )  # fmt: skip

    def __init__(
        self,
        grant_id: bytes,
        name: str,
        subject: str,
        subject_id: int,
        patterns: Sequence[str],
        capabilities: Iterable[str],
        *,
        shown: str = "",
        executable: Executable | None = None,
        unit: str = "",
        expires_us: int = 0,
        created_us: int = 0,
    ) -> None:
        check_name(name, "grant name", COMPONENT_BYTES_MAX)
        if shown:
            check_name(shown, "user or group name", COMPONENT_BYTES_MAX)
        if unit:
            check_name(unit, "unit name", COMPONENT_BYTES_MAX)
        if subject not in ("user", "group"):
            raise ValueError("a grant is for a user or a group")
        if not 0 <= subject_id < _NO_ID or subject_id == UNNAMED_ID:
            raise ValueError(f"{subject} {subject_id} is nobody in particular")
        if not 0 < len(patterns) <= PATTERNS_MAX:
            raise ValueError(f"a grant has 1 to {PATTERNS_MAX} patterns")
        self.id = grant_id
        self.name = name
        self.subject = subject
        self.subject_id = subject_id
        self.shown = shown
        self.patterns = tuple(parse_pattern(pattern) for pattern in patterns)
        self.capabilities = _checked_capabilities(capabilities)
        self.executable = executable
        self.unit = unit
        self.expires_us = expires_us
        self.created_us = created_us
        if "deny" in self.capabilities and (len(self.capabilities) > 1 or executable or unit or expires_us):
            # Whoever is denied could start another program, and would only have to wait for an end.
            raise ValueError("a denial stands alone: no other capability, executable, unit or end")

    def __repr__(self) -> str:
        return f"Grant({self.name!r}, {self.subject} {self.subject_id})"

    def describe(self) -> dict[str, object]:
        """What `strongroom grant list` shows, ready for JSON."""
        narrowing = self.executable
        return {
            "id": self.id.hex(),
            "name": self.name,
            "subject": self.subject,
            "subject_id": self.subject_id,
            "shown": self.shown,
            "capabilities": [one for one in CAPABILITIES if one in self.capabilities],
            "patterns": ["/".join(pattern) or "/" for pattern in self.patterns],
            "executable": None
            if narrowing is None
            else {"path": narrowing.path, "device": narrowing.device, "inode": narrowing.inode},
            "unit": self.unit,
            "expires_us": self.expires_us,
            "created_us": self.created_us,
        }

    def is_for(self, principal: Principal) -> bool:
        """Whether *principal* is the user, or in the group, that the grant names."""
        if self.subject == "user":
            return self.subject_id == principal.uid
        return self.subject_id == principal.gid or self.subject_id in principal.groups

    def covers(self, components: tuple[str, ...]) -> bool:
        """Whether one of its patterns matches the path.

        What is reserved, such as ``@keys/``, is granted by its name alone: a star at a pattern's
        front covers it only where the grant denies.
        """
        if components[0][:1] == RESERVED_MARK and "deny" not in self.capabilities:
            return any(pattern[0] == components[0] and matches(pattern, components) for pattern in self.patterns)
        return any(matches(pattern, components) for pattern in self.patterns)

    def is_narrowed_from(self, principal: Principal) -> bool:
        """Whether it names an executable or a unit that is not the principal's."""
        if self.unit and self.unit != principal.unit:
            return True
        wanted, found = self.executable, principal.executable
        if wanted is None:
            return False
        if found is None or found.owner != 0:
            return True
        # The number of a file that was removed is given to another; the name alone is given to any.
        return (wanted.device, wanted.inode, wanted.path) != (found.device, found.inode, found.path)


class Decision:
    """Whether it is allowed, and why, in words that name no path."""

    __slots__ = ("allowed", "reason")

    def __init__(self, allowed: bool, reason: str) -> None:
        self.allowed = allowed
        self.reason = reason

    def __repr__(self) -> str:
        return f"Decision({self.allowed}, {self.reason!r})"


OWNER = Decision(True, "the vault's owner may do everything")


def decide(
    grants: Iterable[Grant],
    principal: Principal,
    owner_uid: int,
    components: tuple[str, ...],
    capability: str,
    now_us: int,
) -> Decision:
    """Whether *principal* may do this: the owner everything, others what is granted and not denied.

    Args:
        components: of an item's path; of a folder's with an empty one at the end.
        capability: one of `CAPABILITIES` except ``deny``.

    Raises: ValueError: no such capability.
    """
    if capability == "deny" or capability not in CAPABILITIES:
        raise ValueError("no such capability")
    if principal.uid == owner_uid:
        return OWNER
    allowing: Grant | None = None
    unused = "nothing is granted here"
    for grant in grants:
        if not grant.is_for(principal) or not grant.covers(components):
            continue
        if "deny" in grant.capabilities:
            return Decision(False, f"the grant {grant.name} denies it")
        if capability not in grant.capabilities:
            continue
        if 0 < grant.expires_us <= now_us:
            unused = f"the grant {grant.name} has ended"
        elif grant.is_narrowed_from(principal):
            unused = f"the grant {grant.name} is for another executable or unit"
        else:
            allowing = grant
    if allowing is None:
        return Decision(False, unused)
    return Decision(True, f"the grant {allowing.name} allows it")


def parse_pattern(pattern: str) -> tuple[str, ...]:
    """Split a pattern into components.

    Args:
        pattern: as a path, with ``*`` for one component and ``**`` at the end for one or more;
            with a slash at the end it is a folder itself, and ``/`` the top folder.

    Raises: ValueError: a star inside a component, ``**`` before the end, or what `parse_path` refuses.
    """
    if len(pattern.encode("utf-8", "replace")) > PATH_BYTES_MAX:
        raise ValueError(f"a pattern is at most {PATH_BYTES_MAX} bytes")
    if pattern == "/":
        return ("",)
    *above, last = pattern.split("/")
    if len(above) >= DEPTH_MAX + (not last):
        raise ValueError(f"a pattern has at most {DEPTH_MAX} components")
    if last == ANY_BELOW:
        named = above
    else:
        named = [*above, last] if last or not above else above
    for component in named:
        if component == ANY_ONE:
            continue
        check_name(component, "pattern component", COMPONENT_BYTES_MAX)
        if component in (".", ".."):
            raise ValueError("pattern component is . or ..")
        if ANY_ONE in component:
            raise ValueError("a star stands for whole components: * for one, ** at the end for one or more")
    return (*above, last)


def matches(pattern: tuple[str, ...], components: tuple[str, ...]) -> bool:
    """Whether *pattern* covers the path: component by component, exactly."""
    if pattern[-1] == ANY_BELOW:
        pattern = pattern[:-1]
        if len(components) <= len(pattern):
            return False
    elif len(components) != len(pattern):
        return False
    # A path may be longer than what is left of a pattern that ended with `**`.
    return all(wanted in (ANY_ONE, found) for wanted, found in zip(pattern, components, strict=False))


def _checked_capabilities(capabilities: Iterable[str]) -> frozenset[str]:
    found = frozenset(capabilities)
    if not found or not found.issubset(CAPABILITIES):
        raise ValueError(f"a grant has one or more of: {', '.join(CAPABILITIES)}")
    return found
