"""``strongroom ca``: files that hold certificates, renewed, revoked, and written in the forms that others take."""

from __future__ import annotations

from strongroom.doors.cli import certificates, output
from strongroom.doors.cli.exit_codes import OK, UsageError
from strongroom.doors.cli.opening import open_items
from strongroom.secret import wipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from strongroom.crypto.x509.certificates import Certificate
    from strongroom.doors.cli.commands.ca import Arguments
    from strongroom.vault.authority.authority import Authority
    from strongroom.vault.authority.issued import IssuedCertificate

_FILE_BYTES_MAX = 256 * 1024
_INTERMEDIATE = "intermediate"
# Where systems keep what they trust, in one file.
_SYSTEM_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem",
)  # fmt: skip
_KEY = b"PRIVATE KEY-----"


def renew(arguments: Arguments) -> int:
    """Put a new certificate in the place of one that ends soon; for names and profile of the old one."""
    from strongroom.doors.cli import certificate_watching

    certificates.refuse_others(arguments)
    certificate_watching.command_of(arguments)
    if arguments.what == _INTERMEDIATE:
        return _renew_intermediate(arguments)
    data = read_service(arguments.what)
    try:
        current = chain_of(data)[0]
        if arguments.expiring is not None and not _ends_within(current, arguments):
            output.note(f"{arguments.what} is good until {current.not_after:%Y-%m-%d %H:%M}: nothing to do")
            return OK
        with open_items(arguments) as vault:
            issued = renewed(vault.ca, current, data, arguments)
    finally:
        wipe(data)
    certificates.put(arguments, issued, arguments.out or arguments.what, replace=arguments.out is None)
    return certificate_watching.reload(arguments)


def renewed(authority: Authority, current: Certificate, data: bytearray, arguments: Arguments) -> IssuedCertificate:
    """A new certificate for what *data* holds: with a new key where the old one lies beside it."""
    key = data if _KEY in data else None
    try:
        return authority.renew(current, key, lifetime=arguments.lifetime)
    except ValueError as error:
        raise UsageError(str(error)) from None


def _ends_within(certificate: Certificate, arguments: Arguments) -> bool:
    from datetime import UTC, datetime

    return arguments.expiring is None or certificate.not_after <= datetime.now(UTC) + arguments.expiring


def _renew_intermediate(arguments: Arguments) -> int:
    if arguments.out or arguments.lifetime or arguments.expiring or arguments.exec:
        raise UsageError("ca renew intermediate takes --root-key-file and nothing else")
    file = arguments.root_key_file
    key = None if file is None else read_service(file, "key of the root")
    try:
        with open_items(arguments) as vault:
            made = vault.ca.renew_intermediate(key)
    finally:
        if key is not None:
            wipe(key)
    output.note(f"renewed {made.subject}, which ends at {made.not_after:%Y-%m-%d}")
    output.hint("what was issued stays good; new certificates bring the new intermediate along")
    return OK


def revoke(arguments: Arguments) -> int:
    """Call a certificate good no longer."""
    from os.path import exists

    certificates.refuse_others(arguments)
    what = arguments.what
    if exists(what):
        data = read_service(what)
        try:
            what = chain_of(data)[0].serial
        finally:
            wipe(data)
    with open_items(arguments) as vault:
        vault.ca.revoke(what, reason=arguments.reason)
    output.note(f"revoked the certificate {what}")
    output.hint("tell those who verify: strongroom ca crl --out FILE")
    return OK


def revocation_list(arguments: Arguments) -> int:
    """Write a new list of what was revoked."""
    certificates.refuse_others(arguments)
    with open_items(arguments) as vault:
        made = vault.ca.revocation_list()
    data = made.der() if arguments.der else made.pem()
    certificates.put_public(arguments, data)
    output.note(f"list {made.number}, good until {made.next_update:%Y-%m-%d %H:%M}")
    return OK


def export(arguments: Arguments) -> int:
    """Write certificates in the form that somebody takes."""
    certificates.refuse_others(arguments)
    what = arguments.form
    if arguments.pkcs12 is not None:
        return _export_pkcs12(arguments, arguments.pkcs12)
    if what == "bundle" and arguments.der:
        raise UsageError("a bundle is text")
    with open_items(arguments) as vault:
        certificate = vault.ca.intermediate if what == "chain" else vault.ca.root
    data = certificate.der() if arguments.der else certificate.pem()
    certificates.put_public(arguments, _system_roots() + data if what == "bundle" else data)
    if what != "chain":
        output.note(f"SHA-256 fingerprint of the root: {certificate.fingerprint}")
    return OK


def _export_pkcs12(arguments: Arguments, file: str) -> int:
    from strongroom.credentials import tokens
    from strongroom.crypto.x509.bundles import pkcs12
    from strongroom.crypto.x509.keys import load_key_pem
    from strongroom.doors.cli.streams import Tidy, open_target

    if arguments.out in (None, "-") or arguments.der:
        raise UsageError("ca export --pkcs12 FILE needs --out FILE: standard output gets the password")
    data = read_service(file)
    try:
        leaf, *chain = chain_of(data)
        key = load_key_pem(data)
        if not leaf.fits(key):
            raise UsageError(f"key and certificate in {file} do not belong together")
        with tokens.hex(16) as password:
            made = pkcs12(key, leaf, chain, password.reveal().encode())
            with Tidy(), open_target(arguments.out or "", is_secret=True, replace=arguments.force) as target:
                target.write(made)
                target.publish()
            output.value(password.reveal_buffer())
    finally:
        wipe(data)
    output.note(f"this is the password of {arguments.out}; nothing can show it again")
    return OK


def _system_roots() -> bytes:
    """What the system trusts: a bundle of ours alone would cut a program off from everything else."""
    from os.path import exists

    from strongroom.doors.cli.streams import read_small

    for path in _SYSTEM_BUNDLES:
        if exists(path):
            data = read_small(path, 16 * 1024 * 1024, "list of trusted roots")
            return data if data.endswith(b"\n") else data + b"\n"
    raise UsageError("this system has no list of trusted roots: use ca export --root")


def read_service(path: str, what: str = "certificate") -> bytearray:
    """A file with a key, if it has one, for nobody else to read; a certificate alone may be anybody's.

    Raises: NotFound, UnsafePermissions, UsageError: as `read_private`, and `read_small`.
    """
    from strongroom.doors.cli.streams import read_small
    from strongroom.stores.files import read_private

    data = bytearray(read_small(path, _FILE_BYTES_MAX, what))
    if _KEY not in data:
        return data
    wipe(data)
    return read_private(path, _FILE_BYTES_MAX, "key and certificate")


def chain_of(data: bytearray) -> list[Certificate]:
    """The certificates of a file, the leaf first."""
    from strongroom.crypto.x509.certificates import load_pem_certificates

    return load_pem_certificates(b"".join(_certificate_blocks(data)))


def _certificate_blocks(data: bytearray) -> list[bytes]:
    """The file without its key: the library that reads certificates need not see that."""
    begin, end = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----\n"
    return [begin + part.partition(end)[0] + end for part in bytes(data).split(begin)[1:]]


ACTIONS: dict[str, Callable[[Arguments], int]] = {
    "renew": renew,
    "revoke": revoke,
    "crl": revocation_list,
    "export": export,
}
