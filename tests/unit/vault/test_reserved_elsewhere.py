"""What begins with @, where other rooms meet it: a depositor plants no key, and the audit log names one."""

from __future__ import annotations

import pytest

from strongroom.doors.cli.audits import names_of
from strongroom.errors import Tampered
from strongroom.items import ReservedPath
from strongroom.locate.depositing import write_depositor_file
from tests.unit.vault.test_deposits import Place, place  # noqa: F401 - a fixture


def test_a_deposit_at_a_reserved_path_waits_for_ever(place: Place) -> None:  # noqa: F811
    """Even with a pattern that names the tree, and a program that claims to be ours."""
    own = ReservedPath("@keys/sessions")
    key = place.vault.keys.create("sessions", "fernet")
    before = key.primary.created
    file = place.file.with_name("planter.key")
    write_depositor_file(str(file), place.vault.deposit_key("planter", ["@keys/*", "**"]))
    left = place.leave(own, file=file)
    assert place.vault.collect_deposits() == []
    assert list(place.reasons()) == [left]
    assert "begins with @" in place.reasons()[left]
    with pytest.raises(Tampered):
        place.vault.accept_deposit(left)
    assert place.vault.keys["sessions"].primary.created == before
    assert len(place.vault._reserved.history(own)) == 1


def test_the_audit_log_names_what_was_reserved(place: Place) -> None:  # noqa: F811
    """A review shows which key was read, though no listing does."""
    place.vault.keys.create("sessions")
    place.vault.set("bank", {"x": "1"})
    assert {"@keys/sessions", "@keys/", "bank"} <= set(names_of(place.vault).values())
