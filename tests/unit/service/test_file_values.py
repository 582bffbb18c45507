"""One value of an encrypted file, from the service: for who may read a key that opens it, and written down as that."""

from __future__ import annotations

import pytest

from strongroom import encrypted_files
from strongroom.credentials import stored_keys
from strongroom.doors.agent.file_values import PARTS_MAX, FileValues
from strongroom.encrypted_files import FileRecipient
from strongroom.service.file_values import FILE_BYTES_MAX
from strongroom.vault.policy import Principal
from tests.encrypted_files import ALICE, made, recipient
from tests.unit.service.conftest import OWNER, WEB, Answer, Office


class FilingOffice(Office):
    """An office that opens files, with two keys."""

    def __init__(self) -> None:
        super().__init__()
        self.file_opener = FileValues()
        for name in ("app", "other"):
            self.vault.keys.create(name)

    def made(self, text: str, *names: str) -> bytes:
        recipients = [FileRecipient(f"key {name}", stored_keys.recipient(self.vault.keys[name])) for name in names]
        with encrypted_files.encrypt(text.encode(), [*recipients, recipient(ALICE)], format="yaml") as file:
            return file.encoded()

    def value(self, data: bytes, name: str = "db.password", who: Principal = OWNER) -> Answer:
        return self.ask("POST", f"strongroom/file-value?name={name}", data, who=who)


TEXT = "db:\n  password: 'canary of a file'\n  port: 5432\n"


def test_a_value_comes_as_its_bytes() -> None:
    """And the audit log names the key that is needed for it, and neither the file nor the value."""
    office = FilingOffice()
    answer = office.value(office.made(TEXT, "app"))
    assert (answer.status, answer.raw) == (200, b"canary of a file")
    assert answer.headers["Cache-Control"] == "no-store"
    assert office.lines[-1][1:] == ("read", "@keys/app", (), "ok")
    assert office.value(office.made(TEXT, "app"), "db.port").raw == b"5432"


def test_others_need_the_right_to_read_a_key_of_the_file() -> None:
    """No other key is tried for them, and a star grants none."""
    office = FilingOffice()
    one, both = office.made(TEXT, "app"), office.made(TEXT, "other", "app")
    office.vault.add_grant("all", "user", WEB.uid, {"read": ["**"]})
    assert office.value(one, who=WEB).status == 403
    office.vault.add_grant("key", "user", WEB.uid, {"read": ["@keys/other"]})
    assert office.value(one, who=WEB).status == 403
    assert office.value(both, who=WEB).raw == b"canary of a file"
    office.vault.remove_grant("key")
    assert office.value(both, who=WEB).status == 403
    assert office.lines[-1][0] == str(WEB) and office.lines[-1][4] == "Denied"


def test_what_cannot_be_opened_is_an_error_without_a_value() -> None:
    """A file of nobody here, a changed one, one that is none, one that is too long, a name that is not in it."""
    office = FilingOffice()
    data = office.made(TEXT, "app")
    office.vault.keys.create("gone")
    lost = office.made(TEXT, "gone")
    office.vault.keys.destroy("gone")
    cases = {
        made(TEXT, "yaml"): 403,
        data.replace(b"db:", b"xy:"): 500,
        b"db:\n  password: canary\n": 400,
        b"": 400,
        data + b" " * FILE_BYTES_MAX: 400,
        office.made(TEXT + "#\n" * PARTS_MAX, "app"): 400,
        lost: 500,
        b"\xff": 400,
    }
    for body, status in cases.items():
        answer = office.value(body)
        assert answer.status == status, (body[:40], answer.raw)
        assert b"canary" not in answer.raw
    assert office.value(data, "nothing").status == 404
    assert office.value(data, "").status == 400
    assert office.ask("POST", "strongroom/file-value", data).status == 400
    office.lock()
    assert office.value(data).status == 503


def test_a_service_that_opens_no_files_says_so() -> None:
    """As one that scans for nothing."""
    assert Office().ask("POST", "strongroom/file-value?name=a", b"x").status == 404


@pytest.mark.parametrize("kind", ["aead", "box"])
def test_a_key_of_either_kind_opens(kind: str) -> None:
    """And nothing of it stays when the value is out: the vault reads it again next time."""
    office = FilingOffice()
    from strongroom.credentials.recipients import x25519_text

    key = office.vault.keys.create("k", kind=kind)
    to = FileRecipient("key k", stored_keys.recipient(key))
    if kind == "box":
        to = FileRecipient(f"key k {x25519_text(key.primary.public[:32])}")
    with encrypted_files.encrypt(TEXT.encode(), [to], format="yaml") as file:
        data = file.encoded()
    assert office.value(data).raw == office.value(data).raw == b"canary of a file"
