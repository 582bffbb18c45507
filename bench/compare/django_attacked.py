"""One library's process: ``python -m bench.compare.django_attacked NAME attacks|other-key DIRECTORY`` prints JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import django
from django.conf import settings

from bench.compare.django_libraries import FACE, LIBRARIES


def configure(name: str, number: int) -> dict[str, Callable[..., Any]]:
    """Start Django with the library's settings; its fields."""
    if name == "strongroom":
        return ours()
    library = LIBRARIES.get(name)
    more = {} if library is None else library.settings(number)
    settings.configure(
        SECRET_KEY=f"{number}" * 50, USE_TZ=True, DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        INSTALLED_APPS=[] if library is None else list(library.apps), **more,
    )  # fmt: skip
    django.setup()
    if library is not None:
        return library.fields()
    from strongroom.testing.django_fields.kinds import kinds

    return {kind: known.plain for kind, known in kinds().items() if kind in FACE}


def ours() -> dict[str, Callable[..., Any]]:
    """Our fields, bound to the owner, under the key of a vault that ends with the process."""
    settings.configure(
        SECRET_KEY="s" * 50, USE_TZ=True, INSTALLED_APPS=["strongroom.django"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    )  # fmt: skip
    django.setup()
    from strongroom import django as door
    from strongroom.keys.slots.key_file import new_key_file
    from strongroom.stores.memory import MemoryStore
    from strongroom.vault.opening import create_vault

    vault = create_vault(MemoryStore(), [new_key_file()], author="bench")
    vault.keys.create("django")
    door.use_vault(vault)
    return {kind: partial(getattr(door, face), bind=("owner",)) for kind, face in FACE.items()}


def main(name: str, phase: str, directory: str) -> dict[str, dict[str, object]]:
    """Attack the text field with everything, and store the awkward values of every kind."""
    fields = configure(name, 1 if phase == "attacks" else 2)
    from strongroom.testing.django_fields.attacks import ATTACKS, falsy_values, wrong_key
    from strongroom.testing.django_fields.database import ALIAS, OwnDatabase
    from strongroom.testing.django_fields.subject import Subject

    left = Path(directory, "left.json")
    outcomes: dict[str, dict[str, object]] = {}
    with OwnDatabase(str(Path(directory, "db.sqlite3"))):
        with Subject(fields["char"], "char", name="Left", using=ALIAS, keep=True) as subject:
            if phase == "other-key":
                row = subject.model(pk=json.loads(left.read_text()))
                outcome = wrong_key(subject, row, nullcontext())
                return {"wrong key": {"held": outcome.held, "word": outcome.word}}
            left.write_text(json.dumps(str(subject.pair().pk)))
        with Subject(fields["char"], "char", name="Attacked", using=ALIAS) as subject:
            for attack, run in ATTACKS.items():
                outcome = run(subject)
                outcomes[attack] = {"held": outcome.held, "word": outcome.word}
        for kind in fields:
            if kind != "char":
                with Subject(fields[kind], kind, name=f"Falsy{kind}", using=ALIAS) as subject:
                    outcome = falsy_values(subject)
                if not outcome.held:
                    before = outcomes["falsy values"]
                    words = f"{kind} {outcome.word}" if before["held"] else f"{before['word']}; {kind} {outcome.word}"
                    outcomes["falsy values"] = {"held": False, "word": words}
    return outcomes


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
