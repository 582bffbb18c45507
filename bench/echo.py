"""A server on a Unix socket that gives back what it gets, one thread and epoll: the least an agent could do."""

from __future__ import annotations

import select
import socket
import sys


def main() -> None:
    """Serve at the path that is the first argument, until killed."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(sys.argv[1])
    listener.listen(64)
    poll = select.epoll()
    poll.register(listener.fileno(), select.EPOLLIN)
    clients: dict[int, socket.socket] = {}
    while True:
        for descriptor, _ in poll.poll():
            if descriptor == listener.fileno():
                client, _ = listener.accept()
                clients[client.fileno()] = client
                poll.register(client.fileno(), select.EPOLLIN)
                continue
            data = clients[descriptor].recv(4096)
            if data:
                clients[descriptor].sendall(data)
            else:
                poll.unregister(descriptor)
                clients.pop(descriptor).close()


if __name__ == "__main__":
    main()
