"""``make pythons``: the unit tests on every other Python that is installed here and that we declare.

    python distribution/pythons.py [PYTEST'S WORDS...]

Interpreters are looked for on PATH and among pyenv's.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_PATIENCE_SECONDS = 60.0


def found() -> dict[str, str]:
    """Versions that pyproject.toml declares and that are not this one, with an interpreter each."""
    places = [*os.environ.get("PATH", "").split(os.pathsep)]
    root = os.environ.get("PYENV_ROOT")
    if root:
        places += [str(path) for path in sorted(Path(root).glob("versions/3.*/bin"))]
    declared = re.findall(r"Python :: (3\.\d+)\"", (ROOT / "pyproject.toml").read_text())
    pythons = {}
    for version in declared:
        for place in places:
            path = shutil.which(f"python{version}", path=place)
            if version != f"3.{sys.version_info.minor}" and path and answers(path, version):
                pythons[version] = path
                break
    return pythons


def answers(path: str, version: str) -> bool:
    """Whether it is one, and not the stand-in of a version that is switched off."""
    asked = [path, "-c", "import sys, venv; print('%d.%d' % sys.version_info[:2])"]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=_PATIENCE_SECONDS, check=False)  # noqa: S603
    return done.returncode == 0 and done.stdout.strip() == version


def run_tests(python: str, place: Path, words: list[str]) -> int:
    """Make an environment with *python* at *place*, and run pytest there; its exit code."""
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["test"]
    subprocess.run([python, "-m", "venv", "--clear", "--without-pip", str(place)], check=True)  # noqa: S603
    interpreter = str(place / "bin" / "python")
    pip = [sys.executable, "-m", "pip", "--python", interpreter, "--disable-pip-version-check", "--no-input"]
    subprocess.run([*pip, "install", "-qq", "-e", str(ROOT), *tools], check=True)  # noqa: S603
    options = ["-q", "-n", "2", "-p", "no:cacheprovider", *words]
    return subprocess.run([interpreter, "-m", "pytest", *options], cwd=ROOT, check=False).returncode  # noqa: S603


def main(words: list[str]) -> int:
    """All of them, one after the other."""
    failed = []
    for version, python in found().items():
        sys.stdout.write(f"Python {version}: {python}\n")
        sys.stdout.flush()
        if run_tests(python, ROOT / "build" / f"python-{version}", words or ["tests/unit"]):
            failed.append(version)
    sys.stdout.write(f"failed: {', '.join(failed)}\n" if failed else "")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
