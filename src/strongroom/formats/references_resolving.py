"""From references to values: all of them, read at one moment, or none and a list of what is wrong."""

from __future__ import annotations

from strongroom.errors import Denied, Expired, NotFound, StrongroomError
from strongroom.formats.references import BadReference
from strongroom.items import quoted_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from strongroom.formats.references import Reference
    from strongroom.items import Item
    from strongroom.vault.vault import Vault

_SHOWN_MAX = 50


class Wanted:
    """One reference, and who wants its value.

    Args:
        name: for messages, such as the variable's; may be empty.
    """

    __slots__ = ("name", "reference")

    def __init__(self, reference: Reference, name: str = "") -> None:
        self.reference = reference
        self.name = name

    def __str__(self) -> str:
        return f"{self.name} ({self.reference.name})" if self.name else self.reference.name


def resolve(vault: Vault, wanted: Sequence[Wanted]) -> dict[Reference, bytes]:
    """The value of each reference.

    Raises:
        NotFound: items or fields are missing; the message and the advice list all of them.
        Denied: some may not be read.
        Expired: some are past their date.
        BadReference: a value has no such form, or a field has to be named.
        StrongroomError: as `Vault.get_many`.
    """
    items = _items(vault, dict.fromkeys(one.reference.path for one in wanted))
    values: dict[Reference, bytes] = {}
    failed: dict[type[StrongroomError], list[Wanted]] = {NotFound: [], Denied: [], Expired: []}
    malformed: BadReference | None = None
    for one in wanted:
        item = items[one.reference.path]
        if isinstance(item, StrongroomError):
            next(found for kind, found in failed.items() if isinstance(item, kind)).append(one)
            continue
        try:
            values[one.reference] = one.reference.value(item)
        except NotFound:
            failed[NotFound].append(one)
        except BadReference as error:
            malformed = malformed or error
    _complain(failed, len(wanted))
    if malformed is not None:
        raise malformed
    return values


def _items(vault: Vault, paths: Iterable[str]) -> dict[str, Item | StrongroomError]:
    wanted = list(paths)
    try:
        return dict(vault.get_many(wanted))
    except (NotFound, Denied, Expired):
        # One by one only to say of each what is wrong with it.
        return {path: _item(vault, path) for path in wanted}


def _item(vault: Vault, path: str) -> Item | StrongroomError:
    try:
        return vault.get(path)
    except (NotFound, Denied, Expired) as error:
        return error.with_traceback(None)


def _complain(failed: dict[type[StrongroomError], list[Wanted]], total: int) -> None:
    missing = failed[NotFound]
    if missing:
        steps = dict.fromkeys(_step(one.reference) for one in missing[:_SHOWN_MAX])
        says = "references name" if total > 1 else "reference names"
        raise NotFound(f"{len(missing)} of {total} {says} nothing: {_list(missing)}", advice="\n".join(steps))
    if failed[Denied]:
        raise Denied(f"you may not read {_list(failed[Denied])}", advice="ask the vault's owner: strongroom grant add")
    expired = failed[Expired]
    if expired:
        steps = dict.fromkeys(_step(one.reference) for one in expired[:_SHOWN_MAX])
        raise Expired(f"past their date: {_list(expired)}", advice="\n".join(steps))


def _list(wanted: Sequence[Wanted]) -> str:
    more = f" and {len(wanted) - _SHOWN_MAX} more" if len(wanted) > _SHOWN_MAX else ""
    return ", ".join(map(str, wanted[:_SHOWN_MAX])) + more


def _step(reference: Reference) -> str:
    field = () if reference.field is None else (reference.field,)
    return f"strongroom set {quoted_name(reference.path, *field)}"
