"""Django models with an encrypted field beside a plain one, and other libraries' fields in the same run."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib import import_module
from itertools import cycle
from pathlib import Path
from typing import Any

from bench.compare.django_libraries import key
from bench.measure import Result, compare
from bench.rows import Bench

TEXT = "velvet-quarter-9317"
OURS = "strongroom"
BOUND = "strongroom, bound to an owner"
# what stands in the table: (module, class, or function that wraps a field)
PEERS = {
    "django-fernet-encrypted-fields": ("encrypted_fields.fields", "EncryptedCharField"),
    "django-encrypted-model-fields": ("encrypted_model_fields.fields", "EncryptedCharField"),
    "django-cryptography-5": ("django_cryptography.fields", "encrypt"),
}
GOALS = {"read": 2.2, "bulk_create": 1.5, "get": 1.15, "look up": 1.3}


@lru_cache(maxsize=1)
def tables(bench: Bench) -> dict[str, Any]:
    """What it is called -> a model with rows; Django is configured once in a process."""
    _configure(bench.directory)
    from django.db import connection, models

    from strongroom.django import EncryptedCharField, use_vault

    vault = bench.make_vault("django.db", 0)
    vault.keys.create("django")
    use_vault(vault)
    fields: dict[str, Any] = {
        "plain": models.CharField(max_length=100),
        "plain, indexed": models.CharField(max_length=100, db_index=True),
        OURS: EncryptedCharField(max_length=100),
        BOUND: EncryptedCharField(max_length=100, bind=("owner",)),
        "strongroom, indexed": EncryptedCharField(max_length=100, searchable=True),
        **{name: field for name in PEERS if (field := _peer(name)) is not None},
    }
    made = {name: _model(number, field) for number, (name, field) in enumerate(fields.items())}
    with connection.schema_editor() as editor:
        for model in made.values():
            editor.create_model(model)
    for model in made.values():
        model._default_manager.bulk_create(fresh_rows(bench, model))
    return made


def _configure(directory: Path) -> None:
    import django
    from django.conf import settings

    settings.configure(
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(directory / "django.sqlite3")}},
        INSTALLED_APPS=["strongroom.django"], DEFAULT_AUTO_FIELD="django.db.models.BigAutoField", USE_TZ=True,
        SECRET_KEY="s" * 50, SALT_KEY=key(1), FIELD_ENCRYPTION_KEY=key(1), CRYPTOGRAPHY_KEY=key(1),
    )  # fmt: skip
    django.setup()


def _peer(name: str) -> Any:
    from django.db import models

    module, face = PEERS[name]
    try:
        made = getattr(import_module(module), face)
    except ImportError:
        print(f"{name} is not installed: its lines are left out", file=sys.stderr)
        return None
    return made(models.CharField(max_length=100)) if face == "encrypt" else made(max_length=100)


def _model(number: int, field: Any) -> Any:
    from django.apps.registry import Apps
    from django.db import models

    from strongroom.django import random_key

    meta = type("Meta", (), {"app_label": "strongroom", "apps": Apps(), "db_table": f"bench_{number}"})
    members = {
        "Meta": meta, "__module__": __name__, "id": models.BigIntegerField(primary_key=True, default=random_key),
        "owner": models.IntegerField(default=7), "secret": field,
    }  # fmt: skip
    return type(f"Bench{number}", (models.Model,), members)


def fresh_rows(bench: Bench, model: Any) -> list[Any]:
    """Objects that are not stored yet."""
    return [model(secret=f"{TEXT}-{number}") for number in range(200 if bench.quick else 10_000)]


def read(model: Any) -> Callable[[], object]:
    """Every object, and its value."""
    return lambda: [row.secret for row in model._default_manager.all()]


def create(rows: list[Any], model: Any) -> Callable[[], object]:
    """`bulk_create`, taken back."""
    from django.db import transaction

    def work() -> None:
        with transaction.atomic():
            model._default_manager.bulk_create(rows)
            transaction.set_rollback(True)

    return work


def get(model: Any) -> Callable[[], object]:
    """One object by its key."""
    keys = cycle(list(model._default_manager.values_list("pk", flat=True)[:100]))
    return lambda: model._default_manager.get(pk=next(keys)).secret


def look_up(model: Any) -> Callable[[], object]:
    """One object by its value."""
    values = cycle([f"{TEXT}-{number}" for number in range(100)])
    return lambda: model._default_manager.get(secret=next(values)).secret


def django_fields(bench: Bench) -> Iterator[Result]:
    """Reading, writing and finding; each field beside the plain one."""
    made = tables(bench)
    plain = made["plain"]
    count = len(fresh_rows(bench, plain))
    rounds = min(bench.rounds, 15)  # of up to half a second
    for name, model in made.items():
        if name.startswith("plain") or name.endswith("indexed"):
            continue
        goals: dict[str, float] = GOALS if name in (OURS, BOUND) else {}
        fresh, others = fresh_rows(bench, model), fresh_rows(bench, plain)
        for what, ours, peer, repeat in (
            (f"read {count:,}", read(model), read(plain), 1),
            (f"bulk_create {count:,}", create(fresh, model), create(others, plain), 1),
            ("get", get(model), get(plain), 200),
        ):
            goal = goals.get(what.partition(" ")[0])
            line = f"Django, {what} objects, {name}" if " " in what else f"Django, {what}, {name}"
            yield compare(line, "plain field", ours, peer, rounds=rounds, repeat=repeat, goal=goal)
    yield compare(
        "Django, look up by value, strongroom", "indexed plain field",
        look_up(made["strongroom, indexed"]), look_up(made["plain, indexed"]),
        rounds=rounds, repeat=200, goal=GOALS["look up"],
    )  # fmt: skip


ROWS = (django_fields,)
