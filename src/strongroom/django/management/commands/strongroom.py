"""``manage.py strongroom rotate [app.Model ...]`` and ``manage.py strongroom verify [app.Model ...]``"""

from __future__ import annotations

import json

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS

from strongroom.crypto.columns import VALUES_MAX
from strongroom.django.rotation import Tally, rotate, verify
from strongroom.django.stored_values import StoredValues, columns_of
from strongroom.errors import Denied, StrongroomError, WrongKey

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from django.db import models

_BATCH = 1000
_FAILED, _WRONG_KEY, _TAMPERED = 1, 6, 7
_ROWS_MANY = VALUES_MAX // 16
"""In one column under one version. Each row was written once at least; how often it was overwritten, nobody counts."""
_CODES: dict[type[Exception], int] = {Denied: 5, WrongKey: _WRONG_KEY}
"""As the exit codes of the command line."""


class Command(BaseCommand):  # type: ignore[misc]  # Django carries no types
    """Counts go to stdout, progress and failures to stderr; no value is ever printed."""

    help = "encrypt columns again under the key's current version, or verify every encrypted value"

    def add_arguments(self, parser: CommandParser) -> None:
        """rotate and verify."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        again = verbs.add_parser("rotate", help="encrypt again what is not under the current version of the key")
        again.add_argument("--dry-run", action="store_true", help="decrypt, encrypt and check, but write nothing")
        for verb in (again, verbs.add_parser("verify", help="decrypt every value; write nothing")):
            verb.add_argument("models", nargs="*", metavar="app.Model", help="default: every model")
            verb.add_argument("--batch-size", type=int, default=_BATCH, metavar="N", help="values in one transaction")
            verb.add_argument("--database", default=DEFAULT_DB_ALIAS, metavar="ALIAS", help="default: %(default)s")
            verb.add_argument("--json", action="store_true", help="print JSON")
            # Django knows it in front of the verb alone.
            verb.add_argument("-v", "--verbosity", dest="told", type=int, choices=range(4), help="2: progress")

    def handle(self, *, verb: str, models: list[str], batch_size: int, database: str, **options: Any) -> None:
        """Column by column.

        Raises: CommandError: with the exit code that the command line has for it.
        """
        if batch_size < 1:
            raise CommandError("--batch-size is at least 1", returncode=2)
        columns = columns_of(_named(models), database)
        if not columns:
            raise CommandError("no model here has an encrypted field", returncode=2)
        verbosity = options["verbosity"] if options["told"] is None else options["told"]
        report, failed, tampered = [], 0, False
        try:
            for values in columns:
                if verb == "rotate":
                    steps = rotate(values, batch_size=batch_size, using=database, dry_run=options["dry_run"])
                else:
                    steps = verify(values, batch_size=batch_size)
                tally = self._follow(values, verb, steps, verbosity)
                failed += tally.failed
                tampered = tampered or tally.is_tampered
                report.append(_line(values, tally))
                self._tell_of_many(report[-1])
        except StrongroomError as error:
            advice = f"\nhint: {error.advice}" if error.advice else ""
            code = next((code for kind, code in _CODES.items() if isinstance(error, kind)), _FAILED)
            raise CommandError(f"{error}{advice}", returncode=code) from None
        self._print(report, verb, is_dry=options.get("dry_run", False), as_json=options["json"])
        if failed:
            code = _TAMPERED if tampered else _WRONG_KEY
            raise CommandError(f"{failed} values do not decrypt; they were left as they are", returncode=code)

    def _follow(self, values: StoredValues, verb: str, steps: Iterable[Tally], verbosity: int) -> Tally:
        tally, total, shown = Tally(), 0, 0
        if verbosity > 1 or self.stderr.isatty():
            total = sum(values.counts().values())
        for tally in steps:
            for line in tally.failures[shown:]:
                self.stderr.write(line)
            shown = len(tally.failures)
            if total:
                self.stderr.write(f"{verb} {values.field.where}: {tally.done + tally.failed} of at most {total}")
        if tally.failed > shown:
            self.stderr.write(f"{values.field.where}: and {tally.failed - shown} more")
        return tally

    def _tell_of_many(self, line: dict[str, Any]) -> None:
        for number, count in line["versions"].items():
            if count >= _ROWS_MANY:
                self.stderr.write(
                    f"{line['column']}: {count} values under version {number}, and a version is good for {VALUES_MAX}, "
                    "those that were overwritten included: rotate the key"
                )

    def _print(self, report: list[dict[str, Any]], verb: str, *, is_dry: bool, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(report, indent=1))
            return
        what = {"rotate": "would be encrypted again" if is_dry else "encrypted again", "verify": "verified"}[verb]
        for line in report:
            versions = ", ".join(f"{count} under version {number}" for number, count in line["versions"].items())
            more = f", {line['overtaken']} written by others meanwhile" if line["overtaken"] else ""
            more += f", {line['failed']} FAILED" if line["failed"] else ""
            plain = f", {line['not_encrypted']} not encrypted" if line["not_encrypted"] else ""
            self.stdout.write(f"{line['column']}: {line['done']} {what}{more}; {versions or 'no values'}{plain}")


def _named(names: list[str]) -> list[type[models.Model]]:
    """The models called so; all of them when none is named. ``app`` alone is every model of that app."""
    if not names:
        return list(apps.get_models())
    found: list[type[models.Model]] = []
    for name in names:
        try:
            found += [apps.get_model(name)] if "." in name else apps.get_app_config(name).get_models()
        except (LookupError, ValueError) as error:
            raise CommandError(str(error), returncode=2) from None
    return found


def _line(values: StoredValues, tally: Tally) -> dict[str, Any]:
    counts = values.counts()
    plain = counts.pop(None, 0)
    return {
        "column": values.field.where, "done": tally.done, "failed": tally.failed, "overtaken": tally.overtaken,
        "versions": {str(number): counts[number] for number in sorted(number or 0 for number in counts)},
        "not_encrypted": plain,
    }  # fmt: skip
