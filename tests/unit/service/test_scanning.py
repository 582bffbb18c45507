"""Scans through the service: values stay, names go out, and only to those who may read them."""

from __future__ import annotations

from strongroom.formats.scan_search import SQUEEZING, squeeze
from strongroom.formats.scanner import Scanner
from strongroom.service.scanning import IDLE_SECONDS, SCANS_MAX, Scans
from strongroom.vault.policy import Principal
from strongroom.wire import counted, u32
from tests.unit.service.conftest import OWNER, START, WEB, Answer, Office


class ScanningOffice(Office):
    """An office where scans can be made."""

    def __init__(self) -> None:
        super().__init__()
        self.scans = Scans(Scanner)
        self.vault.set_many(
            {
                "web/db": {"password": "canary-of-the-web"},
                "web/pin": {"pin": "123"},
                "mine/bank": {"password": "canary-of-the-owner", "username": "dustin-the-owner"},
            }
        )

    def begin(self, query: str = "prefix=", who: Principal = OWNER) -> Answer:
        return self.ask("POST", f"strongroom/scan-begin?{query}", who=who)

    def find(self, scan: object, *texts: bytes, who: Principal = OWNER) -> Answer:
        return self.ask("POST", f"strongroom/scan?scan={scan}", batch(*texts), who=who)


def batch(*texts: bytes) -> bytes:
    return u32(len(texts)) + b"".join(map(counted, texts))


def test_a_scan_says_what_it_looks_for_and_where_it_stands() -> None:
    """Items and fields, offsets and forms; never a value."""
    office = ScanningOffice()
    begun = office.begin().data
    assert {name: begun[name] for name in ("left", "items", "values", "skipped")} == {
        "left": 0, "items": 3, "values": 2, "skipped": ["web/pin#pin"]
    }  # fmt: skip
    answer = office.find(begun["scan"], b"nothing", b"x canary-of-the-web dustin-the-owner")
    assert answer.data == {
        "findings": [
            {"text": 1, "start": 2, "end": 19, "path": "web/db", "field": "password", "form": "as stored"}
        ]
    }
    assert b"canary" not in answer.raw
    assert [line[1:] for line in office.lines] == [
        ("scan", "/", (), "ok"),
        ("scan", "/", (), "ok"),
        ("scan", "web/db", ("password",), "ok"),
    ]


def test_squeezed_texts_are_suspected_or_not() -> None:
    """Only of what may be read; another way to squeeze is refused, or nothing would ever be found."""
    office = ScanningOffice()
    office.vault.add_grant("web", "user", WEB.uid, {"read": ["web/**"], "list": ["web/"]})
    texts = squeeze([b"clean", b"x Canary-of-the-WEB", b"canary-of-the-owner"])
    scan = office.begin("prefix=web/", who=WEB).data["scan"]
    assert office.find(f"{scan}&squeezed={SQUEEZING}", *texts, who=WEB).data == {"suspects": [1]}
    office.vault.remove_grant("web")
    assert office.find(f"{scan}&squeezed={SQUEEZING}", *texts, who=WEB).data == {"suspects": []}
    scan = office.begin().data["scan"]
    assert office.find(f"{scan}&squeezed={SQUEEZING}", *texts).data == {"suspects": [1, 2]}
    assert office.find(f"{scan}&squeezed={SQUEEZING + 1}", *texts).status == 400


def test_others_scan_for_what_they_may_list_and_read() -> None:
    """A grant that ends meanwhile ends the answers."""
    office = ScanningOffice()
    office.vault.add_grant("web", "user", WEB.uid, {"read": ["web/**"], "list": ["web/"]})
    assert office.begin(who=WEB).status == 403
    begun = office.begin("prefix=web/", who=WEB).data
    assert (begun["items"], begun["values"]) == (2, 1)
    text = b"canary-of-the-web canary-of-the-owner"
    found = office.find(begun["scan"], text, who=WEB).data["findings"]
    assert [one["path"] for one in found] == ["web/db"]  # type: ignore[index, attr-defined]
    office.vault.remove_grant("web")
    assert office.find(begun["scan"], text, who=WEB).data["findings"] == []
    assert office.begin("prefix=web/", who=WEB).status == 403


def test_a_scan_is_its_users_own() -> None:
    """Whoever learns its name has nothing of it."""
    office = ScanningOffice()
    begun = office.begin().data
    assert office.find(begun["scan"], b"canary-of-the-owner", who=WEB).status == 404
    assert office.begin(f"scan={begun['scan']}", who=WEB).status == 404
    assert office.find("", b"x").status == 404


def test_large_vaults_are_taken_in_step_by_step() -> None:
    """So that nobody else waits long."""
    office = ScanningOffice()
    office.vault.set_many({f"many/{n:03}": {"password": f"value-number-{n:03}"} for n in range(120)})
    begun = office.begin("prefix=many/").data
    assert (begun["left"], begun["items"]) == (70, 50)
    office.vault.destroy("many/119")
    begun = office.begin(f"scan={begun['scan']}").data
    assert (begun["left"], begun["items"]) == (20, 100)
    begun = office.begin(f"scan={begun['scan']}").data
    assert (begun["left"], begun["items"]) == (0, 119)
    found = office.find(begun["scan"], b"value-number-118 value-number-119").data["findings"]
    assert [one["path"] for one in found] == ["many/118"]  # type: ignore[index, attr-defined]


def test_scans_are_forgotten() -> None:
    """When the vault is locked, when nobody goes on, when another begins, when there are many."""
    office = ScanningOffice()
    first = office.begin().data["scan"]
    second = office.begin().data["scan"]
    assert office.find(first, b"x").status == 404
    assert office.find(second, b"x").status == 200
    office.scans.forget_idle(START + int(IDLE_SECONDS * 1_000_000))
    assert len(office.scans) == 1
    office.scans.forget_idle(START + int(IDLE_SECONDS * 1_000_000) + 1)
    assert len(office.scans) == 0
    for uid in range(SCANS_MAX + 3):
        office.scans.begin(f"scan-{uid}", uid, "", [])
    assert len(office.scans) == SCANS_MAX
    office.scans.forget()
    assert len(office.scans) == 0
    third = office.begin().data["scan"]
    office.lock()
    assert office.find(third, b"x").status == 503


def test_what_is_no_batch_is_refused() -> None:
    """Cut, overlong, or with more texts than one request may have."""
    office = ScanningOffice()
    scan = office.begin().data["scan"]
    for body in (b"", b"\0\0\0\1", u32(1) + u32(100) + b"x", batch(b"a") + b"rest", u32(10_001), b"\xff" * 8):
        answer = office.ask("POST", f"strongroom/scan?scan={scan}", body)
        assert answer.status == 400, body


def test_too_many_values_are_refused(monkeypatch) -> None:
    """With the way out."""
    monkeypatch.setattr("strongroom.formats.scanner.VALUES_MAX", 1)
    office = ScanningOffice()
    answer = office.begin()
    assert answer.status == 400
    assert b"name a folder" in answer.raw


def test_where_nothing_is_scanned_for_it_is_not_found(office: Office) -> None:
    """A keeper without scans."""
    assert office.ask("POST", "strongroom/scan-begin?prefix=").status == 404
    assert office.ask("POST", "strongroom/scan?scan=x", batch()).status == 404
