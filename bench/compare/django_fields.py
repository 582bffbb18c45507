"""Attack the fields of each library, and write the table of docs/django-fields.md.

    python -m bench.compare.django_fields [--only WORD]

Each library is installed into a directory of its own under build/, beside one Django, and runs in a process of its
own; a second process, started with another key, reads what the first one left.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.compare.django_libraries import LIBRARIES, Library

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "compare"
PAGE = ROOT / "docs" / "django-fields.md"
BASE = ("Django==5.2.19", "cryptography==50.0.2")
OURS = "strongroom"
PLAIN = "Django's own CharField"
START, END = "<!-- made by bench/compare/django_fields.py -->", "<!-- end -->"
COLUMNS = {
    "row swap": "copied to another row", "column swap": "to another column",
    "owner change": "row given to another owner", "tampering": "one character changed", "wrong key": "another key",
    "leftover plaintext": "plaintext in the column", "oracle": "a stored value entered as a value",
    "falsy values": '0, False, "", JSON', "expressions": "expressions", "look-ups": "look-ups", "dumpdata": "dumpdata",
}  # fmt: skip


def install(name: str, pins: tuple[str, ...]) -> Path:
    """A directory for ``sys.path`` that holds *pins* and nothing that they depend on."""
    target = BUILD / name.replace(" ", "-")
    if not target.exists():
        print(f"installing {name}", file=sys.stderr, flush=True)
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "-qq"]
        depends = [] if name == "base" else ["--no-deps"]
        subprocess.run([*pip, "--target", str(target), *depends, *pins], check=True, stderr=subprocess.DEVNULL)
    return target


def attack(name: str, library: Library | None) -> dict[str, dict[str, object]]:
    """What came of each attack on the fields of one library."""
    places = [install("base", BASE)]
    if library is not None:
        places.append(install(name, library.pins))
    environment = {"PYTHONPATH": ":".join(map(str, (*places, ROOT, ROOT / "src"))), "PATH": "/usr/bin:/bin"}
    outcomes: dict[str, dict[str, object]] = {}
    with tempfile.TemporaryDirectory(prefix="compare-") as directory:
        for phase in ("attacks", "other-key"):
            command = [sys.executable, "-m", "bench.compare.django_attacked", name, phase, directory]
            done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)
            if done.returncode:
                return {"": {"held": False, "word": done.stderr.strip().splitlines()[-1].partition(" (")[0]}}
            outcomes |= json.loads(done.stdout)
    return outcomes


def table(results: dict[str, dict[str, dict[str, object]]]) -> str:
    """In Markdown; what a field does not withstand is bold."""
    lines = [f"| library | cipher | {' | '.join(COLUMNS.values())} |", f"|{' --- |' * (len(COLUMNS) + 2)}"]
    for name, outcomes in results.items():
        cipher = {OURS: "AES-256-GCM, bound to the row", PLAIN: "none"}.get(name) or LIBRARIES[name].cipher
        if "" in outcomes:
            lines.append(f"| {name} | {cipher} | does not start: `{outcomes['']['word']}` |{' |' * (len(COLUMNS) - 1)}")
            continue
        cells = [_cell(outcomes[attack]) for attack in COLUMNS]
        lines.append(f"| {name} | {cipher} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(outcome: dict[str, object]) -> str:
    word = str(outcome["word"]).replace("|", "\\|")
    return word if outcome["held"] else f"**{word}**"


def main() -> None:
    """Attack all of them and replace the table on the page."""
    parser = argparse.ArgumentParser(description="attack the encrypted fields of other libraries, and ours")
    parser.add_argument("--only", default="", metavar="WORD", help="print these rows, write nothing")
    only = parser.parse_args().only
    results = {}
    for name, library in {PLAIN: None, **LIBRARIES, OURS: None}.items():
        if only in name:
            print(f"attacking {name}", file=sys.stderr, flush=True)
            results[name] = attack(name, library)
    if only:
        print(table(results))
        return
    text = PAGE.read_text(encoding="utf-8")
    before, after = text[: text.index(START)], text[text.index(END) :]
    PAGE.write_text(f"{before}{START}\n{table(results)}\n{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
