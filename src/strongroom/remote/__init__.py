"""A vault somewhere else: messages and the clients that send them.

`messages` reads and writes HTTP/1.1 without a socket; `agent` is the vault that another
process keeps open. No key, no cryptography and no environment here; nothing is imported.
"""
