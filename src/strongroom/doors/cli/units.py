"""Systemd units, for a user or for the machine: `agent install` writes the one that runs the agent."""

from __future__ import annotations

import os

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import UsageError
from strongroom.errors import Conflict, Denied
from strongroom.items import quoted as shell_quoted
from strongroom.locate.agent_process import program
from strongroom.locate.making import make_directories
from strongroom.stores import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.doors.cli.interface import GlobalArguments

_NAME = "strongroom-agent.service"
_SYSTEM_PLACE = "/etc/systemd/system"
_COMMON = """\
[Unit]
Description=strongroom agent for {shown}
Documentation=man:systemd.exec(5)
{after}
[Service]
Type=notify
{notifier}ExecStart={command}
{credential}Restart=on-failure
RestartPreventExitStatus=6 7 9 14
NoNewPrivileges=yes
LimitCORE=0
LimitMEMLOCK=8M
RestrictAddressFamilies=AF_UNIX
MemoryDenyWriteExecute=yes
RestrictRealtime=yes
LockPersonality=yes
{more}
[Install]
WantedBy={target}
"""
_SYSTEM = """\
RuntimeDirectory=strongroom
RuntimeDirectoryMode=0755
PrivateTmp=yes
PrivateDevices=yes
ProtectHome=read-only
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectControlGroups=yes
"""


def install(arguments: GlobalArguments, location: str, *, is_system: bool, user: str | None) -> None:
    """Write the unit, and say which command starts it.

    Args:
        location: the vault's.
        is_system: for the machine, else for this user.
        user: for the machine, whom the agent becomes; None or empty for root.

    Raises:
        UsageError: neither or both.
        Conflict: there is one; ``--yes`` replaces it.
        Denied, UnsafePermissions, StoreUnavailable: about its directory.
    """
    if not is_system and user is None:
        raise UsageError(
            "agent install needs to know for whom", advice="strongroom agent install --user\nfor the machine: --system"
        )
    if user and not is_system:
        raise UsageError("agent install --user takes no name; agent install --system --user NAME does")
    text = unit(location, arguments.key_file, is_system=is_system, user=user or "")
    write_unit(_NAME, text, is_system=is_system, replace=arguments.yes)
    scope = "" if is_system else "--user "
    output.hint(f"systemctl {scope}daemon-reload\nsystemctl {scope}enable --now {_NAME}")
    if (key_file := arguments.key_file) and not os.path.exists(key_file):
        output.note(f"there is no key file {key_file} yet; without it the service does not start")
        output.hint(f"strongroom slot add key-file {shell_quoted(key_file)}")
    if not is_system:
        output.hint("let it run when you are logged out: loginctl enable-linger")


def write_unit(name: str, text: str, *, is_system: bool, replace: bool) -> None:
    """Write one unit, and say where.

    Raises:
        Conflict: there is one, and it is not to be replaced.
        Denied, UnsafePermissions, StoreUnavailable: about its directory.
    """
    directory = _SYSTEM_PLACE if is_system else _user_place()
    path = os.path.join(directory, name)
    if os.path.lexists(path) and not replace:
        raise Conflict(f"there is a unit {path}", advice="replace it: add --yes")
    make_directories(directory)
    if not os.access(directory, os.W_OK | os.X_OK):
        raise Denied(f"you may not write {path}", advice="do it as root")
    # Never written in place: what somebody linked to this name, or put there, is not written to.
    write = files.replace_private if replace else files.create_private
    write(path, text.encode("utf-8"), 0o644)
    output.note(f"wrote {path}")


def unit(location: str, key_file: str | None, *, is_system: bool, user: str) -> str:
    """The unit's text.

    Args:
        location: the vault's.
        key_file: None for an agent that waits to be unlocked.
        is_system: for the machine, else for one user.
        user: for the machine, whom the agent becomes after it has read the key file; empty for root.
    """
    words = [*program(), "agent", "--vault", location]
    credential = ""
    if user:
        words += ["--user", user]
        if key_file:
            words += ["--key-file", os.path.abspath(key_file)]
    elif key_file:
        credential = credential_line(key_file)
    return _COMMON.format(
        shown=escaped(location),
        after="After=local-fs.target\n" if is_system else "",
        command=" ".join(map(quoted, words)),
        # A one-file executable is the parent of the process that is ready.
        notifier="" if len(program()) > 1 else "NotifyAccess=all\n",
        credential=credential,
        more=_SYSTEM if is_system else "",
        target="multi-user.target" if is_system else "default.target",
    )


def credential_line(key_file: str) -> str:
    """What hands a key file to the service alone, as its credential."""
    return f"LoadCredential=strongroom-key:{escaped(os.path.abspath(key_file))}\n"


def _user_place() -> str:
    from strongroom.locate.addresses import home_directory

    configuration = os.environ.get("XDG_CONFIG_HOME", "")
    if not os.path.isabs(configuration):
        configuration = os.path.join(home_directory(), ".config")
    return os.path.join(configuration, "systemd", "user")


def escaped(text: str) -> str:
    """A percent sign stands for itself, and a line stays one. Source: systemd.unit(5), Specifiers."""
    if not text.isprintable():
        raise UsageError("a path with control characters cannot stand in a unit")
    return text.replace("%", "%%")


def quoted(word: str) -> str:
    """One word of a command line. Source: systemd.service(5), Command lines."""
    text = escaped(word).replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return f'"{text}"' if any(character in word for character in " \t'\"\\;") else text
