"""The manual as a static site: the pages of the repository, the Python reference, and the sources that pages link to.

Nothing is fetched, when it is built or when it is read. A link that leads nowhere ends the build.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from html import escape
from pathlib import Path

from pygments.formatters import HtmlFormatter

from docs.builder.blocks import ROOT
from docs.builder.markdown import Rendered, anchors, code, render
from docs.builder.reference import reference_pages

HERE = Path(__file__).resolve().parent
CONTENTS = "docs/README.md"
DECISIONS = "docs/decisions/README.md"
LANGUAGES = {".py": "python", ".sh": "sh", ".toml": "toml", ".json": "json", ".service": "ini", "": "sh"}
_PICTURES = (".svg", ".png")


class DeadLinks(Exception):
    """Links of pages that lead nowhere; one a line."""


class Site:
    """What goes into the site, by its path in the repository, and where each lands."""

    def __init__(self) -> None:
        found = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")]
        self.texts = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in sorted(found)}
        self.texts[DECISIONS] += _decisions(self.texts)
        # Pages that no file holds: they are made from the docstrings.
        self.texts.update(reference_pages())
        self.targets = {name: _target(name) for name in self.texts}
        self.anchors = {name: anchors(text) for name, text in self.texts.items()}
        self.names = {
            name[len("docs/python/") : -len(".md")]: name for name in self.texts if name.startswith("docs/python/")
        }
        del self.names["strongroom"]  # the word for everything, and not only for the module
        self.linked: dict[str, str] = {}
        self.led: dict[str, set[str]] = {}
        self.dead: list[str] = []

    def resolve(self, page: str, target: str, is_picture: bool) -> str:
        """Where the link *target* of *page* leads on the site, relative to that page; a dead one is noted."""
        if re.match(r"https?://|mailto:", target):
            if is_picture:
                self.dead.append(f"{page}: {target} would be fetched from elsewhere")
            return target
        path, _, anchor = target.partition("#")
        name = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
        if (ROOT / name).is_dir() and f"{name}/README.md" in self.texts:
            name = f"{name}/README.md"
        if name in self.texts:
            self.led.setdefault(page, set()).add(name)
            if anchor and anchor not in self.anchors[name]:
                self.dead.append(f"{page}: {target}: no such heading")
            place = self.targets[name]
        elif not name.startswith("..") and (ROOT / name).is_file() and not anchor:
            place = self.linked.setdefault(name, name if name.endswith(_PICTURES) else f"source/{name}.html")
        else:
            self.dead.append(f"{page}: {target}: no such file")
            return target
        return _relative(self.targets[page], place) + (f"#{anchor}" if anchor else "")

    def lost(self) -> list[str]:
        """Pages to which no way leads from the front page, once all have been rendered."""
        found, next_ones = set[str](), {"README.md"}
        while next_ones:
            found |= next_ones
            next_ones = set[str]().union(*(self.led.get(name, set()) for name in next_ones)) - found
        # The reference is led to by the words of its names.
        return sorted(name for name in self.texts if name not in found and not name.startswith("docs/python/"))

    def render(self, page: str) -> Rendered:
        """One page, with its links led."""
        names = {word: _relative(self.targets[page], self.targets[name]) for word, name in self.names.items()}
        return render(
            self.texts[page],
            lambda target, is_picture: self.resolve(page, target, is_picture),
            names,
            lambda target: self.title(page, target),
        )

    def title(self, page: str, target: str) -> str:
        """The title of the page to which the link *target* of *page* leads, as text; "" when it leads to none."""
        name = os.path.normpath(os.path.join(os.path.dirname(page), target.partition("#")[0]))
        found = re.search(r"^# (.+)$", self.texts.get(name, ""), re.MULTILINE)
        return found[1].replace("`", "") if found else ""


def build(directory: Path) -> int:
    """Write the site into *directory*, in the place of what is there; the number of its pages.

    Raises: DeadLinks: naming each.
    """
    site = Site()
    pages = {name: site.render(name) for name in site.texts}
    order = contents(site)
    site.dead += [f"{name}: no link leads to it from README.md" for name in site.lost()]
    if site.dead:
        raise DeadLinks("\n".join(sorted(set(site.dead))))
    shutil.rmtree(directory, ignore_errors=True)
    for name, page in pages.items():
        _write(directory, site.targets[name], page.title, page.html, site, order)
    for name, target in site.linked.items():
        if name.endswith(_PICTURES):
            (directory / target).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, directory / target)
        else:
            text = code((ROOT / name).read_text(encoding="utf-8"), LANGUAGES.get(Path(name).suffix, "text"))
            _write(directory, target, name, f"<h1>{escape(name)}</h1>{text}", site, order)
    (directory / "style.css").write_text(_style(), encoding="utf-8")
    shutil.copy(HERE / "search.js", directory / "search.js")
    found = [
        [site.targets[name] + "#" + one.anchor, page.title, one.title, one.words]
        for name, page in pages.items()
        for one in page.sections
    ]
    index = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
    (directory / "index.js").write_text(f"const sections = {index};\n", encoding="utf-8")
    return len(pages) + len(site.linked)


def contents(site: Site) -> list[tuple[str, str]]:
    """The table of contents: titles of sections (with no page) and of pages, in their order."""
    found = []
    for line in site.texts[CONTENTS].splitlines():
        if line.startswith("## "):
            found.append((line[3:], ""))
        else:
            for title, target in re.findall(r"\[([^\]]+)\]\(([^)#]+)\)", line):
                name = os.path.normpath(os.path.join("docs", target))
                if name in site.texts:
                    found.append((title.replace("`", ""), name))
    return found


def _decisions(texts: dict[str, str]) -> str:
    """Links to the decisions that their own page does not name: a directory is list enough on a forge."""
    lines = []
    for name, text in texts.items():
        file = name.removeprefix("docs/decisions/")
        if file != name and re.match(r"\d{4}-", file) and f"({file})" not in texts[DECISIONS]:
            lines.append(f"* [{text.splitlines()[0].lstrip('# ')}]({file})")
    return "\n## All of them\n" + "\n".join(lines) + "\n" if lines else ""


def _target(name: str) -> str:
    if name == "README.md":
        return "index.html"
    name = name.removeprefix("docs/")
    directory, _, file = name.rpartition("/")
    if file == "README.md":
        return f"{directory}/index.html" if directory else "manual.html"
    return re.sub(r"\.md$", ".html", name)


def _relative(page: str, place: str) -> str:
    return os.path.relpath(place, os.path.dirname(page) or ".")


def _write(directory: Path, target: str, title: str, html: str, site: Site, order: list[tuple[str, str]]) -> None:
    top = _relative(target, "index.html").removesuffix("index.html")
    path = directory / target
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        (HERE / "page.html").read_text(encoding="utf-8").format(
            title=escape(title if title == "strongroom" else f"{title} · strongroom"), top=top, body=html,
            navigation=_navigation(target, site, order),
        ),
        encoding="utf-8",
    )  # fmt: skip


def _navigation(target: str, site: Site, order: list[tuple[str, str]]) -> str:
    lines = []
    for title, name in order:
        if not name:
            lines.append(f"<h2>{escape(title)}</h2>")
            continue
        place = site.targets[name]
        here = ' aria-current="page"' if place == target else ""
        lines.append(f'<a href="{escape(_relative(target, place))}"{here}>{escape(title)}</a>')
    return "\n".join(lines)


def _style() -> str:
    light = HtmlFormatter(style="friendly", nobackground=True).get_style_defs(".code")
    dark = HtmlFormatter(style="nord", nobackground=True).get_style_defs(".code")
    own = (HERE / "style.css").read_text(encoding="utf-8")
    return f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n{own}"
