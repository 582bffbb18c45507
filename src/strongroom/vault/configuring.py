"""The settings of an item, and of the vault for items that have none of their own: `Vault.settings`, `configure`."""

from __future__ import annotations

from datetime import timedelta

from strongroom.items import ItemSettings
from strongroom.vault import history
from strongroom.vault.settings import VaultSettings, check_max_versions, read_settings, write_settings
from strongroom.vault.spans import microseconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from strongroom.vault.core import Core


def settings(core: Core, path: str | None) -> ItemSettings:
    """See `Vault.settings`."""
    with core.reading() as rows:
        found = read_settings(core.envelope, rows) if path is None else history.find_item(core, rows, path).node
    return ItemSettings(
        max_versions=found.max_versions,
        cas_required=found.cas_required,
        delete_version_after=timedelta(microseconds=found.delete_after) if found.delete_after else None,
        custom_metadata=None if isinstance(found, VaultSettings) else found.custom,
    )


def configure(
    core: Core,
    path: str | None,
    *,
    max_versions: int | None,
    cas_required: bool | None,
    delete_version_after: timedelta | None,
    custom_metadata: Mapping[str, str] | None,
    create: bool,
) -> None:
    """See `Vault.configure`."""
    if max_versions is not None:
        check_max_versions(max_versions)
    delete_after = None if delete_version_after is None else microseconds(delete_version_after)
    with core.changing("configure") as change:
        if path is not None:
            history.configure_item(
                change,
                core,
                path,
                max_versions=max_versions,
                cas_required=cas_required,
                delete_after=delete_after,
                custom=None if custom_metadata is None else history.check_custom(custom_metadata),
                create=create,
            )
            return
        if custom_metadata is not None:
            raise ValueError("the vault itself has no custom metadata")
        changed = read_settings(core.envelope, change.rows)
        if max_versions is not None:
            changed.max_versions = max_versions
        if cas_required is not None:
            changed.cas_required = cas_required
        if delete_after is not None:
            changed.delete_after = delete_after
        write_settings(core.envelope, change.rows, changed)
        core.forget_settings()
