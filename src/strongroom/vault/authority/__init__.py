"""The certificate authority that a vault keeps: `vault.ca`, on a local vault as through the agent.

    authority    read this first: make one, issue, renew, revoke
    records      what lies at ``@ca/``
    issued       a certificate with what belongs to it
    live         `vault.tls`: contexts that renew themselves

Source: docs/format.md#certificates.
"""
