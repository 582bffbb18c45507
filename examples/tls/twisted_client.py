"""A client of Twisted that trusts one authority and nobody else: python twisted_client.py PORT ROOT

ROOT is a file of ``strongroom ca export --root``.
"""

from __future__ import annotations

import sys
from pathlib import Path

from twisted.internet import ssl
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTCP
from twisted.internet.task import react
from twisted.web.client import Agent, BrowserLikePolicyForHTTPS, readBody


def show(reactor: IReactorTCP, port: str, file: str) -> Deferred[None]:
    """Print a page, from a server whose certificate is below the root in *file*."""
    trust = ssl.trustRootFromCertificates([ssl.Certificate.loadPEM(Path(file).read_bytes())])
    agent = Agent(reactor, BrowserLikePolicyForHTTPS(trust))
    page = agent.request(b"GET", f"https://localhost:{port}/".encode()).addCallback(readBody)
    return page.addCallback(lambda body: print(body.decode(), end=""))


if __name__ == "__main__":
    react(show, sys.argv[1:3])
