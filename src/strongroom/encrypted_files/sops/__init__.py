"""SOPS files: read, written and edited so that the program ``sops`` and this one open each other's.

    from strongroom.encrypted_files import sops

    with sops.SopsFile(data, "yaml") as file:
        file.unlock(identities)
        kind, text = file.value(["db", "password"])

    file        read this first: one SOPS file, from its bytes to its plaintext and back
    metadata    what stands under ``sops``: who may open it, which values are encrypted, its MAC
    rules       which values are encrypted, by their names
    values      one value as it is written encrypted, and as SOPS's MAC sees it
    weak_spots  what the MAC of a file leaves open
    tree        what every format gives: leaves and their places
    *_tree      YAML, JSON, dotenv, INI

Source: getsops/sops (sops.go, aes/cipher.go, stores/), read beside what version 3.11.0 does.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.encrypted_files.sops.file import SopsFile as SopsFile
    from strongroom.encrypted_files.sops.writing import FORMATS as FORMATS
    from strongroom.encrypted_files.sops.writing import encrypt as encrypt

_FACE = ("FORMATS", "SopsFile", "encrypt")
_METADATA = (b"\nsops:", b'"sops"', b"\nsops_", b"[sops]")


def is_sops(data: bytes | bytearray) -> bool:
    """Whether *data* looks like a SOPS file of any format; a look that costs nothing."""
    has_metadata = data.startswith(b"sops") or any(one in data for one in _METADATA)
    return has_metadata and b"ENC[AES256_GCM," in data


def __getattr__(name: str) -> object:
    # Late: who only asks whether a file is SOPS's needs none of it.
    if name not in _FACE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from strongroom.encrypted_files.sops import file

    return getattr(file, name)
