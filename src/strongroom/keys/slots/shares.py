"""Opening with Shamir shares: 32 random bytes, split so that any T of N people open the vault together.

The shares are SLIP-39 mnemonics of 33 words, one group, no passphrase, made and combined
by the extra ``shamir`` (shamir-mnemonic). That library works with tables and immutable
text: whoever can watch this machine's caches or memory while shares are combined learns
them. Source: docs/format.md#key-slots; SLIP-0039.
"""

from __future__ import annotations

from strongroom.crypto.entropy import random_buffer, scrub
from strongroom.errors import WrongKey
from strongroom.keys.slots.bound import KEY_BYTES, BoundCredential, missing_extra
from strongroom.secret import HiddenBuffer, SecretStr, wipe
from strongroom.wire import Reader, u8, u32

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from shamir_mnemonic import Share

KIND = 6
SHARES_MAX = 16
SHARE_WORDS = 33

# The least SLIP-39 knows: the secret is random, and no passphrase needs slowing down.
_ITERATION_EXPONENT = 0
_SET_ID_MAX = 0x7FFF
_WORDS_MIN = 20
_OTHER_SETS = "shares open a vault together with others of their own set only"


class ShareSet:
    """What the shares of one slot have in common.

    Args:
        set_id: 0..32,767; each share carries it.
        threshold: how many open the slot, 2..16.
        count: how many there are, threshold..16.

    Raises: ValueError: out of bounds.
    """

    __slots__ = ("count", "set_id", "threshold")

    def __init__(self, set_id: int, threshold: int, count: int) -> None:
        if not 0 <= set_id <= _SET_ID_MAX:
            raise ValueError("the id of a set of shares is a number below 32,768")
        if not 2 <= threshold <= count <= SHARES_MAX:
            raise ValueError(f"there are 2 to {SHARES_MAX} shares, and 2 or more of them open the vault, at most all")
        self.set_id = set_id
        self.threshold = threshold
        self.count = count

    def encode(self) -> bytes:
        """The slot parameters."""
        return u32(self.set_id) + u8(_ITERATION_EXPONENT) + u8(self.threshold) + u8(self.count)

    def __str__(self) -> str:
        return f"{self.threshold} of {self.count} shares of set {self.set_id}"


def new_shares(threshold: int, count: int) -> tuple[BoundCredential, list[SecretStr]]:
    """A new random secret and its shares, which are shown once.

    Args:
        threshold: how many shares open the slot, 2..16.
        count: how many are made, threshold..16.

    Raises:
        ValueError: out of bounds.
        FormatUnsupported: the extra ``shamir`` is not installed.
    """
    ShareSet(0, threshold, count)
    library = _library()
    key = random_buffer(KEY_BYTES)
    plain = bytes(key)
    try:
        (mnemonics,) = library.generate_mnemonics(
            1, [(threshold, count)], plain, extendable=True, iteration_exponent=_ITERATION_EXPONENT
        )
    except BaseException:
        wipe(key)
        raise
    finally:
        del plain
        scrub(KEY_BYTES)
    made = ShareSet(library.Share.from_mnemonic(mnemonics[0]).identifier, threshold, count)
    return BoundCredential(KIND, made.encode(), key), [SecretStr(mnemonic) for mnemonic in mnemonics]


def looks_like_share(typed: bytearray) -> bool:
    """Whether somebody meant to type a share: 20 words or more, most of them of SLIP-39's list.

    Args:
        typed: stays the caller's.

    Raises: FormatUnsupported: it might be one, and the extra ``shamir`` is not installed.
    """
    words = typed.split()
    try:
        if len(words) < _WORDS_MIN or not typed.isascii():
            return False
        _library()
        from shamir_mnemonic.wordlist import WORD_INDEX_MAP

        known = sum(word.decode("ascii").lower() in WORD_INDEX_MAP for word in words)
        return known * 4 >= len(words) * 3
    finally:
        for word in words:
            wipe(word)


class ShareCollector:
    """Takes shares one after another until a slot's threshold is reached.

    Args:
        slots: the parameters of the vault's share slots, decoded, at least one.
    """

    __slots__ = ("_chosen", "_given", "_sets")

    def __init__(self, slots: Sequence[bytes]) -> None:
        self._sets = [decode_parameters(parameters) for parameters in slots]
        self._chosen: ShareSet | None = None
        self._given: dict[int, Share] = {}

    @property
    def missing(self) -> int:
        """How many more shares are needed; before the first one, the least that any slot needs."""
        if self._chosen is None:
            return min(one.threshold for one in self._sets)
        return self._chosen.threshold - len(self._given)

    def add(self, typed: bytearray) -> None:
        """Take one share.

        Args:
            typed: wiped.

        Raises:
            WrongKey: mistyped, of another vault or set, or given before; what was taken stays.
            FormatUnsupported: the extra ``shamir`` is not installed.
        """
        try:
            share = _read_share(typed)
        finally:
            wipe(typed)
        chosen = self._set_of(share)
        if share.index in self._given:
            if self._given[share.index].value == share.value:
                raise WrongKey(f"share {share.index + 1} was given already", advice="the next one is another share")
            raise WrongKey(f"two different shares say that they are share {share.index + 1}", advice=_OTHER_SETS)
        self._chosen = chosen
        self._given[share.index] = share

    def credential(self) -> BoundCredential:
        """The secret that the shares make.

        Raises: WrongKey: too few, or they do not belong together.
        """
        if self._chosen is None or self.missing > 0:
            given = len(self._given)
            raise WrongKey(
                f"{given} {'share was' if given == 1 else 'shares were'} given, and {self.missing} more "
                f"{'is' if self.missing == 1 else 'are'} needed"
            )
        enough = list(self._given.values())[: self._chosen.threshold]
        return BoundCredential(KIND, self._chosen.encode(), _combine_from_parts([share.mnemonic() for share in enough]))

    def _set_of(self, share: Share) -> ShareSet:
        """The vault's set that *share* says it belongs to."""
        if self._chosen is not None and self._chosen.set_id != share.identifier:
            raise WrongKey(
                f"this share is of set {share.identifier}, and the one before of set {self._chosen.set_id}",
                advice=_OTHER_SETS,
            )
        for known in self._sets:
            # Everything that a share says of its set, or a forged one could ask for days of work.
            if (known.set_id, True, 1, 1, known.threshold, _ITERATION_EXPONENT, KEY_BYTES) == (
                share.identifier,
                share.extendable,
                share.group_threshold,
                share.group_count,
                share.member_threshold,
                share.iteration_exponent,
                len(share.value),
            ):
                return known
        raise WrongKey(
            f"this share is of set {share.identifier}, which no key slot of this vault has",
            advice="the sets of this vault: strongroom slot list",
        )

    def __repr__(self) -> str:
        return f"ShareCollector({len(self._given)} given, <hidden>)"

    def __reduce_ex__(self, _protocol: object) -> str:
        raise TypeError("shares cannot be pickled or copied")


def decode_parameters(parameters: bytes) -> ShareSet:
    """The set of shares of a slot, within bounds.

    Raises: Tampered: malformed or out of bounds.
    """
    reader = Reader(parameters, "slot parameters")
    set_id, exponent, threshold, count = reader.u32(), reader.u8(), reader.u8(), reader.u8()
    reader.finish()
    if exponent != _ITERATION_EXPONENT:
        raise reader.malformed("its iteration exponent is not 0")
    try:
        return ShareSet(set_id, threshold, count)
    except ValueError as error:
        raise reader.malformed(str(error)) from None


def describe(parameters: bytes) -> str:
    """How many of how many shares, and the number of their set."""
    return str(decode_parameters(parameters))


def _read_share(typed: bytearray) -> Share:
    library = _library()
    words = [] if not typed.isascii() else typed.decode("ascii").lower().split()
    flaw = _flaw_of(words)
    share = None
    try:
        share = None if flaw else library.Share.from_mnemonic(" ".join(words))
    except library.MnemonicError:
        flaw = "the share has a typing mistake: its checksum does not fit its words"
    # Raised here, where neither a local nor the error's context holds the words.
    del words
    if share is None:
        raise WrongKey(flaw, advice="compare it with what was written down, word by word")
    return share


def _flaw_of(words: Sequence[str]) -> str:
    """What shows without arithmetic; an unknown word's place is named, the word is a part of the secret."""
    from shamir_mnemonic.wordlist import WORD_INDEX_MAP

    unknown = [number for number, word in enumerate(words, 1) if word not in WORD_INDEX_MAP]
    if unknown:
        return f"word {unknown[0]} of the share is not a word of SLIP-39's list"
    if len(words) != SHARE_WORDS:
        return f"a share has {SHARE_WORDS} words, and this one {len(words)}"
    return ""


def _combine_from_parts(mnemonics: Sequence[str], passphrase: bytes = b"") -> bytearray:
    library = _library()
    try:
        secret = library.combine_mnemonics(mnemonics, passphrase)
    except library.MnemonicError:
        raise WrongKey(
            "these shares do not belong together: at least one is of another set with the same number",
            advice="begin again with shares that were made at one time",
        ) from None
    key = HiddenBuffer(secret)
    del secret
    scrub(len(key))
    return key


def _library() -> _Library:
    try:
        import shamir_mnemonic
    except ImportError:
        raise missing_extra("shamir", "a slot of shares") from None
    return shamir_mnemonic


if TYPE_CHECKING:
    import shamir_mnemonic as _Library
