"""Kestrel over HTTP: pages for people, ``/api`` for programs that have a password, ``/oauth`` for better ones.

    POST /api/log-in    username, password -> {"token": ...}
    GET  /api/photos    Authorization: Bearer (that token, or an access token)
    GET  /authorize     RFC 6749 and RFC 7636: code with S256 alone
    POST /oauth/token   authorization_code, refresh_token (a new one each time)
    POST /oauth/revoke  RFC 7009
"""

import json
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode, urlsplit

from kestrel import pages
from kestrel.accounts import PHOTOS, Account, Kestrel, Refused

FORM_BYTES_MAX = 8192
SCOPE = "photos.read"
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"


class Server(ThreadingHTTPServer):
    """One Kestrel on the loopback address.

    Attributes:
        programs: who may ask for access, and the one address to which each is answered.
    """

    daemon_threads = True

    def __init__(self, kestrel: Kestrel, port: int) -> None:
        super().__init__(("127.0.0.1", port), Visit)
        self.kestrel = kestrel
        self.programs: dict[str, str] = {}


class Visit(BaseHTTPRequestHandler):
    """One request."""

    server: Server
    timeout = 20

    def do_GET(self) -> None:
        """A page, the photos, or the style."""
        path, _, query = self.path.partition("?")
        if path == "/kestrel.css":
            self.answer(200, pages.STYLE, "text/css")
        elif path == "/api/photos":
            self.send_photos()
        elif path == "/authorize":
            self.ask_consent(query)
        elif path == "/":
            account = self.account()
            if account is None:
                self.answer(200, pages.log_in(wrong=False, then="/"))
            else:
                self.answer(200, pages.home(account, self.server.kestrel.grants_of(account.username)))
        else:
            self.answer(404, pages.page("No such page", '<p><a href="/">Home</a></p>'))

    def do_POST(self) -> None:
        """Everything that changes something."""
        form = self.form()
        if self.path.startswith(("/api/", "/oauth/")):
            self.answer_program(form)
        elif self.headers.get("Origin", "") != f"http://{self.headers.get('Host')}":
            self.answer(403, pages.page("Not from here", "<p>This form was not one of Kestrel’s.</p>"))
        elif self.path == "/log-in":
            self.log_in(form)
        else:
            account = self.account()
            if account is None:
                self.redirect("/")
            elif self.path == "/authorize":
                self.give_consent(account, form)
            else:
                self.change(account, form)

    def log_in(self, form: dict[str, str]) -> None:
        """Start a session, and go where the customer wanted to."""
        then = form.get("then", "/")
        try:
            token = self.server.kestrel.log_in(form.get("username", ""), form.get("password", ""), program="a browser")
        except Refused:
            self.answer(401, pages.log_in(wrong=True, then=then))
            return
        # Only to places of Kestrel's own.
        self.redirect(then if then.startswith("/authorize?") else "/", cookie=token)

    def change(self, account: Account, form: dict[str, str]) -> None:
        """What the account's page offers."""
        kestrel, note = self.server.kestrel, ""
        if self.path == "/log-out":
            kestrel.log_out(self.token())
            self.redirect("/")
            return
        if self.path == "/password" and form.get("password"):
            account.set_password(form["password"])
            note = "Your password is changed. Programs that log in with the old one are refused."
        elif self.path == "/disconnect":
            kestrel.disconnect(account.username, form.get("program", ""))
            note = "Disconnected."
        elif self.path == "/photo":
            account.photos.append(PHOTOS[len(account.photos) % len(PHOTOS)])
            note = "Click! One more photo."
        self.answer(200, pages.home(account, kestrel.grants_of(account.username), note=note))

    def ask_consent(self, query: str) -> None:
        """What a program wants; asked only of a known one, and only with PKCE."""
        wanted = dict(parse_qsl(query))
        program = wanted.get("client_id", "")
        known = self.server.programs.get(program)
        if known is None or wanted.get("redirect_uri") != known:
            self.answer(400, pages.page("Unknown program", "<p>Kestrel does not know who is asking.</p>"))
        elif wanted.get("response_type") != "code" or wanted.get("code_challenge_method") != "S256":
            self.redirect(f"{known}?{urlencode({'error': 'invalid_request', 'state': wanted.get('state', '')})}")
        elif wanted.get("scope", SCOPE) != SCOPE:
            self.redirect(f"{known}?{urlencode({'error': 'invalid_scope', 'state': wanted.get('state', '')})}")
        elif (account := self.account()) is None:
            self.answer(200, pages.log_in(wrong=False, then=self.path))
        else:
            self.answer(200, pages.consent(account, program, SCOPE, query))

    def give_consent(self, account: Account, form: dict[str, str]) -> None:
        """Send the customer back with a code, or with a no."""
        wanted = dict(parse_qsl(form.get("query", "")))
        program = wanted.get("client_id", "")
        known = self.server.programs.get(program)
        if known is None or wanted.get("redirect_uri") != known or not wanted.get("code_challenge"):
            self.answer(400, pages.page("Unknown program", "<p>Kestrel does not know who is asking.</p>"))
            return
        answer = {"state": wanted.get("state", "")}
        if form.get("answer") == "yes":
            answer["code"] = self.server.kestrel.allow(
                account, program, SCOPE, redirect=known, challenge=wanted["code_challenge"]
            )
        else:
            answer["error"] = "access_denied"
        self.redirect(f"{known}?{urlencode(answer)}")

    def answer_program(self, form: dict[str, str]) -> None:
        """Requests without a person behind them."""
        kestrel, program = self.server.kestrel, form.get("client_id", "")
        try:
            if self.path == "/api/log-in":
                who = form.get("program", "a program")
                answer: dict[str, object] = {"token": kestrel.log_in(form["username"], form["password"], program=who)}
            elif self.path == "/oauth/revoke":
                kestrel.revoke(form["token"])
                answer = {}
            elif self.path == "/oauth/token" and form.get("grant_type") == "refresh_token":
                answer = kestrel.refresh(form["refresh_token"], program=program)
            elif self.path == "/oauth/token" and form.get("grant_type") == "authorization_code":
                answer = kestrel.redeem(
                    form["code"], program=program, redirect=form["redirect_uri"], verifier=form["code_verifier"]
                )
            else:
                raise Refused("unsupported_grant_type")
        except KeyError:
            self.answer_json(400, {"error": "invalid_request"})
        except Refused as refusal:
            self.answer_json(401 if self.path == "/api/log-in" else 400, {"error": refusal.error})
        else:
            self.answer_json(200, answer)

    def send_photos(self) -> None:
        """To whoever has a good token."""
        account = self.server.kestrel.who(self.headers.get("Authorization", "").removeprefix("Bearer "))
        if account is None:
            self.answer_json(401, {"error": "invalid_token"})
        else:
            self.answer_json(200, {"photos": [{"title": title, "scene": scene} for title, scene in account.photos]})

    def form(self) -> dict[str, str]:
        """What was sent; too much is nothing."""
        length = int(self.headers.get("Content-Length", "0"))
        return dict(parse_qsl(self.rfile.read(length).decode())) if length <= FORM_BYTES_MAX else {}

    def token(self) -> str:
        """The browser's."""
        try:
            found = SimpleCookie(self.headers.get("Cookie", "")).get("kestrel")
        except CookieError:
            return ""
        return found.value if found else ""

    def account(self) -> Account | None:
        """Whose browser this is."""
        return self.server.kestrel.who(self.token())

    def redirect(self, where: str, *, cookie: str = "") -> None:
        """Send the browser elsewhere."""
        self.answer(303, b"", extra={"Location": where}, cookie=cookie)

    def answer_json(self, status: int, body: dict[str, object]) -> None:
        """To a program."""
        self.answer(status, json.dumps(body).encode(), "application/json")

    def answer(
        self,
        status: int,
        body: bytes,
        kind: str = "text/html",
        *,
        extra: dict[str, str] | None = None,
        cookie: str = "",
    ) -> None:
        """Send everything."""
        # A browser follows a form to the program's address only where the policy names it.
        policy = " ".join((POLICY, *sorted(origin(address) for address in self.server.programs.values())))
        self.send_response(status)
        for name, value in {**HEADERS, "Content-Security-Policy": policy, **(extra or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Type", f"{kind}; charset=utf-8" if kind.startswith("text/") else kind)
        self.send_header("Content-Length", str(len(body)))
        if cookie:
            self.send_header("Set-Cookie", f"kestrel={cookie}; HttpOnly; SameSite=Lax; Path=/")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the account's page shows who came."""


def origin(address: str) -> str:
    """What a policy names: scheme, host and port."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"
