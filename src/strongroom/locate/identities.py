"""Identity files on disk: age identities and SSH private keys that open a vault's age slots."""

from __future__ import annotations

from strongroom.errors import WrongKey
from strongroom.keys.slots import age
from strongroom.locate.addresses import expand_user
from strongroom.stores import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.keys.slots.bound import BoundCredential
    from strongroom.stores.interface import Store

IDENTITY_VARIABLE = "STRONGROOM_IDENTITY_FILE"
_WHAT = "identity file"


def identity_credential(store: Store, path: str) -> BoundCredential:
    """The secret of the first age slot that an identity in the file opens; the caller wipes it.

    Args:
        path: an age identity file or an SSH private key; may begin with ``~``.

    Raises:
        NotFound, UnsafePermissions, StoreUnavailable: about the file, as a key file's.
        WrongKey: it is no identity file, or opens no slot of this vault.
        FormatUnsupported: the extra ``age`` is not installed.
    """
    from strongroom.vault.opening import slot_records

    path = expand_user(path)
    try:
        identities = age.parse_identities(files.read_private(path, age.IDENTITY_FILE_BYTES_MAX, _WHAT))
    except WrongKey as error:
        raise WrongKey(f"{path} is of no use: {error.message}", advice=error.advice) from None
    for record in slot_records(store):
        if record.kind != age.KIND:
            continue
        try:
            return identities.open(record.parameters)
        except WrongKey:
            # Another recipient's slot, or a changed one: the next may be this identity's.
            continue
    raise WrongKey(
        f"the identity file {path} opens no key slot of {store.location}",
        advice="see what opens it: strongroom slot list",
    )
