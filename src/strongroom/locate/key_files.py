"""Key files on disk: read, made, and taken back. Their bytes are `keys.slots.key_file`'s business."""

from __future__ import annotations

import os
import stat

from strongroom.errors import WrongKey
from strongroom.keys.slots.key_file import KeyFileCredential, decode_key_file, encode_key_file, new_key_file
from strongroom.locate.addresses import expand_user
from strongroom.secret import HiddenBuffer, wipe
from strongroom.stores import durable, files

LENGTH_MAX = 4096
"""More than any key file: 125 bytes, and room for later forms. Source: docs/format.md#key-slots."""

_WHAT = "key file"


def read_key_file(path: str) -> KeyFileCredential:
    """The credential in the key file at *path*, which may begin with ``~``.

    Raises:
        NotFound: there is none.
        UnsafePermissions: the file or its directory is open to others, or a foreign user's.
        WrongKey: what lies there is not a key file, or was damaged.
    """
    path = expand_user(path)
    return _decode(files.read_private(path, LENGTH_MAX, _WHAT), path)


def read_systemd_credential(path: str) -> KeyFileCredential:
    """The credential in a file that systemd laid down for this service.

    systemd lets a service's user read root's file by an access control list, which shows as
    permission for the group; that is refused in any other key file.

    Source: systemd.exec(5), Credentials.
    Raises: as `read_key_file`.
    """
    try:
        status = os.lstat(path)
        directory = os.stat(os.path.dirname(path))
    except OSError as error:
        raise durable.os_error(error, path, _WHAT) from None
    is_by_list = (
        stat.S_ISREG(status.st_mode)
        and status.st_uid == status.st_gid == directory.st_uid == 0
        and stat.S_IMODE(status.st_mode) == 0o440
        and not directory.st_mode & 0o022
    )
    if not is_by_list:
        return read_key_file(path)
    # Only root can have made the file and can replace it, so looking first and opening second is safe.
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise durable.os_error(error, path, _WHAT) from None
    buffer = HiddenBuffer(LENGTH_MAX)
    try:
        length = os.readv(descriptor, [buffer])
        return _decode(buffer[:length], path)
    except OSError as error:
        raise durable.os_error(error, path, _WHAT) from None
    finally:
        wipe(buffer)
        os.close(descriptor)


def obtain_key_file(path: str) -> tuple[KeyFileCredential, bool]:
    """The credential of the key file at *path*, which is made with mode 0400 if it is absent.

    Returns: the credential, and whether the file was made.
    Raises:
        UnsafePermissions, WrongKey: as `read_key_file`.
        NotFound: its directory does not exist.
    """
    path = expand_user(path)
    if os.path.lexists(path):
        return read_key_file(path), False
    credential = new_key_file()
    data = encode_key_file(credential)
    try:
        files.create_private(path, data, mode=0o400)
    finally:
        wipe(data)
    return credential, True


def remove_key_file(path: str) -> None:
    """Take back a key file that was made a moment ago and opens nothing."""
    durable.discard(expand_user(path))


def _decode(data: bytearray, path: str) -> KeyFileCredential:
    try:
        return decode_key_file(data)
    except WrongKey as error:
        raise WrongKey(f"{path} is not a key file: {error.message}", advice=error.advice) from None
    finally:
        wipe(data)

