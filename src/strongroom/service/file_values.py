"""One value of an encrypted file that the client brings: it is opened here, and neither key nor library leaves.

Source: docs/service.md#encrypted-files.
"""

from __future__ import annotations

from typing import Protocol

from strongroom.items import ReservedPath
from strongroom.service import replies
from strongroom.service.call import denied
from strongroom.service.interface import Response
from strongroom.service.refusals import Refused
from strongroom.vault.named_keys.named_keys import TREE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from strongroom.service.call import Call
    from strongroom.vault.vault import Vault

FILE_BYTES_MAX = 32 * 1024
"""What the loop can open between two other requests; a client opens a longer file itself."""
NAME_CHARACTERS_MAX = 4096


class FileOpener(Protocol):
    """What opens encrypted files; `doors.agent.file_values` is one. It lies above this floor."""

    def key_names(self, data: bytes) -> Sequence[str]:
        """The names of a vault's keys that a file is encrypted to, or raise ValueError: it is none."""

    def value(self, vault: Vault, data: bytes, keys: Sequence[str], name: str) -> bytearray:
        """One value, which the caller wipes; opened with one of these keys."""


def value(call: Call, _path: str) -> Response:
    """POST file-value?name=NAMES with a file: the value, when the caller may read a key that opens it."""
    call.operation = "read"
    opener: FileOpener | None = getattr(call.keeper, "file_opener", None)
    name = call.request.query.get("name", "")
    if opener is None:
        raise Refused(404, "no files are opened here", kind="NotFound")
    if len(call.request.body) > FILE_BYTES_MAX or not 0 < len(name) <= NAME_CHARACTERS_MAX:
        raise Refused(400, f"a file of at most {FILE_BYTES_MAX:,} bytes and the name of a value are asked for")
    data = bytes(call.request.body)
    keys = []
    for one in opener.key_names(data):
        path = ReservedPath(f"{TREE}/{one}")
        if call.is_owner or call.decide((TREE, one), "read").allowed:
            keys.append(one)
            # With the key comes whatever is encrypted to it: that is what was read.
            call.touched[path] = ()
    if not keys:
        raise denied()
    return Response(200, [*replies.RAW_HEADERS], opener.value(call.vault, data, keys, name))
