"""The system's own store: a directory of files, and a program that makes one bundle of them.

curl, OpenSSL, GnuTLS and Python's ssl module read what that program makes. Programs with
a list of their own do not: node, Java without Debian's hook, requests with certifi.
Source: update-ca-certificates(8); update-ca-trust(8).
"""

from __future__ import annotations

import os
import subprocess

from strongroom.crypto.x509.certificates import Certificate
from strongroom.errors import Conflict, Denied, StoreUnavailable, StrongroomError, Tampered
from strongroom.items import quoted
from strongroom.locate.trust.interface import LEFT, PENDING, TRUSTED, Found, is_same, label, pem_blocks
from strongroom.stores import durable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PREFIX = "strongroom-"
_SETTINGS = "--certsconf"
_FILE_BYTES_MAX = 1024 * 1024
_BUNDLE_BYTES_MAX = 16 * 1024 * 1024
# It starts a hook for Java, which starts Java.
_PATIENCE_SECONDS = 300.0
_STEP_SECONDS = 0.05
_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}


class Layout:
    """How a family of systems keeps what it trusts.

    Args:
        place: where administrators put their own roots.
        suffix: of the files that are taken from there.
        bundle: what the program makes.
        command: the program, by its whole path: root does not search for it.
        settings: a list that the program reads, in which an exclamation mark forgets a root; empty for none.
    """

    __slots__ = ("bundle", "command", "place", "settings", "suffix")

    def __init__(self, place: str, suffix: str, bundle: str, command: Sequence[str], settings: str = "") -> None:
        self.place = place
        self.suffix = suffix
        self.bundle = bundle
        self.command = tuple(command)
        self.settings = settings

    def is_here(self) -> bool:
        """Whether this system is one of them."""
        return os.path.isdir(self.place) and os.path.isfile(self.bundle) and os.access(self.command[0], os.X_OK)


DEBIAN = Layout(
    "/usr/local/share/ca-certificates", ".crt", "/etc/ssl/certs/ca-certificates.crt",
    ["/usr/sbin/update-ca-certificates"], "/etc/ca-certificates.conf",
)  # fmt: skip
RED_HAT = Layout(
    "/etc/pki/ca-trust/source/anchors", ".pem", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    ["/usr/bin/update-ca-trust", "extract"],
)  # fmt: skip
LAYOUTS = (DEBIAN, RED_HAT)


class SystemStore:
    """The store of the whole machine; see `TrustStore`."""

    kind = "system"

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self.place = layout.place

    def check_writable(self) -> None:
        """Only root may change it."""
        if not os.access(self.place, os.W_OK | os.X_OK) or not os.access(self._layout.bundle, os.W_OK):
            raise Denied(f"only root may change what the system trusts: {self.place}")

    def found(self, root: Certificate | None) -> list[Found]:
        """Files of ours, every copy of *root*, and *root* itself where its file is gone."""
        trusted = set(pem_blocks(_read(self._layout.bundle, _BUNDLE_BYTES_MAX)))
        found = []
        for path in self._files():
            is_ours = os.path.basename(path).startswith(_PREFIX)
            try:
                inside = pem_blocks(_read(path, _FILE_BYTES_MAX))
            except StrongroomError:
                if is_ours:
                    raise
                continue  # another's, for root alone to read, or a link to nothing
            if is_ours:
                roots = _certificates(path, inside)
            else:
                roots = [root] if root is not None and root.der() in inside else []
            for one in roots:
                state = TRUSTED if one.der() in trusted else PENDING
                found.append(Found(one, path, state, is_alone=len(inside) == 1))
        is_known = any(is_same(one.certificate, root) for one in found)
        if root is not None and root.der() in trusted and not is_known:
            found.append(Found(root, self._layout.bundle, LEFT))
        return found

    def install(self, root: Certificate) -> bool:
        """Give it a file, and have the bundle made; a file that lies there already is enough."""
        self.check_writable()
        with _Turn(self.place):
            copies = self._copies(root)
            if any(one.state == TRUSTED for one in copies):
                return False
            made = ""
            if not any(one.state == PENDING for one in copies):
                made = os.path.join(self.place, f"{_PREFIX}{label(root)}{self._layout.suffix}")
                _publish(made, root.pem())
            try:
                self._update()
                if not any(one.state == TRUSTED for one in self._copies(root)):
                    raise StoreUnavailable(f"{self._layout.command[0]} did not take up the root")
            except BaseException:
                if made:
                    durable.discard(made)
                    self._take_back(root, made)
                raise
        return True

    def remove(self, root: Certificate) -> bool:
        """Remove every file that holds nothing else, and have the bundle made."""
        self.check_writable()
        with _Turn(self.place):
            copies = self._copies(root)
            shared = [one.name for one in copies if not one.is_alone]
            if shared:
                raise Conflict(
                    f"the root lies in {shared[0]} among others", advice="take it out of that file, then do this again"
                )
            files = [one.name for one in copies if one.state != LEFT]
            for path in files:
                durable.discard(path)
            if copies:
                self._update(gone=files)
                if self._copies(root):
                    raise StoreUnavailable(f"{self._layout.command[0]} has left the root in {self._layout.bundle}")
        return bool(copies)

    def _take_back(self, root: Certificate, path: str) -> None:
        """The program may have failed, or been ended, behind the bundle: that has the root then."""
        if not self._copies(root):
            return
        try:
            self._update(gone=[path])
        except StoreUnavailable as error:
            if self._copies(root):
                raise StoreUnavailable(
                    f"{self._layout.command[0]} has left the root in {self._layout.bundle}",
                    advice=f"{error.message}\nthen: strongroom ca trust remove {label(root)}",
                ) from None

    def _copies(self, root: Certificate) -> list[Found]:
        return [one for one in self.found(root) if is_same(one.certificate, root)]

    def _files(self) -> Iterator[str]:
        for folder, _, names in os.walk(self.place, followlinks=True):
            yield from (os.path.join(folder, one) for one in sorted(names) if one.endswith(self._layout.suffix))

    def _update(self, gone: Sequence[str] = ()) -> None:
        """Have the bundle made; Debian's hooks, such as Java's, hear what is gone only from the settings."""
        if not gone or not self._takes_settings():
            _run(self._layout.command)
            return
        settings = _read(self._layout.settings, _FILE_BYTES_MAX)
        forgotten = "".join(f"!{os.path.basename(path)}\n" for path in gone).encode("utf-8", "surrogateescape")
        descriptor = os.memfd_create("settings")
        try:
            os.write(descriptor, settings + b"\n" + forgotten)
            _run((*self._layout.command, _SETTINGS, f"/proc/self/fd/{descriptor}"), descriptor)
        finally:
            os.close(descriptor)


    def _takes_settings(self) -> bool:
        """Alpine's program has the name of Debian's, and not all of its options."""
        try:
            with open(self._layout.command[0], "rb") as program:
                return os.path.isfile(self._layout.settings) and _SETTINGS.encode() in program.read(_FILE_BYTES_MAX)
        except OSError:
            return False  # to start it fails as well, and says why


class _Turn:
    """A block that one process enters at a time: the system's programs do not keep each other apart."""

    def __init__(self, place: str) -> None:
        self._place = place

    def __enter__(self) -> None:
        from fcntl import LOCK_EX, LOCK_NB, flock
        from time import monotonic, sleep

        self._descriptor = os.open(self._place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        end = monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                return flock(self._descriptor, LOCK_EX | LOCK_NB)
            except BlockingIOError:
                # Whoever may read a directory can hold its lock, and for ever.
                if monotonic() >= end:
                    os.close(self._descriptor)
                    raise StoreUnavailable(f"somebody else is changing {self._place}", is_transient=True) from None
            except BaseException:
                os.close(self._descriptor)
                raise
            sleep(_STEP_SECONDS)

    def __exit__(self, *_exc: object) -> None:
        os.close(self._descriptor)


def _run(command: Sequence[str], *descriptors: int) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - the system's own program, by its whole path
            command, env=_ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE_SECONDS,
            pass_fds=descriptors,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise StoreUnavailable(f"{command[0]} does not end") from None
    except OSError as error:
        raise StoreUnavailable(f"cannot start {command[0]}: {(error.strerror or '').lower()}") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise StoreUnavailable(f"{command[0]} failed with exit code {done.returncode}", advice=f"it said: {said}")


def _publish(path: str, data: bytes) -> None:
    # Not `create_private`: Debian gives this directory to the group staff, and a root is no secret.
    temporary = durable.unfinished_name(path)
    try:
        durable.write_new(temporary, data, 0o644)
        durable.publish_new(temporary, path)
    except BaseException:
        durable.discard(temporary)
        raise


def _certificates(path: str, blocks: Sequence[bytes]) -> list[Certificate]:
    """Those of a file under our name, each of which is ours."""
    try:
        found = [Certificate(block) for block in blocks]
    except Tampered:
        found = []
    if not found:
        raise Tampered(f"{path} holds no certificate", advice=f"remove it: rm {quoted(path)}")
    return found


def _read(path: str, limit: int) -> bytes:
    try:
        with open(path, "rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise durable.os_error(error, path) from None
    if len(data) > limit:
        raise StoreUnavailable(f"{path} is longer than {limit} bytes")
    return data
