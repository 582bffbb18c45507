"""What this machine trusts: a root put into its stores, and taken out again, without a trace.

    interface    what a store can do, and what is found in one
    system       the system's own store: Debian's and Red Hat's way
    nss          the databases of browsers: Chromium's, and each profile of Firefox
    stores       which of them this machine and this user have

Only a root that is held to names of its own gets in: `strongroom.crypto.x509.issuing.check_root`.
"""
