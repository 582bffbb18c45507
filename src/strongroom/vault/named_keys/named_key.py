"""One named key: to encrypt and decrypt, to authenticate, to seal and open with it.

One version is the primary and is used for what is new; what is older opens with all
versions that are enabled. A key of one kind refuses what another kind is for. How versions
come and go is in `lifecycle`, what kind ``fernet`` makes in `tokens`.
"""

from __future__ import annotations

from time import monotonic

from strongroom.errors import Tampered, VaultLocked
from strongroom.vault.named_keys.asynchronous import AsyncLifecycle
from strongroom.vault.named_keys.lifecycle import Lifecycle
from strongroom.vault.named_keys.messages import Sealer, check_age, read_head
from strongroom.vault.named_keys.state import State
from strongroom.vault.named_keys.tokens import Tokens
from strongroom.vault.named_keys.uses import Uses

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta
    from typing import Literal, Self

    from strongroom.crypto.mac import Mac
    from strongroom.secret import SecretBytes
    from strongroom.vault.named_keys.kinds import Worker
    from strongroom.vault.named_keys.named_keys import NamedKeys
    from strongroom.vault.named_keys.record import KeyVersion

    Buffer = bytes | bytearray | memoryview

REFRESH_SECONDS = 60
"""After which a key that is in use is read again: so long does a rotation take to reach all programs."""
_SOONEST_SECONDS = 1


class NamedKey(Tokens, AsyncLifecycle, Lifecycle):
    """A key that the vault keeps under a name. From `vault.keys`; a context manager.

    It may be used from several threads, and for as long as the vault is open: it is read again after a
    minute, and when a message names a version that it does not know. Every method may raise VaultLocked
    and what reading the vault may raise.

    Attributes:
        name: as in `vault.keys[name]`.
        kind: ``"aead"``, ``"fernet"``, ``"signing"``, ``"box"`` or ``"hmac"``.
    """

    __slots__ = ("__weakref__", "_asked", "_clock_us", "_keys", "_state", "_uses", "kind", "name")

    def __init__(self, name: str, state: State, keys: NamedKeys, clock_us: Callable[[], int], uses: Uses) -> None:
        self.name = name
        self.kind = state.record.kind
        self._state: State | None = state
        self._asked = float("-inf")
        self._keys = keys
        self._clock_us = clock_us
        self._uses = uses

    @property
    def id(self) -> bytes:
        """16 random bytes, which its messages are bound to."""
        return self._known().record.id

    @property
    def versions(self) -> tuple[KeyVersion, ...]:
        """Every version there ever was, oldest first."""
        return tuple(self._current().record.versions)

    @property
    def primary(self) -> KeyVersion:
        """The version that new data is encrypted or signed with."""
        return self._current().record.primary

    @property
    def min_decrypt_version(self) -> int:
        """Older versions do not decrypt or verify."""
        return self._current().record.min_decrypt_version

    def encrypt(self, data: Buffer, *, associated_data: Buffer = b"") -> bytes:
        """Encrypt *data* with the primary version.

        Args:
            associated_data: names what the data belongs to, such as a row's table and id; it is not in
                the message, and needed again to decrypt. Kind ``aead`` alone.

        Returns: 88 bytes more than *data* (and 16 for each full 16 KiB); for kind ``fernet`` a token.
        Raises: ValueError: the key is of another kind, or a Fernet token is to have associated data.
        Source: docs/format.md#named-keys; https://github.com/fernet/spec.
        """
        state = self._state
        if state is None or monotonic() - state.loaded > REFRESH_SECONDS:
            state = self._fresh()
        primary = state.primary
        if type(primary) is Sealer:
            return primary.encrypt(data, associated_data, self._clock_us())
        self._check_kind("encrypts", "aead", "fernet")
        _refuse_associated(associated_data)
        return self._encrypt_token(bytes(data), self._clock_us() // 1_000_000)

    def decrypt(
        self,
        message: Buffer | str,
        *,
        associated_data: Buffer = b"",
        max_age: timedelta | Literal["any"] | None = None,
    ) -> bytes:
        """What `encrypt` encrypted, with whichever version.

        Args:
            message: a Fernet token may also be a str.
            associated_data: the same as then.
            max_age: how old the message may be; kind ``fernet`` asks for it, and takes ``"any"`` for
                "however old".

        Raises:
            Tampered: it is not what this key encrypted with this associated data; for a token it is also
                `cryptography.fernet.InvalidToken`.
            Expired: it is older than *max_age*.
            NotFound, Denied: the version that it names was destroyed, disabled, or is below
                `min_decrypt_version`.
            ValueError: the key is of another kind, or *max_age* is missing for a token.
        """
        state = self._state
        if state is None or monotonic() - state.loaded > REFRESH_SECONDS:
            state = self._fresh()
        if max_age is None and state.sealers and type(message) is bytes:
            # The usual case; what is unusual about a message is found out below.
            sealer = state.sealers.get(read_head(message)[0])
            if sealer is not None and sealer is state.primary:
                return sealer.decrypt(memoryview(message), associated_data)
        if self.kind == "fernet":
            _refuse_associated(associated_data)
            return self._decrypt_token(message, max_age)[0]
        self._check_kind("decrypts", "aead", "fernet")
        if isinstance(message, str):
            raise TypeError("a message is bytes")
        return self._decrypt(message, associated_data, max_age)[0]

    def rewrap(self, message: Buffer | str, *, associated_data: Buffer = b"") -> bytes:
        """The message under the primary version, with its date; as it stands when it is so already.

        Raises: as `decrypt`.
        """
        if self.kind == "fernet":
            _refuse_associated(associated_data)
            data, number, seconds, token = self._decrypt_token(message, "any")
            return token if number == self._known().record.primary.number else self._encrypt_token(data, seconds)
        self._check_kind("rewraps", "aead", "fernet")
        if isinstance(message, str):
            raise TypeError("a message is bytes")
        data, number, created_us = self._decrypt(message, associated_data, None)
        state = self._known()
        if number == state.record.primary.number:
            return bytes(message)
        sealer: Sealer = state.primary  # type: ignore[assignment]
        return sealer.encrypt(data, associated_data, created_us)

    def mac(self, data: Buffer) -> bytes:
        """The 32-byte HMAC-SHA-256 of *data* under the primary version (RFC 2104).

        Raises: ValueError: the key is of another kind.
        """
        self._check_kind("authenticates", "hmac")
        mac: Mac = self._current().primary  # type: ignore[assignment]
        return mac.digest(data)

    def check_mac(self, data: Buffer, tag: bytes) -> None:
        """Check a tag that `mac` made, with whichever enabled version; in constant time.

        Raises:
            Tampered: it is no tag of *data* under this key.
            ValueError: the key is of another kind.
        """
        self._check_kind("authenticates", "hmac")

        def check(mac: Worker) -> bytes:
            try:
                mac.verify(data, tag)  # type: ignore[union-attr]
            except Tampered:
                advice = "check the very bytes that were sent, and the key"
                raise Tampered("this tag is not one of this key's, or the data was changed", advice=advice) from None
            return b""

        self._first_that_works(check)

    def seal(self, data: Buffer, *, info: bytes = b"") -> bytes:
        """Seal *data* to the primary version's public part, for whoever holds this key to open.

        Others do the same with the public part alone: `strongroom.boxes.seal`.

        Args:
            info: what the message is for; needed again to open.

        Returns: HPKE (RFC 9180, base mode): MLKEM768-X25519, or X25519 for an imported key without it.
        Raises: ValueError: the key is of another kind.
        """
        from strongroom.crypto import boxes

        self._check_kind("seals", "box")
        public = self._current().record.primary.public
        hybrid = public[boxes.X25519_BYTES :]
        return boxes.seal_hybrid(hybrid, data, info) if hybrid else boxes.seal_x25519(public, data, info)

    def open(self, sealed: bytes, *, info: bytes = b"", form: Literal["hpke", "hpke-x25519", "nacl"] = "hpke") -> bytes:
        """What somebody sealed to this key's public part, with whichever enabled version.

        Args:
            form: ``"hpke"`` as `seal` does it, ``"hpke-x25519"`` for programs that have no hybrid keys, or
                ``"nacl"`` for libsodium's `crypto_box_seal` (extra ``nacl``), which has no *info*.

        Raises:
            Tampered: it is for another key, has another *info*, or was changed.
            ValueError: the key is of another kind.
        """
        from strongroom.crypto import boxes

        self._check_kind("opens", "box")

        def open_one(private: Worker) -> bytes:
            material: SecretBytes = private  # type: ignore[assignment]
            point, seed = material.reveal_buffer()[: boxes.X25519_BYTES], material.reveal_buffer()[boxes.X25519_BYTES :]
            if form == "nacl":
                return boxes.open_nacl(point, sealed)
            if form == "hpke" and seed:
                return boxes.open_hybrid(seed, sealed, info)
            return boxes.open_x25519(point, sealed, info)

        if form not in ("hpke", "hpke-x25519", "nacl") or (form == "nacl" and info):
            raise ValueError("a sealed message is of the form hpke, hpke-x25519 or nacl; the last has no info")
        return self._first_that_works(open_one)

    def refresh(self) -> None:
        """Read the key again now, and not within a minute.

        Raises: NotFound: it is there no longer; one that was made under its name since is not taken for it.
        """
        self._state = self._keys._load_again(self.name, self._known())

    def close(self) -> None:
        """Let go of the private parts; every further use is VaultLocked."""
        self._state = None

    def _known(self) -> State:
        state = self._state
        if state is None:
            raise VaultLocked(f"the key {self.name} was closed with its vault", advice="open the vault again")
        return state

    def _use(self, state: State) -> None:
        self._state = state

    def _fresh(self) -> State:
        self.refresh()
        return self._known()

    def _current(self) -> State:
        state = self._known()
        return self._fresh() if monotonic() - state.loaded > REFRESH_SECONDS else state

    def _is_current(self, state: State) -> bool:
        """Whether *state* may still be used without reading the key again."""
        return self._state is state and monotonic() - state.loaded <= REFRESH_SECONDS

    def _may_be_newer(self) -> bool:
        """Read again for what names an unknown version; False when that was done a moment ago, whoever named one."""
        now = monotonic()
        if now - self._asked < _SOONEST_SECONDS:
            return False
        self._asked = now
        self._fresh()
        return True

    def _check_kind(self, verb: str, *kinds: str) -> None:
        if self.kind not in kinds:
            raise ValueError(f"the key {self.name} is of kind {self.kind}; what {verb} is of kind {' or '.join(kinds)}")

    def _material(self, number: int) -> SecretBytes:
        """The private part of a version that may still be used, for our own rooms alone."""
        state = self._current()
        return state.material(state.record.for_reading(number, self.name).number)

    def _decrypt(
        self, message: Buffer, associated_data: Buffer, max_age: timedelta | Literal["any"] | None
    ) -> tuple[bytes, int, int]:
        number, created_us = read_head(message)
        state = self._current()
        if number > state.record.newest.number and self._may_be_newer():
            state = self._known()
        sealer = state.sealers.get(number) or state.sealers[state.record.for_reading(number, self.name).number]
        data = sealer.decrypt(memoryview(message), associated_data)
        if max_age is not None and max_age != "any":
            check_age(created_us, max_age, self._clock_us())
        self._used(number)
        return data, number, created_us

    def _used(self, number: int) -> None:
        if number != self._known().record.primary.number:
            self._uses.record(number, self._clock_us())

    def _first_that_works(self, attempt: Callable[[Worker], bytes]) -> bytes:
        """What *attempt* makes of the first version that it does not fail for.

        Raises: Tampered: it fails for all, as for the last.
        """
        while True:
            failure: Tampered | None = None
            state = self._current()
            for version in state.record.usable():
                try:
                    result = attempt(state.worker(version.number))
                except Tampered as error:
                    failure = error
                    continue
                self._used(version.number)
                return result
            if failure is not None and not self._may_be_newer():
                raise failure

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<NamedKey {self.name} ({self.kind}){'' if self._state else ' closed'}>"

    def __reduce_ex__(self, _protocol: object) -> str:
        raise TypeError("a key cannot be pickled; take it from the vault again")


def _refuse_associated(associated_data: Buffer) -> None:
    if associated_data:
        raise ValueError("a Fernet token has no associated data; take a key of kind aead")
