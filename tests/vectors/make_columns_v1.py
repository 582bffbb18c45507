"""Makes columns-v1.json: values of Django's columns, frozen in the first format.

Run from the top of the repository, only ever to add a file for a new format:

    PYTHONPATH=src:. python tests/vectors/make_columns_v1.py

The values are random; test_columns_v1.py reads the frozen file with strongroom and with a verifier
of its own, written from docs/format.md.
"""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from strongroom.keys.slots.key_file import new_key_file
from strongroom.stores.memory import MemoryStore
from strongroom.vault.named_keys.record import encode_record
from strongroom.vault.opening import create_vault
from tests.django import project

KEY = "12345678123456781234567812345678"
VALUES: dict[str, Any] = {
    "char": "é",
    "text": "",
    "email": "ann@example.org",
    "url": "https://example.org/",
    "binary": b"\x00\xff",
    "integer": -(2**70),
    "decimal": Decimal("-1.50"),
    "date": dt.date(2026, 1, 2),
    "datetime": dt.datetime(2026, 1, 2, 3, 4, 5, 6, dt.UTC),
    "boolean": False,
    "json": {"a": [None, 1, "b"]},
}


def main() -> None:
    project.configure()
    from strongroom.django import use_vault
    from tests.django.shop.models import Account, Everything, Person, Sealed

    with create_vault(MemoryStore(), [new_key_file()], author="tester") as vault:
        key = vault.keys.create("django")
        key.rotate()
        use_vault(vault)
        record = bytes(encode_record(key._current().record)).hex()
        values = []

        def add(instance: Any, name: str, row: str) -> None:
            field = instance._meta.get_field(name)
            stored = bytes(field.encrypted(getattr(instance, name), instance)).hex()
            values.append({"place": list(field.place), "row": row, "stored": stored})

        for name, value in VALUES.items():
            add(Everything(pk=KEY, **{name: value}), name, KEY)
        add(Account(pk=KEY, owner_id=7, password="p"), "password", f"{KEY},7")
        add(Person(pk=7, email="Ann@Example.org"), "email", "7")
        add(Sealed(name="a,b:", tenant=-5, region=None, value="v"), "value", "612C623A,-5,-")
    out = Path(__file__).parent / "columns-v1.json"
    out.write_text(json.dumps({"record": record, "values": values}, indent=1) + "\n")


if __name__ == "__main__":
    main()
