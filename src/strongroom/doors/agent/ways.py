"""Ways to unlock, as they come over the socket or lie at hand when the agent starts."""

from __future__ import annotations

from strongroom.locate.expected import NOTHING, Expected
from strongroom.secret import wipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from strongroom.keys.slots.interface import Credential
    from strongroom.stores.interface import Store
    from strongroom.vault.vault import Vault

TYPED = "typed"
KEY_FILE = "key-file"
IDENTITY = "identity"
SHARES = "shares"
AT_HAND = "at-hand"
WAYS = (TYPED, KEY_FILE, IDENTITY, SHARES, AT_HAND)


class Opening:
    """One way to open one vault, with the secret for it.

    Args:
        location: from `find_location`.
        way: one of `WAYS`.
        secret: what was typed, a key file's bytes, shares as lines, or an identity file's path; wiped by `open`.
        environment: what lies at hand, for `AT_HAND`.
        expected: what the caller knows of the vault.
    """

    def __init__(
        self,
        location: str,
        way: str,
        secret: bytearray,
        environment: Mapping[str, str],
        *,
        expected: Expected = NOTHING,
    ) -> None:
        self._location = location
        self._way = way
        self._secret = secret
        self._environment = environment
        self._expected = expected

    def open(self) -> Vault:
        """The open vault, found to be the newest state.

        Raises: StrongroomError: as `strongroom.locate.opening.open`.
        """
        from strongroom.stores.registry import open_store

        try:
            store = open_store(self._location)
            try:
                return self._unlock(store)
            except BaseException:
                store.close()
                raise
        finally:
            wipe(self._secret)

    def _unlock(self, store: Store) -> Vault:
        from functools import partial

        from strongroom.locate.recognition import guard
        from strongroom.locate.unlock import unlock

        open = partial(unlock, store, admit=partial(guard, expected=self._expected), may_ask=False)
        if self._way == TYPED:
            return open(passphrase=self._secret)
        if self._way == KEY_FILE:
            return open(credential=self._credential())
        if self._way == IDENTITY:
            return open(identity=self._secret.decode("utf-8", "surrogateescape"))
        if self._way == SHARES:
            return open(shares=self._lines())
        return open(environment=self._environment)

    def _credential(self) -> Credential:
        from strongroom.keys.slots.key_file import decode_key_file

        return decode_key_file(self._secret)

    def _lines(self) -> Iterator[bytearray]:
        start = 0
        while start < len(self._secret):
            end = self._secret.find(b"\n", start)
            end = len(self._secret) if end < 0 else end
            if end > start:
                yield self._secret[start:end]
            start = end + 1


def read_key_file_bytes(path: str) -> bytearray:
    """A key file's bytes, to be decoded after root was dropped; the caller wipes them.

    Raises: NotFound, UnsafePermissions, WrongKey: as `locate.key_files.read_key_file`.
    """
    from strongroom.locate.addresses import expand_user
    from strongroom.locate.key_files import LENGTH_MAX
    from strongroom.stores.files import read_private

    return read_private(expand_user(path), LENGTH_MAX, "key file")

