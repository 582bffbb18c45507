"""The plain ``get``: read off the argument list without argparse, and answered by the agent without a library.

A read through the agent loads this file, `locate.agent_sockets` and ``_socket``, and not even
``__future__``, which is a module and a percent of the read; a test looks at `sys.modules`.
Whatever is not plain, or does not go well at once, is left to `running`, which does the
same with more care and more words; tests hold the two together.
Until the value has come nothing is written, so that nothing is lost by beginning anew.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from strongroom.doors.cli.commands.get import Arguments

_WITH_VALUE = {"--vault": "vault", "--key-file": "key_file", "--identity": "identity"}
_PATIENCE_SECONDS = 10
_RECEIVE_BYTES = 16 * 1024
_HEAD_BYTES_MAX = 4096


def read_get(words: "Sequence[str]") -> "Arguments | None":
    """The arguments of ``get PATH [FIELD]`` with ``--vault``, ``--key-file``, ``--identity``, ``--no-agent`` anywhere.

    Returns: None for every other command line, also for a wrong one.
    """
    split = split_get(words)
    if split is None:
        return None
    from strongroom.doors.cli.commands.get import Arguments

    plain, options = split
    arguments = Arguments()
    arguments.path = plain[1]
    arguments.field = plain[2] if len(plain) == 3 else None
    for attribute, setting in options.items():
        setattr(arguments, attribute, setting)
    return arguments


def split_get(words: "Sequence[str]") -> tuple[list[str], dict[str, str | bool]] | None:
    """As `read_get`: the plain words, and the options by their attributes."""
    plain: list[str] = []
    options: dict[str, str | bool] = {}
    position = 0
    while position < len(words):
        word = words[position]
        position += 1
        if not word.startswith("-"):
            plain.append(word)
            continue
        name, equals, given = word.partition("=")
        if word == "--no-agent":
            options["use_agent"] = False
        elif name not in _WITH_VALUE:
            return None
        elif equals:
            options[_WITH_VALUE[name]] = given
        elif position < len(words) and not words[position].startswith("-"):
            options[_WITH_VALUE[name]] = words[position]
            position += 1
        else:
            return None
    if len(plain) not in (2, 3) or plain[0] != "get":
        return None
    return plain, options


def read_through_agent(words: "Sequence[str]") -> bytearray | None:
    """The value that a plain ``get`` asks for, from the agent.

    Returns: its bytes, which are to be written as they are; None when this is no plain ``get``, standard
        output is a terminal or closed, or the agent did not simply answer: then nothing has happened.
    """
    split = split_get(words)
    if split is None or not _has_plain_output():
        return None
    plain, options = split
    named = options.pop("vault", None)
    if options:
        return None
    place = _place(named)
    if place is None:
        return None
    try:
        target = _quote(plain[1]) + (f"?field={_quote(plain[2])}" if len(plain) == 3 else "")
        return _ask(place, target, is_named=named is not None)
    except (OSError, ValueError, LookupError, ImportError):
        # Also UnicodeEncodeError and VaultNotFound: `running` finds the same, and says what it is.
        return None


def _has_plain_output() -> bool:
    """Whether all standard descriptors are open (else the socket would become one) and no terminal reads."""
    try:
        for descriptor in (0, 1, 2):
            os.fstat(descriptor)
        return not os.isatty(1)
    except OSError:
        return False


def _place(named: str | bool | None) -> str | None:
    """The vault's path, where it needs no more thought than `locate.addresses.find_location` would spend here."""
    environment = os.environ
    path = named if isinstance(named, str) else environment.get("STRONGROOM_VAULT", "")
    if path or named is not None:
        # Anything else may be relative, a URL or under another's home.
        return path if path and path.startswith("/") and "\0" not in path else None
    if sys.platform != "linux":
        return None
    data = environment.get("XDG_DATA_HOME", "")
    if not data.startswith("/"):
        home = environment.get("HOME", "")
        if not home.startswith("/"):
            return None
        data = f"{home}/.local/share"
    return f"{data}/strongroom/vault.db"


def _quote(text: str) -> str:
    if text.isalnum() and text.isascii():
        return text
    data = text.encode("utf-8")
    return "".join(
        chr(byte) if byte < 128 and (chr(byte).isalnum() or byte in b"-._~/") else f"%{byte:02X}" for byte in data
    )


def _ask(place: str, target: str, *, is_named: bool) -> bytearray | None:
    from _socket import AF_UNIX, SO_PEERCRED, SO_RCVTIMEO, SO_SNDTIMEO, SOCK_STREAM, SOL_SOCKET, socket

    from strongroom.locate.agent_sockets import VARIABLE, VAULT_HEADER, candidates, may_serve, socket_id

    header = ""
    if os.environ.get(VARIABLE) and (is_named or os.environ.get("STRONGROOM_VAULT")):
        header = f"{VAULT_HEADER}: {socket_id(place)}\r\n"
    patience = _PATIENCE_SECONDS.to_bytes(8, sys.byteorder) + bytes(8)
    for path in candidates(place):
        connection = socket(AF_UNIX, SOCK_STREAM)
        connection.setsockopt(SOL_SOCKET, SO_RCVTIMEO, patience)
        connection.setsockopt(SOL_SOCKET, SO_SNDTIMEO, patience)
        try:
            connection.connect(path)
        except FileNotFoundError:
            connection.close()
            continue
        uid = int.from_bytes(connection.getsockopt(SOL_SOCKET, SO_PEERCRED, 12)[4:8], sys.byteorder)
        if not may_serve(uid, path, place):
            return None
        request = f"GET /v1/strongroom/raw/{target} HTTP/1.1\r\nHost: strongroom\r\n{header}Connection: close\r\n\r\n"
        connection.sendall(request.encode("ascii"))
        return _receive(connection)
    return None


def _receive(connection: object) -> bytearray | None:
    """The body of the answer, when it is 200 and whole."""
    received = bytearray()
    part = memoryview(bytearray(_RECEIVE_BYTES))
    head, wanted = -1, 0
    while head < 0 or len(received) < wanted:
        count = connection.recv_into(part)  # type: ignore[attr-defined]  # the type is _socket's, which loads late
        if not count:
            return None
        received += part[:count]
        if head < 0:
            head = received.find(b"\r\n\r\n")
            if head < 0:
                if len(received) > _HEAD_BYTES_MAX:
                    return None
                continue
            if not received.startswith(b"HTTP/1.1 200 "):
                return None
            start = received.index(b"\r\nContent-Length: ", 0, head + 2) + 18
            wanted = head + 4 + int(received[start : received.index(b"\r\n", start)])
    part[:] = bytes(len(part))
    if len(received) != wanted:
        return None
    del received[: head + 4]
    return received
