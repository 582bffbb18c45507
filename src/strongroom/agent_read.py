"""The plain ``get``: read off the argument list without argparse, and answered by the agent without a library.

This one file is what the launcher loads, with ``_socket`` and not even ``__future__``: each file more
is a percent or two of the read, which shall take no longer than a bare interpreter (docs/decisions/0019).
So it lies on the lowest floor, where `locate.agent_sockets` finds who may serve and under which name.
Whatever is not plain, or does not go well at once, is left to the command line, which does the
same with more care and more words; tests hold the two together.
Until the value has come nothing is written, so that nothing is lost by beginning anew.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

VARIABLE = "STRONGROOM_AGENT_SOCKET"
VAULT_HEADER = "X-Strongroom-Vault"
"""Sent with `socket_id` when the caller named the vault; an agent of another one answers 421."""

SYSTEM_DIRECTORY = "/run/strongroom"
"""Where an agent that serves several users listens; root makes this directory, for the agent's user."""

_WITH_VALUE = {"--vault": "vault", "--key-file": "key_file", "--identity": "identity"}
_PATIENCE_SECONDS = 10
_RECEIVE_BYTES = 16 * 1024
_HEAD_BYTES_MAX = 4096


def main(arguments: "Sequence[str] | None" = None) -> "NoReturn":
    """Run one command and leave the process with its exit code.

    Args:
        arguments: the words after the program's name; None for this process's own.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    written = 0
    value = None
    try:
        value = read_through_agent(words)
        if value is not None:
            written = os.write(1, value)
            if written == len(value):
                # The interpreter's own end would take as long as the read.
                os._exit(0)
    except KeyboardInterrupt:
        from strongroom.doors.cli.running import leave_interrupted

        leave_interrupted()
    except OSError:
        pass  # Nobody reads the output any more, or not at this moment: `running` says which.
    from strongroom.doors.cli.running import run_and_leave, write_and_leave

    if value is not None:
        write_and_leave(memoryview(value)[written:])
    run_and_leave(words)


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

    Returns: its bytes, which are to be written as they are; None when this is neither plain ``get`` nor ``file get``,
        standard output is a terminal or closed, or the agent did not simply answer: then nothing has happened.
    """
    if words[:2] == ["file", "get"]:
        from strongroom.agent_file_read import read_value

        return read_value(words[2:])
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
        return _ask(place, f"raw/{target}", is_named=named is not None)
    except (OSError, ValueError, LookupError, ImportError):
        # Also UnicodeEncodeError: `running` finds the same, and says what it is.
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


def _ask(place: str, target: str, *, is_named: bool, body: bytes = b"") -> bytearray | None:
    from _socket import AF_UNIX, SO_PEERCRED, SO_RCVTIMEO, SO_SNDTIMEO, SOCK_STREAM, SOL_SOCKET, socket

    patience = _PATIENCE_SECONDS.to_bytes(8, sys.byteorder) + bytes(8)
    for path in _candidates(place):
        connection = socket(AF_UNIX, SOCK_STREAM)
        connection.setsockopt(SOL_SOCKET, SO_RCVTIMEO, patience)
        connection.setsockopt(SOL_SOCKET, SO_SNDTIMEO, patience)
        try:
            connection.connect(path)
        except FileNotFoundError:
            connection.close()
            continue
        # From here on the agent looks who this is, and what is computed meanwhile costs no time.
        header = ""
        if os.environ.get(VARIABLE) and (is_named or os.environ.get("STRONGROOM_VAULT")):
            header = f"{VAULT_HEADER}: {socket_id(place)}\r\n"
        uid = int.from_bytes(connection.getsockopt(SOL_SOCKET, SO_PEERCRED, 12)[4:8], sys.byteorder)
        if not may_serve(uid, path, place):
            return None
        method = f"POST /v1/strongroom/{target} HTTP/1.1\r\nContent-Length: {len(body)}" if body else ""
        method = method or f"GET /v1/strongroom/{target} HTTP/1.1"
        request = f"{method}\r\nHost: strongroom\r\n{header}Connection: close\r\n\r\n"
        connection.sendall(request.encode("ascii") + body)
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


def socket_id(location: str) -> str:
    """The name under which everybody finds the agent of one vault.

    Args:
        location: from `strongroom.locate.addresses.find_location`.

    Returns: the first 16 hex digits of SHA-256 of the vault's real absolute path, or of its URL.
    Raises: ImportError: this interpreter was built without a digest of its own; `locate.agent_sockets` has one.
    """
    # A URL has a scheme before the first slash; an absolute path begins with one.
    place = os.path.realpath(location) if location.startswith("/") else location
    # The name of a file, not a protection: the interpreter's own implementation, as hashlib and
    # `strongroom.crypto.digest` would cost a plain read half of its time.
    own = __import__("_sha2" if sys.version_info >= (3, 12) else "_sha256")
    name: str = own.sha256(os.fsencode(place)).hexdigest()[:16]
    return name


def directory_below(home: str) -> str:
    """The directory, mode 0700, in which the agents of the user with this home listen."""
    return home + "/.local/state/strongroom/agent"


def _candidates(location: str) -> "Sequence[str]":
    """As `locate.agent_sockets.candidates`, for who has a home.

    Raises: KeyError: the password database does not know this user, or a home.
    """
    named = os.environ.get(VARIABLE, "")
    if named:
        return (os.path.abspath(named),)
    import pwd

    home = pwd.getpwuid(os.geteuid()).pw_dir
    if not home.startswith("/"):
        raise KeyError
    name = socket_id(location) + ".sock"
    return f"{directory_below(home)}/{name}", f"{SYSTEM_DIRECTORY}/{name}"


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
