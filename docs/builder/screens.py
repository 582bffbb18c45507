"""Pictures of the terminal: the commands really run, and what was on the screen then is drawn. No I/O of its own.

A picture says what its commands said when it was made; a test runs them again and compares.
"""

from __future__ import annotations

import re
from html import escape
from typing import NamedTuple

from docs.builder.terminal import ANSWERS, Machine

WIDTH = 96  # characters
_LINE = 19
_CHARACTER = 7.83
STYLE = """
text { font: 13px ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
text { fill: #d8dee6; white-space: pre; }
.bar { fill: #2a323c; } .screen { fill: #171c22; stroke: #3a4450; }
.prompt { fill: #5cc8b8; } .typed { fill: #fff; font-weight: 600; } .note { fill: #9aa5b1; }
.hidden { fill: #e7b95c; }
.title { fill: #9aa5b1; text-anchor: middle; }
"""


class Screen(NamedTuple):
    """A picture: its title, what is done before and not shown, and what is typed."""

    title: str
    before: str
    typed: tuple[str, ...]


FIRST = """
mkdir -p ~/.local/share/strongroom && chmod 700 ~/.local ~/.local/share ~/.local/share/strongroom
"""
KEYED = """
strongroom init --key-file ~/key --no-recovery-code
export STRONGROOM_KEY_FILE=~/key
echo correct-Horse-27-battery | strongroom set bank/checking username=dustin password
echo another-Horse-28-battery | strongroom set shop/database username=shop password
"""
SCREENS = {
    "first.svg": Screen(
        "the first five minutes",
        FIRST,
        (
            "strongroom init --passphrase",
            "strongroom set bank/checking username=dustin password",
            "strongroom unlock",
            "strongroom get bank/checking username",
            "python3 -c 'import strongroom; print(strongroom.open().get(\"bank/checking\", \"password\"))'",
        ),
    ),
    "tampered.svg": Screen(
        "somebody exchanges two passwords in the file",
        f"""{KEYED}
cat > exchange.py << 'END'
import os, sqlite3
place = os.path.expanduser("~/.local/share/strongroom/vault.db")
with sqlite3.connect(place) as file:
    (one, first), (two, second) = file.execute("SELECT item, body FROM versions").fetchall()
    file.executemany("UPDATE versions SET body = ? WHERE item = ?", [(second, one), (first, two)])
END
""",
        ("python3 exchange.py", "strongroom get bank/checking password", "echo $?", "strongroom verify"),
    ),
    "scan.svg": Screen(
        "a commit that would leak",
        f"""{KEYED}
strongroom unlock
mkdir shop && cd shop && git init -q && git config user.name D && git config user.email d@example.org
strongroom scan --install-hook
python3 -c 'import base64; print("TOKEN =", repr(base64.b64encode(b"correct-Horse-27-battery").decode()))' > settings.py
""",
        ("cat settings.py", "git add settings.py", "git commit -m 'Add settings'"),
    ),
    "run.svg": Screen(
        "values out of a .env file, references in",
        f"""{KEYED}
mkdir shop && cd shop && printf 'DEBUG=true\\nDB_PASSWORD=another-Horse-28\\n' > .env
""",
        (
            "cat .env",
            "strongroom import .env --replace --yes",
            "cat .env",
            "strongroom allow .env --yes",
            "strongroom run --env-file .env -- sh -c 'echo the program has ${#DB_PASSWORD} characters'",
        ),
    ),
}


def lines(screen: Screen, machine: Machine) -> list[tuple[str, str]]:
    """Run a screen; each line of it, with what it is: typed, shown, a note, or a question with a hidden answer."""
    status, said = machine.shell(screen.before)
    if status:
        raise RuntimeError(f"{screen.title}: {said}")
    found: list[tuple[str, str]] = []
    for typed in screen.typed:
        found.append(("typed", typed))
        # A command that fails is part of some pictures; each runs in a shell of its own, so $? is told here.
        status, said = machine.shell(typed.replace("$?", str(status)), ANSWERS)
        for line in said.replace(str(machine.home), "~").splitlines():
            is_note = line.startswith(("strongroom:", "hint:", "  mend:"))
            is_hidden = bool(re.search(r"pass(word|phrase).*: ?$", line))
            found.append(("hidden" if is_hidden else "note" if is_note else "shown", line.rstrip()))
    return found


def picture(screen: Screen, shown: list[tuple[str, str]]) -> str:
    """The SVG of a screen."""
    rows = [(kind, part, number > 0) for kind, line in shown for number, part in enumerate(_wrapped(kind, line))]
    width = round(WIDTH * _CHARACTER) + 40
    height = 62 + _LINE * len(rows)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{escape(screen.title)}">',
        f"<title>{escape(screen.title)}</title><style>{STYLE}</style>",
        f'<rect class="screen" x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="9"/>',
        f'<path class="bar" d="M1 34V10a9 9 0 0 1 9-9h{width - 20}a9 9 0 0 1 9 9v24z"/>',
        f'<text class="title" x="{width // 2}" y="23">{escape(screen.title)}</text>',
    ]
    for number, (kind, line, is_more) in enumerate(rows):
        place = f'x="20" y="{58 + _LINE * number}"'
        text = escape(line, quote=False)
        if kind == "typed":
            mark = f'<tspan class="prompt">{"  " if is_more else "$ "}</tspan>'
            parts.append(f'<text {place}>{mark}<tspan class="typed">{text}</tspan></text>')
        elif kind == "hidden" and not is_more:
            parts.append(f'<text {place}>{text} <tspan class="hidden">(typed, not shown)</tspan></text>')
        else:
            parts.append(f'<text class="{kind}" {place}>{text}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def said(svg: str) -> str:
    """The words of a picture, in the order of its lines."""
    found = re.findall(r"<text[^>]*y=\"\d+\">(.*?)</text>", svg)
    return "\n".join(re.sub(r"<[^>]+>", "", line) for line in found[1:])


def _wrapped(kind: str, line: str) -> list[str]:
    room = WIDTH - (2 if kind == "typed" else 0)
    found = []
    while len(line) > room:
        cut = line.rfind(" ", 0, room)
        cut = cut if cut > room // 2 else room
        found.append(line[:cut])
        line = "    " + line[cut:].lstrip()
    return [*found, line]
