"""A project's own files with references in them: read once, and believed only if the user has allowed them."""

from __future__ import annotations

import os
import re

from strongroom.doors.cli.inputs import read_file
from strongroom.errors import Denied
from strongroom.formats.references import BadReference, parse
from strongroom.items import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from strongroom.formats.references import Reference
    from strongroom.formats.references_resolving import Wanted
    from strongroom.locate.allowed_files import Allowed

_REFERENCE = re.compile(rb"strongroom://[^\s{}\"'`<>|\\]{1,16384}")


def read_allowed(place: str) -> tuple[bytearray, Allowed]:
    """The bytes of a file that the user has allowed, and what it may name.

    Raises:
        Denied: this content was not allowed.
        StrongroomError: it cannot be read.
    """
    from strongroom.locate.allowed_files import find_allowed

    data = read_file(place)
    allowed = find_allowed(data)
    if allowed is None:
        raise Denied(
            f"{place} decides which of your values go where, and you have not allowed it, or it has changed since",
            advice=f"look at it, then: strongroom allow {quoted(place)}",
        )
    return data, allowed


def check_covered(place: str, allowed: Allowed, references: Iterable[Reference]) -> None:
    """Refuse references beyond what the file was allowed to name.

    Raises: Denied: there are some.
    """
    beyond = dict.fromkeys(one.name for one in references if not allowed.covers(one))
    if beyond:
        raise Denied(
            f"{place} may name what is in {', '.join(allowed.prefixes)}, and names {', '.join(beyond)}",
            advice=f"allow more, if it is meant to: strongroom allow {quoted(place)} --prefix FOLDER",
        )


def check_shown(place: str, allowed: Allowed, data: bytes | bytearray, wanted: Iterable[Wanted]) -> None:
    """Refuse references that are put together from variables or quoted pieces: `allow` could not show them.

    A file that was allowed with folders may: these limit what it names, however it does.

    Raises: Denied: there are some.
    """
    shown = set(references_in(data)[0])
    hidden = [] if allowed.prefixes else [str(one) for one in wanted if one.reference not in shown]
    if hidden:
        raise Denied(
            f"{place} puts together what it names, so that it could not be shown to you: {', '.join(hidden)}",
            advice=f"write it out, or limit what it may name: strongroom allow {quoted(place)} --prefix FOLDER",
        )


def references_in(data: bytes | bytearray) -> tuple[list[Reference], int]:
    """What a text of any kind names, each once and in order; and how often it tries to and is misspelled."""
    found: dict[Reference, None] = {}
    misspelled = 0
    for hit in _REFERENCE.finditer(data):
        try:
            found[parse(hit[0].decode("utf-8"))] = None
        except (UnicodeDecodeError, BadReference):
            misspelled += 1
    return list(found), misspelled


def absolute(place: str) -> str:
    """Where a file is, with links followed: what `allow` remembers."""
    return os.path.realpath(place)
