"""What was measured, and on what: versions of libraries and programs, and the machine without its name."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench.agent_peers import find_program
from bench.postgres_server import find as find_server

# How each program is asked; what is not here is a Python package.
PROGRAMS = {
    "age": ("--version",), "bao": ("version",), "gitleaks": ("--version",), "gpg": ("--version",),
    "mkcert": ("--version",), "openssl": ("version",), "pass": ("version",), "postgres": ("--version",),
    "sops": ("--version", "--disable-version-check"),
}  # fmt: skip
_NUMBER = re.compile(r"\d+\.\d+[\w.+-]*")
PATIENCE_SECONDS = 60.0


def machine() -> str:
    """The processor's model, the system's kernel and the interpreter."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    system = f"{platform.system()} {platform.release().partition('-')[0]}"
    model = models[0] if models else platform.machine()
    return f"{model}, {os.cpu_count()} cores, {system}, Python {platform.python_version()}"


def versions(names: tuple[str, ...]) -> dict[str, str]:
    """The version of each of *names* that is installed, after those that stand under every row."""
    found = {"SQLite": sqlite3.sqlite_version}
    for name in ("strongroom", "cryptography", *names):
        one = _program(name) if name in PROGRAMS else _package(name)
        if one:
            found[name] = one
    return found


def _package(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _program(name: str) -> str:
    program = find_server(name) if name == "postgres" else find_program(name)
    if program is None:
        return ""
    done = subprocess.run(
        [program, *PROGRAMS[name]], capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS
    )
    number = _NUMBER.search(done.stdout + done.stderr)
    return number[0] if number else "of an unknown version"
