"""Who has photos at Kestrel, who is logged in, and which programs may look: all in memory, gone at the end.

Knows nothing of HTTP. Passwords are kept as scrypt hashes, tokens as SHA-256.
"""

import hashlib
import hmac
import os
import threading
from base64 import urlsafe_b64encode
from time import time

ACCESS_SECONDS = 300
CODE_SECONDS = 60
SCENES = ("sea", "hills", "night", "snow", "dunes", "forest")
PHOTOS = (
    ("Harbour at dusk", "sea"),
    ("First snow", "snow"),
    ("Above the valley", "hills"),
    ("Milky way, 20 seconds", "night"),
    ("The path to the lake", "forest"),
    ("Wind on the dunes", "dunes"),
    ("Lighthouse", "sea"),
    ("Larches in October", "hills"),
)


class Refused(Exception):
    """The answer is no; *error* is OAuth's word for why (RFC 6749, section 5.2)."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


class Account:
    """One customer."""

    def __init__(self, username: str, password: str) -> None:
        self.username = username
        self.visits: list[str] = []
        self.photos = list(PHOTOS[:4])
        self.set_password(password)

    def set_password(self, password: str) -> None:
        """From now on only this one is right."""
        self.salt = os.urandom(16)
        self.password_hash = self._hash(password)

    def accepts(self, password: str) -> bool:
        """Whether this is the password."""
        return hmac.compare_digest(self._hash(password), self.password_hash)

    def _hash(self, password: str) -> bytes:
        return hashlib.scrypt(password.encode(), salt=self.salt, n=2**12, r=8, p=1)


class Grant:
    """What a customer has allowed one program, until it is taken back."""

    def __init__(self, username: str, program: str, scope: str) -> None:
        self.username, self.program, self.scope = username, program, scope
        self.is_revoked = False
        self.refresh_token = b""


class Kestrel:
    """The whole service; every method may be called from any thread."""

    def __init__(self, accounts: dict[str, str]) -> None:
        self.accounts = {name: Account(name, password) for name, password in accounts.items()}
        self.sessions: dict[bytes, str] = {}
        self.codes: dict[bytes, tuple[Grant, str, str, float]] = {}
        self.refresh_tokens: dict[bytes, Grant] = {}
        self.access_tokens: dict[bytes, tuple[Grant, float]] = {}
        self.mutex = threading.Lock()

    def log_in(self, username: str, password: str, *, program: str) -> str:
        """A new session's token.

        Raises: Refused: wrong name or password.
        """
        account = self.accounts.get(username)
        if account is None or not account.accepts(password):
            if account is not None:
                account.visits.append(f"{program}: wrong password")
            raise Refused("invalid_credentials")
        account.visits.append(f"{program}: logged in with the password")
        token = new_token()
        self.sessions[fingerprint(token)] = username
        return token

    def who(self, token: str) -> Account | None:
        """Whose session or access token this is."""
        with self.mutex:
            name = self.sessions.get(fingerprint(token))
            grant, expires = self.access_tokens.get(fingerprint(token), (None, 0.0))
            if name is None and grant is not None and not grant.is_revoked and time() < expires:
                name = grant.username
                self.accounts[name].visits.append(f"{grant.program}: came with a token")
        return None if name is None else self.accounts[name]

    def log_out(self, token: str) -> None:
        """End a session."""
        self.sessions.pop(fingerprint(token), None)

    def grants_of(self, username: str) -> list[Grant]:
        """Which programs may look at the photos."""
        return [one for one in set(self.refresh_tokens.values()) if one.username == username and not one.is_revoked]

    def allow(self, account: Account, program: str, scope: str, *, redirect: str, challenge: str) -> str:
        """A code for the program, good once and for a minute."""
        code = new_token()
        grant = Grant(account.username, program, scope)
        self.codes[fingerprint(code)] = (grant, redirect, challenge, time() + CODE_SECONDS)
        return code

    def redeem(self, code: str, *, program: str, redirect: str, verifier: str) -> dict[str, object]:
        """Tokens for a code (RFC 6749, section 4.1.3; RFC 7636, section 4.6)."""
        with self.mutex:
            grant, where, challenge, expires = self.codes.pop(fingerprint(code), (None, "", "", 0.0))
            digest = hashlib.sha256(verifier.encode()).digest()
            made = urlsafe_b64encode(digest).rstrip(b"=").decode()
            if grant is None or time() > expires or grant.program != program or where != redirect or made != challenge:
                raise Refused("invalid_grant")
            return self._tokens(grant)

    def refresh(self, token: str, *, program: str) -> dict[str, object]:
        """New tokens for a refresh token, which is good once: one that comes again ends the grant (RFC 9700, 4.14)."""
        with self.mutex:
            grant = self.refresh_tokens.get(fingerprint(token))
            if grant is None or grant.program != program or grant.is_revoked:
                raise Refused("invalid_grant")
            if grant.refresh_token != fingerprint(token):
                grant.is_revoked = True
                raise Refused("invalid_grant")
            return self._tokens(grant)

    def revoke(self, token: str) -> None:
        """The program gives its grant back (RFC 7009)."""
        grant = self.refresh_tokens.get(fingerprint(token))
        if grant is not None:
            grant.is_revoked = True

    def disconnect(self, username: str, program: str) -> None:
        """The customer takes what was allowed back."""
        for grant in self.grants_of(username):
            if grant.program == program:
                grant.is_revoked = True

    def _tokens(self, grant: Grant) -> dict[str, object]:
        access, refresh = new_token(), new_token()
        self.access_tokens[fingerprint(access)] = (grant, time() + ACCESS_SECONDS)
        grant.refresh_token = fingerprint(refresh)
        self.refresh_tokens[grant.refresh_token] = grant
        answer: dict[str, object] = {"access_token": access, "token_type": "Bearer", "expires_in": ACCESS_SECONDS}
        return answer | {"refresh_token": refresh, "scope": grant.scope}


def new_token() -> str:
    """256 random bits."""
    return urlsafe_b64encode(os.urandom(32)).rstrip(b"=").decode()


def fingerprint(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).digest()
