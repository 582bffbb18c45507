"""Django's own suites for fields, bulk_create, Case and serializers, on models whose fields are ours.

What a test asks of a field of ours works, or is refused in words; each other failure is listed here with its reason.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.peers import source_package

SUITES = ("bulk_create", "expressions_case", "model_fields", "serializers")
HERE = Path(__file__).parent / "suites"

COUNTED = "keys are counted in Python, so that they are known before the row is inserted"
SORTED = "the order of its rows was taken away with Meta.ordering, or is that of a GROUP BY of ciphertext"
CIPHERTEXT = "a dump holds ciphertext, another one each time, and no plaintext to compare with or to edit"
COLUMN = "the column holds bytes: it has no range, no check and no type of the value's"
NAMED = "the field is called by its own name"

SERIALIZERS = (
    "altering_serialized_output", "control_char_failure", "deterministic_mapping_ordering", "pre_1000ad_date",
    "serialize_proxy_model", "serialize_specific_fields", "serialize_to_stream", "serialize_unicode_roundtrip",
    "unicode_serialization", "serializer_natural_keys",
)  # fmt: skip
# the end of a test's name: why it does not pass
EXPLAINED = {
    **dict.fromkeys(SERIALIZERS, CIPHERTEXT),
    "serialize_with_null_pk": COUNTED,
    "pkless_serialized_strings": COUNTED,
    "BulkCreateTests.test_explicit_batch_size_respects_max_batch_size": COUNTED,
    "BulkCreateTests.test_ignore_conflicts_ignore": COUNTED,
    "BulkCreateTests.test_simple": SORTED,
    "BulkCreateTests.test_unsaved_parent": COUNTED,
    "CaseExpressionTests.test_m2m_exclude": SORTED,
    "CaseExpressionTests.test_m2m_reuse": SORTED,
    "ValidationTest.test_nullbooleanfield_blank": COUNTED,
    "test_durationfield.TestSerialization.test_dumping": COUNTED,
    "test_uuid.TestSerialization.test_dumping": COUNTED,
    "test_jsonfield.TestSerialization.test_dumping": CIPHERTEXT,
    "test_jsonfield.TestSerialization.test_xml_serialization": CIPHERTEXT,
    "FieldFlagsTests.test_non_editable_fields": NAMED,
    "GeneratedFieldTests.test_unsaved_error": COUNTED,
    "IntegerFieldTests.test_backend_range_max_value_lookups": COLUMN,
    "IntegerFieldTests.test_backend_range_min_value_lookups": COLUMN,
    "IntegerFieldTests.test_backend_range_validation": COLUMN,
    "IntegerFieldTests.test_rel_db_type": COLUMN,
    "JSONFieldTests.test_db_check_constraints": COLUMN,
    "BasicFieldTests.test_field_repr": NAMED,
    "ChoicesTests.test_check": COUNTED,
    "GetChoicesOrderingTests": SORTED,
    "test_crafted_xml_performance": "it judges by the time that a busy machine takes",
}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """How many tests ran, and what became of those that failed."""
    directory = tmp_path_factory.mktemp("suites")
    with source_package("django-5.2.19") as package:
        root = f"{package.getnames()[0].partition('/')[0]}/"
        suites = (f"tests/{suite}/" for suite in SUITES)
        names = ("django/", "tests/templates/", "tests/runtests.py", "tests/urls.py", *suites)
        wanted = tuple(root + name for name in names)
        members = [m for m in package.getmembers() if m.name.startswith(wanted) and not m.name.endswith(".po")]
        package.extractall(directory, members=members, filter="data")
    path = [str(HERE), str(directory / root), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path), "SUITES_REPORT": str(directory / "report.json")}
    command = [sys.executable, "runtests.py", "--settings=suite_settings", "--parallel=1", *SUITES]
    done = subprocess.run(
        command, cwd=directory / root / "tests", env=environment, capture_output=True, text=True, timeout=280
    )  # fmt: skip
    assert (directory / "report.json").exists(), done.stderr[-3_000:]
    found: dict[str, object] = json.loads((directory / "report.json").read_text())
    return found


def test_the_fields_work_or_refuse(report: dict[str, object]) -> None:
    """No test fails in another way than by a refusal, but those that are explained above."""
    failed: dict[str, str] = report["failed"]  # type: ignore[assignment]
    others = {name: kind for name, kind in failed.items() if kind != "refused"}
    unexplained = {name: kind for name, kind in others.items() if not any(end in name for end in EXPLAINED)}
    assert unexplained == {}
    assert not any(kind.startswith(("Tampered", "WrongKey")) for kind in failed.values()), "a value was lost"


def test_most_of_them_pass(report: dict[str, object]) -> None:
    """All four suites ran, with our fields: some tests are refused, and far more pass."""
    failed: dict[str, str] = report["failed"]  # type: ignore[assignment]
    assert report["run"] >= 850  # type: ignore[operator]
    refused = {name.partition(".")[0] for name, kind in failed.items() if kind == "refused"}
    assert refused >= {"bulk_create", "expressions_case", "model_fields"}
    assert len(failed) < 220
