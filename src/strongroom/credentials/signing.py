"""Signatures of files, of any size in constant memory: minisign and SSHSIG, made and checked.

    from strongroom import signing

    with open("release.tar.gz", "rb") as file:
        signature = signing.sign_minisign(file, key, name="release.tar.gz")

What is made here, the stock ``minisign -V`` and ``ssh-keygen -Y verify`` accept, and what they
make is checked here. Ed25519 (RFC 8032) over BLAKE2b-512 (minisign) or SHA-512 (SSHSIG).
Source: docs/format.md#signatures.
"""

from __future__ import annotations

from time import time

from strongroom.credentials import minisign, ssh_keys, sshsig
from strongroom.credentials.minisign import MinisignKey, MinisignSignature
from strongroom.credentials.signers import Signer, matches
from strongroom.credentials.signers import parse_signers as parse_signers
from strongroom.credentials.ssh_keys import SshPublicKey
from strongroom.credentials.sshsig import SshSignature
from strongroom.credentials.streaming import read_some
from strongroom.crypto import signatures
from strongroom.crypto.digest import Digest
from strongroom.errors import Denied, Expired, FormatUnsupported, StrongroomError, Tampered, WrongKey
from strongroom.secret import wipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeVar

    from strongroom.credentials.streaming import Progress, Readable

    Key = TypeVar("Key", MinisignKey, SshPublicKey)

SEED_BYTES = signatures.SEED_BYTES
NAMESPACE = "file"
"""What SSH signatures are for, unless somebody says otherwise."""
LEGACY_BYTES_MAX = 1 << 30
"""A minisign signature of the older kind is over the file itself, which must be in memory: 1 GiB at most."""
SIGNATURE_BYTES_MAX = sshsig.SIGNATURE_FILE_BYTES_MAX
MINISIGN = "minisign"
SSH = "ssh"

_DIGEST_BYTES = 64
_PIECE_BYTES = 256 * 1024


class SigningKey:
    """An Ed25519 key for signing files; a context manager that wipes it.

    Args:
        seed: 32 random bytes, taken over and wiped with this object.
        purpose: what it may sign: ``"minisign"``, ``"ssh:NAMESPACE"``, or ``""`` for both and any
            namespace. A file's signature of either kind never passes for one of the other, nor for a login.
    """

    __slots__ = ("_seed", "public", "purpose")

    def __init__(self, seed: bytearray, *, purpose: str = "") -> None:
        if len(seed) != SEED_BYTES:
            raise ValueError("a signing key's seed has 32 bytes")
        self._seed = seed
        self.purpose = purpose
        self.public = signatures.public_key(seed)

    def _sign(self, purpose: str, message: bytes) -> bytes:
        if not self._seed:
            raise ValueError("this signing key was wiped")
        if self.purpose not in ("", purpose):
            raise Denied(f"this key signs for {self.purpose} only", advice="make a key for each purpose")
        return signatures.sign(self._seed, message)

    def wipe(self) -> None:
        """Overwrite the seed; signing fails afterwards."""
        wipe(self._seed)
        self._seed = bytearray()

    def __enter__(self) -> SigningKey:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.wipe()

    def __repr__(self) -> str:
        return f"SigningKey({minisign.key_of(self.public).shown_id}, <hidden>)"

    def __reduce_ex__(self, _protocol: object) -> str:
        raise TypeError("a signing key cannot be pickled or copied")


class Checked:
    """What a signature that fits says.

    Attributes:
        format: ``"minisign"`` or ``"ssh"``.
        principals: whose key it is, as the signers file says; ``"*"`` when only a key was given.
        key: the key's minisign id, or its SSH fingerprint.
        comment: minisign's trusted comment, which is signed too; empty for SSH.
        namespace: what an SSH signature is for; empty for minisign.
    """

    __slots__ = ("comment", "format", "key", "namespace", "principals")

    def __init__(self, format: str, signer: Signer, *, key: str, comment: str = "", namespace: str = "") -> None:
        self.format = format
        self.principals = signer.principals
        self.key = key
        self.comment = comment
        self.namespace = namespace


def sign_minisign(
    source: Readable,
    key: SigningKey,
    *,
    name: str = "",
    comment: str | None = None,
    progress: Progress | None = None,
) -> bytes:
    """Sign a file in minisign's format.

    Args:
        source: the file, from here to its end.
        name: its name, for the trusted comment; what cannot stand there becomes ``?``.
        comment: the trusted comment, one line of at most 8,173 bytes; by default time and name.
        progress: is called with the number of bytes read.

    Returns: the content of ``FILE.minisig``.
    Raises:
        ValueError: *comment* is not one line.
        Denied: the key is for something else.
    """
    if comment is None:
        shown = "".join(one if one.isprintable() else "?" for one in name)[:1_024]
        comment = f"timestamp:{int(time())}\tfile:{shown}\thashed"
    minisign.check_comment(comment)
    digest = _digest(source, "blake2b-512", progress)
    signature = key._sign(MINISIGN, digest)
    seal = key._sign(MINISIGN, signature + comment.encode("utf-8", "surrogateescape"))
    made = MinisignSignature(minisign.PREHASHED, minisign.key_of(key.public).key_id, signature, comment, seal)
    return made.encode("signature by strongroom")


def sign_ssh(
    source: Readable, key: SigningKey, *, namespace: str = NAMESPACE, progress: Progress | None = None
) -> bytes:
    """Sign a file as ``ssh-keygen -Y sign`` does.

    Args:
        source: the file, from here to its end.
        namespace: what the signature is for, such as ``"file"``; checking asks for the same.
        progress: is called with the number of bytes read.

    Returns: the content of ``FILE.sshsig``.
    Raises:
        ValueError: *namespace* is not one word.
        Denied: the key is for something else.
    """
    sshsig.check_namespace(namespace)
    digest = _digest(source, sshsig.HASH, progress)
    raw = key._sign(f"ssh:{namespace}", sshsig.message(namespace, sshsig.HASH, digest))
    public = SshPublicKey(ssh_keys.ed25519_blob(key.public))
    return SshSignature(public, namespace, sshsig.HASH, sshsig.ed25519_signature(raw)).encode()


def check(
    source: Readable,
    signature: bytes,
    signers: Sequence[Signer],
    *,
    namespace: str = NAMESPACE,
    principal: str | None = None,
    at: float | None = None,
    progress: Progress | None = None,
) -> Checked:
    """Check a signature of a file, of minisign's or SSH's.

    Args:
        source: the file, from here to its end.
        signature: the content of the signature file.
        signers: from `parse_signers`.
        namespace: what an SSH signature must be for.
        principal: who must have signed; None for anybody among the signers.
        at: when the keys must be valid, in seconds since 1970; by default now. The time that stands in a
            signature is not asked: whoever stole an old key writes any time there.
        progress: is called with the number of bytes read.

    Raises:
        Tampered: the signature does not fit the file, or is malformed.
        WrongKey: it was made with a key of nobody among the signers.
        Expired: the key is not valid at that time.
        Denied: it is for another namespace.
        FormatUnsupported: neither format, or a kind of key that is not known here.
    """
    now = time() if at is None else at
    wanted = [one for one in signers if principal is None or matches(principal, one.principals)]
    if minisign.is_signature(signature):
        return _check_minisign(source, minisign.parse_signature(signature), wanted, now, progress)
    if not sshsig.is_signature(signature):
        raise FormatUnsupported("this is neither a minisign nor an SSH signature")
    decoded = sshsig.parse_signature(signature)
    if decoded.namespace != namespace:
        raise Denied(f"the signature is for the namespace {decoded.namespace}, not for {namespace}")
    return _check_ssh(source, decoded, wanted, now, progress)


def _check_minisign(
    source: Readable, decoded: MinisignSignature, signers: list[Signer], now: float, progress: Progress | None
) -> Checked:
    keys = [(one, one.key) for one in signers if isinstance(one.key, MinisignKey)]
    shown = minisign.show_id(decoded.key_id)
    known = _admitted([pair for pair in keys if pair[1].key_id == decoded.key_id], now, "", shown)
    if decoded.algorithm == minisign.LEGACY:
        message = _whole(source)
        if len(message) == _DIGEST_BYTES:
            # Nothing signed says which kind a signature is of: this could be of the file that has this digest.
            raise FormatUnsupported("a minisign signature of the older kind is not taken for 64 bytes: sign them anew")
    else:
        message = _digest(source, "blake2b-512", progress)
    for signer, key in known:
        try:
            decoded.verify(key, message)
        except Tampered:
            continue  # An id is 8 bytes of anybody's choice: another key may have it too.
        return Checked(MINISIGN, signer, key=shown, comment=decoded.comment)
    raise _does_not_fit()


def _check_ssh(
    source: Readable, decoded: SshSignature, signers: list[Signer], now: float, progress: Progress | None
) -> Checked:
    keys = [(one, one.key) for one in signers if isinstance(one.key, SshPublicKey)]
    shown = decoded.key.fingerprint
    known = _admitted([pair for pair in keys if pair[1].blob == decoded.key.blob], now, decoded.namespace, shown)
    try:
        decoded.verify(_digest(source, decoded.hash_name, progress))
    except Tampered:
        raise _does_not_fit() from None
    return Checked(SSH, known[0][0], key=shown, namespace=decoded.namespace)


def _admitted(known: list[tuple[Signer, Key]], now: float, namespace: str, shown: str) -> list[tuple[Signer, Key]]:
    """The lines that let this key sign; it may stand in several."""
    problem: StrongroomError = WrongKey(f"it is signed with the key {shown}, which is of nobody among the signers")
    admitted = []
    for signer, key in known:
        try:
            signer.admit(now, namespace)
        except (Denied, Expired) as error:
            problem = error
        else:
            admitted.append((signer, key))
    if not admitted:
        raise problem
    return admitted


def _does_not_fit() -> Tampered:
    return Tampered("the signature does not fit: the file or the signature was changed")


def _digest(source: Readable, name: str, progress: Progress | None) -> bytes:
    state = Digest(name)
    buffer = bytearray(_PIECE_BYTES)
    view = memoryview(buffer)
    done = 0
    while got := read_some(source, view):
        state.update(view[:got])
        done += got
        if progress is not None:
            progress(done)
    return state.finish()


def _whole(source: Readable) -> bytes:
    pieces = []
    buffer = bytearray(_PIECE_BYTES)
    left = LEGACY_BYTES_MAX
    while got := read_some(source, buffer):
        left -= got
        if left < 0:
            raise FormatUnsupported("a minisign signature of the older kind is checked for files up to 1 GiB only")
        pieces.append(bytes(buffer[:got]))
    return b"".join(pieces)
