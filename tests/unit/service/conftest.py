"""A service over a real vault, an audit log that tests can read, and a short way to ask."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

import pytest

from strongroom.errors import VaultLocked
from strongroom.keys.slots.key_file import new_key_file
from strongroom.service.interface import Request, Response
from strongroom.service.service import Service
from strongroom.stores.memory import MemoryStore
from strongroom.vault.opening import create_vault
from strongroom.vault.policy import Principal
from strongroom.vault.vault import Vault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.service.interface import AuditEntry

START = 1_790_000_000_000_000
OWNER = Principal(1000, 1000)
WEB = Principal(1001, 1001)
MERGE = {"content-type": "application/merge-patch+json"}


class Answer:
    """A response, taken apart as a client would."""

    def __init__(self, response: Response) -> None:
        self.status = response.status
        self.headers = dict(response.headers)
        self.raw = bytes(response.body)

    @property
    def kind(self) -> str:
        return self.headers.get("X-Strongroom-Error", "")

    def json(self) -> dict[str, object]:
        found = json.loads(self.raw)
        assert isinstance(found, dict)
        return found

    @property
    def data(self) -> dict[str, object]:
        found = self.json()["data"]
        assert isinstance(found, dict)
        return found


class Office:
    """The service, and all that it stands on: it keeps the vault, the audit log and the clock."""

    def __init__(self) -> None:
        self.now = START
        self._vault = create_vault(MemoryStore(), [new_key_file()], author="the agent", clock_us=lambda: self.now)
        self.lines: list[tuple[str, str, str, tuple[str, ...], str]] = []
        self.is_disk_full = False
        self.service = Service(self, owner_uid=OWNER.uid, audit=self)

    @property
    def vault(self) -> Vault:
        if self._vault.is_locked:
            raise VaultLocked("the agent is locked")
        return self._vault

    def lock(self) -> None:
        self._vault.lock()

    def status(self) -> Mapping[str, object]:
        return {"pid": 7, "locked": self._vault.is_locked}

    def record_all(self, entries: Sequence[AuditEntry]) -> None:
        if self.is_disk_full:
            raise OSError(28, "No space left on device")
        for principal, operation, path, fields, outcome, request_id, now_us in entries:
            assert request_id
            assert now_us >= START
            self.lines.append((str(principal), operation, path, tuple(fields), outcome))

    def ask(
        self,
        method: str,
        target: str,
        body: object = b"",
        *,
        who: Principal = OWNER,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request; *target* is below ``/v1/``, *body* bytes or what becomes JSON."""
        path, _, query = target.partition("?")
        pairs = dict(part.partition("=")[::2] for part in query.split("&") if part)
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        response = self.service.handle(Request(method, f"/v1/{path}", pairs, headers, bytearray(data)), who, self.now)
        return Answer(response)


@pytest.fixture
def office() -> Iterator[Office]:
    office = Office()
    yield office
    office.lock()
