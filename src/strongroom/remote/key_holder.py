"""What a `RemoteVault` refuses: it takes a key in this process, and the agent hands out none."""

from __future__ import annotations

from strongroom.errors import Denied

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


class KeyHolderOnly:
    """Mixed into `RemoteVault`: each of these raises Denied, with the way to do it."""

    def verify(self, *_args: object, **_kwargs: object) -> NoReturn:
        """Refused; see `Vault.verify`."""
        _refuse("verify", "strongroom verify")

    def slots(self, *_args: object, **_kwargs: object) -> NoReturn:
        """Refused; see `Vault.slots`."""
        _refuse("slots", "strongroom slot list")

    def add_slot(self, *_args: object, **_kwargs: object) -> NoReturn:
        """Refused; see `Vault.add_slot`."""
        _refuse("add_slot", "strongroom slot add")

    def remove_slot(self, *_args: object, **_kwargs: object) -> NoReturn:
        """Refused; see `Vault.remove_slot`."""
        _refuse("remove_slot", "strongroom slot remove")

    def change_slot(self, *_args: object, **_kwargs: object) -> NoReturn:
        """Refused; see `Vault.change_slot`."""
        _refuse("change_slot", "strongroom slot change")

    def renew_slot(self, *_args: object, **_kwargs: object) -> NoReturn:
        """Refused; see `Vault.renew_slot`."""
        _refuse("renew_slot", "strongroom slot change")

    def rotate(self, *_args: object, **_kwargs: object) -> NoReturn:
        """Refused; see `Vault.rotate`."""
        _refuse("rotate", "strongroom rotate")

    def backup(self, *_args: object, **_kwargs: object) -> NoReturn:
        """Refused; see `Vault.backup`."""
        _refuse("backup", "strongroom backup")

    def begin_lineage(self, *_args: object, **_kwargs: object) -> NoReturn:
        """Refused; see `Vault.begin_lineage`."""
        _refuse("begin_lineage", "strongroom restore-backup")

    def grants(self, *_args: object, **_kwargs: object) -> NoReturn:
        """Refused; see `Vault.grants`."""
        _refuse("grants", "strongroom grant list")

    def add_grant(self, *_args: object, **_kwargs: object) -> NoReturn:
        """Refused; see `Vault.add_grant`."""
        _refuse("add_grant", "strongroom grant add")

    def remove_grant(self, *_args: object, **_kwargs: object) -> NoReturn:
        """Refused; see `Vault.remove_grant`."""
        _refuse("remove_grant", "strongroom grant remove")

    def depositors(self, *_args: object, **_kwargs: object) -> NoReturn:
        """Refused; see `Vault.depositors`."""
        _refuse("depositors", "strongroom deposit keys")

    def deposit_key(self, *_args: object, **_kwargs: object) -> NoReturn:
        """Refused; see `Vault.deposit_key`."""
        _refuse("deposit_key", "strongroom deposit add-key")

    def remove_depositor(self, *_args: object, **_kwargs: object) -> NoReturn:
        """Refused; see `Vault.remove_depositor`."""
        _refuse("remove_depositor", "strongroom deposit remove-key")

    def collect_deposits(self, *_args: object, **_kwargs: object) -> NoReturn:
        """Refused; see `Vault.collect_deposits`."""
        _refuse("collect_deposits", "the agent collects them by itself")

    def pending_deposits(self, *_args: object, **_kwargs: object) -> NoReturn:
        """Refused; see `Vault.pending_deposits`."""
        _refuse("pending_deposits", "strongroom deposit list")

    def accept_deposit(self, *_args: object, **_kwargs: object) -> NoReturn:
        """Refused; see `Vault.accept_deposit`."""
        _refuse("accept_deposit", "strongroom deposit accept")

    def discard_deposit(self, *_args: object, **_kwargs: object) -> NoReturn:
        """Refused; see `Vault.discard_deposit`."""
        _refuse("discard_deposit", "strongroom deposit discard")

    def transaction(self, *_args: object, **_kwargs: object) -> NoReturn:
        """Refused; see `Vault.transaction`."""
        _refuse("transaction", "several writes at once go through the agent too: set_many")


def _refuse(name: str, step: str) -> NoReturn:
    raise Denied(
        f"{name}() needs the vault's key, and the agent gives none",
        advice=f"open the vault with its key: strongroom.open(use_agent=False)\n{step}",
    )
