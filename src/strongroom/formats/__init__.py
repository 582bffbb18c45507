"""Other people's files, in and out: one file per format, each a reader of `interface`. No vault is known here.

Nothing in this room opens a file or runs anything: bytes go in, entries and new text come out.
"""
