"""Named keys against a model, through random rotations, and their records against random bytes."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from strongroom.errors import Conflict, Denied, FormatUnsupported, NotFound, Tampered
from strongroom.keys.slots.key_file import new_key_file
from strongroom.stores.memory import MemoryStore
from strongroom.vault.named_keys.messages import read_head
from strongroom.vault.named_keys.record import decode_record, encode_record
from strongroom.vault.opening import create_vault

FROZEN = json.loads((Path(__file__).parents[1] / "vectors/named-keys-v1.json").read_text())["keys"]
RECORDS = [bytes.fromhex(one["record"]) for one in FROZEN.values()]


@settings(max_examples=400, deadline=None)
@given(
    st.binary(max_size=400) | st.sampled_from(RECORDS),
    st.lists(st.tuples(st.integers(0, 5_000), st.binary(max_size=5))),
)
def test_a_record_is_read_whole_or_not_at_all(data: bytes, edits: list[tuple[int, bytes]]) -> None:
    """Whatever the bytes: one of our errors, or a record with one primary that is written back as it was."""
    edited = bytearray(data)
    for position, patch in edits:
        start = position % (len(edited) + 1)
        edited[start : start + len(patch)] = patch
    try:
        record = decode_record(edited)
    except (Tampered, FormatUnsupported):
        return
    assert sum(version.is_primary for version in record.versions) == 1
    assert encode_record(record) == edited


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_a_head_is_read_or_refused(data: bytes) -> None:
    """What is no message is Tampered, and nothing else."""
    for message in (data, b"srk\x01" + data):
        try:
            number, created = read_head(message)
        except Tampered:
            continue
        assert message.startswith(b"srk\x01")
        assert (number, created) == (int.from_bytes(message[4:8]), int.from_bytes(message[8:16]))


class Keys(RuleBasedStateMachine):
    """One key, what it encrypted, and what the model says may still be read."""

    @initialize()
    def begin(self) -> None:
        self.vault = create_vault(MemoryStore(), [new_key_file()], author="tester")
        self.key = self.vault.keys.create("k")
        self.states = {1: "enabled"}
        self.primary = 1
        self.least = 1
        self.messages: list[tuple[int, bytes]] = []

    @property
    def is_staged(self) -> bool:
        return any(state == "enabled" and number > self.primary for number, state in self.states.items())

    @rule()
    def encrypt(self) -> None:
        """Only ever with the primary."""
        message = self.key.encrypt(b"data")
        assert read_head(message)[0] == self.primary
        self.messages.append((self.primary, message))

    @rule(is_staged=st.booleans())
    def add(self, is_staged: bool) -> None:
        """A new version, unless one waits to be promoted."""
        try:
            number = (self.key.stage() if is_staged else self.key.rotate()).number
        except Conflict:
            assert self.is_staged
            return
        assert not self.is_staged
        assert number == max(self.states) + 1
        self.states[number] = "enabled"
        if not is_staged:
            self.primary = number

    @rule()
    def promote(self) -> None:
        """The newest, if it is staged."""
        try:
            number = self.key.promote().number
        except Conflict:
            assert not self.is_staged
            return
        assert self.states[number] == "enabled"
        assert number == max(one for one, state in self.states.items() if state == "enabled")
        self.primary = number

    @rule(number=st.integers(0, 6), act=st.sampled_from(["disable", "enable", "destroy"]))
    def change(self, number: int, act: str) -> None:
        """Never the primary, except that it may be enabled as it is; never back from destruction."""
        before = self.states.get(number)
        try:
            getattr(self.key, act)(number)
        except NotFound:
            assert before is None
            return
        except Conflict:
            assert (number == self.primary and act != "enable") or (before == "destroyed" and act != "destroy")
            return
        self.states[number] = {"disable": "disabled", "enable": "enabled", "destroy": "destroyed"}[act]

    @rule(number=st.integers(0, 7))
    def set_least(self, number: int) -> None:
        """Within what there is."""
        try:
            self.key.set_min_decrypt_version(number)
        except ValueError:
            assert not 1 <= number <= self.primary
            return
        self.least = number

    @rule()
    def reopen(self) -> None:
        """Another program's view of the same key."""
        self.key = self.vault.keys["k"]

    @invariant()
    def the_key_is_what_the_model_says(self) -> None:
        """Versions, states and primary; and each message is read, or refused for the right reason."""
        assert {version.number: version.state for version in self.key.versions} == self.states
        assert [version.number for version in self.key.versions if version.is_primary] == [self.primary]
        for number, message in self.messages:
            try:
                assert self.key.decrypt(message) == b"data"
            except NotFound:
                assert self.states[number] == "destroyed"
            except Denied:
                assert self.states[number] == "disabled" or number < self.least
            else:
                assert self.states[number] == "enabled"
                assert number >= self.least

    def teardown(self) -> None:
        """The vault is whole."""
        if hasattr(self, "vault"):
            self.vault.verify()
            self.vault.lock()


Keys.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestKeys = Keys.TestCase
