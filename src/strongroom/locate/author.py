"""Who writes: the name that stands beside each version and audit entry."""

from __future__ import annotations

import os


def login_name() -> str:
    """The login name of this process's user, by uid, or ``uid:N`` when the uid has no name.

    ``LOGNAME`` and ``USER`` are not asked: whoever starts the process chooses them.
    """
    uid = getattr(os, "getuid", None)
    if uid is None:
        return os.getlogin()  # Windows, where there is no password database
    import pwd

    number: int = uid()
    try:
        return pwd.getpwuid(number).pw_name or f"uid:{number}"
    except KeyError:
        return f"uid:{number}"
