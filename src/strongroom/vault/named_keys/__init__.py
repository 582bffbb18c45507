"""Named keys: keys of the user's own that the vault keeps, with versions and one purpose each.

    record       what a key is made of, as bytes; pure
    messages     what `encrypt` makes; pure
    tokens       what it makes with a key of kind ``fernet``
    state        one reading of a key
    named_key    one key: to use it
    lifecycle    to change its versions
    named_keys   all keys of a vault: `vault.keys`
    uses         when older versions were last needed
    danger       private parts, in and out; imported by name alone

They lie as items at `@keys/NAME`. Source: docs/format.md#named-keys.
"""
