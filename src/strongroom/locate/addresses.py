"""Where a vault lies: from an argument, the environment or the platform's habit to one location.

Strings only; whether a vault is there is for the store to say.
"""

from __future__ import annotations

import os
import sys

from strongroom.errors import VaultNotFound
from strongroom.stores.registry import split_scheme

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE = "STRONGROOM_VAULT"
_FILE_NAME = "vault.db"


def home_directory(environment: Mapping[str, str] = os.environ) -> str:
    """The user's home: ``HOME``, or the password database's word where HOME is unset or relative.

    Args:
        environment: as `os.environ`.

    Raises: VaultNotFound: neither knows one (a user without an entry, as in some containers).
    """
    home = environment.get("HOME", "")
    if os.path.isabs(home):
        return home
    if sys.platform == "win32":
        home = environment.get("USERPROFILE", "")
    else:
        import pwd  # the environment answers first in all but cron jobs

        try:
            home = pwd.getpwuid(os.getuid()).pw_dir
        except KeyError:
            home = ""
    if not os.path.isabs(home):
        raise VaultNotFound(
            "this user has no home directory to look for a vault in",
            advice=f"say where the vault is: --vault FILE or {VARIABLE}=FILE",
        )
    return home


def default_location(environment: Mapping[str, str] = os.environ, *, platform: str = sys.platform) -> str:
    """The vault's file when nobody names one.

    Args:
        environment: as `os.environ`.
        platform: as `sys.platform`.

    Source: the XDG base directory specification, which says that relative values are ignored.
    """
    if platform == "win32":
        data = environment.get("LOCALAPPDATA", "") or os.path.join(home_directory(environment), "AppData", "Local")
    elif platform == "darwin":
        data = os.path.join(home_directory(environment), "Library", "Application Support")
    else:
        data = environment.get("XDG_DATA_HOME", "")
        if not os.path.isabs(data):
            data = os.path.join(home_directory(environment), ".local", "share")
    return os.path.join(data, "strongroom", _FILE_NAME)


def find_location(
    location: str | os.PathLike[str] | None = None, environment: Mapping[str, str] = os.environ
) -> str:
    """One location: the argument, else ``STRONGROOM_VAULT``, else the platform's data directory.

    Args:
        location: a path, ``~/path``, ``sqlite:PATH``, or another kind of store's URL.
        environment: as `os.environ`.

    Returns: an absolute path, or the URL of another kind of store unchanged.
    Raises:
        ValueError: an empty location, or one with a NUL.
        VaultNotFound: ``~`` or the default, and there is no home directory.
        UnsafePermissions: a URL with a password in it.
    """
    if location is None:
        named = environment.get(VARIABLE, "")
        # Set but empty counts as unset: a shell cannot unset for one command.
        return _absolute(named, environment) if named else default_location(environment)
    return _absolute(os.fspath(location), environment)


def expand_user(path: str, environment: Mapping[str, str] = os.environ) -> str:
    """*path* with a leading ``~`` or ``~/`` made the home directory; also where HOME is unset."""
    if path == "~" or path.startswith("~/"):
        return home_directory(environment) + path[1:]
    return path


def is_path(location: str) -> bool:
    """Whether a location from `find_location` is a file's path, and not another store's URL."""
    return not split_scheme(location)[0]


def _absolute(location: str, environment: Mapping[str, str]) -> str:
    if not location or "\0" in location:
        raise ValueError("the vault's location is empty or holds a NUL character")
    scheme, rest = split_scheme(location)
    if scheme in ("postgresql", "postgres"):
        from strongroom.stores.postgres_address import refuse_password  # most vaults are files

        # Before anybody prints it, or keeps it in an anchor.
        refuse_password(location)
    if scheme not in ("", "sqlite"):
        return location
    if scheme and rest.startswith("//"):
        # sqlite:///PATH: no host, then an absolute path.
        if not rest.startswith("///"):
            raise ValueError("a sqlite: location names no host; write sqlite:PATH or sqlite:///PATH")
        rest = rest[2:]
    if not rest:
        raise ValueError("a sqlite: location names a file; write sqlite:PATH")
    return os.path.abspath(expand_user(rest, environment))
