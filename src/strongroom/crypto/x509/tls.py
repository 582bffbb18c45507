"""TLS contexts: their key goes from memory to OpenSSL through a file in memory, and renews itself there.

OpenSSL's Python module reads keys from files alone. A memfd is a file without a name and
without a disk; it is overwritten and closed as soon as it was read.
"""

from __future__ import annotations

import os
import ssl
from threading import Lock
from time import time
from weakref import WeakSet

from strongroom.errors import Denied, StoreUnavailable, StrongroomError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from strongroom.crypto.x509.certificates import Certificate
    from strongroom.crypto.x509.revocation import RevocationList

    Renew = Callable[[], tuple[bytearray, float]]

Context = ssl.SSLContext
"""What the ssl module calls so; for those who may not import it."""
RETRY_SECONDS = 60.0


class LiveContext(ssl.SSLContext):
    """A context that loads a new certificate when it is time to, just before a connection begins.

    Nothing runs in the background, so it may be used after a fork. Connections that exist
    keep the certificate that they began with.
    """

    # Both are the one place where the ssl module makes a connection's state out of its context's; while OpenSSL
    # reads that, nobody may change the context, and two threads do not renew at once.
    def _wrap_socket(self, *args: object, **kwargs: object) -> object:
        with self._turn:
            self._refresh()
            return super()._wrap_socket(*args, **kwargs)  # type: ignore[misc]

    def _wrap_bio(self, *args: object, **kwargs: object) -> object:
        with self._turn:
            self._refresh()
            return super()._wrap_bio(*args, **kwargs)  # type: ignore[misc]

    _turn: Lock
    _renew: Renew
    _due: float

    def _refresh(self) -> None:
        if time() < self._due:
            return
        try:
            self._load()
        except StrongroomError as error:
            from warnings import warn

            # What is served is good for a third of its life yet; when that is over, the other side refuses it.
            self._due = time() + RETRY_SECONDS
            warn(f"a certificate could not be renewed: {error.message}", RuntimeWarning, stacklevel=4)

    def _load(self) -> None:
        pem, due = self._renew()
        try:
            load_chain(self, pem)
        finally:
            pem[:] = bytes(len(pem))
        self._due = due

    def __reduce_ex__(self, _protocol: object) -> str:
        raise TypeError("a TLS context holds a key and cannot be pickled")


_contexts: WeakSet[LiveContext] = WeakSet()


def server_context(*, client_roots: Sequence[Certificate] = (), renew: Renew | None = None) -> Context:
    """A context for servers.

    Args:
        client_roots: clients must show a certificate that one of these stands for.
        renew: what it has its certificate from, now and whenever it is time to: returns key and chain as PEM,
            which is wiped here, and when the next are due, in seconds since 1970. None: `load_chain` is to follow.

    Raises: as *renew* does; later its errors are warnings.
    """
    context = _new(ssl.PROTOCOL_TLS_SERVER, renew)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if client_roots:
        _trust(context, client_roots)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(
    roots: Sequence[Certificate],
    *,
    revoked: RevocationList | None = None,
    renew: Renew | None = None,
) -> Context:
    """A context for clients that trust *roots* and nobody else, and verify strictly.

    Args:
        revoked: refuse what is on this list; without one of its issuer, everything is refused.
        renew: what it has its own certificate from, as `server_context`.

    Raises: as *renew* does.
    """
    context = _new(ssl.PROTOCOL_TLS_CLIENT, renew)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _trust(context, roots)
    if revoked is not None:
        _from_memory(revoked.pem(), lambda path: context.load_verify_locations(cafile=path))
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    return context


def load_chain(context: ssl.SSLContext, pem: bytes | bytearray) -> None:
    """Load key and chain without a disk.

    Raises:
        Denied: this system has no files in memory.
        StoreUnavailable: it gives no more of them.
    """
    _from_memory(pem, context.load_cert_chain)


def _new(protocol: int, renew: Renew | None) -> ssl.SSLContext:
    if renew is None:
        return ssl.SSLContext(protocol)
    context = LiveContext(protocol)
    context._turn, context._renew, context._due = Lock(), renew, 0.0
    _contexts.add(context)
    context._load()
    return context


def _begin_in_child() -> None:
    """A thread that is not here any more may have held a lock, and was perhaps half-way through a renewal."""
    for context in list(_contexts):
        if context._turn.locked():
            context._turn, context._due = Lock(), 0.0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_in_child)


def _trust(context: ssl.SSLContext, roots: Sequence[Certificate]) -> None:
    context.load_verify_locations(cadata=b"".join(root.der() for root in roots))
    # The default from Python 3.13 on: what has a fault in its form is refused.
    context.verify_flags |= ssl.VERIFY_X509_STRICT


def _from_memory(data: bytes | bytearray, load: Callable[[str], object]) -> None:
    if not hasattr(os, "memfd_create"):
        raise Denied("there are no files in memory here, and the ssl module reads keys from files alone")
    try:
        descriptor = os.memfd_create("strongroom", os.MFD_CLOEXEC)
    except OSError as error:
        raise StoreUnavailable(f"cannot make a file in memory: {(error.strerror or '').lower()}") from None
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        load(f"/proc/self/fd/{descriptor}")
    except ssl.SSLError:
        raise
    except OSError as error:
        raise StoreUnavailable(f"cannot use a file in memory: {(error.strerror or '').lower()}") from None
    finally:
        os.pwrite(descriptor, bytes(len(data)), 0)
        os.close(descriptor)
