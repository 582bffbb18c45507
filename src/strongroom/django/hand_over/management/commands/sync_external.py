"""``manage.py sync_external [--service NAME ...] [--once] [--pause SECONDS]``: the worker."""

from __future__ import annotations

import os
import select
import signal

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, InterfaceError, close_old_connections

from strongroom.django.hand_over.connectors import connectors
from strongroom.django.hand_over.records import open_vault
from strongroom.django.hand_over.rounds import Worker
from strongroom.errors import (
    Denied,
    NotFound,
    StoreUnavailable,
    StrongroomError,
    Tampered,
    UnsafePermissions,
    VaultLocked,
    WouldPrompt,
    WrongKey,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any

    from strongroom.django.hand_over.connectors import Connector

_PAUSE_SECONDS = 30
_CODES: dict[type[StrongroomError], int] = {
    VaultLocked: 3, NotFound: 4, Denied: 5, WrongKey: 6, Tampered: 7, WouldPrompt: 8, UnsafePermissions: 9,
    StoreUnavailable: 15,
}  # fmt: skip
"""As the exit codes of the command line."""


class Stop:
    """SIGTERM and SIGINT: the sync that runs is finished, and the command ends; a second one ends it at once."""

    def __init__(self) -> None:
        self.asked = False
        self._reading, self._writing = os.pipe()
        self._before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
        for number in self._before:
            signal.signal(number, self._ask)

    def _ask(self, number: int, _frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        os.write(self._writing, b"!")

    def wait(self, seconds: float) -> None:
        """Until the time has passed, or somebody asks to stop."""
        select.select([self._reading], [], [], seconds)

    def close(self) -> None:
        """Signals are handled as before."""
        for number, before in self._before.items():
            signal.signal(number, before)
        os.close(self._reading)
        os.close(self._writing)


class Command(BaseCommand):  # type: ignore[misc]  # Django carries no types
    """One line per round on stdout; no value is ever printed."""

    help = "use the credentials that were handed over: sync what is due, destroy what was withdrawn"

    def add_arguments(self, parser: CommandParser) -> None:
        """What limits it."""
        parser.add_argument("--service", action="append", metavar="NAME", help="of STRONGROOM_SYNC; default: all")
        parser.add_argument("--once", action="store_true", help="one round, for cron and timers")
        parser.add_argument(
            "--pause", type=float, default=_PAUSE_SECONDS, metavar="SECONDS", help="between rounds; %(default)s"
        )

    def handle(self, *, service: list[str] | None, once: bool, pause: float, **_options: Any) -> None:
        """Round after round.

        Raises: CommandError: with the exit code that the command line has for it.
        """
        chosen = _chosen(service)
        if not 0 < pause <= 86_400:
            raise CommandError("--pause is more than 0 and at most 86400 seconds", returncode=2)
        stop = Stop()
        try:
            while not stop.asked:
                try:
                    with open_vault() as vault:
                        tally = Worker(vault, chosen, stopping=lambda: stop.asked).round()
                except (StrongroomError, DatabaseError, InterfaceError) as error:
                    if once:
                        raise
                    # An agent or a database that is started again, or a vault that is unlocked, is no reason to end.
                    said = str(error) if isinstance(error, StrongroomError) else f"the database: {type(error).__name__}"
                    self.stderr.write(f"{said}; trying again in {pause:g} s")
                    close_old_connections()
                else:
                    if once or tally.states or tally.destroyed:
                        self.stdout.write(str(tally))
                if once:
                    return
                stop.wait(pause)
        except StrongroomError as error:
            advice = f"\nhint: {error.advice}" if error.advice else ""
            code = next((code for kind, code in _CODES.items() if isinstance(error, kind)), 1)
            raise CommandError(f"{error}{advice}", returncode=code) from None
        finally:
            stop.close()


def _chosen(services: list[str] | None) -> dict[str, Connector]:
    try:
        known = connectors()
    except ImproperlyConfigured as error:
        raise CommandError(str(error), returncode=2) from None
    unknown = sorted(set(services or ()) - set(known))
    if unknown or not known:
        what = f"has no {unknown[0]}" if unknown else "names no service"
        in_settings = 'in the settings: STRONGROOM_SYNC = {"photos": "site.sync.fetch"}'
        hint = f"it has {', '.join(sorted(known))}" if known else in_settings
        raise CommandError(f"STRONGROOM_SYNC {what}\nhint: {hint}", returncode=2)
    return {name: one for name, one in known.items() if not services or name in services}
