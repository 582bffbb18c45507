"""What `allow` does with one file: what it names is shown, a person says yes, and its content is remembered."""

from __future__ import annotations

from strongroom.doors.cli import output
from strongroom.doors.cli.inputs import confirm, read_file
from strongroom.doors.cli.project_files import absolute, check_covered, references_in
from strongroom.doors.cli.steering import variables_that_steer
from strongroom.errors import NotFound
from strongroom.locate.allowed_files import Allowed, allow, digest_of, forget, list_allowed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from strongroom.doors.cli.interface import GlobalArguments

_SHOWN_MAX = 100


def allow_file(place: str, prefixes: Sequence[str], arguments: GlobalArguments) -> bool:
    """Remember one file, if the person wants it.

    Returns: whether they do.
    Raises:
        Denied: it names more than *prefixes*.
        WouldPrompt: there is nobody to ask.
        StrongroomError: the file cannot be read, or the list not be written.
    """
    data = read_file(place)
    references, misspelled = references_in(data)
    check_covered(place, Allowed(digest_of(data), prefixes, place), references)
    output.note(f"{place} names {output.counted(len(references), 'value') + ':' if references else 'nothing'}")
    for one in references[:_SHOWN_MAX]:
        output.note(f"  {one.name}" + (f" as {one.encoding}" if one.encoding else ""))
    if len(references) > _SHOWN_MAX:
        output.note(f"  and {len(references) - _SHOWN_MAX} more")
    steering = variables_that_steer(data)
    if steering:
        output.note(f"  it sets variables that decide which code runs: {', '.join(steering)}")
    if misspelled:
        output.note(f"  and {misspelled} that are no reference: they cannot be used like this")
    if not confirm(arguments, f"Allow {place} as it is now?"):
        return False
    allow(data, absolute(place), prefixes)
    within = f" within {', '.join(prefixes)}" if prefixes else ""
    output.note(f"allowed {place}{within}, until its content changes")
    return True


def remove(places: Sequence[str]) -> int:
    """Take back what was allowed.

    Raises: NotFound: nothing was, for one of them.
    """
    gone = forget([absolute(place) for place in places])
    missing = [place for place in places if not any(one.place == absolute(place) for one in gone)]
    if missing:
        raise NotFound(f"nothing was allowed of {', '.join(missing)}", advice="see what was: strongroom allow --list")
    output.note(f"took back {len(gone)}")
    return 0


def show(*, as_json: bool) -> int:
    """List what was allowed."""
    known = list_allowed()
    if as_json:
        output.json([{"file": one.place, "sha256": one.digest, "prefixes": list(one.prefixes)} for one in known])
    else:
        rows = [(one.place, " ".join(one.prefixes) or "everything", one.digest[:16]) for one in known]
        output.table(("FILE", "MAY NAME", "SHA-256"), rows)
    return 0
