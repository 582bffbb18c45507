"""Scans: texts come in, names and places go out; the values that are looked for stay here.

A scan is begun for one folder, filled in steps, so that nobody waits long behind it, and asked
with one batch of texts after the other. It belongs to the user who began it, finds only what that
user may read at that moment, and is forgotten when the vault is locked or nobody goes on with it.
Source: docs/service.md#scans
"""

from __future__ import annotations

from typing import Protocol

from strongroom.errors import NotFound, Tampered
from strongroom.service import replies
from strongroom.service.refusals import Refused
from strongroom.wire import Reader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from strongroom.items import Item
    from strongroom.service.call import Call
    from strongroom.service.interface import Response

SCANS_MAX = 4
TEXTS_MAX = 10_000
IDLE_SECONDS = 60.0
_ITEMS_AT_ONCE = 50


class FoundValue(Protocol):
    """One value in one text; what `formats.scanner.Finding` is."""

    text: int
    start: int
    end: int
    path: str
    field: str
    form: str


class Scanner(Protocol):
    """What looks for the values of items; `formats.scanner.Scanner` is one, and lies on this floor."""

    items: int
    skipped: list[str]

    @property
    def values(self) -> int:
        """How many values are looked for."""

    def add(self, item: Item) -> None:
        """Take in the secret fields of *item*, or raise ValueError: there are too many."""

    @property
    def squeezing(self) -> int:
        """Which way to squeeze texts `suspects` takes."""

    def suspects(self, squeezed: Sequence[bytes]) -> set[tuple[int, str]]:
        """Which texts, of which only what was left by squeezing is known, may hold a value of which item."""

    def find(self, texts: Sequence[bytes]) -> Sequence[FoundValue]:
        """Every place where one of the values stands, in order."""


class Scan:
    """One scan under way.

    Attributes:
        left: paths of items that are still to be taken in.
        used: when it was asked last, in µs.
    """

    __slots__ = ("folder", "left", "scanner", "uid", "used")

    def __init__(self, scanner: Scanner, uid: int, folder: str, left: list[str]) -> None:
        self.scanner = scanner
        self.uid = uid
        self.folder = folder
        self.left = left
        self.used = 0


class Scans:
    """The scans of everybody; an attribute ``scans`` of a keeper that offers them.

    Args:
        new_scanner: makes an empty one.
    """

    def __init__(self, new_scanner: Callable[[], Scanner]) -> None:
        self._new_scanner = new_scanner
        self._scans: dict[str, Scan] = {}

    def begin(self, name: str, uid: int, folder: str, paths: list[str]) -> Scan:
        """Begin one; of the same user's, and of too many, the oldest is forgotten."""
        for other in [known for known, scan in self._scans.items() if scan.uid == uid]:
            del self._scans[other]
        while len(self._scans) >= SCANS_MAX:
            del self._scans[next(iter(self._scans))]
        self._scans[name] = Scan(self._new_scanner(), uid, folder, paths)
        return self._scans[name]

    def find(self, name: str, uid: int) -> Scan:
        """The one of this user's that is called *name*.

        Raises: NotFound: there is none, or no longer.
        """
        scan = self._scans.get(name)
        if scan is None or scan.uid != uid:
            raise NotFound("this scan is over: the vault was locked, or another scan begun", advice="scan again")
        return scan

    def forget(self) -> None:
        """Forget all of them, and so every value that they look for."""
        self._scans.clear()

    def forget_idle(self, now_us: int) -> None:
        """Forget those that nobody has asked for a minute."""
        for name in [known for known, scan in self._scans.items() if now_us - scan.used > IDLE_SECONDS * 1_000_000]:
            del self._scans[name]

    def __len__(self) -> int:
        return len(self._scans)


def begin(call: Call, _path: str) -> Response:
    """POST scan-begin?prefix=FOLDER, then POST scan-begin?scan=ID until nothing is left: takes in the values."""
    call.operation = "scan"
    scans = _scans(call)
    name = call.request.query.get("scan", "")
    if name:
        scan = scans.find(name, call.principal.uid)
        call.touched.setdefault(scan.folder or "/", ())
    else:
        folder = call.folder(call.request.query.get("prefix", ""))
        paths = [path for path in call.vault.walk(folder) if call.may_list_item(path) and call.may(path, "read")]
        name = call.request_id
        scan = scans.begin(name, call.principal.uid, folder, paths)
    scan.used = call.now_us
    now, scan.left = scan.left[:_ITEMS_AT_ONCE], scan.left[_ITEMS_AT_ONCE:]
    for path in now:
        try:
            item = call.vault.get(path, allow_expired=True)
        except NotFound:
            continue  # deleted since it was listed
        try:
            scan.scanner.add(item)
        except ValueError as error:
            raise Refused(400, str(error)) from None
    shown = {
        "scan": name,
        "left": len(scan.left),
        "items": scan.scanner.items,
        "values": scan.scanner.values,
        "skipped": [] if scan.left else scan.scanner.skipped,
    }
    return replies.json_response(200, replies.envelope(call.request_id, shown))


def find(call: Call, _path: str) -> Response:
    """POST scan?scan=ID[&squeezed=N] with texts: where in them values stand that the caller may read.

    Of squeezed texts: which of them may hold one. Nearly all may not, and need not be sent whole.
    """
    call.operation = "scan"
    scan = _scans(call).find(call.request.query.get("scan", ""), call.principal.uid)
    call.touched.setdefault(scan.folder or "/", ())
    scan.used = call.now_us
    texts = _texts(call.request.body)
    squeezing = call.request.query.get("squeezed", "")
    if squeezing:
        if squeezing != str(scan.scanner.squeezing):
            # Of another way to squeeze every answer would be that nothing is there.
            raise Refused(400, "texts are squeezed in another way here")
        suspects = {number for number, path in scan.scanner.suspects(texts) if call.may(path, "read")}
        return replies.json_response(200, replies.envelope(call.request_id, {"suspects": sorted(suspects)}))
    found = [
        {
            "text": one.text,
            "start": one.start,
            "end": one.end,
            "path": one.path,
            "field": one.field,
            "form": one.form,
        }
        for one in scan.scanner.find(texts)
        if call.may(one.path, "read")
    ]
    for one in found:
        path, field = str(one["path"]), str(one["field"])
        call.touched[path] = tuple(dict.fromkeys((*call.touched.get(path, ()), field)))
    return replies.json_response(200, replies.envelope(call.request_id, {"findings": found}))


def _scans(call: Call) -> Scans:
    found = getattr(call.keeper, "scans", None)
    if not isinstance(found, Scans):
        raise Refused(404, "nothing is scanned for here", kind="NotFound")
    call.vault  # noqa: B018 - a locked vault says so first
    return found


def _texts(body: bytes | bytearray) -> list[bytes]:
    try:
        reader = Reader(body, "batch of texts")
        count = reader.u32()
        if count > TEXTS_MAX:
            raise Refused(400, f"at most {TEXTS_MAX} texts are scanned at once")
        texts = [reader.counted(len(body)) for _ in range(count)]
        reader.finish()
    except Tampered:
        raise Refused(400, "this is no batch of texts") from None
    return texts
