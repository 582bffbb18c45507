"""``strongroom.signing``: the public names of signatures of files."""

from strongroom.credentials.asynchronous_files import acheck, asign_minisign, asign_ssh
from strongroom.credentials.signers import Signer, parse_signers, parse_time
from strongroom.credentials.signing import Checked, SigningKey, check, sign_minisign, sign_ssh
from strongroom.credentials.stored_keys import signers, signing_key

__all__ = [
    "Checked",
    "Signer",
    "SigningKey",
    "acheck",
    "asign_minisign",
    "asign_ssh",
    "check",
    "parse_signers",
    "parse_time",
    "sign_minisign",
    "sign_ssh",
    "signers",
    "signing_key",
]
