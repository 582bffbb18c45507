"""The async twins of signing and encrypting: the same calls, in a worker thread.

Names carry Django's prefix. asyncio is imported late: it costs 59 ms. A call that is cancelled goes on in its
thread to its end; nobody waits for it.
"""

from __future__ import annotations

from strongroom.credentials import signing, stream_files, streams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import ParamSpec, TypeVar

    from strongroom.credentials.identities import Identity
    from strongroom.credentials.recipients import Recipient
    from strongroom.credentials.signers import Signer
    from strongroom.credentials.signing import Checked, SigningKey
    from strongroom.credentials.streaming import Progress, Readable, Writable

    P = ParamSpec("P")
    T = TypeVar("T")


async def asign_minisign(
    source: Readable,
    key: SigningKey,
    *,
    name: str = "",
    comment: str | None = None,
    progress: Progress | None = None,
) -> bytes:
    """As `signing.sign_minisign`."""
    return await _in_thread(signing.sign_minisign, source, key, name=name, comment=comment, progress=progress)


async def asign_ssh(
    source: Readable, key: SigningKey, *, namespace: str = signing.NAMESPACE, progress: Progress | None = None
) -> bytes:
    """As `signing.sign_ssh`."""
    return await _in_thread(signing.sign_ssh, source, key, namespace=namespace, progress=progress)


async def acheck(
    source: Readable,
    signature: bytes,
    signers: Sequence[Signer],
    *,
    namespace: str = signing.NAMESPACE,
    principal: str | None = None,
    at: float | None = None,
    progress: Progress | None = None,
) -> Checked:
    """As `signing.check`."""
    return await _in_thread(
        signing.check, source, signature, signers, namespace=namespace, principal=principal, at=at, progress=progress
    )


async def aencrypt(
    source: Readable,
    target: Writable,
    recipients: Sequence[Recipient],
    *,
    format: str = streams.AGE,
    armor: bool = False,
    progress: Progress | None = None,
) -> None:
    """As `streams.encrypt`."""
    await _in_thread(streams.encrypt, source, target, recipients, format=format, armor=armor, progress=progress)


async def adecrypt(
    source: Readable, target: Writable, identities: Sequence[Identity], *, progress: Progress | None = None
) -> None:
    """As `streams.decrypt`."""
    await _in_thread(streams.decrypt, source, target, identities, progress=progress)


async def aencrypt_file(
    path: str,
    output: str,
    recipients: Sequence[Recipient],
    *,
    format: str = streams.AGE,
    armor: bool = False,
    replace: bool = False,
    progress: Progress | None = None,
) -> None:
    """As `stream_files.encrypt_file`."""
    await _in_thread(
        stream_files.encrypt_file,
        path, output, recipients, format=format, armor=armor, replace=replace, progress=progress,
    )  # fmt: skip


async def adecrypt_file(
    path: str, output: str, identities: Sequence[Identity], *, replace: bool = False, progress: Progress | None = None
) -> None:
    """As `stream_files.decrypt_file`."""
    await _in_thread(stream_files.decrypt_file, path, output, identities, replace=replace, progress=progress)


async def _in_thread(call: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
    import asyncio

    return await asyncio.to_thread(call, *arguments, **options)
