"""Python settings modules, such as Django's ``settings.py``: parsed, and never executed.

Values are the strings, bytes and numbers that are assigned at the top, in classes and under conditions, also inside
dictionaries and lists. What code works out is named, when its name says that it is a secret. In the place of a value
goes a call of `strongroom.settings.vault_value`.
"""

from __future__ import annotations

import ast

from strongroom.formats.interface import DEPTH_MAX, BadFile, Document, Entry, Lines, check_depth, decode, looks_secret
from strongroom.formats.references import is_reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

FILE_BYTES_MAX = 1024 * 1024
FUNCTION = "vault_value"
IMPORT = f"from strongroom.settings import {FUNCTION}"


def read(data: bytes | bytearray) -> Document:
    """Every literal that is assigned to a name, under that name and the dictionary keys inside of it.

    Raises: BadFile: not Python of this interpreter's version, nested too deeply.
    """
    if len(data) > FILE_BYTES_MAX:
        raise BadFile(f"a Python module is read up to {FILE_BYTES_MAX} bytes")
    text, bom = decode(data)
    if "\r" in text.replace("\r\n", "") or "\f" in text:
        raise BadFile("the file holds a carriage return or a form feed that ends no line")
    module = _parse(text)
    places = _Places(text)
    try:
        entries = [entry for statement in module.body for entry in _statement(statement, (), places)]
    except RecursionError:
        raise BadFile(f"the file is nested more than {DEPTH_MAX} deep") from None
    return SettingsModule(text, entries, module, bom=bom)


class SettingsModule(Document):
    """A Python module; the first value that is replaced brings an import with it."""

    __slots__ = ("_import_line", "_is_imported")

    def __init__(self, text: str, entries: list[Entry], module: ast.Module, *, bom: bool) -> None:
        super().__init__(text, entries, _write, bom=bom)
        self._is_imported = any(
            isinstance(one, ast.ImportFrom)
            and one.module == "strongroom.settings"
            and any(name.name == FUNCTION and name.asname is None for name in one.names)
            for one in module.body
        )
        self._import_line = _line_for_import(module)

    def spliced(self, pieces: Mapping[int, str]) -> bytes:
        """See `Document.spliced`."""
        data = super().spliced(pieces)
        if self._is_imported or not pieces:
            return data
        lines = data.decode("utf-8").split("\n")
        ending = "\r" if lines[0].endswith("\r") else ""
        lines.insert(self._import_line, IMPORT + ending)
        return "\n".join(lines).encode("utf-8")


class _Places:
    """From the line and the byte column of a node to the place in the text."""

    def __init__(self, text: str) -> None:
        self._lines = Lines(text)
        self._text = text
        self._known = (0, 0, 0)  # a line, a byte of it, and the character there

    def span(self, node: ast.expr) -> tuple[int, int]:
        last_line, last_column = node.end_lineno or 0, node.end_col_offset or 0
        return self._place(node.lineno, node.col_offset), self._place(last_line, last_column)

    def _place(self, line: int, column: int) -> int:
        start = self._lines.start(line)
        if self._text[start : start + column].isascii():
            return start + column
        # Columns rise along a line: counted from the last one that was asked for.
        byte, character = self._known[1:] if self._known[0] == line and self._known[1] <= column else (0, 0)
        while byte < column:
            byte += len(self._text[start + character].encode("utf-8"))
            character += 1
        self._known = (line, byte, character)
        return start + character


def _parse(text: str) -> ast.Module:
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except SyntaxError as error:
        # `from None`: the cause holds the line.
        raise BadFile(f"this is not Python: line {error.lineno or 1}") from None
    except (RecursionError, MemoryError):
        raise BadFile(f"the file is nested more than {DEPTH_MAX} deep") from None
    except ValueError:
        raise BadFile("this is not Python") from None


def _statement(node: ast.stmt, keys: tuple[str, ...], places: _Places) -> Iterator[Entry]:
    if isinstance(node, ast.Assign):
        yield from _assigned(node.targets, node.value, keys, places)
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        name = _target(node.target)
        if name:
            yield from _value(node.value, (*keys, *name), places)
    elif isinstance(node, ast.ClassDef):
        for one in node.body:
            yield from _statement(one, (*keys, node.name), places)
    elif isinstance(node, ast.If | ast.Try | ast.With):
        bodies = [node.body, getattr(node, "orelse", []), getattr(node, "finalbody", [])]
        bodies += [handler.body for handler in getattr(node, "handlers", [])]
        for one in (statement for body in bodies for statement in body):
            yield from _statement(one, keys, places)


def _assigned(
    targets: Sequence[ast.expr], value: ast.expr, keys: tuple[str, ...], places: _Places
) -> Iterator[Entry]:
    for target in targets:
        name = _target(target)
        if name:
            yield from _value(value, (*keys, *name), places)
            return
        # A, B = "a", "b"
        if isinstance(target, ast.Tuple | ast.List) and isinstance(value, ast.Tuple | ast.List):
            if len(target.elts) == len(value.elts):
                for one, its in zip(target.elts, value.elts, strict=True):
                    yield from _assigned([one], its, keys, places)
            return


def _target(node: ast.expr) -> tuple[str, ...]:
    """The names that an assignment's target is called by; empty when it is no plain name or item."""
    if isinstance(node, ast.Name):
        return (node.id,)
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        outer = _target(node.value)
        return (*outer, str(node.slice.value)) if outer else ()
    return ()


def _value(node: ast.expr, keys: tuple[str, ...], places: _Places) -> Iterator[Entry]:
    check_depth(keys, node.lineno)
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str | int):
                yield from _value(value, (*keys, str(key.value)), places)
    elif isinstance(node, ast.List | ast.Tuple | ast.Set):
        for place, value in enumerate(node.elts):
            yield from _value(value, (*keys, str(place)), places)
    elif isinstance(node, ast.Call) and _is_read(node):
        yield from _call(node, keys, places)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str | bytes | int | float):
        entry = _constant(node, keys, places)
        if entry is not None:
            yield entry
    elif looks_secret(keys, b"") and _holds_text(node):
        yield Entry(keys, b"", line=node.lineno, is_secret=True, note="is worked out by code, which is not run")


def _holds_text(node: ast.expr) -> bool:
    """Whether a text stands somewhere in an expression, beside those by which things are looked up."""
    return any(isinstance(one, ast.Constant) and isinstance(one.value, str | bytes) for one in ast.walk(node))


def _is_read(node: ast.Call) -> bool:
    return isinstance(node.func, ast.Name) and node.func.id in ("dict", FUNCTION)


def _call(node: ast.Call, keys: tuple[str, ...], places: _Places) -> Iterator[Entry]:
    """``dict(PASSWORD="x")``, and what this program put there before."""
    assert isinstance(node.func, ast.Name)  # noqa: S101 - see _is_read
    if node.func.id == "dict":
        for keyword in node.keywords:
            if keyword.arg is not None:
                yield from _value(keyword.value, (*keys, keyword.arg), places)
    elif len(node.args) == 1:
        (given,) = node.args
        if isinstance(given, ast.Constant) and isinstance(given.value, str) and is_reference(given.value):
            data = given.value.encode("utf-8", "replace")
            yield Entry(keys, data, line=node.lineno, span=places.span(node), is_secret=False)


def _constant(node: ast.Constant, keys: tuple[str, ...], places: _Places) -> Entry | None:
    value, kind = node.value, "text"
    if isinstance(value, str):
        try:
            data = value.encode("utf-8")
        except UnicodeEncodeError:
            raise BadFile(f"line {node.lineno} holds half of a surrogate pair") from None
    elif isinstance(value, bytes):
        kind, data = "bytes", value
    elif isinstance(value, bool | int | float):
        from json import dumps

        kind = "json"
        try:
            data = dumps(value, allow_nan=False).encode("ascii")
        except ValueError:
            return None  # an infinity, or a number of too many digits
    else:
        return None
    return Entry(keys, data, kind=kind, line=node.lineno, span=places.span(node))


def _line_for_import(module: ast.Module) -> int:
    """After how many lines an import may stand: behind the docstring and what comes from the future."""
    after = 0
    for place, node in enumerate(module.body):
        is_docstring = place == 0 and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if is_docstring or (isinstance(node, ast.ImportFrom) and node.module == "__future__"):
            after = node.end_lineno or 0
    if after:
        return after
    # Before the first statement, but behind a hash-bang and comments at the top.
    return module.body[0].lineno - 1 - len(getattr(module.body[0], "decorator_list", [])) if module.body else 0


def _write(text: str) -> str:
    if not is_reference(text):
        raise BadFile("only a reference can take the place of a value in a Python module")
    from json import dumps

    return f"{FUNCTION}({dumps(text)})"
