"""gunicorn with a certificate of the vault's authority: gunicorn --config gunicorn.conf.py app:app

Each worker gets a certificate of its own, which renews itself; no key is in a file.
"""

from __future__ import annotations

import os
import ssl
from functools import cache

import strongroom

NAMES = ("localhost", "127.0.0.1")
bind = os.environ.get("BIND", "127.0.0.1:8443")
# For gunicorn this name means TLS; it only looks whether there is such a file, and reads nothing from it.
certfile = __file__


@cache
def _context() -> ssl.SSLContext:
    # gunicorn asks for it with each connection; what is open before it forks is not for its workers.
    return strongroom.open().tls(*NAMES)


def ssl_context(_config: object, _default: object) -> ssl.SSLContext:
    """What gunicorn asks for."""
    return _context()
