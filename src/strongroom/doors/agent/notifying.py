"""What the agent tells systemd and whoever started it: ready, how it stands, stopping."""

from __future__ import annotations

import os
import socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE = "NOTIFY_SOCKET"


class Notifier:
    """Sends service states; without a listener every call does nothing.

    Args:
        environment: as `os.environ`, before it is wiped.
        ready_descriptor: a pipe's end that receives one byte with the first ``ready``; -1 for none.

    Source: sd_notify(3).
    """

    def __init__(self, environment: Mapping[str, str], ready_descriptor: int = -1) -> None:
        self._address = environment.get(VARIABLE, "")
        self._ready_descriptor = ready_descriptor

    def ready(self, status: str) -> None:
        """The socket listens and requests are answered."""
        self._send(f"READY=1\nMAINPID={os.getpid()}\nSTATUS={status}")
        if self._ready_descriptor >= 0:
            os.write(self._ready_descriptor, b"+")
            os.close(self._ready_descriptor)
            self._ready_descriptor = -1

    def status(self, status: str) -> None:
        """One line for ``systemctl status``."""
        self._send(f"STATUS={status}")

    def stopping(self) -> None:
        """The agent is about to end."""
        self._send("STOPPING=1")

    def _send(self, state: str) -> None:
        if self._address[:1] not in ("/", "@"):
            return
        # An abstract address is written with @ for its leading NUL.
        address = "\0" + self._address[1:] if self._address[0] == "@" else self._address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            try:
                sender.sendto(state.encode(), address)
            except OSError:
                # Whoever listened is gone; the agent serves all the same.
                return
