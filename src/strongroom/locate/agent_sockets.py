"""Where the agent of a vault listens, for the agent and for its clients; and who may listen there.

What a plain read needs of it is in `strongroom.agent_read`.
Source: docs/format.md#agent.
"""

import os
import sys

from strongroom.agent_read import SYSTEM_DIRECTORY, VARIABLE, VAULT_HEADER, directory_below, may_serve
from strongroom.agent_read import socket_id as _socket_id
from strongroom.errors import StoreUnavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "HAS_AGENTS",
    "SYSTEM_DIRECTORY",
    "VARIABLE",
    "VAULT_HEADER",
    "agent_directory",
    "candidates",
    "check_agents_exist",
    "may_serve",
    "runtime_link",
    "socket_id",
    "socket_path",
]


HAS_AGENTS = sys.platform != "win32"
"""Whether this system has Unix sockets that say who is at the other end."""


def check_agents_exist() -> None:
    """Say what to do instead where there are no agents.

    Raises: StoreUnavailable: the system has no Unix sockets.
    """
    if not HAS_AGENTS:
        raise StoreUnavailable(
            "agents need Unix sockets, which this system does not have",
            advice="open the vault with a key file: STRONGROOM_KEY_FILE=FILE",
        )


def socket_id(location: str) -> str:
    """As `strongroom.agent_read.socket_id`, on every interpreter."""
    try:
        return _socket_id(location)
    except ImportError:
        from strongroom.crypto.digest import sha256  # an interpreter built without its own

        place = os.path.realpath(location) if location.startswith("/") else location
        return sha256(os.fsencode(place)).hex()[:16]


def agent_directory(environment: "Mapping[str, str]" = os.environ) -> str:
    """The directory, mode 0700, in which this user's agents listen.

    Under the home that the password database names: cron, systemd and sudo set neither ``HOME`` nor
    ``XDG_RUNTIME_DIR`` as a login does, and all of them must find the same agent.

    Args:
        environment: as `os.environ`; asked for ``HOME`` only when this user has no entry.

    Raises:
        VaultNotFound: this user has no home directory.
        StoreUnavailable: the system has no Unix sockets.
    """
    check_agents_exist()
    import pwd  # not on Windows

    try:
        home = pwd.getpwuid(os.geteuid()).pw_dir
    except KeyError:
        home = ""
    if not home.startswith("/"):
        from strongroom.locate.addresses import home_directory

        home = home_directory(environment)
    return directory_below(home)


def socket_path(location: str, environment: "Mapping[str, str]" = os.environ) -> str:
    """Where the agent of the vault at *location* listens when this user starts it without ``--socket``.

    Raises: VaultNotFound: this user has no home directory.
    """
    return os.path.join(agent_directory(environment), socket_id(location) + ".sock")


def runtime_link(location: str, environment: "Mapping[str, str]" = os.environ) -> str | None:
    """The link to the socket that the agent leaves in the session's own directory; None without one."""
    directory = environment.get("XDG_RUNTIME_DIR", "")
    if not directory.startswith("/"):
        return None
    return os.path.join(directory, "strongroom", socket_id(location) + ".sock")


def candidates(location: str, environment: "Mapping[str, str]" = os.environ) -> tuple[str, ...]:
    """Where a client looks for the agent of the vault at *location*, in this order.

    ``STRONGROOM_AGENT_SOCKET`` alone when it is set, else this user's own agent, else the system's;
    nowhere where there are no agents.

    Raises: VaultNotFound: this user has no home directory.
    """
    if not HAS_AGENTS:
        return ()
    named = environment.get(VARIABLE, "")
    if named:
        return (os.path.abspath(named),)
    name = socket_id(location) + ".sock"
    return os.path.join(agent_directory(environment), name), os.path.join(SYSTEM_DIRECTORY, name)
