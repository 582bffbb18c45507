"""Grants as they are stored: sealed rows beside the vault's settings, every change audited.

What a grant means is in `policy`. Source: docs/format.md#stored-objects.
"""

from __future__ import annotations

from strongroom.crypto import entropy, labels
from strongroom.errors import Conflict, FormatUnsupported, NotFound, Tampered
from strongroom.items import COMPONENT_BYTES_MAX, PATH_BYTES_MAX, quoted_name
from strongroom.stores.interface import Reading, Row, blob
from strongroom.stores.schema import OBJECTS
from strongroom.vault.core import Core
from strongroom.vault.ledger import LedgeredRows
from strongroom.vault.policy import CAPABILITIES, PATTERNS_MAX, Executable, Grant
from strongroom.wire import Reader, text, u8, u32, u64

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TYPE = 3
GRANTS_MAX = 1024
_FORM = 1
_SUBJECTS = ("user", "group")


def list_grants(core: Core) -> tuple[Grant, ...]:
    """All grants, oldest first; remembered until somebody commits."""
    with core.mutex:
        known = core.tree.grants if core.change is None and not core.is_locked else None
        if known is not None and core.is_newest():
            return known
    with core.reading() as rows:
        if core.tree.grants is None:
            core.tree.grants = _read(core, rows)
        return core.tree.grants


def add_grants(
    core: Core,
    name: str,
    subject: tuple[str, int, str],
    rules: Mapping[str, Sequence[str]],
    *,
    executable: Executable | None,
    unit: str,
    lifetime_us: int,
) -> list[Grant]:
    """See `Vault.add_grant`."""
    if executable is not None and executable.owner != 0:
        raise ValueError("the executable belongs to somebody else than root, who could replace it")
    patterns = _by_patterns(rules)
    with core.changing("grant add") as change:
        _check_room(_read(core, change.rows), name, len(patterns))
        kind, number, shown = subject
        added = [
            Grant(
                entropy.random_bytes(16),
                name,
                kind,
                number,
                wanted,
                capabilities,
                shown=shown,
                executable=None if is_denial else executable,
                unit="" if is_denial else unit,
                expires_us=change.now + lifetime_us if lifetime_us and not is_denial else 0,
                created_us=change.now,
            )
            for (is_denial, wanted), capabilities in patterns.items()
        ]
        for grant in added:
            sealed = core.envelope.encrypt(labels.OBJECT, encode_grant(grant), u8(TYPE), grant.id)
            change.rows.put(OBJECTS, (TYPE, grant.id, sealed), replaces=None)
        core.tree.grants = None
    return added


def _by_patterns(rules: Mapping[str, Sequence[str]]) -> dict[tuple[bool, tuple[str, ...]], list[str]]:
    """Capabilities with the same patterns share a grant; denials stand alone."""
    found: dict[tuple[bool, tuple[str, ...]], list[str]] = {}
    for capability, wanted in rules.items():
        found.setdefault((capability == "deny", tuple(wanted)), []).append(capability)
    if not found:
        raise ValueError("a grant needs something that it grants")
    return found


def _check_room(known: Sequence[Grant], name: str, count: int) -> None:
    if any(grant.name == name for grant in known):
        raise Conflict(f"there is a grant {name}", advice=f"take it away: strongroom grant remove {quoted_name(name)}")
    if len(known) + count > GRANTS_MAX:
        raise Conflict(f"there are at most {GRANTS_MAX:,} grants", advice="see them: strongroom grant list")


def remove_grants(core: Core, name: str) -> list[Grant]:
    """See `Vault.remove_grant`."""
    with core.changing("grant remove") as change:
        found = [grant for grant in _read(core, change.rows) if name in (grant.name, grant.id.hex())]
        if not found:
            raise NotFound(f"no grant {name}", advice="see them: strongroom grant list")
        for grant in found:
            row = change.rows.get(OBJECTS, TYPE, grant.id)
            if row is not None:
                change.rows.delete(OBJECTS, row)
        core.tree.grants = None
    return found


def _read(core: Core, rows: Reading | LedgeredRows) -> tuple[Grant, ...]:
    found: list[Grant] = []
    for row in rows.scan(OBJECTS, TYPE):
        if len(found) == GRANTS_MAX:
            raise Tampered(f"there are more than {GRANTS_MAX:,} grants", advice="run: strongroom verify")
        found.append(read_grant(core, row))
    found.sort(key=lambda grant: (grant.created_us, grant.name, grant.id))
    return tuple(found)


def read_grant(core: Core, row: Row) -> Grant:
    """The grant in *row*.

    Raises: Tampered: it was not sealed for this row.
    """
    grant_id = blob(row, 1)
    return decode_grant(grant_id, core.envelope.decrypt(labels.OBJECT, blob(row, 2), u8(TYPE), grant_id))


def encode_grant(grant: Grant) -> bytes:
    """The plaintext of a grant's body: docs/format.md#stored-objects."""
    bits = sum(1 << bit for bit, capability in enumerate(CAPABILITIES) if capability in grant.capabilities)
    parts = [
        u8(_FORM),
        text(grant.name),
        u8(_SUBJECTS.index(grant.subject) + 1),
        u32(grant.subject_id),
        text(grant.shown),
        u32(bits),
        u32(len(grant.patterns)),
        *(text("/".join(pattern) or "/") for pattern in grant.patterns),
        u32(grant.executable is not None),
    ]
    if grant.executable is not None:
        parts += [text(grant.executable.path), u64(grant.executable.device), u64(grant.executable.inode)]
    return b"".join([*parts, text(grant.unit), u64(grant.expires_us), u64(grant.created_us)])


def decode_grant(grant_id: bytes, data: bytes) -> Grant:
    """The grant in an authenticated body.

    Raises:
        FormatUnsupported: a form or capability of a newer program; half a grant could deny too little.
        Tampered: malformed; only a faulty writer holding the keys can have made it.
    """
    reader = Reader(data, "grant")
    if reader.u8() != _FORM:
        raise FormatUnsupported("a grant was written by a newer strongroom", advice="upgrade strongroom")
    name = reader.text(COMPONENT_BYTES_MAX)
    subject, subject_id, shown = reader.u8(), reader.u32(), reader.text(COMPONENT_BYTES_MAX)
    bits = reader.u32()
    if bits >> len(CAPABILITIES):
        raise FormatUnsupported("a grant was written by a newer strongroom", advice="upgrade strongroom")
    patterns = [reader.text(PATH_BYTES_MAX) for _ in range(reader.count(PATTERNS_MAX))]
    executable = None
    for _ in range(reader.count(1)):
        path = reader.text(PATH_BYTES_MAX)
        executable = Executable(path, device=reader.u64(), inode=reader.u64(), owner=0)
    unit, expires, created = reader.text(COMPONENT_BYTES_MAX), reader.u64(), reader.u64()
    reader.finish()
    if subject not in (1, 2):
        raise reader.malformed("unknown subject")
    try:
        return Grant(
            grant_id,
            name,
            _SUBJECTS[subject - 1],
            subject_id,
            patterns,
            [capability for bit, capability in enumerate(CAPABILITIES) if bits >> bit & 1],
            shown=shown,
            executable=executable,
            unit=unit,
            expires_us=expires,
            created_us=created,
        )
    except ValueError:
        raise reader.malformed("it grants nothing that can be granted") from None
