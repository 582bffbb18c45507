"""Two sides' changes of one encrypted file brought together, value by value.

Names, order and comments are merged as lines in which each value is a mark of its name; each value is merged by
itself: so two changes beside each other are no conflict, and a change of what the other side took away is one.
What neither side changed keeps its ciphertext. Source: docs/format-files.md#merging; docs/decisions/0022.
"""

from __future__ import annotations

from strongroom.crypto.entropy import random_buffer
from strongroom.encrypted_files.bodies import Body, encrypt_body, text_of
from strongroom.encrypted_files.merging_lines import marked
from strongroom.encrypted_files.merging_texts import merged_text
from strongroom.encrypted_files.opened import OpenFile
from strongroom.encrypted_files.recipients import check_recipients
from strongroom.encrypted_files.sealing import FILE_KEY_BYTES, FileKey
from strongroom.errors import Tampered
from strongroom.formats.interface import BadFile
from strongroom.secret import HiddenBuffer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from strongroom.encrypted_files.recipients import FileRecipient

REVISIONS_AHEAD_MAX = 1_000_000
CONFLICT_LINE = "#strongroom conflict; resolve it with: strongroom file edit FILE\n"


class Merge:
    """What came of a merge.

    Attributes:
        file: the merged file, open; None when there is a conflict.
        conflicts: what both sides changed, each in one line without any value.
        notes: what else whoever merges should know.
        text: with a conflict: git's marks around encrypted values; never plain text.
    """

    __slots__ = ("conflicts", "file", "notes", "text")

    def __init__(
        self, file: OpenFile | None, conflicts: Sequence[str] = (), notes: Sequence[str] = (), text: str = ""
    ) -> None:
        self.file = file
        self.conflicts = tuple(conflicts)
        self.notes = tuple(notes)
        self.text = text


def merge(base: OpenFile, ours: OpenFile, theirs: OpenFile) -> Merge:
    """Merge two revisions of one file that go back to a third. None of them is changed or closed.

    Args:
        ours: the side that decides who may read: nobody is added by another side that does not have its key.

    Raises: Tampered: they are not one file.
    """
    check_same_file(base, ours, theirs)
    conflicts: list[str] = []
    notes: list[str] = []
    recipients = _merged_recipients(base, ours, theirs, conflicts, notes)
    plain = _merged_plain(base, ours, theirs, conflicts, notes)
    _look_at_another_key(base, ours, theirs, conflicts, notes)
    text = merged_text(base._body, ours._body, theirs._body, conflicts)
    if conflicts:
        return Merge(None, conflicts, notes, _with_marks(base, ours, theirs))
    return Merge(sealed(base, ours, theirs, Body(text, ours.format), recipients, plain), (), notes)


def check_same_file(*files: OpenFile) -> None:
    """Refuse to bring together what does not belong together.

    Raises: Tampered: they are not one file.
    """
    if len({one.file_id for one in files}) > 1 or len({one.format for one in files}) > 1:
        raise Tampered("these are different encrypted files: one was put in the place of another")


def resolved(base: OpenFile, ours: OpenFile, theirs: OpenFile, data: bytes | bytearray) -> OpenFile:
    """The file as a person merged it; who may read it is merged, or as in *ours* where that is a conflict.

    Args:
        data: the plain text.

    Raises:
        BadFile: it is not of this format, or marks of a conflict are left in it.
        Tampered: they are not one file.
    """
    check_same_file(base, ours, theirs)
    text = text_of(data)
    if any(line.startswith(("<<<<<<< ", ">>>>>>> ")) or line.rstrip("\r") == "=======" for line in text.split("\n")):
        raise BadFile("there are marks of a conflict in it")
    conflicts: list[str] = []
    recipients = _merged_recipients(base, ours, theirs, conflicts, [])
    if conflicts:
        recipients = list(ours.recipients)
    return sealed(base, ours, theirs, Body(text, ours.format), recipients, ours.plain)


def with_marks_in_plain(base: OpenFile, ours: OpenFile, theirs: OpenFile) -> bytearray:
    """The plain text with git's marks around what both sides changed, for a person to merge; the caller wipes it."""
    check_same_file(base, ours, theirs)
    names = ("ours", "theirs")
    return HiddenBuffer(marked(base._body.text, ours._body.text, theirs._body.text, names).encode("utf-8"))


def sealed(
    base: OpenFile,
    ours: OpenFile,
    theirs: OpenFile,
    body: Body,
    recipients: Sequence[FileRecipient],
    plain: Sequence[str],
) -> OpenFile:
    """*body* as a file: under the key that both sides have, if nobody else has it, else under a new one."""
    revision = max(ours.revision, theirs.revision)
    own = ours._open_key()
    left = {one.text for one in (*ours.recipients, *theirs.recipients)} - {one.text for one in recipients}
    if left or own.key != theirs._open_key().key:
        key = FileKey(random_buffer(FILE_KEY_BYTES), own.file_id, own.format)
        return OpenFile(key, body, {}, recipients, (), plain=plain, revision=revision, encoded="")
    tokens = {**(base._tokens if base._open_key().key == own.key else {}), **theirs._tokens, **ours._tokens}
    stanzas = [*theirs._stanzas.values(), *ours._stanzas.values()]
    key = FileKey(bytearray(own.key), own.file_id, own.format)
    return OpenFile(key, body, tokens, recipients, stanzas, plain=plain, revision=revision, encoded="")


def _look_at_another_key(
    base: OpenFile, ours: OpenFile, theirs: OpenFile, conflicts: list[str], notes: list[str]
) -> None:
    """A side that may be anybody's: without the file's key a whole one can be made, with its recipients and its id."""
    if theirs.key_mark in (ours.key_mark, base.key_mark):
        return
    notes.append("the other side has another key: it was rotated, or made by somebody who could not read this file")
    if theirs.revision - ours.revision > REVISIONS_AHEAD_MAX:
        # The merged file could count no further, and nobody would write to it again.
        conflicts.append(f"the other side, which has another key, calls itself revision {theirs.revision}")


def _merged_plain(
    base: OpenFile, ours: OpenFile, theirs: OpenFile, conflicts: list[str], notes: list[str]
) -> Sequence[str]:
    """Which names stay readable afterwards."""
    if theirs.plain in (ours.plain, base.plain):
        return ours.plain
    added = ", ".join(one for one in theirs.plain if one not in ours.plain)
    if ours.plain != base.plain:
        conflicts.append("both sides changed which names stay readable")
    elif added and ours._open_key().key != theirs._open_key().key:
        # Whoever has not the file's key would have this merge write our values in plain text.
        conflicts.append(f"the other side, which has another key, leaves more names readable: {added}")
    elif added:
        notes.append(f"the other side leaves more names readable: {added}")
    return theirs.plain


def _merged_recipients(
    base: OpenFile, ours: OpenFile, theirs: OpenFile, conflicts: list[str], notes: list[str]
) -> list[FileRecipient]:
    """Who may read it afterwards: who could before and was removed by nobody, and whom either side added."""
    old, mine, yours = ({one.text: one for one in side.recipients} for side in (base, ours, theirs))
    found = [one for text, one in mine.items() if text in yours or text not in old]
    added = [one for text, one in yours.items() if text not in mine and text not in old]
    is_one_key = ours._open_key().key == theirs._open_key().key
    notes += [f"the other side takes a reader away: {text}" for text in mine if text in old and text not in yours]
    for one in added:
        if is_one_key:
            notes.append(f"the other side lets one more read this file: {one.text}")
        else:
            # Anybody can encrypt a whole file anew to its recipients and to himself; this merge must not give
            # him what our side holds.
            conflicts.append(f"the other side, which has another key, lets one more read this file: {one.text}")
    try:
        check_recipients([*found, *added])
    except ValueError as error:
        conflicts.append(str(error))
    return [*found, *added]


def _with_marks(base: OpenFile, ours: OpenFile, theirs: OpenFile) -> str:
    """Git's marks in the encrypted text, in which one value has one token on every side."""
    plain = ours.plain if ours.plain == theirs.plain == base.plain else ()
    key = ours._open_key()
    tokens = dict(theirs._tokens) if theirs._open_key().key == key.key else {}
    tokens |= ours._tokens
    texts = []
    for side in (base, ours, theirs):
        for place in side._body.values().items():
            tokens.setdefault(place, "")
            tokens[place] = tokens[place] or key.encrypt(*place)
        texts.append(encrypt_body(side._body, key, plain, tokens))
    return marked(texts[0], texts[1], texts[2], ("ours (encrypted)", "theirs (encrypted)")) + CONFLICT_LINE
