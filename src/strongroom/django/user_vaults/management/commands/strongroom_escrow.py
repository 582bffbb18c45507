"""``manage.py strongroom_escrow open USER``"""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS

from strongroom.django.user_vaults import vaults
from strongroom.django.user_vaults.escrow_opening import count_values, open_with_escrow
from strongroom.errors import Conflict, NotFound, StrongroomError, Tampered, VaultLocked, WouldPrompt, WrongKey

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_FAILED, _USAGE, _TAMPERED = 1, 2, 7
_CODES: dict[type[Exception], int] = {
    VaultLocked: 3, NotFound: 4, WrongKey: 6, Tampered: _TAMPERED, WouldPrompt: 8, Conflict: 10,
}  # fmt: skip
"""As the exit codes of the command line."""


class Command(BaseCommand):  # type: ignore[misc]  # Django carries no types
    """The recovery code goes to stdout, everything else to stderr."""

    help = "open a user's vault with the organisation's key, and print a recovery code for its owner, good for once"

    def add_arguments(self, parser: CommandParser) -> None:
        """open."""
        verb = parser.add_subparsers(dest="verb", required=True).add_parser("open", help="print a recovery code")
        verb.add_argument("user", metavar="USER", help="name of the log-in")
        verb.add_argument("--vault", metavar="VAULT", help="where the private key lies; default: STRONGROOM_VAULT")
        verb.add_argument("--key-file", metavar="FILE", help="open that vault with this key file")
        verb.add_argument("--key", default="escrow", metavar="NAME", help="the key's name in it; default: %(default)s")
        verb.add_argument("--database", default=DEFAULT_DB_ALIAS, metavar="ALIAS", help="default: %(default)s")
        verb.add_argument(
            "--despite-lost-values",
            action="store_true",
            help="go on although values of the user do not open: they are of a vault that was given up",
        )

    def handle(self, *, user: str, **options: Any) -> None:
        """Open, look at the values, make the code.

        Raises: CommandError: with the exit code that the command line has for it.
        """
        users = get_user_model()._default_manager.db_manager(options["database"])
        try:
            found = users.get_by_natural_key(user)
        except users.model.DoesNotExist:
            raise CommandError(f"there is no user {user}", returncode=4) from None
        try:
            code = self._code(found, options)
        except StrongroomError as error:
            advice = f"\nhint: {error.advice}" if error.advice else ""
            returncode = next((code for kind, code in _CODES.items() if isinstance(error, kind)), _FAILED)
            raise CommandError(f"{error}{advice}", returncode=returncode) from None
        except ValueError as error:
            raise CommandError(str(error), returncode=_USAGE) from None
        except KeyboardInterrupt:
            raise CommandError("interrupted; nothing was changed", returncode=130) from None
        self.stdout.write(code)
        self.stderr.write(
            "give this recovery code to nobody but the user: it opens the vault once, on the page recover"
        )

    def _code(self, user: Any, options: dict[str, Any]) -> str:
        from strongroom.locate.opening import open

        with open(options["vault"], key_file=options["key_file"], use_agent=False) as vault:
            unlocked = open_with_escrow(user, vault.keys[options["key"]])
        try:
            opening, failing = count_values(user, unlocked)
            self.stderr.write(f"{opening} values of this user open, {failing} do not")
            if failing and not options["despite_lost_values"]:
                raise Tampered(
                    "values of this user do not open in this vault: it may be one that somebody else has put there",
                    advice="if the user has given up a vault before, these are its values: --despite-lost-values",
                )
            return vaults.put_recovery_slot(user, unlocked, keep_others=True).reveal()
        finally:
            unlocked.wipe()
