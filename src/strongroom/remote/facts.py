"""What the agent tells of its vault and of itself: numbers and names, never a secret."""

from __future__ import annotations

from strongroom.errors import StoreUnavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime

    from strongroom.remote.calls import Calls
    from strongroom.vault.status import Status as _Status
else:
    _Status = object


class RemoteStatus(_Status):
    """As `strongroom.vault.verifying.Status`.

    Attributes:
        agent: what the agent says of itself, ready for JSON.
        answers_to: whether the vault answers to the fingerprint that was asked for.
    """

    def __init__(self, answer: dict[str, object]) -> None:
        from strongroom.remote.answers import microseconds

        found = answer.pop("vault_status")
        if not isinstance(found, dict):
            raise StoreUnavailable("the agent told nothing of its vault")
        self.agent = answer
        self.location = str(found["location"])
        self.vault_id = str(found["vault_id"])
        self.lineage = str(found["lineage"])
        self.epoch = int(found["epoch"])
        self.fingerprint = str(found["fingerprint"])
        self.answers_to = found["answers_to"] is True
        self.commit_counter = int(found["commit_counter"])
        self.slots = int(found["slots"])
        self.data_keys = int(found["data_keys"])
        self._created_us = microseconds(found["created_time"])
        self._last_commit_us = microseconds(found["last_commit_time"])

    @property
    def created(self) -> datetime:
        """When the vault was made; aware UTC."""
        return _moment(self._created_us)

    @property
    def last_commit(self) -> datetime | None:
        """When the newest commit was written; aware UTC."""
        return _moment(self._last_commit_us) if self._last_commit_us else None


class Facts:
    """The part of `RemoteVault` that is about the vault itself; only its owner is told."""

    _calls: Calls

    def status(self) -> RemoteStatus:
        """See `Vault.status`; it also has what the agent says of itself."""
        return self._status()

    def _status(self, query: str = "") -> RemoteStatus:
        from strongroom.remote import answers

        answer = answers.object_of(self._calls.data("GET", f"/v1/strongroom/status{query}", what="vault"))
        try:
            return RemoteStatus(answer)
        except (KeyError, TypeError, ValueError):
            raise StoreUnavailable("the agent's answer was not understood") from None

    @property
    def vault_id(self) -> bytes:
        """See `Vault.vault_id`."""
        return bytes.fromhex(self.status().vault_id)

    @property
    def lineage(self) -> bytes:
        """See `Vault.lineage`."""
        return bytes.fromhex(self.status().lineage)

    @property
    def fingerprint(self) -> str:
        """See `Vault.fingerprint`."""
        return self.status().fingerprint

    def answers_to(self, fingerprint: str) -> bool:
        """See `Vault.answers_to`."""
        return self._status(f"?fingerprint={fingerprint}").answers_to

    @property
    def commit_counter(self) -> int:
        """See `Vault.commit_counter`."""
        return self.status().commit_counter

    @property
    def last_commit(self) -> datetime | None:
        """See `Vault.last_commit`."""
        return self.status().last_commit


def _moment(microseconds: int) -> datetime:
    from datetime import UTC, datetime, timedelta

    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
