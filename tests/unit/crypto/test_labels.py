"""The context: one list of numbers, and no two objects with the same bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.crypto import labels

VAULT = bytes(range(16))
PARTS = st.lists(st.binary(max_size=40), max_size=4)


def test_the_numbers_are_those_of_the_format_and_none_is_reused() -> None:
    assert (labels.FORMAT, labels.SUITE) == (1, 1)
    assert list(range(1, 13)) == [
        labels.KEYSET,
        labels.SLOT_WRAP,
        labels.HANDOVER,
        labels.HANDOVER_SIGNATURE,
        labels.IDENTITY_CERTIFICATE,
        labels.HEADER_MAC,
        labels.NODE,
        labels.VERSION,
        labels.OBJECT,
        labels.AUDIT_ENTRY,
        labels.LEDGER_SEAL,
        labels.SLOT_NOTE,
    ]
    assert [labels.INDEX_KEY, labels.LEDGER_KEY, labels.AUDIT_KEY, labels.IDENTITY_SEED] == [1, 2, 3, 4]


def test_the_context_is_laid_out_as_documented() -> None:
    built = labels.context(VAULT, labels.VERSION, 0x01020304, b"item", b"")
    assert built == b"strongroom/v1\0\x01" + VAULT + b"\x08\x01\x02\x03\x04\0\0\0\x04item\0\0\0\0"
    assert built == labels.context_after(labels.context_prefix(VAULT), labels.VERSION, 0x01020304, (b"item", b""))


@given(first=PARTS, second=PARTS, types=st.tuples(st.integers(1, 12), st.integers(1, 12)))
def test_different_objects_have_different_contexts(
    first: list[bytes], second: list[bytes], types: tuple[int, int]
) -> None:
    contexts = [labels.context(VAULT, kind, 1, *parts) for kind, parts in zip(types, (first, second), strict=True)]
    assert (contexts[0] == contexts[1]) == ((types[0], first) == (types[1], second))


@given(parts=st.lists(st.binary(min_size=1, max_size=8), min_size=2, max_size=4))
def test_moving_a_border_between_parts_changes_the_context(parts: list[bytes]) -> None:
    joined = [parts[0] + parts[1], *parts[2:]]
    assert labels.context(VAULT, 1, 1, *parts) != labels.context(VAULT, 1, 1, *joined)
    assert labels.context(VAULT, 1, 1, *parts) != labels.context(VAULT, 1, 1, b"", *joined)


@pytest.mark.parametrize("vault_id", [b"", bytes(15), bytes(17)])
def test_a_vault_id_of_another_length_is_misuse(vault_id: bytes) -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        labels.context(vault_id, labels.NODE, 1)
