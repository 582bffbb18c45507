"""A small bank to log in to: it checks a password and writes down who came.

For the demonstration and the tests. It listens on the loopback address alone,
reads its one account from standard input (``username:password``), keeps a scrypt
hash of the password and forgets the rest. It knows nothing of strongroom.

    POST /login    form fields username and password; answers with a session cookie
    GET  /balance  needs that cookie
"""

import argparse
import hashlib
import hmac
import json
import os
import sys
import urllib.parse
from datetime import datetime
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FORM_BYTES_MAX = 4096


class Bank(ThreadingHTTPServer):
    """One account, its sessions and the list of log-ins."""

    daemon_threads = True

    def __init__(self, account: str, port: int, log: str) -> None:
        super().__init__(("127.0.0.1", port), Visit)
        self.username, _, password = account.partition(":")
        self.salt = os.urandom(16)
        self.password_hash = self.hash(password)
        self.sessions: set[str] = set()
        self.log = log

    def hash(self, password: str) -> bytes:
        """scrypt, so that the bank does not keep the password itself."""
        return hashlib.scrypt(password.encode(), salt=self.salt, n=2**14, r=8, p=1)

    def accepts(self, username: str, password: str) -> bool:
        """Whether this is the account's name and password."""
        right_name = hmac.compare_digest(username.encode(), self.username.encode())
        return hmac.compare_digest(self.hash(password), self.password_hash) and right_name

    def record(self, username: str, outcome: str) -> None:
        """Write one line: when, who, what came of it."""
        # What a stranger typed stays out of the log: it may be a password in the wrong field.
        who = username if username == self.username else "somebody"
        with open(self.log, "a", encoding="utf-8") as log:
            log.write(f"{datetime.now():%H:%M:%S} {who} {outcome}\n")


class Visit(BaseHTTPRequestHandler):
    """One request."""

    server: Bank
    timeout = 20

    def do_POST(self) -> None:
        """Log in."""
        length = int(self.headers.get("Content-Length", "0"))
        if self.path != "/login" or length > FORM_BYTES_MAX:
            self.answer(404, {"error": "no such page"})
            return
        form = dict(urllib.parse.parse_qsl(self.rfile.read(length).decode()))
        username = form.get("username", "")
        if not self.server.accepts(username, form.get("password", "")):
            self.server.record(username, "refused: wrong username or password")
            self.answer(401, {"error": "wrong username or password"})
            return
        session = os.urandom(16).hex()
        self.server.sessions.add(session)
        self.server.record(username, "logged in")
        self.answer(200, {"welcome": username}, session)

    def do_GET(self) -> None:
        """Show the balance to whoever is logged in."""
        cookie = SimpleCookie(self.headers.get("Cookie", "")).get("session")
        if self.path != "/balance" or cookie is None or cookie.value not in self.server.sessions:
            self.answer(403, {"error": "log in first"})
            return
        self.answer(200, {"balance": "1,234.56"})

    def answer(self, status: int, body: dict[str, str], session: str = "") -> None:
        """Send *body* as JSON."""
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if session:
            self.send_header("Set-Cookie", f"session={session}; HttpOnly")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the log of log-ins is enough."""


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(description="a small bank on the loopback address")
    parser.add_argument("--port", type=int, default=0, help="default: any free one, printed on the first line")
    parser.add_argument("--log", required=True, help="file that gets one line for each log-in")
    options = parser.parse_args()
    bank = Bank(sys.stdin.readline().rstrip("\n"), options.port, options.log)
    print(f"http://127.0.0.1:{bank.server_port}", flush=True)
    bank.serve_forever()


if __name__ == "__main__":
    main()
