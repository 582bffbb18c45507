"""Kestrel's own pages, of which a customer sees three: log in, the account, and what a program asks for."""

from html import escape
from pathlib import Path

from kestrel.accounts import Account, Grant

STYLE = (Path(__file__).parent / "kestrel.css").read_bytes()
ASKED = {"photos.read": "see your photos"}
BIRD = '<svg viewBox="0 0 24 24" width="26" height="26" aria-hidden="true"><path fill="currentColor" d="M2 5c5 0 8 2 10 6 2-4 5-6 10-6-1 6-4 9-8 10l-2 5-2-5C6 14 3 11 2 5z"/></svg>'  # noqa: E501


def page(title: str, body: str) -> bytes:
    """A whole page."""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} – Kestrel</title>
<link rel="stylesheet" href="/kestrel.css">
</head>
<body>
<header><p class="brand"><a href="/">{BIRD} Kestrel</a></p><p>A photo service of somebody else’s</p></header>
<main>
<h1>{escape(title)}</h1>
{body}
</main>
</body>
</html>
""".encode()


def log_in(*, wrong: bool, then: str) -> bytes:
    """The form; *then* is where the customer wanted to go."""
    error = '<p class="error" role="alert">That is not the name and password of an account.</p>' if wrong else ""
    return page("Log in to Kestrel", f"""{error}
<form method="post" action="/log-in">
<input type="hidden" name="then" value="{escape(then)}">
<p><label for="username">Username</label><input id="username" name="username" autocomplete="off" required></p>
<p><label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="off" required></p>
<p><button>Log in</button></p>
</form>""")  # fmt: skip


def home(account: Account, grants: list[Grant], *, note: str = "") -> bytes:
    """What the customer sees: photos, who came, and which programs may look."""
    photos = "".join(f"<li>{escape(title)}</li>" for title, _ in account.photos)
    visits = "".join(f"<li>{escape(visit)}</li>" for visit in account.visits[-6:][::-1])
    programs = "".join(program(one) for one in grants) or "<li>None.</li>"
    said = f'<p class="note" role="status">{escape(note)}</p>' if note else ""
    return page(f"{account.username}’s account", f"""{said}
<h2>Photos</h2><ul>{photos}</ul>
<form method="post" action="/photo"><p><button class="quiet">Take another photo</button></p></form>
<h2>Who came</h2><ol>{visits}</ol>
<h2>Programs with access</h2><ul>{programs}</ul>
<h2>Change password</h2>
<form method="post" action="/password">
<p><label for="password">New password</label>
<input id="password" name="password" type="password" autocomplete="off" required></p>
<p><button>Change it</button></p>
</form>
<form method="post" action="/log-out"><p><button class="quiet">Log out</button></p></form>""")  # fmt: skip


def program(grant: Grant) -> str:
    """One program that may look, and how to end that."""
    name = escape(grant.program)
    return f"""<li><form method="post" action="/disconnect">{name} may {escape(ASKED[grant.scope])}
<input type="hidden" name="program" value="{name}"><button class="quiet">Disconnect {name}</button></form></li>"""


def consent(account: Account, program: str, scope: str, query: str) -> bytes:
    """What a program asks for; *query* is its request, sent back with the answer."""
    return page(f"May {program} see your photos?", f"""
<p>You are {escape(account.username)}. {escape(program)} wants to do one thing:
<strong>{escape(ASKED[scope])}</strong>.</p>
<p>It never sees your password, and you can disconnect it here at any time.</p>
<form method="post" action="/authorize">
<input type="hidden" name="query" value="{escape(query)}">
<p><button name="answer" value="yes">Allow</button> <button name="answer" value="no" class="quiet">No</button></p>
</form>""")  # fmt: skip
