"""An encrypted file for comparing: each token as a short mark that changes when the token does. No key is needed."""

from __future__ import annotations

import re

from strongroom.crypto.digest import sha256
from strongroom.encrypted_files.sealing import TOKEN_MARK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.encrypted_files.trailer import Trailer

_TOKEN = re.compile(re.escape(TOKEN_MARK) + r"[A-Za-z0-9_-]+")
_MARK_DIGITS = 12


def shown(body: str, trailer: Trailer) -> str:
    """The text without its trailer, and who may read it as comments behind.

    Args:
        body, trailer: from `trailer.split`.
    """
    text = _TOKEN.sub(lambda token: f"(encrypted {sha256(token[0].encode('ascii'))[:6].hex():.{_MARK_DIGITS}})", body)
    return text.rstrip("\n") + "\n" + about(trailer)


def about(trailer: Trailer) -> str:
    """Who may read it, and what stays readable, in lines."""
    lines = [f"# recipient {one.text}" for one in trailer.stanzas] + [f"# plain {one}" for one in trailer.plain]
    return "".join(line + "\n" for line in lines)
