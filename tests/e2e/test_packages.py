"""What is published: built from copies of the sources, compared byte by byte, used where nothing else is installed."""

from __future__ import annotations

import configparser
import email
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
import tomllib
import zipfile
from email.message import Message
from pathlib import Path

import pytest

import strongroom
from strongroom.doors.cli.commands import VERBS
from tests.peers import require, require_programs

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PATIENCE_SECONDS = 300.0
NEVER_SHIPPED = ("__pycache__", ".mypy_cache", ".egg-info")


def run(*words: str | Path, cwd: Path | None = None, umask: int = 0o022, **variables: str) -> str:
    """Run a program that has to succeed; what it wrote."""
    done = subprocess.run(
        [str(word) for word in words],
        cwd=cwd, umask=umask, env={**clean_environment(), **variables}, stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=PATIENCE_SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, (words, done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout


def clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COVERAGE", "SOURCE_"))}


def copy_sources(target: Path, *, mode: int) -> Path:
    """The sources that are built, and nothing that lies around beside them; *mode* is that of a file."""
    target.mkdir()
    for name in ("src", "distribution", "launcher"):
        shutil.copytree(ROOT / name, target / name, ignore=shutil.ignore_patterns(*NEVER_SHIPPED, "*.egg-info"))
    for name in ("pyproject.toml", "MANIFEST.in", "README.md", "LICENSE", "SECURITY.md"):
        shutil.copy(ROOT / name, target)
    for path in target.rglob("*"):
        path.chmod(mode | 0o111 if path.is_dir() or path.parent.name == "launcher" else mode)
    return target


class Built:
    """Two builds of the same sources, unlike in everything that should not matter."""

    def __init__(self, root: Path) -> None:
        one, other = root / "one", root / "the other one"
        copy_sources(one, mode=0o644)
        copy_sources(other, mode=0o600)
        # A module that was removed since the last build.
        (other / "build" / "lib" / "strongroom").mkdir(parents=True)
        (other / "build" / "lib" / "strongroom" / "gone.py").write_text("")
        self._build(one, root / "first", umask=0o022)  # the source package, and the wheel from that
        self._build(other, root / "second", "--wheel", umask=0o077, TZ="Asia/Kathmandu", LC_ALL="C.UTF-8")
        self._build(other, root / "second", "--sdist", umask=0o077, TZ="Asia/Kathmandu", LC_ALL="C.UTF-8")
        (self.wheel,) = (root / "first").glob("*.whl")
        (self.sdist,) = (root / "first").glob("*.tar.gz")
        self.second = root / "second"

    def _build(self, place: Path, out: Path, *options: str, umask: int, **variables: str) -> None:
        words = ("-m", "build", "--no-isolation", "--outdir", out, *options, place)
        run(sys.executable, *words, cwd=place, umask=umask, **variables)

    def metadata(self) -> Message:
        with zipfile.ZipFile(self.wheel) as wheel:
            return email.message_from_bytes(wheel.read(f"strongroom-{strongroom.__version__}.dist-info/METADATA"))


@pytest.mark.timeout(1200)  # three builds and an installation, on a machine that may be busy
def test_what_is_published(tmp_path: Path) -> None:
    """One test, because building is slow: the bytes, the contents, the metadata, the pages, and the use."""
    require_programs("man", "mandoc", "groff")
    built = Built(tmp_path)
    check_bytes(built)
    check_contents(built)
    check_metadata(built)
    check_pages(built, tmp_path / "pages")
    check_use(built, tmp_path / "clean")


def check_bytes(built: Built) -> None:
    """Another directory, umask, time zone, permission bits; from the source package and from the checkout."""
    for made in (built.wheel, built.sdist):
        assert (built.second / made.name).read_bytes() == made.read_bytes(), made.name


def check_contents(built: Built) -> None:
    """Every module and every file beside them, the launcher, pages and completions; nothing else, and all readable."""
    with zipfile.ZipFile(built.wheel) as wheel:
        names = set(wheel.namelist())
        modes = {one.filename: one.external_attr >> 16 & 0o777 for one in wheel.infolist()}
    version = f"strongroom-{strongroom.__version__}"
    ours = {name for name in names if name.startswith("strongroom/")}
    kept = (path for path in (ROOT / "src" / "strongroom").rglob("*") if path.is_file())
    assert ours == {
        str(path.relative_to(ROOT / "src")) for path in kept if not set(path.parts).intersection(NEVER_SHIPPED)
    }
    assert {"strongroom/py.typed", "strongroom/credentials/words/eff_large.txt"} <= ours
    data = {name.removeprefix(f"{version}.data/") for name in names if name.startswith(f"{version}.data/")}
    assert data == {
        "scripts/strongroom",
        "data/share/bash-completion/completions/strongroom",
        "data/share/zsh/site-functions/_strongroom",
        "data/share/fish/vendor_completions.d/strongroom.fish",
        *(f"data/share/man/man1/strongroom{end}.1" for end in ("", *(f"-{verb}" for verb in VERBS))),
    }
    assert modes.pop(f"{version}.data/scripts/strongroom") == 0o755
    assert set(modes.values()) == {0o644}
    with tarfile.open(built.sdist) as sdist:
        assert not [name for name in sdist.getnames() if "/build" in name or "__pycache__" in name]


def check_metadata(built: Built) -> None:
    """One requirement, the extras, the versions of Python, both licences, and no address that nobody has."""
    metadata = built.metadata()
    required = metadata.get_all("Requires-Dist", [])
    assert [one for one in required if "extra ==" not in one] == ["cryptography>=50"]
    extras = PROJECT["project"]["optional-dependencies"]
    assert metadata.get_all("Provides-Extra") == list(extras)
    (everything,) = (one for one in required if one.startswith("strongroom["))
    assert set(re.split(r"[\[\],]", everything)[1:-1]) == set(extras) - {"all"}
    assert metadata["Requires-Python"] == ">=3.11"
    classifiers = metadata.get_all("Classifier", [])
    assert {f"Programming Language :: Python :: 3.{minor}" for minor in (11, 12, 13, 14)} <= set(classifiers)
    assert metadata["License-Expression"] == "Apache-2.0 AND CC-BY-3.0-US"
    assert metadata.get_all("Project-URL") is None
    with zipfile.ZipFile(built.wheel) as wheel:
        text = wheel.read(f"strongroom-{strongroom.__version__}.dist-info/entry_points.txt").decode()
        assert b"Tag: py3-none-any" in wheel.read(f"strongroom-{strongroom.__version__}.dist-info/WHEEL")
    points = configparser.ConfigParser()
    points.read_string(text)
    assert {name: dict(points[name]) for name in points.sections()} == PROJECT["project"]["entry-points"]


def check_use(built: Built, directory: Path) -> None:
    """The wheel and what it requires, nothing else: a vault is made and read, in Python too; an extra is named."""
    venv = directory / "venv"
    # Not with a pip of its own, whose installation takes longer than everything else here.
    run(sys.executable, "-m", "venv", "--without-pip", venv)
    python = venv / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check", "--no-input")
    try:
        run(*pip, "install", "-qq", built.wheel)
    except AssertionError as error:
        require("No matching distribution" not in str(error), "no package index to install cryptography from")
        raise
    names = {line.partition("==")[0] for line in run(*pip, "list", "--format=freeze").split()}
    assert names <= {"strongroom", "cryptography", "cffi", "pycparser", "typing_extensions"}, names
    home = directory / "home"
    home.mkdir(mode=0o700)
    variables = {"HOME": str(home), "STRONGROOM_KEY_FILE": str(home / "key")}
    program = venv / "bin" / "strongroom"
    assert run(program, "--version") == f"strongroom {strongroom.__version__}\n"
    # The promise is a minute for a person who types; what the commands themselves take is a hundredth of it.
    began = time.monotonic()
    run(program, "init", "--key-file", home / "key", **variables)
    run(program, "set", "bank/checking", "username=dustin", **variables)
    assert run(program, "get", "bank/checking", "username", **variables) == "dustin"
    assert time.monotonic() - began < 60
    assert len(run(program, "token", "passphrase", **variables).split("-")) == 6
    script = "import strongroom; print(strongroom.open().get('bank/checking').public('username'))"
    assert run(python, "-P", "-c", script, **variables) == "dustin\n"
    done = subprocess.run(
        [program, "slot", "add", "keyring"], env={**clean_environment(), **variables}, capture_output=True, text=True,
        timeout=PATIENCE_SECONDS, check=False,
    )  # fmt: skip
    assert (done.returncode, "strongroom[keyring]" in done.stderr) == (14, True), done
    assert (venv / "share" / "man" / "man1" / "strongroom-get.1").is_file()
    bill = directory / "bill.json"
    run(sys.executable, ROOT / "distribution" / "sbom.py", python, bill)
    listed = json.loads(bill.read_text())
    assert (listed["bomFormat"], listed["metadata"]["component"]["name"]) == ("CycloneDX", "strongroom")
    assert {one["name"] for one in listed["components"]} == names - {"strongroom"}
    assert str(directory) not in bill.read_text()


def check_pages(built: Built, directory: Path) -> None:
    """Both readers take every page without a word, and show what the parser knows."""
    directory.mkdir()
    with zipfile.ZipFile(built.wheel) as wheel:
        for name in wheel.namelist():
            if "/share/man/" in name:
                (directory / Path(name).name).write_bytes(wheel.read(name))
    pages = sorted(directory.glob("*.1"))
    assert len(pages) == len(VERBS) + 1
    # Lines of a help page stand as they are, however long; pages of others are not installed here.
    done = subprocess.run(["mandoc", "-T", "lint", *pages], capture_output=True, text=True, timeout=60, check=False)
    expected = ("longer than 80", "referenced manual")
    assert [line for line in done.stdout.splitlines() if not any(one in line for one in expected)] == []
    for page in pages:
        done = subprocess.run(
            ["groff", "-man", "-K", "utf8", "-T", "utf8", "-P-cbou", "-ww", "-rLL=100n", page],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, ""), page
    wide = {"MANWIDTH": "1000", "LC_ALL": "C.UTF-8"}
    shown = run("man", "-l", directory / "strongroom-set.1", **wide)
    example = "strongroom set web/session key --generate --length 64"
    for part in (example, "strongroom set [options] PATH [FIELD...]", "--field-file NAME=FILE", "a secret: typed"):
        assert part in shown, part
    overview = run("man", "-l", directory / "strongroom.1", **wide)
    assert all(f"strongroom-{verb}(1)" in overview for verb in VERBS)
    assert "STRONGROOM_KEY_FILE" in overview
