"""X.509 certificates (RFC 5280) and TLS; the vault's reader does not come here.

    names         what a certificate may be for, and the constraints on it; pure
    keys          private keys as PKCS #8, public keys, the algorithms that are accepted
    certificates  what a certificate says
    issuing       a root, an intermediate, and leaves of a profile
    requests      a certificate request (CSR), every part of it checked
    revocation    lists (CRL) of what is good no longer
    tls           contexts of the ssl module, whose keys never touch a disk
"""
