"""What holds for every test: nothing is written outside its own directory."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def own_state_directory(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Vaults that a test opens in this process keep their anchors in a directory that ends with the test run."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.getbasetemp() / "state"))
