"""The manual as a site: no link in it is dead, nothing in it comes from elsewhere, its pictures are of today."""

from __future__ import annotations

import html
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

import strongroom
from docs.builder import site
from docs.builder.blocks import ROOT
from docs.builder.drawings import DRAWINGS, drawing
from docs.builder.pictures import PICTURES
from docs.builder.reference import PAGES, documented_modules, public_names, reference_pages
from docs.builder.screens import SCREENS, lines, picture, said
from docs.builder.terminal import Machine


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built once for all tests of this file; a dead link would end it."""
    directory = tmp_path_factory.mktemp("built") / "site"
    assert site.build(directory) > 100
    return directory


def test_every_link_on_the_site_leads_somewhere(built: Path) -> None:
    """As a browser sees them: files that are there, and ids that they have."""
    ids = {path: set(re.findall(r'\bid="([^"]+)"', path.read_text(encoding="utf-8"))) for path in built.rglob("*.html")}
    for path in ids:
        for target in re.findall(r'\b(?:href|src)="([^"]+)"', path.read_text(encoding="utf-8")):
            if target.startswith(("https://", "http://")):
                continue
            file, _, anchor = html.unescape(target).partition("#")
            there = (path.parent / file).resolve() if file else path
            assert there.is_file(), (path, target)
            assert not anchor or anchor in ids[there], (path, target)


FETCHES = r"(?:src|href)=[\"']?(?:https?:)?//|url\(|@import|fetch\("


FETCHES = r"(?:src|href)=[\"']?(?:https?:)?//|url\(|@import|fetch\("


def test_nothing_is_fetched_from_elsewhere(built: Path) -> None:
    """No script, style, font or picture of another machine's, in any page, style or script."""
    for path in built.rglob("*"):
        if path.suffix in (".html", ".css", ".js") and "source" not in path.parts and path.name != "index.js":
            text = re.sub(r'<a href="[^"]*"', "", path.read_text(encoding="utf-8"))
            assert not re.search(FETCHES, text), path


def test_a_reader_gets_from_the_contents_to_every_page(built: Path) -> None:
    """The sidebar has what docs/README.md lists; the front page is the README."""
    front = (built / "index.html").read_text(encoding="utf-8")
    for page in ("tutorials/script.html", "how-to/backups.html", "cli.html", "threat-model.html", "SECURITY.html"):
        assert f'href="{page}"' in front, page
    assert "Five minutes of real use" in front


def test_a_link_with_a_file_s_name_for_words_reads_as_the_title_of_the_page(built: Path) -> None:
    """In the sources it is a name, which a forge's reader looks for; on the site nobody sees files."""
    front = (built / "index.html").read_text(encoding="utf-8")
    assert "[docs/keys.md](docs/keys.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert '<a href="keys.html">Keys for a program\'s own data</a>' in html.unescape(front)
    for path in built.rglob("*.html"):
        if "source" not in path.parts:
            assert not re.search(r"<a [^>]*>[\w./-]+\.md</a>", path.read_text(encoding="utf-8")), path


@pytest.fixture(scope="module")
def found() -> site.Site:
    """All pages as they are, of which a test may change the README's text."""
    return site.Site()


DEAD = {
    "[x](nowhere.md)": "no such file",
    "[x](docs/cli.md#nowhere)": "no such heading",
    "[x](#nowhere)": "no such heading",
    "![x](nowhere.svg)": "no such file",
    "![x](https://example.org/x.svg)": "fetched from elsewhere",
    "[x](../beyond.md)": "no such file",
}


@pytest.mark.parametrize("link", DEAD)
def test_a_dead_link_is_found(link: str, found: site.Site) -> None:
    """The detector, on links that are dead: in a sentence, in a table, in a list."""
    for text in (f"See {link}.", f"| a |\n| --- |\n| {link} |\n", f"* {link}\n"):
        found.dead = []
        found.texts["README.md"] = f"# Title\n\n{text}"
        found.anchors["README.md"] = {"title"}
        found.render("README.md")
        assert len(found.dead) == 1
        assert DEAD[link] in found.dead[0]


def test_a_page_to_which_nothing_leads_is_found() -> None:
    """Two pages that lead to each other, and to which no other does."""
    found = site.Site()
    assert "docs/one.md" not in found.texts
    for name, other in (("one", "two"), ("two", "one")):
        found.texts[f"docs/{name}.md"] = f"# {name}\n\n[{other}]({other}.md)\n"
        found.targets[f"docs/{name}.md"] = f"{name}.html"
        found.anchors[f"docs/{name}.md"] = {name}
    for name in found.texts:
        found.render(name)
    assert {"docs/one.md", "docs/two.md"} <= set(found.lost())
    assert "docs/cli.md" not in found.lost()


def test_the_reference_is_whole() -> None:
    """Every public name has a page or a heading, and something is said about each."""
    assert documented_modules() == list(PAGES)
    errors = {one.name for one in public_names(PAGES["strongroom.errors"])}
    there = {one.name for one in public_names(PAGES["strongroom"])} | errors | {"Vault"}
    assert set(strongroom.__all__) <= there
    for module in strongroom._MODULES:
        assert f"strongroom.{module}" in PAGES, module
    for sources in PAGES.values():
        for one in public_names(sources):
            assert (one.value.__doc__ or "").strip() or not callable(one.value), one.name


def test_the_reference_says_what_the_code_says() -> None:
    """Signature, arguments, errors and twin of a method; a fixture; an attribute; nothing that is private."""
    pages = reference_pages()
    vault = pages["docs/python/strongroom.Vault.md"]
    headings = re.findall(r"^### (\w+)$", vault, re.MULTILINE)
    assert headings[0] == "get"
    assert len(headings) == len(set(headings))
    listed = re.search(r"^### list\n.*?(?=^### )", vault, re.MULTILINE | re.DOTALL)
    assert listed is not None
    assert "```python\nlist(" in listed[0]
    assert "`await alist(...)`" in listed[0]
    assert "### is_locked\n\nAn attribute: `bool`." in vault
    assert "## tls_ca\n\nA fixture." in pages["docs/python/strongroom.testing.tls.md"]
    assert "* `key_file`: " in pages["docs/python/strongroom.md"]
    assert "* `WouldPrompt`: " in pages["docs/python/strongroom.md"]
    assert not re.search(r"^#+ _(?!_getitem__)", "\n".join(pages.values()), re.MULTILINE)


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_drawing_is_what_its_table_says(name: str) -> None:
    """`make pictures` was run after the last change; the words fit into their boxes; nothing lies outside."""
    text = (PICTURES / name).read_text(encoding="utf-8")
    assert text == drawing(*DRAWINGS[name])
    width = float(ElementTree.fromstring(text).attrib["width"])
    for box in DRAWINGS[name][0]:
        assert box.x + box.width < width
        for number, line in enumerate(box.lines):
            assert len(line) * (7.0 if number else 9.1) < box.width, line


@pytest.mark.parametrize("name", SCREENS)
def test_a_screen_says_what_is_said_today(name: str, tmp_path: Path) -> None:
    """The commands are run again: dates and ids apart they say the same; `make pictures` makes it anew."""
    tmp_path.chmod(0o700)
    with Machine(tmp_path) as machine:
        now = picture(SCREENS[name], lines(SCREENS[name], machine))
    kept = (PICTURES / name).read_text(encoding="utf-8")
    ElementTree.fromstring(kept)
    blind = re.compile(r"\b[0-9a-f]{7,}\b|\d{4}-\d\d-\d\d|\d\d:\d\d(:\d\d)?")
    # Sorted, as findings come in the order of random ids.
    was, is_now = (sorted(blind.sub("~", said(svg)).splitlines()) for svg in (kept, now))
    assert is_now == was
    assert "Traceback" not in said(kept)


def test_pictures_are_used() -> None:
    """Each stands on a page, with words for who does not see it."""
    pages = "".join(path.read_text(encoding="utf-8") for path in [ROOT / "README.md", *ROOT.glob("docs/**/*.md")])
    for path in PICTURES.glob("*.svg"):
        assert re.search(rf"!\[[^\]]{{20,}}\]\([^)]*{path.name}\)", pages), path.name


def test_every_promise_says_what_enforces_it_and_what_holds_it() -> None:
    """In the threat model's first table: mathematics, the operating system or the process, and a test file."""
    text = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
    section = text.split("## Who enforces what\n")[1].split("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")][2:]
    assert len(rows) >= 20
    for promise, enforced_by, held_by in rows:
        assert enforced_by.startswith(("mathematics", "the operating system", "the process")), promise
        assert re.search(r"\(\.\./tests/[\w/]+\.py\)", held_by), promise
