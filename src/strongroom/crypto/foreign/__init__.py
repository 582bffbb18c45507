"""Other people's constructions: read so that their users can leave them; the vault does not know them.

    password_hashes   the functions behind stored passwords: Argon2, PBKDF2, scrypt, bcrypt, plain digests
    sha_crypt         the glibc functions $5$ and $6$, which Python no longer has
"""
