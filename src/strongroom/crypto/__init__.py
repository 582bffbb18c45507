"""The audited room: nothing outside it imports a cryptographic library.

    labels      what every use of a key is called, and the authenticated context
    aead        one message of suite 1: encrypt, decrypt; wrap and unwrap for keys
    kdf         keys from keys, keys from passphrases
    mac digest  HMAC-SHA-256, SHA-256
    hybrid      HPKE to a post-quantum and classical key pair
    signatures  Ed25519
    entropy     the one source of randomness

No function here takes a nonce, a salt for a message, an algorithm or a label as a
parameter; the variants that do are private (``_from_parts``) and serve the vectors.
Every verification raises. Source: docs/format.md.
"""
