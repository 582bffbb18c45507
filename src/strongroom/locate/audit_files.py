"""The agent's audit files on disk: where they lie, which there are, and their lines.

`locate.audit_writing` appends to them; what a line says is `vault.audit_file`'s business.
"""

from __future__ import annotations

import os

from strongroom.errors import Tampered
from strongroom.locate.addresses import is_path
from strongroom.stores import durable, files
from strongroom.vault.audit_file import (
    FIRST_LINK,
    LINE_BYTES_MAX,
    WRITER_BYTES,
    AuditKeys,
    Chain,
    parse_line,
    split_line,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_SUFFIX = ".log"
_NUMBER_DIGITS = 6
_READ_BYTES = 1024 * 1024
_TAIL_BYTES = 2 * (LINE_BYTES_MAX + 1)


def audit_directory(location: str, vault_id: bytes) -> str:
    """Where the audit files of the vault at *location* lie.

    Args:
        location: from `find_location`.
        vault_id: names the directory of a vault that is no file.
    """
    if is_path(location):
        return files.real_path(location) + ".audit"
    from strongroom.locate.state_directory import state_directory

    return os.path.join(state_directory(), "audit", vault_id.hex())


def file_path(directory: str, writer: str, number: int) -> str:
    """The path of one file of a writer."""
    return os.path.join(directory, f"{writer}-{number:0{_NUMBER_DIGITS}}{_SUFFIX}")


def list_writers(directory: str) -> dict[str, list[int]]:
    """The writers there are, and the numbers of their files, ascending; none where there is no directory.

    Raises: UnsafePermissions: the directory is open to others.
    """
    if not os.path.lexists(directory):
        return {}
    files.check_private_dir(directory)
    found: dict[str, list[int]] = {}
    for name in sorted(os.listdir(directory)):
        writer, dash, number = name.removesuffix(_SUFFIX).partition("-")
        is_one = name.endswith(_SUFFIX) and dash and len(writer) == 2 * WRITER_BYTES
        if is_one and number.isascii() and number.isdigit() and len(number) >= _NUMBER_DIGITS:
            found.setdefault(writer, []).append(int(number))
    return {writer: sorted(numbers) for writer, numbers in found.items()}


def read_lines(path: str) -> Iterator[tuple[bytes, bool]]:
    """The lines of one file without their newlines, and whether there was one.

    Raises:
        UnsafePermissions, NotFound, StoreUnavailable: about the file.
        Tampered: a line is too long.
    """
    files.check_private_file(path, "audit file")
    try:
        with open(path, "rb", buffering=_READ_BYTES, opener=_open_unfollowed) as file:
            while line := file.readline(LINE_BYTES_MAX + 1):
                if len(line) > LINE_BYTES_MAX:
                    raise Tampered("a line of the audit file is too long")
                yield line.removesuffix(b"\n"), line.endswith(b"\n")
    except OSError as error:
        raise durable.os_error(error, path, "audit file") from None


def _open_unfollowed(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC)


def read_end(descriptor: int, keys: AuditKeys) -> tuple[Chain, int]:
    """The chain at the end of a file, so that it can go on, and how many bytes are cut off behind the last line.

    Raises: Tampered, FormatUnsupported: the last lines do not hold.
    """
    start = max(0, os.fstat(descriptor).st_size - _TAIL_BYTES)
    *lines, cut = os.pread(descriptor, _TAIL_BYTES, start).split(b"\n")
    if start:
        lines = lines[1:]  # begins somewhere inside a line
    if not lines:
        raise Tampered("it holds no whole line")
    last = parse_line(lines[-1])
    number = last["n"]
    if not isinstance(number, int):
        raise Tampered("a line of the audit file is malformed")
    if "strongroom-audit" in last and len(lines) == 1:
        previous = _hex_link(last.get("previous"))
    else:
        previous = split_line(lines[-2])[1] if len(lines) > 1 else FIRST_LINK
    chain = Chain(keys, number - 1, previous)
    chain.follow(lines[-1])
    return chain, len(cut)


def _hex_link(text: object) -> bytes:
    try:
        link = bytes.fromhex(text) if isinstance(text, str) else b""
    except ValueError:
        link = b""
    if len(link) != len(FIRST_LINK):
        raise Tampered("a line of the audit file is malformed")
    return link
