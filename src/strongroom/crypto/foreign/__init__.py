"""Other people's constructions: read so that their users can leave them; the vault does not know them.

    password_hashes   the functions behind stored passwords: Argon2, PBKDF2, scrypt, bcrypt, plain digests
    forks             lets a fork of the process wait for those functions
    sha_crypt         the glibc functions $5$ and $6$, which Python no longer has
    ansible           a password's AES-CTR and HMAC of Ansible Vault
    dotenvx           ECIES over secp256k1
    keepass           the rounds of AES before a KeePass database
    sops              AES-256-GCM of SOPS values, and the shares of a split key
"""
