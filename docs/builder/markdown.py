"""One page of Markdown as HTML, as a forge shows it: the same headings, anchors and tables. No I/O.

Comments, and what is hidden in them, are left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

LEXERS = {"sh": "bash", "text": "text", "crontab": "bash", "": "text"}
# A link's target, whether it is a picture's; where the site has it.
Resolve = Callable[[str, bool], str]
# A link's target; the title of the page there, or "".
Entitle = Callable[[str], str]


class Section(NamedTuple):
    """A heading, with the words up to the next one."""

    level: int
    title: str
    anchor: str
    words: str


class Rendered(NamedTuple):
    """A page as HTML, and what is in it."""

    title: str
    html: str
    sections: list[Section]


def anchors(text: str) -> set[str]:
    """The anchors of a page."""
    return {section.anchor for section in render(text, lambda target, _is_picture: target).sections}


def render(
    text: str, resolve: Resolve, names: dict[str, str] | None = None, entitle: Entitle = lambda _target: ""
) -> Rendered:
    """The page *text*; *resolve* says where links lead, *names* where words in code type do.

    A link whose words are a file name, which a reader on a forge looks for, reads as the title that *entitle* gives.
    """
    parser = MarkdownIt("commonmark", {"html": True, "highlight": _highlight}).enable("table")
    tokens = parser.parse(text)
    sections = _sections(tokens)
    anchor = iter(sections)
    for token in tokens:
        if token.type == "heading_open":
            token.attrSet("id", next(anchor).anchor)
        elif token.type == "html_block" and token.content.lstrip().startswith("<!--"):
            token.content = ""
        elif token.type == "inline":
            _lead(token.children or [], resolve, names or {}, entitle)
    body = str(parser.renderer.render(tokens, parser.options, {}))
    body = body.replace("<table>", '<div class="table"><table>').replace("</table>", "</table></div>")
    return Rendered(next((one.title for one in sections if one.level == 1), ""), body, sections)


def code(text: str, language: str) -> str:
    """A program as HTML."""
    return _highlight(text, language, "")


def _lead(tokens: list[Token], resolve: Resolve, names: dict[str, str], entitle: Entitle) -> None:
    is_in_link = False
    for place, token in enumerate(tokens):
        if token.type == "link_open":
            is_in_link = True
            target = str(token.attrGet("href"))
            words = tokens[place + 1]
            if words.type == "text" and re.fullmatch(r"[\w./-]+\.md", words.content):
                words.content = entitle(target) or words.content
            token.attrSet("href", resolve(target, False))
        elif token.type == "link_close":
            is_in_link = False
        elif token.type == "image":
            token.attrSet("src", resolve(str(token.attrGet("src")), True))
        elif token.type == "code_inline" and token.content in names and not is_in_link:
            token.type = "html_inline"
            token.content = f'<a href="{escape(names[token.content])}"><code>{escape(token.content)}</code></a>'


def _sections(tokens: list[Token]) -> list[Section]:
    found: list[Section] = []
    seen: dict[str, int] = {}
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            title = _plain(tokens[place + 1])
            anchor = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
            repeated = seen.get(anchor, 0)
            seen[anchor] = repeated + 1
            found.append(Section(int(token.tag[1]), title, f"{anchor}-{repeated}" if repeated else anchor, ""))
        elif token.type in ("inline", "fence") and found and tokens[place - 1].type != "heading_open":
            words = _plain(token) if token.type == "inline" else token.content
            found[-1] = found[-1]._replace(words=f"{found[-1].words} {words}".strip())
    return found


def _plain(token: Token) -> str:
    return "".join(one.content if one.type != "softbreak" else " " for one in token.children or [])


def _highlight(text: str, language: str, _attributes: str) -> str:
    inner = _console(text) if language == "console" else _coloured(text, language)
    return f'<pre class="code"><code>{inner}</code></pre>'


def _coloured(text: str, language: str) -> str:
    try:
        lexer = get_lexer_by_name(LEXERS.get(language, language), stripnl=False)
    except ClassNotFound:
        lexer = get_lexer_by_name("text")
    return str(highlight(text, lexer, HtmlFormatter(nowrap=True)))


def _console(text: str) -> str:
    """What is typed and what is shown. Pygments' own takes each line with a # in it for a prompt."""
    parts = []
    is_typed = False
    for line in text.splitlines():
        begins = re.match(r"\w*[$#] +", line)
        if begins or is_typed:
            prompt = begins[0] if begins else ""
            parts.append(f'<span class="gp">{prompt}</span>{_coloured(line[len(prompt) :], "sh")}')
            is_typed = line.endswith("\\")
        else:
            parts.append(f'<span class="go">{escape(line)}</span>\n')
    return "".join(parts)
