"""Twisted with a certificate of the vault's authority: python twisted_server.py PORT

Twisted makes connections with pyOpenSSL and not with the ssl module, so a context of `vault.tls`
is nothing to it. This one issues and renews in the same way.
"""

from __future__ import annotations

import sys
import time

from OpenSSL import SSL, crypto
from twisted.internet import reactor, ssl
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

import strongroom

NAMES = ("localhost", "127.0.0.1")


class Renewing(ssl.ContextFactory):
    """Asks for a new certificate when two thirds of the old one's life are over."""

    def __init__(self, vault: strongroom.Vault, *names: str) -> None:
        self._vault = vault
        self._names = names
        self._due = 0.0

    def getContext(self) -> SSL.Context:
        """For each connection."""
        if time.time() >= self._due:
            self._context = self._issue()
        return self._context

    def _issue(self) -> SSL.Context:
        with self._vault.ca.issue(*self._names) as issued:
            own = ssl.PrivateCertificate.loadPEM(bytes(issued.pem()))
            chain = [crypto.load_certificate(crypto.FILETYPE_ASN1, one.der()) for one in issued.chain]
            options = ssl.CertificateOptions(
                privateKey=own.privateKey.original, certificate=own.original, extraCertChain=chain
            )
            leaf = issued.certificate
            self._due = (leaf.not_after - leaf.lifetime / 3).timestamp()
            return options.getContext()


class Page(Resource):
    """Answers every request alike."""

    isLeaf = True

    def render_GET(self, _request: Request) -> bytes:
        """One small page."""
        return b"served"


if __name__ == "__main__":
    reactor.listenSSL(int(sys.argv[1]), Site(Page()), Renewing(strongroom.open(), *NAMES), interface="127.0.0.1")
    reactor.run()
