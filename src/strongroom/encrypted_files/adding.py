"""A value changed or added in a file's text, which is otherwise left as it is.

Every format has its own way to write a text; what was written is read again, and must be what was meant.
"""

from __future__ import annotations

import re
from json import dumps, loads

from strongroom.encrypted_files.bodies import Body
from strongroom.formats.interface import BadFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from strongroom.encrypted_files.bodies import Path

_BARE_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_INDENT = re.compile(r"[ \t]*")


def with_value(body: Body, names: Path, text: str) -> Body:
    """The file with *text* as the value that *names*, joined with dots, mean; added at the end of its like if new.

    A number, true, false or null is replaced by another one, if *text* is one, and else by a text, which is also what
    is added.

    Raises: BadFile: the format cannot hold it, or there is no place for it.
    """
    joined = ".".join(names)
    places = [number for number, path in enumerate(body.paths) if ".".join(path) == joined]
    if len(places) > 1:
        raise BadFile(f"{joined} means {len(places)} values of this file")
    kind = "text"
    if places:
        path = body.paths[places[0]]
        if body.document.entries[places[0]].kind == "json" and _is_plain_json(text):
            kind = "json"
        attempts = _changed(body, places[0], text, kind)
    else:
        path = names if len(names) > 1 or body.format.startswith("dotenv") else tuple(joined.split("."))
        attempts = _added(body, path, text)
    for attempt in attempts:
        try:
            changed = Body(attempt, body.format)
        except BadFile:
            continue
        if _is_meant(body, changed, path, text, kind):
            return changed
    what = "changed" if places else "added"
    raise BadFile(f"{joined} cannot be {what} in this file: strongroom file edit shows all of it in an editor")


def _is_plain_json(text: str) -> bool:
    """Whether *text* is a number, true, false or null, spelled as JSON writes it."""
    try:
        found = loads(text)
    except ValueError:
        return False
    return not isinstance(found, str | list | dict) and dumps(found) == text


def _is_meant(before: Body, after: Body, path: Path, text: str, kind: str) -> bool:
    """Whether exactly that value is another one now."""
    old = dict(zip(before.paths, before.document.entries, strict=True))
    new = dict(zip(after.paths, after.document.entries, strict=True))
    if set(new) != {*old, path} or new[path].data != text.encode("utf-8") or new[path].kind != kind:
        return False
    if before.document.last_counts:
        # A variable in another value may stand for this one.
        written = after.values()
        return all(written[one] == spelling for one, spelling in before.values().items() if one != path)
    return all((new[one].kind, new[one].data) == (old[one].kind, old[one].data) for one in old if one != path)


def spellings(text: str, format: str) -> Iterator[str]:
    """How a text may be written in a format, the best first; not each is read as it is meant."""
    quoted = dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
    if format in ("json", "toml"):
        yield quoted
    elif format == "yaml":
        yield dumps(text, ensure_ascii=False).replace("\x7f", "\\x7f").replace("\x85", "\\x85")
    elif format == "ini":
        yield text
    else:
        if "'" not in text:
            yield f"'{text}'"
        if format == "dotenv-posix":
            yield "'" + text.replace("'", "'\\''") + "'"
        yield "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
        escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
        yield f'"{escaped}"'
        yield '"' + escaped.replace("\n", "\\n").replace("\r", "\\r") + '"'


def _changed(body: Body, number: int, text: str, kind: str) -> Iterator[str]:
    if kind == "json":
        yield body.spliced({number: text})
        return
    for spelling in spellings(text, body.format):
        yield body.spliced({number: spelling})


def _added(body: Body, path: Path, text: str) -> Iterator[str]:
    """Texts of the file with one more line, behind the last value that stands beside it."""
    if body.format == "toml":
        from strongroom.formats.toml_file import with_added

        yield with_added(body.text, path, text)
        return
    newline = "\r\n" if "\r\n" in body.text else "\n"
    whole = body.text if not body.text or body.text.endswith("\n") else body.text + newline
    ends = [entry.span[1] for entry in body.document.entries]
    beside = [n for n, other in enumerate(body.paths) if other[:-1] == path[:-1] and len(other) == len(path)]
    inside = [n for n, other in enumerate(body.paths) if other[: len(path) - 1] == path[:-1]]
    for spelling in spellings(text, body.format):
        if body.format == "json":
            for number in beside[-1:]:
                indent = _INDENT.match(body.text, body.text.rfind("\n", 0, ends[number]) + 1)
                lead = newline + indent[0] if indent and "\n" in body.text else " "
                piece = f",{lead}{dumps(path[-1], ensure_ascii=False)}: {spelling}"
                yield body.text[: ends[number]] + piece + body.text[ends[number] :]
            continue
        line = _line(body.format, path, spelling)
        for number in [*beside[-1:], *inside[-1:]]:
            model = beside[-1] if beside else number
            start = whole.rfind("\n", 0, body.document.entries[model].span[0]) + 1
            indent = _INDENT.match(whole, start)
            end = whole.find("\n", max(ends[number] - 1, 0)) + 1
            yield whole[:end] + (indent[0] if indent else "") + line + newline + whole[end:]
        if len(path) == 1:
            yield whole + line + newline
        elif body.format == "ini" and len(path) == 2:
            yield f"{whole}[{path[0]}]{newline}{line}{newline}"
        elif body.format == "yaml" and len(path) == 2 and not inside:
            yield f"{whole}{_yaml_key(path[0])}:{newline}  {line}{newline}"


def _line(format: str, path: Path, spelling: str) -> str:
    if format == "yaml":
        return f"{_yaml_key(path[-1])}: {spelling}"
    return f"{path[-1]} = {spelling}" if format == "ini" else f"{path[-1]}={spelling}"


def _yaml_key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else dumps(name, ensure_ascii=False)
