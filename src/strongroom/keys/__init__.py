"""From what a person or a machine holds to a data key: bytes in, bytes out, no files.

    slots/     the ways in: passphrase, key file, recovery code
    opening    the whole unlock sequence; making and sealing headers and slots
    identity   who may hand the root key to a slot: signatures and their chain
    keyset     the data keys and purpose keys of a vault
    envelope   encrypts rows under the keyset's primary key
    format     the bytes of header and slot record

Source: docs/format.md#keys.
"""
