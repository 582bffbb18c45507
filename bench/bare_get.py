"""The least that `strongroom get` could be: read a key, one row, decrypt, print. Run as a script.

Arguments: database, key file (32 bytes), id of the row in hex.
"""

import sqlite3
import sys

from cryptography.cobblestone import Cobblestone256Decryptor

with open(sys.argv[2], "rb") as file:
    key = file.read()
connection = sqlite3.connect(sys.argv[1])
row = connection.execute("SELECT body FROM entry WHERE id = ?", (bytes.fromhex(sys.argv[3]),)).fetchone()
decryptor = Cobblestone256Decryptor(key, b"bench")
sys.stdout.buffer.write(decryptor.update(row[0]) + decryptor.finalize())
connection.close()
