"""``strongroom token issue`` and its kin: the tokens of a program's own, with their records in the vault."""

from __future__ import annotations

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import OK, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from strongroom.credentials.issued_tokens import IssuedToken, TokenIssuer
    from strongroom.credentials.token_records import TokenRecord
    from strongroom.doors.cli.commands.token import Arguments
    from strongroom.vault.vault import Vault

_PREFIX = "sr"


def issue(arguments: Arguments) -> int:
    """Print a new token: on the terminal or into the pipe, this once."""
    _refuse(arguments, "overlap")
    with _open(arguments) as vault:
        try:
            issued = _issuer(vault, arguments).issue(
                arguments.name, scopes=arguments.scope, lifetime=arguments.lifetime
            )
        except ValueError as error:
            raise UsageError(str(error)) from None
    return _show(arguments, issued)


def verify(arguments: Arguments) -> int:
    """Print whose token it is; the exit code says whether it is good."""
    from strongroom.doors.cli.inputs import secret_line
    from strongroom.secret import SecretStr

    _refuse(arguments, "overlap", "lifetime")
    if len(arguments.scope) > 1:
        raise UsageError("verify takes one --scope")
    with SecretStr(secret_line("token")) as token:
        text = _text(token)
        with _open(arguments) as vault:
            prefix = arguments.prefix or _recognised(text)[0]
            scope = arguments.scope[0] if arguments.scope else None
            record = _issuer(vault, arguments, prefix).verify(text, scope=scope)
    if arguments.json:
        output.json(_described(record))
    else:
        output.line(f"{record.prefix}_{record.id}  {record.name}")
    return OK


def rotate(arguments: Arguments) -> int:
    """Print the new token."""
    from datetime import timedelta

    _refuse(arguments, "scope")
    _refuse_whole(arguments.id)
    overlap: timedelta = arguments.overlap or timedelta(0)
    with _open(arguments) as vault:
        issuer = _issuer_of(vault, arguments)
        issued = issuer.rotate(arguments.id, overlap=overlap, lifetime=arguments.lifetime)
    if not arguments.json:
        output.note(f"the old one {'ends ' + _moment(issued.record.created + overlap) if overlap else 'is revoked'}")
    return _show(arguments, issued)


def revoke(arguments: Arguments) -> int:
    """Refuse it from now on."""
    _refuse(arguments, "scope", "lifetime", "overlap")
    _refuse_whole(arguments.id)
    with _open(arguments) as vault:
        _issuer_of(vault, arguments).revoke(arguments.id)
    output.note(f"revoked the token {arguments.id}")
    return OK


def show_all(arguments: Arguments) -> int:
    """Print what is known of each token, the oldest first."""
    from datetime import UTC, datetime

    from strongroom.credentials.tokens_in_vault import VaultTokenStore

    _refuse(arguments, "scope", "lifetime", "overlap")
    with _open(arguments) as vault:
        wanted = arguments.prefix
        found = [one for one in VaultTokenStore(vault).all() if wanted in (None, one.prefix)]
    found.sort(key=lambda record: (record.created, record.id))
    if arguments.json:
        output.json([_described(record) for record in found])
        return OK
    now = datetime.now(UTC)
    output.table(
        ("ID", "PREFIX", "STATE", "CREATED", "EXPIRES", "LAST USED", "SCOPES", "NAME"),
        [
            (
                one.id, one.prefix, one.state(now), _moment(one.created), _moment(one.expires), _moment(one.last_used),
                ",".join(one.scopes) or "-", one.name,
            )
            for one in found
        ],
        none="no tokens yet: strongroom token issue NAME",
    )  # fmt: skip
    return OK


def recognise(arguments: Arguments) -> int:
    """Print prefix and id; no vault is opened."""
    from strongroom.doors.cli.inputs import secret_line
    from strongroom.secret import SecretStr

    _refuse(arguments, "scope", "lifetime", "overlap", "prefix")
    with SecretStr(secret_line("token")) as token:
        prefix, token_id = _recognised(_text(token))
    if arguments.json:
        output.json({"prefix": prefix, "id": token_id})
    else:
        output.line(f"{prefix} {token_id}")
    return OK


def _refuse(arguments: Arguments, *others: str) -> None:
    named = {"lifetime": "--for"}
    for name in (*others, "length", "separator"):
        if getattr(arguments, name):
            raise UsageError(f"token {arguments.action} takes no {named.get(name, '--' + name)}")


def _open(arguments: Arguments) -> Vault:
    from strongroom.doors.cli.opening import open_items

    return open_items(arguments)


def _issuer(vault: Vault, arguments: Arguments, prefix: str = "") -> TokenIssuer:
    from strongroom.credentials.issued_tokens import TokenIssuer
    from strongroom.credentials.tokens_in_vault import VaultTokenStore

    try:
        return TokenIssuer(VaultTokenStore(vault), prefix=prefix or arguments.prefix or _PREFIX)
    except ValueError as error:
        raise UsageError(f"--prefix: {error}") from None


def _issuer_of(vault: Vault, arguments: Arguments) -> TokenIssuer:
    """The issuer of the token that ID names; ids are unique whatever the prefix."""
    from strongroom.credentials.tokens_in_vault import VaultTokenStore

    return _issuer(vault, arguments, arguments.prefix or VaultTokenStore(vault).find(arguments.id).prefix)


def _refuse_whole(given: str) -> None:
    """Refuse a token where its id is asked for: it is on a command line, which others may see.

    Raises: UsageError: it is one.
    """
    from strongroom.credentials.issued_token_text import recognise as recognise_text
    from strongroom.errors import TokenRefused

    try:
        token_id = recognise_text(given)[1]
    except TokenRefused:
        return
    raise UsageError(
        "this is the whole token, which others may have seen on the command line; ID is its middle part",
        advice=f"strongroom token revoke {token_id}",
    )


def _text(token: object) -> str:
    from strongroom.errors import TokenRefused

    try:
        return token.reveal()  # type: ignore[attr-defined, no-any-return]
    except ValueError:
        raise TokenRefused("this is not a token") from None


def _recognised(text: str) -> tuple[str, str]:
    from strongroom.credentials.issued_token_text import recognise as recognise_text

    return recognise_text(text)


def _show(arguments: Arguments, issued: IssuedToken) -> int:
    if arguments.json:
        output.json({"token": issued.token.reveal(), **_described(issued.record)})
        return OK
    output.value(issued.token.reveal_buffer())
    output.note(f"issued the token {issued.record.id}; nothing can show it again")
    return OK


def _described(record: TokenRecord) -> dict[str, object]:
    described: dict[str, object] = {
        "id": record.id,
        "prefix": record.prefix,
        "name": record.name,
        "scopes": list(record.scopes),
    }
    for name in ("created", "expires", "last_used", "revoked"):
        time: datetime | None = getattr(record, name)
        described[name] = time.isoformat() if time else None
    return described


def _moment(time: datetime | None) -> str:
    return f"{time:%Y-%m-%d %H:%M}" if time else "-"
