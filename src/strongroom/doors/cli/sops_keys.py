"""The identities that open a SOPS file, where the user or ``sops`` itself has them."""

from __future__ import annotations

import os

from strongroom.errors import NotFound, StrongroomError, WouldPrompt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.credentials.identities import Identity

KEY_BYTES_MAX = 1024 * 1024
"""Of a file that opens something: a key file may be a photograph."""

_VARIABLE = "SOPS_AGE_KEY_FILE"


def identities(named: str | None, option: str) -> list[Identity]:
    """Those of a file; the caller wipes them.

    Args:
        named: by the user; None: the file that sops would take.
        option: what names one, for the advice.

    Raises:
        WouldPrompt: none was named, and sops has none.
        WrongKey, NotFound, UnsafePermissions: the file is of no use.
    """
    from strongroom.credentials.identities import parse_identities

    place = named or os.environ.get(_VARIABLE)
    if not place:
        config = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
        place = os.path.join(config, "sops", "age", "keys.txt")
        if not os.path.exists(place):
            raise WouldPrompt("the file is encrypted by SOPS, and no identity was named", advice=f"{option} FILE")
    return parse_identities(read_key_file(place))


def read_key_file(path: str) -> bytearray:
    """The bytes of a file that opens something; the caller wipes them.

    Raises: NotFound, UnsafePermissions, StoreUnavailable: as `stores.files.read_private`.
    """
    from strongroom.locate.addresses import expand_user
    from strongroom.stores.files import read_private

    try:
        return read_private(expand_user(path), KEY_BYTES_MAX, "key file")
    except NotFound:
        raise
    except StrongroomError as error:
        raise type(error)(f"{path} opens nothing: {error.message}", advice=error.advice) from None
