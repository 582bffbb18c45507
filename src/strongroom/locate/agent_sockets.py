"""Where the agent of a vault listens, for the agent and for its clients; and who may listen there.

Light on purpose: a plain read through the agent loads this file and little else.
Source: docs/format.md#agent.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE = "STRONGROOM_AGENT_SOCKET"
VAULT_HEADER = "X-Strongroom-Vault"
"""Sent with `socket_id` when the caller named the vault; an agent of another one answers 421."""

SYSTEM_DIRECTORY = "/run/strongroom"
"""Where an agent that serves several users listens; root makes this directory, for the agent's user."""


def socket_id(location: str) -> str:
    """The name under which everybody finds the agent of one vault.

    Args:
        location: from `strongroom.locate.addresses.find_location`.

    Returns: the first 16 hex digits of SHA-256 of the vault's real absolute path, or of its URL.
    """
    # A URL has a scheme before the first slash; an absolute path begins with one.
    place = os.path.realpath(location) if location.startswith("/") else location
    return _sha256(os.fsencode(place))[:16]


def _sha256(data: bytes) -> str:
    # The name of a file, not a protection: the interpreter's own implementation, as hashlib and
    # `strongroom.crypto.digest` would cost a plain read half of its time.
    try:
        digest: str = __import__("_sha2" if sys.version_info >= (3, 12) else "_sha256").sha256(data).hexdigest()
    except ImportError:
        from strongroom.crypto.digest import sha256  # an interpreter built without its own

        return sha256(data).hex()
    return digest


def agent_directory(environment: "Mapping[str, str]" = os.environ) -> str:
    """The directory, mode 0700, in which this user's agents listen.

    Under the home that the password database names: cron, systemd and sudo set neither ``HOME`` nor
    ``XDG_RUNTIME_DIR`` as a login does, and all of them must find the same agent.

    Args:
        environment: as `os.environ`; asked for ``HOME`` only when this user has no entry.

    Raises: VaultNotFound: this user has no home directory.
    """
    import pwd  # not on Windows, where there is no agent

    try:
        home = pwd.getpwuid(os.geteuid()).pw_dir
    except KeyError:
        home = ""
    if not home.startswith("/"):
        from strongroom.locate.addresses import home_directory

        home = home_directory(environment)
    return os.path.join(home, ".local", "state", "strongroom", "agent")


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

    ``STRONGROOM_AGENT_SOCKET`` alone when it is set, else this user's own agent, else the system's.

    Raises: VaultNotFound: this user has no home directory.
    """
    named = environment.get(VARIABLE, "")
    if named:
        return (os.path.abspath(named),)
    name = socket_id(location) + ".sock"
    return os.path.join(agent_directory(environment), name), os.path.join(SYSTEM_DIRECTORY, name)


def may_serve(server_uid: int, socket: str, location: str) -> bool:
    """Whether an agent that runs as *server_uid* may be asked for this vault's secrets, and told new ones.

    This user and root may; so may the owner of the vault's file. The owner of the socket's directory may
    when root alone could have put that directory there, which is how a system agent that has its own user
    is told from a stranger.

    Args:
        server_uid: from ``SO_PEERCRED`` of the connection, never from the file.
        socket: the path that was connected to.
        location: the vault's.
    """
    if server_uid in (0, os.geteuid()):
        return True
    if location.startswith("/"):
        try:
            if os.stat(location).st_uid == server_uid:
                return True
        except OSError:
            pass  # not this user's to see: the directory has the last word
    directory = os.path.dirname(os.path.realpath(socket))
    try:
        status = os.stat(directory)
    except OSError:
        return False
    return status.st_uid == server_uid and not status.st_mode & 0o022 and _is_root_made(directory)


def _is_root_made(directory: str) -> bool:
    """Whether nobody but root can have put *directory* where it is."""
    above = os.path.dirname(directory)
    while True:
        status = os.stat(above)
        if status.st_uid != 0 or status.st_mode & 0o022:
            return False
        if above == os.path.dirname(above):
            return True
        above = os.path.dirname(above)
