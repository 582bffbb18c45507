"""Where the keys of this process's columns come from: one named key of a vault, never ``SECRET_KEY``.

    STRONGROOM = {"KEY": "django"}                       # what stands there when nothing is said

The vault is opened when the first value is read or written: by its agent when that runs, else by
whatever `strongroom.open` finds, and without ever asking. ``strongroom key create django`` makes the key.
"""

from __future__ import annotations

from functools import partial
from threading import Lock

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from strongroom.crypto.columns import ColumnKey
from strongroom.errors import NotFound, Tampered, WrongKey
from strongroom.items import quoted_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from strongroom.vault.named_keys.named_key import NamedKey
    from strongroom.vault.named_keys.state import State
    from strongroom.vault.vault import Vault

_OPTIONS = ("ESCROW", "EXPECT_VAULT", "KEY", "KEY_FILE", "LOGIN", "USER_VAULT_KDF", "VAULT")
_KEY_NAME = "django"
_opening = Lock()


class Column:
    """What encrypts, decrypts and looks up the values of one column: one reading of the key.

    Args:
        number: of the version that new values are encrypted with.
        keys: by number of the version; the primary first.
        newer: reads again what knows a version that is not here, or raises.
        used: writes down that an older version was needed.
        is_current: whether the named key is still what these keys were made of; asked for every value written.
    """

    __slots__ = ("_newer", "_used", "is_current", "keys", "number", "primary")

    def __init__(
        self,
        number: int,
        keys: dict[int, ColumnKey],
        newer: Callable[[int], Column],
        used: Callable[[int], None],
        is_current: Callable[[], bool],
    ) -> None:
        self.is_current = is_current
        self.number = number
        self.keys = keys
        self.primary = keys[number]
        self._newer = newer
        self._used = used

    def key(self, number: int) -> ColumnKey:
        """What decrypts a value that names version *number*.

        Raises:
            WrongKey: there is no such version, or it was destroyed: values of another key, or lost ones.
            Denied: it is disabled.
        """
        found = self.keys.get(number) or self._newer(number).keys[number]
        if number != self.number:
            self._used(number)
        return found

    def tokens(self, data: bytes) -> list[bytes]:
        """The blind index of *data* under each version that values may be found by."""
        return [key.token(data) for key in self.keys.values()]


class FieldKeys:
    """A named key of kind ``aead`` whose versions are made into keys of columns.

    Args:
        key: read again after a minute, so that a rotation arrives; closes with its vault.
        vault: what was opened for it, to be locked with it.

    Raises: ImproperlyConfigured: the key is of another kind.
    """

    __slots__ = ("_columns", "_key", "_vault")

    def __init__(self, key: NamedKey, vault: Vault | None = None) -> None:
        if key.kind != "aead":
            raise ImproperlyConfigured(f"the key {key.name} is of kind {key.kind}; columns need one of kind aead")
        self._key = key
        self._vault = vault
        self._columns: tuple[State | None, dict[tuple[str, str], Column]] = (None, {})

    @property
    def name(self) -> str:
        """The named key's name."""
        return self._key.name

    def column(self, place: tuple[str, str]) -> Column:
        """The keys of the column *place*: table and column.

        Raises: what reading the vault raises, once a minute.
        """
        state = self._key._current()
        known, columns = self._columns
        if state is not known:
            # Replaced as a whole: another thread may be half-way through the old ones.
            columns = {}
            self._columns = (state, columns)
        found = columns.get(place)
        if found is None:
            record = state.record
            keys = {
                one.number: ColumnKey(state.material(one.number), record.id, one.number, *place)
                for one in record.usable()
            }
            found = columns[place] = Column(
                record.primary.number,
                keys,
                partial(self._newer, place),
                self._key._used,
                partial(self._key._is_current, state),
            )
        return found

    def _newer(self, place: tuple[str, str], number: int) -> Column:
        # Another value of the same query may have had the key read again already.
        column = self.column(place)
        if number not in column.keys and self._key._may_be_newer():
            column = self.column(place)
        if number in column.keys:
            return column
        name = self._key.name
        try:
            self._key._known().record.for_reading(number, name)
        except NotFound:
            raise WrongKey(
                f"the key {name} has no version {number}: it was destroyed, or the value is under another key"
            ) from None
        raise Tampered(f"the key {name} changed while it was read")

    def close(self) -> None:
        """Let go of the key, and lock the vault if it was opened for it."""
        self._key.close()
        if self._vault is not None:
            self._vault.lock()

    def __repr__(self) -> str:
        return f"FieldKeys({self._key.name})"


def field_keys() -> FieldKeys:
    """The keys of this process, opened at the first call.

    Raises:
        ImproperlyConfigured: the app is not installed, the settings are wrong, or the vault has no such key.
        StrongroomError: from opening the vault.
    """
    config = _config()
    keys: FieldKeys | None = config.field_keys
    if keys is None:
        with _opening:
            keys = config.field_keys
            if keys is None:
                keys = config.field_keys = _opened()
    return keys


def is_open() -> bool:
    """Whether the keys of this process are there already."""
    return _config().field_keys is not None


def use_vault(vault: Vault | None, key: str = _KEY_NAME) -> None:
    """Take the keys from a vault that is open already, as a test or a program of its own kind does.

    Args:
        vault: stays its owner's; None to open what the settings name at the next use.
        key: the name of a key of kind ``aead`` in it.

    Raises: ImproperlyConfigured: there is no such key, or it is of another kind.
    """
    _replace(None if vault is None else _taken(vault, key))


def forget(*, setting: str, **_ignored: object) -> None:
    """Open again after a test changed the settings."""
    if setting == "STRONGROOM":
        _replace(None)


def _replace(keys: FieldKeys | None) -> None:
    config = _config()
    with _opening:
        before, config.field_keys = config.field_keys, keys
    if before is not None:
        before.close()


def _config() -> Any:
    try:
        return apps.get_app_config("strongroom")
    except LookupError:
        raise ImproperlyConfigured('encrypted fields need "strongroom.django" in INSTALLED_APPS') from None


def _opened() -> FieldKeys:
    from strongroom.locate.opening import open

    options = getattr(settings, "STRONGROOM", {})
    unknown = sorted(set(options) - set(_OPTIONS))
    if unknown:
        raise ImproperlyConfigured(f"STRONGROOM has no option {unknown[0]!r}; it has {', '.join(_OPTIONS)}")
    vault = open(
        options.get("VAULT"),
        key_file=options.get("KEY_FILE"),
        expect_vault=options.get("EXPECT_VAULT"),
        may_ask=False,
    )
    try:
        return _taken(vault, options.get("KEY", _KEY_NAME), vault)
    except BaseException:
        vault.lock()
        raise


def _taken(vault: Vault, name: str, opened: Vault | None = None) -> FieldKeys:
    try:
        return FieldKeys(vault.keys[name], opened)
    except NotFound:
        raise ImproperlyConfigured(
            f"the vault has no key {name} for encrypted fields; make it: strongroom key create {quoted_name(name)}"
        ) from None
