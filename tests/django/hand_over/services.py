"""Connectors that settings name by their paths."""

from __future__ import annotations

import os
import signal
from typing import Any

CALLS: list[str] = []


def connect(credential: Any, handed: Any) -> str:
    """One that works."""
    CALLS.append(handed.name)
    return f"{len(credential)} fields"


def stop(_credential: Any, _handed: Any) -> str:
    """Somebody asks the worker to end while it is busy."""
    os.kill(os.getpid(), signal.SIGTERM)
    return "this one is finished"


def stop_twice(_credential: Any, _handed: Any) -> str:
    """Somebody has no patience."""
    os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGTERM)
    return "not to be seen"
