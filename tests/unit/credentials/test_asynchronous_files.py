"""The async twins of signing and encrypting do what their namesakes do, and leave the event loop free."""

from __future__ import annotations

import asyncio
import inspect
import io
import threading
from pathlib import Path

import pytest

from strongroom import signing, streams
from strongroom.credentials import asynchronous_files, stream_files
from strongroom.credentials import signing as signing_room
from strongroom.credentials import streams as streams_room
from strongroom.credentials.identities import HybridIdentity
from strongroom.credentials.recipients import HybridRecipient
from strongroom.credentials.ssh_keys import public_line
from strongroom.crypto import hybrid

PRIVATE, PUBLIC = hybrid.generate()


def who() -> list[streams.Identity]:
    return [HybridIdentity(bytearray(PRIVATE))]


def test_there_and_back(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"data")
    names = [str(tmp_path / name) for name in ("plain", "sealed", "again")]

    async def all_of_it() -> bytes:
        sealed, opened = io.BytesIO(), io.BytesIO()
        await streams.aencrypt(io.BytesIO(b"data"), sealed, [HybridRecipient(PUBLIC)], format="strongroom", armor=True)
        await streams.adecrypt(io.BytesIO(sealed.getvalue()), opened, who())
        await streams.aencrypt_file(names[0], names[1], [HybridRecipient(PUBLIC)])
        await streams.adecrypt_file(names[1], names[2], who())
        return opened.getvalue()

    assert asyncio.run(all_of_it()) == b"data"
    assert (tmp_path / "again").read_bytes() == b"data"


def test_signatures() -> None:
    async def all_of_it() -> None:
        with signing.SigningKey(bytearray(32)) as key:
            known = signing.parse_signers(public_line(key.public).encode())
            made = await signing.asign_ssh(io.BytesIO(b"data"), key)
            assert (await signing.acheck(io.BytesIO(b"data"), made, known)).format == "ssh"
            assert made == signing.sign_ssh(io.BytesIO(b"data"), key)
            assert (await signing.asign_minisign(io.BytesIO(b"data"), key)).startswith(b"untrusted comment: ")

    asyncio.run(all_of_it())


def test_the_work_is_done_in_another_thread() -> None:
    seen: list[int] = []

    class Source(io.BytesIO):
        def readinto(self, buffer: object) -> int:  # type: ignore[override]
            seen.append(threading.get_ident())
            return 0

    asyncio.run(streams.aencrypt(Source(), io.BytesIO(), [HybridRecipient(PUBLIC)]))
    assert seen
    assert threading.get_ident() not in seen


@pytest.mark.parametrize("name", [name for name in dir(asynchronous_files) if name.startswith(("asign", "acheck", "aencrypt", "adecrypt"))])  # fmt: skip  # noqa: E501
def test_a_twin_takes_what_its_namesake_takes(name: str) -> None:
    rooms = (signing_room, streams_room, stream_files)
    (original,) = [getattr(room, name[1:]) for room in rooms if hasattr(room, name[1:])]
    twin = inspect.signature(getattr(asynchronous_files, name))
    assert twin.parameters == inspect.signature(original).parameters
