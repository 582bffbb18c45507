"""``strongroom configure``: how many versions are kept, and how long, for one item or the vault."""

from __future__ import annotations

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import UsageError
from strongroom.doors.cli.interface import GlobalArguments
from strongroom.doors.cli.opening import checked_path, open_items
from strongroom.doors.cli.suggestions import Suggesting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser
    from datetime import timedelta
    from typing import Literal

    from strongroom.items import Version
    from strongroom.vault.vault import Vault

SUMMARY = "settings of an item or the vault: versions kept, ages"
WORDS = "[PATH]"
DETAILS = """\
Without PATH it is about the vault: what holds for items that have no settings of their own.
Without options it shows the settings. A SPAN is a number and s, m, h, d or w, such as 90d;
WHEN is a SPAN, a date such as 2030-12-31 (UTC), or never.
"""
EXAMPLES = """\
strongroom configure
strongroom configure bank/checking --max-versions 50
strongroom configure bank/checking --expires 90d
"""


class Arguments(GlobalArguments):
    """What ``configure`` was given."""

    path: str | None = None
    max_versions: int | None = None
    cas_required: bool | None = None
    delete_after: timedelta | None = None
    expires: timedelta | Literal["never"] | None = None


def add_options(parser: ArgumentParser) -> None:
    """Add the settings."""
    from strongroom.doors.cli.arguments import whole_number
    from strongroom.doors.cli.spans import expiry, span_or_never

    parser.add_argument(
        "--max-versions", metavar="N", type=whole_number, help="keep N versions, 1 to 1,000; 0: as the vault says"
    )
    cas = parser.add_mutually_exclusive_group()
    cas.add_argument(
        "--cas-required", action="store_true", default=None, help="every write must say which version it replaces"
    )
    cas.add_argument("--no-cas-required", dest="cas_required", action="store_false", help="it need not")
    parser.add_argument(
        "--delete-after", metavar="SPAN", type=span_or_never, help="versions written from now on are deleted then"
    )
    parser.add_argument(
        "--expires", metavar="WHEN", type=expiry, help="a new date for the item's current fields, as a new version"
    )


def run(arguments: Arguments) -> int:
    """Change what was given, then show what holds."""
    path = None if arguments.path is None else checked_path(arguments.path)
    if path is None and arguments.expires is not None:
        raise UsageError("--expires is about an item", advice="strongroom configure PATH --expires 90d")
    with open_items(arguments) as vault, Suggesting(vault, "configure", path or ""):
        try:
            version = _change(vault, path, arguments)
        except ValueError as error:
            raise UsageError(str(error)) from None
        settings = vault.settings(path)
    if version is not None and not arguments.json:
        until = "never expires" if version.expires is None else f"expires {version.expires:%Y-%m-%d %H:%M} UTC"
        output.note(f"stored {path}, version {version.number}, which {until}")
    after = settings.delete_version_after
    if arguments.json:
        written = {} if version is None else {"version": version.number}
        output.json(
            {
                **written,
                "path": path,
                "max_versions": settings.max_versions,
                "cas_required": settings.cas_required,
                "delete_version_after_seconds": None if after is None else int(after.total_seconds()),
            }
        )
        return 0
    unset = "never" if path is None else "as the vault says"
    output.lines(
        (
            f"max versions:         {settings.max_versions or unset}",
            f"cas required:         {'yes' if settings.cas_required else 'no' if path is None else unset}",
            f"delete version after: {unset if after is None else after}",
        )
    )
    return 0


def _change(vault: Vault, path: str | None, arguments: Arguments) -> Version | None:
    """Change what is to be changed; the version that was written for it, if one was."""
    version = None
    has_settings = (arguments.max_versions, arguments.cas_required, arguments.delete_after) != (None, None, None)
    if not has_settings and arguments.expires is None:
        return None
    if path is not None and arguments.expires is not None:
        version = vault.patch(path, {}, expires=arguments.expires, cas=vault.history(path)[-1].number)
    if has_settings:
        vault.configure(
            path,
            max_versions=arguments.max_versions,
            cas_required=arguments.cas_required,
            delete_version_after=arguments.delete_after,
        )
    return version
