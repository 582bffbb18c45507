"""What holds for every test: nothing is written outside its own directory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.measured import begin_test
from tests.postgres_cluster import postgres, postgres_database, postgres_schema

__all__ = ["postgres", "postgres_database", "postgres_schema"]

# How long an example takes says nothing on a busy machine.
settings.register_profile("strongroom", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("strongroom")


@pytest.fixture(autouse=True)
def own_state_directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Vaults that a test opens in this process keep their anchors in a directory that ends with the test run."""
    # Of its own, so that a test which undoes its patches does not undo this one.
    with pytest.MonkeyPatch.context() as patches:
        patches.setenv("XDG_STATE_HOME", str(tmp_path_factory.getbasetemp() / "state"))
        yield


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before the fixtures of modules as well, which start processes of their own."""
    begin_test(item.path)
