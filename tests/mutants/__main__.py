"""Try mutants: see the package."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.mutants import results
from tests.mutants.making import ROOT, Mutant, make

PLACE = ROOT / "build" / "mutants"
SOURCE = ROOT / "src"
ROOMS = {
    "crypto": (
        "tests/unit/crypto", "tests/vectors", "tests/unit/keys", "tests/unit/credentials", "tests/unit/encrypted_files",
        "tests/unit/formats/test_sealed.py", "tests/unit/vault/test_authority.py", "tests/unit/testing/test_tls.py",
    ),
    "keys": (
        "tests/unit/keys", "tests/vectors/test_strongroom_v1.py", "tests/vectors/test_deposit_v1.py",
        "tests/vectors/test_slip39.py", "tests/unit/vault/test_slots.py", "tests/unit/vault/test_deposits.py",
        "tests/unit/vault/test_rotation.py",
    ),
    "vault/policy.py": (
        "tests/unit/vault/test_policy.py", "tests/unit/vault/test_grants.py", "tests/property/test_policy.py",
        "tests/unit/service/test_access.py",
    ),
    "vault/grants.py": ("tests/unit/vault/test_grants.py", "tests/unit/service/test_access.py"),
    "service/call.py": ("tests/unit/service",),
}  # fmt: skip
"""What is changed, below the package, and the fast tests that stand around it."""
LEFT_OUT = "postgres"
"""Tests with a server of their own: seconds each, and nothing here that the others lack."""
SHARE = 8
"""One of so many is tried unless all are asked for."""
SHARE_OF_TEXTS = 20
"""And of the words of errors one of so many of these: nearly all live, and cost the most."""


def modules_of(room: str, wanted: Sequence[str]) -> list[str]:
    """The modules in a room, as paths below the package; only the *wanted* ones, where some are."""
    place = SOURCE / "strongroom" / room
    found = [place] if place.is_file() else sorted(place.rglob("*.py"))
    names = [str(path.relative_to(SOURCE / "strongroom")) for path in found]
    return [name for name in names if not wanted or room in wanted or name in wanted]


def chosen(mutants: Sequence[Mutant], share: int) -> list[Mutant]:
    """One of *share*: the same ones each time, and the same ones while the code around them changes."""

    def number(one: Mutant) -> int:
        return int.from_bytes(hashlib.sha256(repr(one.place).encode()).digest()[:4])

    return [one for one in mutants if number(one) % share == 0]


def attempt(
    source: Path, package: str, place: Path, mutants: Sequence[Mutant], tests: Sequence[str], *, cwd: Path = ROOT,
    jobs: int = 2,
) -> dict[str, str]:  # fmt: skip
    """Run *tests* against each of *mutants*, which lie in *place*.

    Returns: the outcome of each, by its name.

    Raises: SystemExit: the tests do not pass as they are.
    """
    order, outcome = place / "order.json", place / "outcome.jsonl"
    order.write_text(json.dumps({"mutants": [one.name for one in mutants], "outcome": str(outcome), "jobs": jobs}))
    environment = dict(os.environ, STRONGROOM_MUTANTS=str(order), STRONGROOM_MUTANTS_SAY="2")
    environment["PYTHONPATH"] = os.pathsep.join([str(place), str(ROOT)])
    plugins = ["tests.mutants.session", "no:randomly", "no:xdist", "no:cacheprovider"]
    words = [sys.executable, "-m", "pytest", "-q", "-o", "timeout=0", "--capture=sys", "--hypothesis-seed=1"]
    words += [word for plugin in plugins for word in ("-p", plugin)]
    words += ["-k", f"not {LEFT_OUT}", *tests]
    done = subprocess.run(words, cwd=cwd, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{done.stdout[-4000:]}\nmutants: the tests do not pass as they are")
    return {name: how for name, how, _ in map(json.loads, outcome.read_text(encoding="utf-8").splitlines())}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants")
    parser.add_argument("--whole", action="store_true", help="each mutant, and not a sample")
    parser.add_argument("--share", type=int, default=SHARE, metavar="N", help="one of N (%(default)s)")
    parser.add_argument("--texts", action="store_true", help="also the words of errors, each")
    parser.add_argument("--again", action="store_true", help="only what lived when it was last kept")
    parser.add_argument("--keep", action="store_true", help=f"write the outcome into {results.KEPT.relative_to(ROOT)}")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="processes (%(default)s)")
    parser.add_argument("--nice", type=int, default=10, metavar="N", help="how far to stand back (%(default)s)")
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"keys/format.py, or one of {', '.join(ROOMS)}")
    words = parser.parse_args()
    unknown = set(words.modules) - {name for room in ROOMS for name in (room, *modules_of(room, ()))}
    if unknown:
        parser.error(f"not among what is changed: {', '.join(sorted(unknown))}")
    os.nice(words.nice)
    share = 1 if words.whole else words.share
    known = results.load()
    alive: list[str] = []
    for room, tests in ROOMS.items():
        modules = modules_of(room, words.modules)
        if not modules:
            continue
        found = make(SOURCE, "strongroom", modules, PLACE)
        code, texts = [one for one in found if not one.is_text], [one for one in found if one.is_text]
        if words.again:
            lived = {(name, place) for name, one in known.items() for place in one.survivors}
            tried = [one for one in code if (one.module, results.place_of(one)) in lived]
        else:
            tried = chosen(code, share) + chosen(texts, 1 if words.texts else share * SHARE_OF_TEXTS)
        print(f"mutants: {room}: {len(found):,} can be made, {len(tried):,} are tried", file=sys.stderr)
        how = attempt(SOURCE, "strongroom", PLACE, tried, tests, jobs=words.jobs)
        outcomes = [(one, how.get(one.name, results.NOT_TRIED)) for one in found]
        came = results.tried_again(known, outcomes) if words.again else results.kept(outcomes)
        if words.keep:
            results.keep(came)
        alive += results.unexamined({module: came[module] for module in modules if module in came})
    if alive:
        raise SystemExit("\n".join(["mutants that live and were not examined:", *alive]))
    print("mutants: each was found by a test, or examined before")


if __name__ == "__main__":
    main()
