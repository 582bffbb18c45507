"""The Python reference, from the code: a page of Markdown for each public module and the classes that it leads to.

Nothing is told here that the docstrings do not say; `docs/python.md` says what each page is for.
"""

from __future__ import annotations

import enum
import importlib
import inspect
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from docs.builder.blocks import ROOT

TESTING = "strongroom.testing"
KEYS = "strongroom.vault.named_keys"
FIXTURE = "FixtureFunctionDefinition"  # pytest's, whose name for it is not public
# The page's name, and what is on it: a module with its public names, or classes by their full names.
PAGES: dict[str, tuple[str, ...]] = {
    "strongroom": ("strongroom",),
    "strongroom.Vault": ("strongroom.vault.vault.Vault",),
    "strongroom.errors": ("strongroom.errors",),
    "vault.keys": (f"{KEYS}.named_keys.NamedKeys", f"{KEYS}.named_key.NamedKey"),
    "vault.ca": ("strongroom.vault.authority.authority.Authority",),
    "strongroom.oauth": ("strongroom.oauth",),
    "strongroom.passwords": ("strongroom.passwords",),
    "strongroom.tokens": ("strongroom.tokens",),
    "strongroom.streams": ("strongroom.streams",),
    "strongroom.signing": ("strongroom.signing",),
    "strongroom.boxes": ("strongroom.boxes",),
    "strongroom.fernet": ("strongroom.fernet",),
    "strongroom.encrypted_files": ("strongroom.encrypted_files",),
    "strongroom.settings": ("strongroom.settings",),
    "strongroom.django": ("strongroom.django",),
    "strongroom.testing.tls": (f"{TESTING}.tls",),
    "strongroom.testing.https": (f"{TESTING}.https",),
    "strongroom.testing.certificates": (f"{TESTING}.certificates",),
    "strongroom.testing.token_stores": (f"{TESTING}.token_stores",),
}
_SECTION = re.compile(r"^(Args|Attributes|Returns|Yields|Raises|Source):[ ]?(.*)$")
_ENTRY = re.compile(r"^([\w*.][\w*., ]*): (.*)$")


class Name(NamedTuple):
    """A public name, and what it stands for; whether it has a twin to be awaited, and is read without a call."""

    name: str
    value: Any
    asynchronous: bool = False
    is_attribute: bool = False


def reference_pages() -> dict[str, str]:
    """The pages, by the paths that they would have in the repository."""
    return {f"docs/python/{name}.md": "\n".join(_page(name, sources)) for name, sources in PAGES.items()}


def public_names(sources: tuple[str, ...]) -> list[Name]:
    """What a page is about: functions first, then classes."""
    found = []
    for source in sources:
        try:
            module = importlib.import_module(source)
        except ModuleNotFoundError:
            home, _, name = source.rpartition(".")
            found.append(Name(name, getattr(importlib.import_module(home), name)))
            continue
        names = getattr(module, "__all__", None) or [name for name in vars(module) if _is_own(module, name)]
        # pytest finds a fixture without its being exported.
        fixtures = [name for name, value in vars(module).items() if type(value).__name__ == FIXTURE]
        names = [*names, *(name for name in fixtures if name not in names)]
        found += [Name(name, getattr(module, name)) for name in names]
    if sources == ("strongroom",):
        found = [one for one in found if one.name != "Vault" and not _is_error(one.value)]
    return sorted(_paired(found), key=lambda one: (inspect.isclass(one.value), one.name.lower()))


def _is_error(value: object) -> bool:
    return inspect.isclass(value) and issubclass(value, Exception)


def _is_own(module: Any, name: str) -> bool:
    value = vars(module)[name]
    is_documented = inspect.isclass(value) or inspect.isroutine(value) or type(value).__name__ == FIXTURE
    return not name.startswith("_") and is_documented and getattr(value, "__module__", "") == module.__name__


def _paired(names: list[Name]) -> list[Name]:
    """Without the async twins, which are noted beside what they are twins of."""
    all_names = {one.name for one in names}
    kept = [one for one in names if not (one.name[:1] == "a" and one.name[1:] in all_names)]
    return [one._replace(asynchronous=f"a{one.name}" in all_names) for one in kept]


def _page(name: str, sources: tuple[str, ...]) -> Iterator[str]:
    yield f"# {name}\n"
    names = public_names(sources)
    try:
        opening = inspect.getdoc(importlib.import_module(sources[0])) or ""
    except ModuleNotFoundError:
        opening = ""
    if opening and name != "strongroom":
        yield from described(opening)
    if len(names) > 3:
        yield ", ".join(f"[`{one.name}`](#{one.name.lower()})" for one in names) + "\n"
    for one in names:
        yield from _entry(one, 2)


def _entry(one: Name, level: int) -> Iterator[str]:
    yield f"{'#' * level} {one.name}\n"
    value = inspect.unwrap(getattr(one.value, "_get_wrapped_function", lambda: one.value)())
    if inspect.isclass(value):
        bases = [base.__name__ for base in value.__bases__ if base is not object and not base.__name__.startswith("_")]
        if _is_error(value):
            yield f"An error, of {' and '.join(f'`{base}`' for base in bases)}.\n"
        elif not issubclass(value, enum.Enum) and "__init__" in vars(value) and not _is_given(value):
            yield _signature(one.name, value)
    elif one.is_attribute:
        yield f"An attribute: `{_annotation(inspect.signature(value).return_annotation)}`.\n"
    elif type(one.value).__name__ == FIXTURE:
        yield "A fixture.\n"
    elif callable(value):
        yield _signature(one.name, value)
    else:
        yield f"`{value!r:.100}`\n"
    if inspect.isclass(value) or callable(value):
        yield from described(inspect.getdoc(value) or "")
    if one.asynchronous:
        yield f"In an event loop: `await a{one.name}(...)`.\n"
    # A field's methods are Django's, which has a manual.
    if inspect.isclass(value) and not _is_error(value) and not value.__module__.startswith("strongroom.django"):
        for method in _methods(value):
            yield from _entry(method, level + 1)


def _is_given(kind: type) -> bool:
    """Whether nobody makes such an object by calling its class: the docstring says where it comes from."""
    return re.search(r"\b(Made by|From) `", kind.__doc__ or "") is not None


def _methods(kind: type) -> list[Name]:
    """In the order of the source, the class's own before those that it has from others."""
    found: list[Name] = []
    for home in kind.__mro__:
        for name, value in vars(home).items():
            plain = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
            is_public = not name.startswith("_") or name == "__getitem__"
            is_ours = inspect.isfunction(plain) and plain.__module__.startswith("strongroom.") and plain.__doc__
            if is_public and is_ours and name not in {one.name for one in found}:
                found.append(Name(name, plain, is_attribute=isinstance(value, property)))
    return _paired(found)


def _signature(name: str, value: Any) -> str:
    try:
        signature = inspect.signature(value)
    except (TypeError, ValueError):
        return ""
    words = [_parameter(one) for one in signature.parameters.values() if one.name not in ("self", "cls")]
    kinds = [one.kind for one in signature.parameters.values() if one.name not in ("self", "cls")]
    if inspect.Parameter.KEYWORD_ONLY in kinds and inspect.Parameter.VAR_POSITIONAL not in kinds:
        words.insert(kinds.index(inspect.Parameter.KEYWORD_ONLY), "*")
    returns = signature.return_annotation
    arrow = "" if returns is signature.empty or inspect.isclass(value) else f" -> {_annotation(returns)}"
    line = f"{name}({', '.join(words)}){arrow}"
    if len(line) > 90:
        line = f"{name}(\n    " + ",\n    ".join(words) + f",\n){arrow}"
    return f"```python\n{line}\n```\n"


def _parameter(one: inspect.Parameter) -> str:
    star = "*" if one.kind is one.VAR_POSITIONAL else "**" if one.kind is one.VAR_KEYWORD else ""
    kind = "" if one.annotation is one.empty else f": {_annotation(one.annotation)}"
    default = "" if one.default is one.empty else (" = " if kind else "=") + f"{one.default!r}"
    return f"{star}{one.name}{kind}{default}"


def _annotation(annotation: Any) -> str:
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", repr(annotation))
    return re.sub(r"\b(?:\w+\.)+(\w+)", r"\1", text)


def described(docstring: str) -> Iterator[str]:
    """A docstring of the house as Markdown: sentences, then its sections as lists."""
    section = ""
    entries: list[str] = []
    paragraph: list[str] = []
    for line in [*docstring.replace("``", "`").replace("::\n", ":\n").splitlines(), "Source:"]:
        begins = _SECTION.match(line)
        if not begins and not (section and (line.startswith("    ") or not line.strip())):
            if section:
                yield from _listed(section, entries)
                section = ""
            paragraph.append(line)
        elif begins:
            if section:
                yield from _listed(section, entries)
            elif paragraph:
                yield "\n".join(paragraph).strip() + "\n"
                paragraph = []
            section, entries = begins[1], [begins[2]] if begins[2] else []
        elif line.strip():
            indent = len(line) - len(line.lstrip())
            if indent == 4 and (_ENTRY.match(line.strip()) or not entries):
                entries.append(line.strip())
            else:
                entries[-1] += f" {line.strip()}"


def _listed(section: str, entries: list[str]) -> Iterator[str]:
    if section == "Source" or not entries:
        return
    if section in ("Returns", "Yields"):
        yield f"{section} {' '.join(entries)}\n"
        return
    if section == "Raises":
        yield "Raises:\n"
    for entry in entries:
        found = _ENTRY.match(entry)
        yield f"* `{found[1]}`: {found[2]}" if found else f"* {entry}"
    yield ""


def documented_modules() -> list[str]:
    """The names that `docs/python.md` has to explain."""
    text = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    return re.findall(r"^\| `([\w.]+)` \|", text, re.MULTILINE)
