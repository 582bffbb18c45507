"""The two drawings, from tables of boxes and arrows: how strongroom is built, and which key opens which.

An SVG of its own carries both colours: it follows the reader's light or dark setting, without a script. No I/O.
"""

from __future__ import annotations

from html import escape
from typing import NamedTuple

FONT = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif"
STYLE = f"""
svg {{ color-scheme: light dark; }}
text {{ font: 14px {FONT}; fill: #1f2328; text-anchor: middle; }}
.head {{ font-weight: 700; font-size: 15px; }}
.small {{ font-size: 12.5px; fill: #59636e; }}
.left {{ text-anchor: start; }}
.room {{ fill: none; stroke: #b6c0ca; stroke-dasharray: 5 4; }}
.plain {{ fill: #fff; stroke: #8b98a5; }}
.door {{ fill: #e7f1fb; stroke: #5b93c9; }}
.core {{ fill: #e3f4ef; stroke: #3f9c87; }}
.key {{ fill: #fdf1d8; stroke: #c99a2e; }}
.cipher {{ fill: #eceaf6; stroke: #857bc2; }}
.line {{ fill: none; stroke: #59636e; stroke-width: 1.4; marker-end: url(#tip); }}
#tip path {{ fill: #59636e; }}
.ground {{ fill: #fff; }}
@media (prefers-color-scheme: dark) {{
  text {{ fill: #e2e6ea; }} .small {{ fill: #a5b0bb; }} .ground {{ fill: #14181d; }} .room {{ stroke: #4a5561; }}
  .plain {{ fill: #1b2128; stroke: #66727e; }} .door {{ fill: #16293b; stroke: #4f86bb; }}
  .core {{ fill: #12302a; stroke: #3f9c87; }} .key {{ fill: #352a10; stroke: #b98d2b; }}
  .cipher {{ fill: #25213c; stroke: #857bc2; }} .line {{ stroke: #a5b0bb; }} #tip path {{ fill: #a5b0bb; }}
}}
"""


class Box(NamedTuple):
    """A box: its left upper corner, its size, what stands in it (the first line in bold), what it is."""

    x: int
    y: int
    width: int
    height: int
    lines: tuple[str, ...]
    kind: str


class Arrow(NamedTuple):
    """A line through points, the last of which it points at, with words beside its middle."""

    points: tuple[tuple[int, int], ...]
    words: str = ""


def _row(y: int, height: int, kind: str, boxes: list[tuple[int, int, tuple[str, ...]]]) -> list[Box]:
    return [Box(x, y, width, height, lines, kind) for x, width, lines in boxes]


def _down(x: int, start: int, end: int, words: str = "") -> Arrow:
    return Arrow(((x, start), (x, end)), words)


BUILT = [
    *_row(30, 62, "plain", [
        (30, 190, ("your script", "import strongroom")),
        (250, 190, ("cron, a shell", "strongroom get")),
        (470, 190, ("other users", "as the kernel names them")),
        (690, 190, ("a Django site", "fields, settings, hashers")),
    ]),
    *_row(136, 62, "door", [
        (30, 190, ("Python", "open, get, set, require")),
        (250, 190, ("command line", "one verb, one file")),
        (470, 190, ("agent", "a socket, grants, audit")),
        (690, 190, ("Django's door", "bound to row and column")),
    ]),
    Box(30, 242, 850, 62, ("vault", "names · history · policy · audit · ledger · rotation"), "core"),
    *_row(348, 62, "key", [(30, 410, ("keys", "slots, root key, keyset; bytes in, bytes out, no files"))]),
    *_row(348, 62, "cipher", [(470, 410, ("stores", "rows of ciphertext; knows no key and no secret"))]),
    *_row(454, 62, "key", [(30, 410, ("crypto", "the one room that imports a cryptographic library"))]),
    *_row(454, 62, "cipher", [
        (470, 190, ("SQLite", "one file, mode 0600")),
        (690, 190, ("PostgreSQL", "one schema")),
    ]),
]  # fmt: skip
BUILT_ARROWS = [
    *(_down(x, 92, 134) for x in (125, 345, 565, 785)),
    *(_down(x, 198, 240) for x in (125, 345, 565, 785)),
    Arrow(((440, 182), (468, 182))),
    _down(235, 304, 346), _down(675, 304, 346), _down(235, 410, 452), _down(565, 410, 452), _down(785, 410, 452),
]  # fmt: skip

OPENED = [
    *_row(30, 76, "plain", [
        (20, 136, ("passphrase", "typed", "Argon2id")),
        (168, 136, ("recovery code", "150 bits", "on paper")),
        (316, 136, ("key file", "256 bits", "mode 0400")),
        (464, 136, ("OS keyring", "256 bits", "at log-in")),
        (612, 136, ("age, SSH key", "256 bits", "to a public key")),
        (760, 136, ("shares", "256 bits", "two of three, say")),
    ]),
    Box(20, 156, 876, 58, ("key-encryption key", "one for each slot; every parameter of it is bound"), "key"),
    Box(
        20, 258, 876, 58,
        ("the slot's private key", "HPKE, MLKEM768-X25519: a new root key is handed over without the slot's secret"),
        "key",
    ),
    Box(20, 360, 876, 58, ("root key", "32 random bytes, one for each epoch, signed by the vault's identity"), "key"),
    Box(20, 462, 876, 58, ("keyset", "data keys with versions, and a key for each purpose"), "key"),
    *_row(570, 76, "core", [
        (20, 166, ("data key", "values, names,", "metadata")),
        (198, 166, ("index key", "HMAC: finds a name", "without telling it")),
        (376, 166, ("ledger key", "what lies there is", "what was written")),
        (554, 166, ("audit key", "a chain of who", "did what")),
        (732, 164, ("identity", "Ed25519: whose", "vault this is")),
    ]),
    *_row(704, 76, "cipher", [
        (20, 410, ("one value, one key", "AES-256-GCM under a key of its own,", "bound to vault, item and version")),
        (486, 410, ("named keys", "aead · fernet · hmac · box · signing:", "for data that lies elsewhere")),
    ]),
]  # fmt: skip
OPENED_ARROWS = [
    *(_down(x, 106, 154) for x in (88, 236, 384, 532, 680, 828)),
    _down(458, 214, 256, "unwraps"),
    _down(458, 316, 358, "opens"),
    _down(458, 418, 460, "HKDF, by purpose"),
    *(_down(x, 520, 568) for x in (103, 281, 459, 637, 814)),
    _down(103, 646, 702, "HKDF, by salt"),
    Arrow(((150, 646), (150, 659), (691, 659), (691, 702))),
]


def drawing(boxes: list[Box], arrows: list[Arrow], title: str) -> str:
    """The SVG of it."""
    width = max(box.x + box.width for box in boxes) + 24
    height = max(box.y + box.height for box in boxes) + 24
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{escape(title)}">',
        f"<title>{escape(title)}</title><style>{STYLE}</style>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path d="M0 0L8 4L0 8z"/></marker></defs>',
        f'<rect class="ground" width="{width}" height="{height}" rx="10"/>',
    ]
    for arrow in arrows:
        path = " L".join(f"{x} {y}" for x, y in arrow.points)
        parts.append(f'<path class="line" d="M{path}"/>')
        if arrow.words:
            (x, top), (_, bottom) = arrow.points[0], arrow.points[-1]
            place = f'x="{x + 10}" y="{(top + bottom) // 2 + 6}"'
            parts.append(f'<text class="small left" {place}>{escape(arrow.words)}</text>')
    for box in boxes:
        size = f'width="{box.width}" height="{box.height}"'
        parts.append(f'<rect class="{box.kind}" x="{box.x}" y="{box.y}" {size} rx="7"/>')
        middle = box.x + box.width // 2
        first = box.y + box.height // 2 - 9 * (len(box.lines) - 1) + 5
        for number, line in enumerate(box.lines):
            kind = "small" if number else "head"
            parts.append(f'<text class="{kind}" x="{middle}" y="{first + 19 * number}">{escape(line)}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


DRAWINGS = {
    "architecture.svg": (BUILT, BUILT_ARROWS, "How strongroom is built: programs, doors, the vault, keys and stores"),
    "keys.svg": (OPENED, OPENED_ARROWS, "Which key opens which, from a passphrase to a value"),
}
