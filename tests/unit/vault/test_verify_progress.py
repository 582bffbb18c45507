"""What `Vault.verify` tells while it goes on."""

from __future__ import annotations

import asyncio

from strongroom.vault.vault import Vault


def test_how_far_it_is(vault: Vault) -> None:
    """Each row of the tree once, never more than there are; the async twin tells the same."""
    vault.set_many({f"folder{n % 3}/item{n}": {"x": str(n)} for n in range(149)})
    vault.set("folder0/item0", {"x": "again"})
    seen: list[tuple[int, int]] = []
    report = vault.verify(progress=lambda done, total: seen.append((done, total)))
    total = report.items + report.folders + report.versions
    assert (report.items, report.versions) == (149, 150)
    assert seen == [(done, total) for done in range(100, total + 1, 100)]
    again: list[tuple[int, int]] = []
    asyncio.run(vault.averify(progress=lambda done, all: again.append((done, all))))
    assert again == seen
