"""What tests need besides Python: other programs, and packages of test vectors.

Where something is missing, its tests are skipped with a reason; where the variable below is set,
as in .ci/run, they fail, so that nothing is skipped unseen.
"""

from __future__ import annotations

import os
import shutil
import tarfile
from pathlib import Path

import pytest

SKIP_NOTHING = "STRONGROOM_TESTS_SKIP_NOTHING"
VECTORS = Path(__file__).resolve().parents[1] / "build" / "vectors"


def require(is_there: bool, reason: str) -> None:
    """Go on when *is_there*."""
    if is_there:
        return
    if os.environ.get(SKIP_NOTHING):
        pytest.fail(f"may not be skipped here: {reason}")
    pytest.skip(reason)


def require_programs(*names: str) -> None:
    """Go on when every program is on the path."""
    missing = [name for name in names if shutil.which(name) is None]
    require(not missing, f"not installed: {', '.join(missing)}")


def npm_package(name: str) -> tarfile.TarFile:
    """The npm package that `make test` fetched, such as ``slip39-0.1.9``."""
    path = VECTORS / f"{name}.tgz"
    require(path.is_file(), f"{name} of npm was not fetched: `make test` does so where npm is installed")
    return tarfile.open(path)


def source_package(name: str) -> tarfile.TarFile:
    """The source package that `make test` fetched, such as ``libpass-1.9.4``."""
    path = VECTORS / f"{name}.tar.gz"
    require(path.is_file(), f"the source of {name} was not fetched: `make test` does so where there is a package index")
    return tarfile.open(path)
