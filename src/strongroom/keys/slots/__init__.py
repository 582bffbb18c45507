"""The ways to open a root key, one file per kind; listed in `registry`."""
