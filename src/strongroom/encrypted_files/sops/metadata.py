"""What stands under ``sops``: who may open the file, which values are encrypted, when it was written, its MAC.

Nothing authenticates it but for the time, which the MAC is bound to.
"""

from __future__ import annotations

import re

from strongroom.credentials import streams
from strongroom.crypto.digest import Digest
from strongroom.crypto.entropy import random_buffer
from strongroom.crypto.foreign import sops
from strongroom.encrypted_files.key_streams import KeySink, KeySource
from strongroom.encrypted_files.sops.rules import Rule
from strongroom.encrypted_files.sops.values import Token, seal
from strongroom.errors import FormatUnsupported, Tampered, WrongKey
from strongroom.formats.interface import BadFile
from strongroom.secret import wipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from strongroom.credentials.identities import Identity

VERSION = "3.11.0"
"""Of the program whose files these are like; sops compares it to know what an older one got wrong."""

GROUPS_MAX = 16
RECIPIENTS_MAX = 32
STANZA_CHARACTERS_MAX = 32_768
_KEYS = ("age", "pgp", "kms", "gcp_kms", "azure_kv", "hc_vault", "hckms")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[-+][0-9]{2}:[0-9]{2})")
# What a MAC that leaves values out begins with, so that it is never one that covers them.
_ENCRYPTED_ONLY = bytes.fromhex("8a3fd2ad54ce66527b1034f3d147be0b0b975b3bf44f72c6fdadec8176f27d69")


class Group:
    """Keys of which any one gives the data key, or one share of it.

    Attributes:
        age: recipient and armored file, of each.
        others: kinds of other keys, such as ``"pgp"``.
    """

    __slots__ = ("age", "others")

    def __init__(self, settings: Mapping[str, object]) -> None:
        self.age = [_age(one) for one in _list(settings.get("age"), RECIPIENTS_MAX)]
        self.others = tuple(kind for kind in _KEYS[1:] if _list(settings.get(kind), RECIPIENTS_MAX))

    def open(self, identities: Sequence[Identity], length: int) -> bytearray:
        """The data key or share; the caller wipes it.

        Raises: WrongKey: no identity opens any.
        """
        for _, armored in self.age:
            sink = KeySink(length, "the key of this SOPS file has a wrong length")
            try:
                streams.decrypt(KeySource(armored.encode("utf-8")), sink, identities)
            except WrongKey:
                continue
            except BaseException:
                wipe(sink.buffer)  # a changed one may have left a part of the key
                raise
            if sink.is_full:
                return sink.buffer
            wipe(sink.buffer)
            raise Tampered("the key of this SOPS file has a wrong length")
        raise WrongKey("none of the keys at hand opens this file")


class Metadata:
    """The metadata of a file that exists.

    Attributes:
        groups: one, or several of which *threshold* are needed.
        rule: which values are encrypted.
        mac_only_encrypted: whether the MAC leaves out what is not.

    Raises:
        BadFile: malformed, or beyond its limits.
        FormatUnsupported: something that is not read here.
    """

    __slots__ = ("_settings", "groups", "last_modified", "mac", "mac_only_encrypted", "rule", "threshold")

    def __init__(self, settings: Mapping[str, object]) -> None:
        self._settings = dict(settings)
        several = _list(settings.get("key_groups"), GROUPS_MAX)
        if several and any(_list(settings.get(kind), 1_000) for kind in _KEYS):
            raise BadFile("the SOPS metadata has keys beside its groups of keys")
        self.groups = [Group(_mapping(one)) for one in several] or [Group(settings)]
        self.threshold = _whole(settings.get("shamir_threshold")) or len(self.groups)
        if self.threshold > len(self.groups):
            raise BadFile("the SOPS metadata needs more groups of keys than there are")
        self.rule = Rule(settings)
        self.mac_only_encrypted = settings.get("mac_only_encrypted") in (True, "true")
        # YAML and the flat formats come as text, and sops wants them as what they are.
        if self.mac_only_encrypted:
            self._settings["mac_only_encrypted"] = True
        if "shamir_threshold" in settings:
            self._settings["shamir_threshold"] = self.threshold
        self.last_modified = str(settings.get("lastmodified", ""))
        if _TIME.fullmatch(self.last_modified) is None:
            raise BadFile("the SOPS metadata does not say when the file was last modified")
        mac = settings.get("mac")
        if not isinstance(mac, str) or not mac:
            raise Tampered("this SOPS file has no MAC: nothing says that it is what was written")
        self.mac = mac

    @property
    def recipients(self) -> tuple[str, ...]:
        """Those of age, as the file names them; nothing says that they are the ones it was encrypted to."""
        return tuple(recipient for group in self.groups for recipient, _ in group.age)

    @property
    def others(self) -> tuple[str, ...]:
        """Kinds of keys that only sops has."""
        return tuple(sorted({kind for group in self.groups for kind in group.others}))

    def open(self, identities: Sequence[Identity]) -> bytearray:
        """The data key; the caller wipes it.

        Raises: WrongKey: too few of the keys are at hand. Tampered: one was changed.
        """
        if len(self.groups) == 1:
            if not self.groups[0].age:
                kinds = ", ".join(self.others) or "nobody"
                raise FormatUnsupported(f"this SOPS file is encrypted to {kinds}, and only age keys open it here")
            return self.groups[0].open(identities, sops.KEY_BYTES)
        shares = list[bytearray]()
        try:
            for group in self.groups:
                try:
                    shares.append(group.open(identities, sops.SHARE_BYTES))
                except WrongKey:
                    continue
            if len(shares) < self.threshold:
                said = f"{self.threshold} groups of keys open this file, and identities for {len(shares)} are at hand"
                raise WrongKey(said)
            return sops.combine(shares[: self.threshold])
        finally:
            for share in shares:
                wipe(share)

    def check_mac(self, key: bytearray, digest: str) -> None:
        """Compare the MAC with what it should be.

        Raises: Tampered: it is another.
        """
        there = Token(self.mac).open(key, self.last_modified.encode("ascii"))
        if there != digest:
            raise Tampered(
                "the MAC of this SOPS file does not fit",
                advice="a value was added, removed, moved or changed, or the file was merged by hand",
            )

    def edited(self, key: bytearray, digest: str, now: datetime) -> dict[str, object]:
        """The metadata with a new time and MAC; all else as it was."""
        time = _time(now)
        mac = seal(key, "str", digest, time.encode("ascii"))
        return {**self._settings, "lastmodified": time, "mac": mac}


def new_metadata(
    key: bytearray, recipients: Sequence[str], rule: Rule, digest: str, now: datetime, *, mac_only_encrypted: bool
) -> dict[str, object]:
    """The metadata of a new file, or of one with a new data key.

    Raises: ValueError: recipients that are none, too many, or that cannot stand together.
    """
    if not 1 <= len(recipients) <= RECIPIENTS_MAX or len(set(recipients)) != len(recipients):
        raise ValueError(f"a SOPS file has 1 to {RECIPIENTS_MAX} recipients, each of them once")
    time = _time(now)
    age = [{"recipient": text, "enc": _armored(key, text)} for text in recipients]
    settings: dict[str, object] = {"age": age, "lastmodified": time}
    settings["mac"] = seal(key, "str", digest, time.encode("ascii"))
    settings |= rule.settings()
    if mac_only_encrypted:
        settings["mac_only_encrypted"] = True
    return {**settings, "version": VERSION}


def new_key() -> bytearray:
    """A data key; the caller wipes it."""
    return random_buffer(sops.KEY_BYTES)


class MacDigest:
    """What the MAC is over: the plain values one after another, without names and without lengths."""

    __slots__ = ("_state",)

    def __init__(self, *, encrypted_only: bool) -> None:
        self._state = Digest("sha512")
        if encrypted_only:
            self._state.update(_ENCRYPTED_ONLY)

    def update(self, data: str) -> None:
        """Take the next value."""
        self._state.update(data.encode("utf-8"))

    def finish(self) -> str:
        """The text that is encrypted."""
        return self._state.finish().hex().upper()


class _Text:
    """Collects armor."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes | bytearray | memoryview, /) -> int:
        self.data += data
        return len(data)


def _armored(key: bytearray, recipient: str) -> str:
    text = _Text()
    streams.encrypt(KeySource(key), text, [streams.parse_recipient(recipient)], armor=True)
    return text.data.decode("ascii")


def _age(value: object) -> tuple[str, str]:
    settings = _mapping(value)
    recipient, armored = settings.get("recipient", ""), settings.get("enc")
    if not isinstance(recipient, str) or not isinstance(armored, str) or len(armored) > STANZA_CHARACTERS_MAX:
        raise BadFile("the SOPS metadata has an age recipient that is none")
    return recipient, armored


def _list(value: object, limit: int) -> list[object]:
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > limit:
        raise BadFile(f"the SOPS metadata has a list that is none, or of more than {limit}")
    return value


def _mapping(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise BadFile("the SOPS metadata is malformed")
    return value


def _whole(value: object) -> int:
    text = str(value or 0)
    if not (text.isascii() and text.isdigit() and len(text) < 4):
        raise BadFile("the SOPS metadata has a number that is none")
    return int(text)


def _time(now: datetime) -> str:
    from datetime import UTC

    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
