"""How the wheel and the source package are made: by setuptools, and the same from the same sources.

What differs from one machine to the next is evened out: times, owners, permission bits, the order of
files, and what an earlier build left behind. ``SOURCE_DATE_EPOCH`` names another time than `EPOCH`.
Source: PEP 517; https://reproducible-builds.org/specs/source-date-epoch/.
"""

from __future__ import annotations

import gzip
import io
import os
import shutil
import sys
import tarfile
import time
import zipfile
from pathlib import Path

import manual  # beside this file, which is the path that this one was found on
from setuptools import build_meta
from setuptools.build_meta import (
    build_editable,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]

EPOCH = 1767225600
"""2026-01-01, which no archive format takes for a time before its own."""

Settings = dict[str, str | list[str] | None] | None


def build_wheel(
    wheel_directory: str, config_settings: Settings = None, metadata_directory: str | None = None
) -> str:
    """PEP 517: the wheel, and its name."""
    _begin()
    # What is in there was a module once, perhaps, and would come along.
    shutil.rmtree("build/lib", ignore_errors=True)
    for left in Path("build").glob("bdist.*"):
        shutil.rmtree(left)
    name = build_meta.build_wheel(wheel_directory, config_settings, metadata_directory)
    _even_wheel(Path(wheel_directory, name))
    return name


def build_sdist(sdist_directory: str, config_settings: Settings = None) -> str:
    """PEP 517: the source package, and its name."""
    _begin()
    name = build_meta.build_sdist(sdist_directory, config_settings)
    _even_sdist(Path(sdist_directory, name))
    return name


def _begin() -> None:
    os.environ.setdefault("SOURCE_DATE_EPOCH", str(EPOCH))
    os.umask(0o022)
    # The parser is asked, from the sources: they are not to be left with its byte code.
    sys.dont_write_bytecode = True
    manual.write(Path("build/man"))
    manual.write_completions(Path("build/completions"))


def _moment() -> int:
    return int(os.environ["SOURCE_DATE_EPOCH"])


def _mode(name: str) -> int:
    return 0o755 if "/scripts/" in name or name.endswith("launcher/strongroom") else 0o644


def _even_wheel(path: Path) -> None:
    moment = time.gmtime(_moment())[:6]
    evened = path.with_suffix(".even")
    with zipfile.ZipFile(path) as given, zipfile.ZipFile(evened, "w", zipfile.ZIP_DEFLATED) as made:
        names = sorted(given.namelist(), key=lambda name: (".dist-info/" in name, name.endswith("/RECORD"), name))
        for name in names:
            entry = zipfile.ZipInfo(name, moment)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, where the permission bits mean something
            entry.external_attr = (0o100000 | _mode(name)) << 16
            made.writestr(entry, given.read(name))
    evened.replace(path)


def _even_sdist(path: Path) -> None:
    content = io.BytesIO()
    with tarfile.open(path) as given, tarfile.open(fileobj=content, mode="w", format=tarfile.PAX_FORMAT) as made:
        for member in sorted(given.getmembers(), key=lambda one: one.name):
            entry = tarfile.TarInfo(member.name)
            entry.type, entry.size, entry.mtime = member.type, member.size, _moment()
            entry.mode = 0o755 if member.isdir() else _mode(member.name)
            made.addfile(entry, given.extractfile(member))
    with path.open("wb") as file, gzip.GzipFile("", "wb", mtime=_moment(), fileobj=file) as packed:
        packed.write(content.getvalue())
