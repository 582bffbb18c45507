"""``strongroom ca trust``: the root in what this machine and this user's browsers trust."""

from __future__ import annotations

from strongroom.doors.cli import certificates, output
from strongroom.doors.cli.exit_codes import OK, UsageError, exit_code
from strongroom.doors.cli.opening import open_items
from strongroom.errors import Denied, NotFound, StrongroomError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from strongroom.crypto.x509.certificates import Certificate
    from strongroom.doors.cli.commands.ca import Arguments
    from strongroom.locate.trust.interface import Found, TrustStore

_FILE_BYTES_MAX = 256 * 1024
_HEADER = ("STORE", "STATE", "ENDS", "FINGERPRINT", "NAME", "WHERE")
_ENDED, _OTHER = "ended", "other"
_STALE = {_ENDED: "has ended", _OTHER: "is another authority's"}
_DONE = {"install": ("installed", "there already"), "remove": ("removed", "not there")}


def trust(arguments: Arguments) -> int:
    """Install a root, remove one, or tell what is there."""
    certificates.refuse_others(arguments)
    doing = {"install": _install, "remove": _remove, "status": _status}.get(arguments.doing)
    if doing is None:
        raise UsageError("ca trust takes install, remove or status", advice="strongroom ca --help")
    return doing(arguments)


def _install(arguments: Arguments) -> int:
    from strongroom.crypto.x509.issuing import check_root

    stores = _stores(arguments)
    root = _root(arguments)
    check_root(root, _now())
    code = _change(arguments, stores, root, lambda store: store.install(root))
    if code == OK:
        output.note(f"{root.subject} speaks for {', '.join(root.constraints.spelled())}, and for nobody else")
        output.hint("programs that run look again when they are started anew")
    return code


def _remove(arguments: Arguments) -> int:
    stores = _stores(arguments)
    root = _by_fingerprint(stores, arguments.what) or _root(arguments)
    return _change(arguments, stores, root, lambda store: store.remove(root))


def _change(
    arguments: Arguments, stores: list[TrustStore], root: Certificate, change: Callable[[TrustStore], bool]
) -> int:
    """Change one store after the other; what one of them refuses does not keep the others."""
    from strongroom.locate.trust.interface import label

    changed, same = _DONE[arguments.doing]
    facts, errors = [], []
    for store in stores:
        try:
            result = changed if change(store) else same
        except StrongroomError as error:
            result = "refused"
            if isinstance(error, Denied) and not error.advice:
                words = f"strongroom ca trust {arguments.doing} root.pem"
                error.advice = f"strongroom ca export --root --out root.pem\nas root: {words}"
            output.error(error)
            errors.append(error)
        facts.append({"store": store.kind, "place": store.place, "result": result})
        if result != "refused":
            output.note(f"{store.kind} {store.place}: {result}: {root.subject} ({label(root)})")
    if arguments.json:
        output.json({"fingerprint": root.fingerprint, "stores": facts})
    return exit_code(errors[0]) if errors else OK


def _status(arguments: Arguments) -> int:
    from strongroom.locate.trust.interface import TRUSTED, is_same, label

    stores, now = _stores(arguments), _now()
    try:
        root: Certificate | None = _root(arguments)
    except NotFound:
        if arguments.what:
            raise
        root = None  # a machine without a vault, or an authority, may well trust the roots of others
    facts, missing = [], 0
    stale: dict[str, Certificate] = {}
    errors: list[StrongroomError] = []
    for store in stores:
        found = _looked(store, root, errors)
        if found is None:
            continue
        own = [one for one in found if is_same(one.certificate, root)]
        if root is not None and not own:
            facts.append(_fact(store, "absent", root, store.place))
        facts += [_fact(store, _state(one, root, now), one.certificate, one.name) for one in found]
        stale |= {label(one.certificate): one.certificate for one in found if _state(one, root, now) in _STALE}
        missing += root is not None and not any(one.state == TRUSTED for one in own)
    if arguments.json:
        output.json(facts)
    elif not facts and not errors:
        output.note("no root of strongroom lies in the stores of this machine")
    else:
        columns = ("store", "state", "ends", "fingerprint", "subject", "where")
        rows = [tuple(fact[one] for one in columns) for fact in facts]
        output.table(_HEADER, [(*row[:2], row[2][:10], row[3][:16], *row[4:]) for row in rows])
    for fingerprint, certificate in stale.items():
        output.note(f"{certificate.subject} {_STALE[_state_alone(certificate, now)]}, and lies there still")
        output.hint(f"strongroom ca trust remove {fingerprint}")
    if missing:
        output.hint("strongroom ca trust install")
    if errors:
        return exit_code(errors[0])
    return exit_code(NotFound("")) if missing else OK


def _looked(store: TrustStore, root: Certificate | None, errors: list[StrongroomError]) -> list[Found] | None:
    """What lies in a store; None for one that cannot be read, which is said."""
    try:
        return store.found(root)
    except StrongroomError as error:
        output.error(error)
        errors.append(error)
        return None


def _state(found: Found, root: Certificate | None, now: datetime) -> str:
    from strongroom.locate.trust.interface import is_same

    if root is None or is_same(found.certificate, root):
        return _ENDED if now >= found.certificate.not_after else found.state
    return _state_alone(found.certificate, now)


def _state_alone(certificate: Certificate, now: datetime) -> str:
    return _ENDED if now >= certificate.not_after else _OTHER


def _fact(store: TrustStore, state: str, root: Certificate, where: str) -> dict[str, str]:
    return {
        "store": store.kind, "state": state, "ends": root.not_after.isoformat(), "fingerprint": root.fingerprint,
        "subject": root.subject, "where": where if store.kind == "system" else store.place,
    }  # fmt: skip


def _stores(arguments: Arguments) -> list[TrustStore]:
    from strongroom.locate.addresses import home_directory
    from strongroom.locate.trust.stores import find_stores

    found = find_stores(home_directory(), arguments.store)
    if not found:
        raise NotFound(
            "there is no trust store here that strongroom knows",
            advice="systems: Debian's and Red Hat's way; browsers: Chromium and Firefox that have been started once",
        )
    if arguments.store is None and found[0].kind != "system":
        output.note("the system's own store is of a kind that strongroom does not know: only browsers are looked at")
    return found


def _root(arguments: Arguments) -> Certificate:
    """The root in the file that was named, or the vault's own."""
    from strongroom.crypto.x509.certificates import load_pem_certificates
    from strongroom.doors.cli.streams import read_small
    from strongroom.locate.trust.interface import pem_blocks

    if arguments.what:
        data = read_small(arguments.what, _FILE_BYTES_MAX, "certificate")
        if len(pem_blocks(data)) > 1:
            raise UsageError(f"{arguments.what} holds {len(pem_blocks(data))} certificates: a root stands alone")
        return load_pem_certificates(data)[0]
    with open_items(arguments) as vault:
        return vault.ca.root


def _by_fingerprint(stores: list[TrustStore], what: str) -> Certificate | None:
    """The root of ours that lies in a store and whose fingerprint begins so; None where *what* is something else."""
    from strongroom.locate.trust.interface import FINGERPRINT_DIGITS

    digits = what.replace(":", "").lower()
    if len(digits) < FINGERPRINT_DIGITS or not set(digits) <= set("0123456789abcdef"):
        return None
    errors: list[StrongroomError] = []
    every = [one.certificate for store in stores for one in _looked(store, None, errors) or ()]
    found = [one for one in every if one.fingerprint.startswith(digits)]
    if not found:
        raise NotFound(f"no root of strongroom with the fingerprint {digits}", advice="strongroom ca trust status")
    return found[0]


def _now() -> datetime:
    from datetime import UTC, datetime

    return datetime.now(UTC)


ACTIONS: dict[str, Callable[[Arguments], int]] = {"trust": trust}
