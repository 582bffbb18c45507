"""``strongroom ca timer``: the systemd units that renew a certificate's file in time."""

from __future__ import annotations

import os

from strongroom.doors.cli import certificate_files, certificate_watching, certificates, output, units
from strongroom.doors.cli.exit_codes import OK, UsageError
from strongroom.doors.cli.opening import location_of
from strongroom.locate.agent_process import program
from strongroom.secret import wipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from strongroom.doors.cli.commands.ca import Arguments

_SERVICE = """\
[Unit]
Description=strongroom renews {shown} when it is time
Documentation=man:systemd.exec(5)

[Service]
Type=oneshot
ExecStart={command}
{credential}LimitCORE=0
RestrictRealtime=yes
LockPersonality=yes
"""
_TIMER = """\
[Unit]
Description=strongroom looks whether {shown} ends soon

[Timer]
OnCalendar=hourly
RandomizedDelaySec=10min
Persistent=yes

[Install]
WantedBy=timers.target
"""
_HOUR_SECONDS = 3600
# With less, a machine that is off for a moment, or a vault that is locked, is late.
_HOURS_LEFT_MIN = 3
# What stands for itself in a unit's name. Source: systemd-escape(1).
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_.")


def timer(arguments: Arguments) -> int:
    """Write the two units, and say which command starts them."""
    certificates.refuse_others(arguments)
    certificate_watching.command_of(arguments)
    path = os.path.abspath(arguments.what)
    early = arguments.expiring or _third_of(path)
    if early.total_seconds() < _HOURS_LEFT_MIN * _HOUR_SECONDS:
        raise UsageError(
            f"a timer comes every hour: it renews {_HOURS_LEFT_MIN} hours before the end, or earlier",
            advice="for certificates of hours: strongroom ca issue NAME --out FILE --watch",
        )
    name = f"strongroom-renew-{unit_name(path)}"
    service = service_text(path, location_of(arguments), early, command=arguments.exec, key_file=arguments.key_file)
    texts = {f"{name}.service": service, f"{name}.timer": _TIMER.format(shown=units.escaped(path))}
    for file, text in texts.items():
        units.write_unit(file, text, is_system=arguments.system, replace=arguments.yes)
    scope = "" if arguments.system else "--user "
    shown = f"'{name}.timer'" if "\\" in name else f"{name}.timer"
    output.hint(f"systemctl {scope}daemon-reload\nsystemctl {scope}enable --now {shown}")
    if arguments.key_file is None:
        output.hint("it asks the vault's agent, which has to be unlocked then; or name a key: --key-file FILE")
    return OK


def service_text(path: str, location: str, early: timedelta, *, command: str | None, key_file: str | None) -> str:
    """The service's text.

    Args:
        path: the file with the certificate.
        location: the vault's.
        early: how long before its end it is renewed; whole hours.
        command: what is run behind each renewal.
        key_file: what opens the vault; None for its agent.
    """
    hours = int(early.total_seconds()) // _HOUR_SECONDS
    words = [*program(), "ca", "renew", path, "--expiring", f"{hours}h"]
    words += ["--vault", location]
    if command is not None:
        words += ["--exec", command]
    return _SERVICE.format(
        shown=units.escaped(path),
        command=" ".join(map(units.quoted, words)),
        credential="" if key_file is None else units.credential_line(key_file),
    )


def unit_name(path: str) -> str:
    """An absolute path as a part of a unit's name; no two paths have the same."""
    data = path.strip("/").encode("utf-8", "surrogateescape")
    shown = "".join("-" if one == 0x2F else chr(one) if chr(one) in _PLAIN else f"\\x{one:02x}" for one in data)
    return f"\\x2e{shown[1:]}" if shown.startswith(".") else shown


def _third_of(path: str) -> timedelta:
    """A third of the life of the certificate that lies there."""
    data = certificate_files.read_service(path)
    try:
        return certificate_files.chain_of(data)[0].lifetime / 3
    finally:
        wipe(data)


ACTIONS: dict[str, Callable[[Arguments], int]] = {"timer": timer}
