"""``strongroom ca``: how an authority is made, and what it issues."""

from __future__ import annotations

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import OK, UsageError
from strongroom.doors.cli.opening import open_items
from strongroom.items import quoted
from strongroom.secret import wipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from strongroom.credentials.stream_files import NewFile
    from strongroom.doors.cli.commands.ca import Arguments
    from strongroom.doors.cli.streams import StandardOutput
    from strongroom.vault.authority.issued import IssuedCertificate, IssuedRecord

_REQUEST_BYTES_MAX = 64 * 1024
# What an action takes beside its words; everything else is refused.
_TAKES = {
    "init": ("permit", "name", "kind", "root_key_file"),
    "issue": ("kind", "out", "force", "csr", "profile", "lifetime", "watch", "exec"),
    "list": ("expiring",),
    "doctor": (),
    "renew": ("out", "force", "lifetime", "expiring", "root_key_file", "exec"),
    "revoke": ("reason",),
    "crl": ("out", "force", "der"),
    "export": ("out", "force", "der", "form", "pkcs12"),
    "trust": ("store",),
    "timer": ("expiring", "exec", "system"),
}  # fmt: skip
_SPELLED = {"lifetime": "for"}


def refuse_others(arguments: Arguments) -> None:
    """Refuse options that the action does not take.

    Raises: UsageError: one is given.
    """
    defaults = {"permit": [], "name": "strongroom", "kind": "p256", "profile": "server", "reason": "unspecified",
                "form": "root"}  # fmt: skip
    flags = ("der", "force", "watch", "system")
    for name in {one for takes in _TAKES.values() for one in takes}.difference(_TAKES[arguments.action]):
        if getattr(arguments, name) != (False if name in flags else defaults.get(name)):
            option = _SPELLED.get(name, name).replace("_", "-")
            raise UsageError(f"ca {arguments.action} takes no --{option}", advice="strongroom ca --help")


def _init(arguments: Arguments) -> int:
    from strongroom.crypto.x509.keys import REFUSERS
    from strongroom.vault.authority.authority import PERMITTED

    refuse_others(arguments)
    if arguments.kind in REFUSERS:
        output.note(REFUSERS[arguments.kind])
    with open_items(arguments) as vault:
        vault.ca.refuse_existing()  # Nobody is asked for a file that will not be written.
        file = arguments.root_key_file or _asked_file(arguments)
        try:
            root = vault.ca.create(
                arguments.permit or PERMITTED,
                name=arguments.name,
                kind=arguments.kind,
                keep_root_key=_keeper(file) if file else None,
            )
        except ValueError as error:
            raise UsageError(str(error)) from None
    if arguments.json:
        output.json({"fingerprint": root.fingerprint, "subject": root.subject, "expires": root.not_after.isoformat()})
    else:
        output.note(f"made the authority {root.subject}, which ends at {root.not_after:%Y-%m-%d}")
    if file:
        output.note(f"the root's key is in {file} and nowhere else: keep it offline")
    else:
        output.note("the root's key is in this vault too: who opens it can make authorities")
        output.hint("keep it apart next time: strongroom ca init --root-key-file FILE")
    output.hint("for those who shall trust it: strongroom ca export --root --out root.pem")
    output.hint("for this machine: strongroom ca trust install")
    return OK


def _asked_file(arguments: Arguments) -> str:
    """Where a person at a terminal wants the root's key; empty for in the vault, and where nobody can be asked."""
    from strongroom.locate.addresses import expand_user
    from strongroom.locate.terminal import Terminal

    terminal = None if arguments.yes else Terminal.open()
    if terminal is None:
        return ""
    with terminal:
        question = "a file for the root's key, to be kept offline (empty: keep it in the vault): "
        return expand_user(terminal.ask(question))


def _keeper(file: str) -> Callable[[bytearray], None]:
    from strongroom.stores.files import create_private

    return lambda pem: create_private(file, pem, 0o400)


def _issue(arguments: Arguments) -> int:
    from strongroom.doors.cli import certificate_watching

    refuse_others(arguments)
    certificate_watching.check(arguments)
    if arguments.watch:
        return certificate_watching.watch(arguments, _issue_once)
    return _issue_once(arguments) or certificate_watching.reload(arguments)


def _issue_once(arguments: Arguments) -> int:
    from strongroom.crypto.x509.keys import REFUSERS
    from strongroom.doors.cli.streams import STANDARD, Tidy, open_target, read_small

    if arguments.csr is None and arguments.out is None:
        names = " ".join(map(quoted, arguments.names))
        raise UsageError(
            "ca issue makes a key, and where it goes was not said",
            advice=f"strongroom ca issue {names} --out FILE\nor to standard output: --out -",
        )
    if arguments.csr is not None and arguments.kind != "p256":
        raise UsageError("--csr brings a key: --kind is for a new one")
    if arguments.csr is None and arguments.kind in REFUSERS:
        output.note(REFUSERS[arguments.kind])
    request = None if arguments.csr is None else read_small(arguments.csr, _REQUEST_BYTES_MAX, "certificate request")
    path = arguments.out or STANDARD
    with Tidy(), open_target(path, is_secret=request is None, replace=arguments.force) as target:
        with open_items(arguments) as vault:
            try:
                issued = vault.ca.issue(
                    *arguments.names,
                    profile=arguments.profile,
                    lifetime=arguments.lifetime,
                    kind=arguments.kind,
                    request=request,
                )
            except ValueError as error:
                raise UsageError(str(error)) from None
        with issued:
            write(issued, target)
    return report(arguments, issued, path)


def write(issued: IssuedCertificate, target: NewFile | StandardOutput) -> None:
    """Write the file that servers take, and give it its name."""
    data = bytearray(issued.chain_pem()) if issued.key is None else issued.pem()
    try:
        target.write(data)
        target.publish()
    finally:
        wipe(data)


def report(arguments: Arguments, issued: IssuedCertificate, path: str) -> int:
    """Say what was issued, on standard output only when the certificate is not there."""
    from strongroom.vault.authority.issued import IssuedRecord

    certificate = issued.certificate
    names = ", ".join(map(str, certificate.names))
    if arguments.json and path != "-":
        output.json({**described(IssuedRecord(certificate)), "file": path})
    else:
        until = f"{certificate.not_after:%Y-%m-%d %H:%M}"
        output.note(f"issued the certificate {certificate.serial} for {names}, until {until}")
    return OK


def _list(arguments: Arguments) -> int:
    from datetime import UTC, datetime

    refuse_others(arguments)
    damaged: list[str] = []
    with open_items(arguments) as vault:
        found = vault.ca.issued(expiring=arguments.expiring, damaged=damaged)
    if arguments.json:
        output.json([described(record) for record in found])
        return _named(damaged)
    now = datetime.now(UTC)
    none = "no certificates" if arguments.expiring is None else "no certificate ends so soon"
    output.table(
        ("SERIAL", "STATE", "ENDS", "PROFILE", "NAMES"),
        [
            (
                one.certificate.serial, one.state(now), f"{one.certificate.not_after:%Y-%m-%d %H:%M}",
                one.certificate.profile, ",".join(map(str, one.certificate.names)),
            )
            for one in found
        ],
        none=none if arguments.expiring is not None else f"{none} yet: strongroom ca issue NAME --out FILE",
    )  # fmt: skip
    return _named(damaged)


def _named(damaged: list[str]) -> int:
    """Say which records are malformed; the exit code."""
    from strongroom.doors.cli.exit_codes import exit_code
    from strongroom.vault.authority.records import malformed

    errors = [malformed(name) for name in damaged]
    for error in errors:
        output.error(error)
    return exit_code(errors[0]) if errors else OK


def described(record: IssuedRecord) -> dict[str, object]:
    """What is known of a certificate, for programs."""
    certificate = record.certificate
    return {
        "serial": certificate.serial,
        "names": [str(name) for name in certificate.names],
        "profile": certificate.profile,
        "begins": certificate.not_before.isoformat(),
        "expires": certificate.not_after.isoformat(),
        "fingerprint": certificate.fingerprint,
        "revoked": record.revoked.isoformat() if record.revoked else None,
        "reason": record.reason or None,
    }


def put_public(arguments: Arguments, data: bytes) -> None:
    """Write what is no secret where --out says, or to standard output."""
    from strongroom.doors.cli.streams import STANDARD, Tidy, open_target

    with Tidy(), open_target(arguments.out or STANDARD, is_secret=False, replace=arguments.force) as target:
        target.write(data)
        target.publish()


def put(arguments: Arguments, issued: IssuedCertificate, path: str, *, replace: bool) -> int:
    """Write what was issued, and say so."""
    from strongroom.doors.cli.streams import Tidy, open_target

    is_secret = issued.key is not None
    with issued, Tidy(), open_target(path, is_secret=is_secret, replace=replace or arguments.force) as target:
        write(issued, target)
    return report(arguments, issued, path)


def _doctor(arguments: Arguments) -> int:
    from datetime import UTC, datetime

    from strongroom.doors.cli.exit_codes import exit_code
    from strongroom.locate.diagnosis.authority import diagnose_authority

    refuse_others(arguments)
    with open_items(arguments) as vault:
        found = diagnose_authority(vault.ca, datetime.now(UTC))
    if arguments.json:
        facts = [
            {"about": one.about, "serious": one.is_serious, "message": one.message, "mend": one.mend} for one in found
        ]
        output.json({"findings": facts})
    for one in () if arguments.json else found:
        output.line(f"{'serious' if one.is_serious else 'remark'}: {one.about}: {one.message}")
        output.line(f"  mend: {one.mend}")
    if not found:
        output.note("nothing was found")
    errors = [one.error for one in found if one.error is not None]
    return exit_code(errors[0]("")) if errors else OK


ACTIONS: dict[str, Callable[[Arguments], int]] = {
    "init": _init,
    "issue": _issue,
    "list": _list,
    "doctor": _doctor,
}
