"""``make exe``: the command line as one file that needs no Python on the machine where it runs.

    python distribution/executable.py [DIRECTORY]

It is made with the interpreter that runs this, from the strongroom that is installed there, and holds the
optional packages that are installed there as well. See docs/decisions/0028.
"""

from __future__ import annotations

import importlib.util
import pkgutil
import sys
from pathlib import Path

# What is of no use without a Python program around it, and would drag frameworks along.
_LEFT_OUT = ("strongroom.django", "strongroom.testing", "strongroom.settings", "strongroom.doors.keyring")
# The interpreter's own modules that something imports for a case that does not arise here.
_UNUSED = ("tkinter", "pytest", "IPython", "setuptools", "pip", "pydoc", "lib2to3", "unittest.mock")


def modules() -> list[str]:
    """Every module that a command may need: verbs, key slots, stores and readers are loaded by name."""
    import strongroom

    found = pkgutil.walk_packages(strongroom.__path__, "strongroom.", onerror=lambda _name: None)
    return [one.name for one in found if not one.name.startswith(_LEFT_OUT) and not _is_missing(one.name)]


def _is_missing(name: str) -> bool:
    return importlib.util.find_spec(name) is None


def build(directory: Path) -> Path:
    """Make the executable; its path.

    Args:
        directory: receives it, and what PyInstaller works with below ``work``.
    """
    from PyInstaller.__main__ import run

    import strongroom

    start = Path(strongroom.__path__[0]) / "__main__.py"
    options = ["--onefile", "--noconfirm", "--clean", "--name", "strongroom", "--log-level", "ERROR"]
    options += ["--distpath", str(directory), "--workpath", str(directory / "work"), "--specpath", str(directory)]
    options += ["--collect-data", "strongroom.credentials"]
    options += [f"--hidden-import={name}" for name in modules()]
    options += [f"--exclude-module={name}" for name in (*_LEFT_OUT, *_UNUSED)]
    run([*options, str(start)])
    return directory / "strongroom"


if __name__ == "__main__":
    sys.stdout.write(f"{build(Path(sys.argv[1] if len(sys.argv) > 1 else 'build/exe'))}\n")
