"""The service: a request and a principal go in, a response comes out. No sockets, no clock of its own.

It speaks the KV v2 vocabulary of Vault's HTTP API, and a few words of our own below
``/v1/strongroom/``. The agent's socket and a TLS listener are doors in front of it.
Source: docs/service.md.
"""
