"""``strongroom.streams``: the public names of encrypted files and streams."""

from strongroom.credentials.asynchronous_files import adecrypt, adecrypt_file, aencrypt, aencrypt_file
from strongroom.credentials.identities import Identity, PassphraseIdentity, parse_identities
from strongroom.credentials.recipients import Passphrase, Recipient, parse_recipient, parse_recipients
from strongroom.credentials.stored_keys import identities, recipient
from strongroom.credentials.stream_files import decrypt_file, encrypt_file
from strongroom.credentials.streams import decrypt, encrypt

__all__ = [
    "Identity",
    "Passphrase",
    "PassphraseIdentity",
    "Recipient",
    "adecrypt",
    "adecrypt_file",
    "aencrypt",
    "aencrypt_file",
    "decrypt",
    "decrypt_file",
    "encrypt",
    "encrypt_file",
    "identities",
    "parse_identities",
    "parse_recipient",
    "parse_recipients",
    "recipient",
]
