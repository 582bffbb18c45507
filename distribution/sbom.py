"""``make sbom``: what an installation consists of, as CycloneDX 1.6 (ECMA-424).

    python distribution/sbom.py PYTHON OUTPUT

PYTHON is the interpreter of the environment that is looked at; the same environment gives the same bytes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from backend import EPOCH

_PROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"


def write(python: str, output: Path) -> None:
    """Write the bill of materials of the environment of *python*, and have it checked against its schema."""
    output.parent.mkdir(parents=True, exist_ok=True)
    options = ["--pyproject", str(_PROJECT), "--mc-type", "library", "--spec-version", "1.6", "--output-format", "JSON"]
    options += ["--output-reproducible", "--validate", "--output-file", str(output)]
    environment = {"SOURCE_DATE_EPOCH": str(EPOCH), **os.environ}
    words = [sys.executable, "-m", "cyclonedx_py", "environment", *options, python]
    subprocess.run(words, env=environment, check=True)  # noqa: S603 - our own words, and no shell


if __name__ == "__main__":
    write(sys.argv[1], Path(sys.argv[2]))
