"""The vault of the user whose request is being answered."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.utils.functional import LazyObject, empty

from strongroom.django.user_vaults import sessions, vaults
from strongroom.django.user_vaults.handle import UserVaultHandle
from strongroom.django.user_vaults.marks import changes
from strongroom.django.user_vaults.unlocked import UnlockedVault
from strongroom.errors import Tampered
from strongroom.secret import wipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any
    from uuid import UUID

    from django.http import HttpRequest, HttpResponse

ATTACHED = "_strongroom_unlocked"
"""Where a backend leaves the vault that it opened, on the user."""


class RequestVault(UserVaultHandle):
    """``request.user_vault``: opened out of session and cookie when it is first needed.

    Args:
        request: its user may change while it lasts, by a log-in.
    """

    __slots__ = (
        "_asked_for", "_bound", "_cookie", "_drops_cookie", "_must_keep", "_request", "_tried", "_was_revealed",
    )  # fmt: skip

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(None)
        self._request = request
        self._bound = self._session_name()
        self._cookie = sessions.read_cookie(request)
        self._tried = False
        self._must_keep = False
        self._drops_cookie = False
        self._asked_for: Any = None

    @property
    def was_revealed(self) -> bool:
        """Whether the answer may hold a value."""
        return self._was_revealed

    @was_revealed.setter
    def was_revealed(self, is_so: bool) -> None:
        self._was_revealed = is_so
        if is_so:
            # How Django's cache of views is told not to keep an answer: its decorators see it before the middleware.
            self._request._cache_update_cache = False

    @property
    def user(self) -> Any:
        """Who is logged in."""
        return getattr(self._request, "user", None)

    @property
    def id(self) -> UUID | None:
        """The vault's id; None when there is none yet."""
        self._leave_others()
        if self._is_looked_up and self._asked_for != getattr(self.user, "pk", None):
            self._is_looked_up = False
        self._asked_for = getattr(self.user, "pk", None)
        return super().id

    def unlocked(self) -> UnlockedVault:
        """The open vault, out of this request, its log-in or its session.

        Raises: KeyUnavailable: the password has to be given again, or nobody is logged in.
        """
        self.open_now()
        self._leave_others()
        if self._unlocked is None:
            self._take_attached()
        return super().unlocked()

    def take(self, unlocked: UnlockedVault) -> None:
        """Hold an open vault of this user, and keep it for the next request."""
        super().take(unlocked)
        self._tried = True
        self._must_keep = True

    def open_now(self) -> None:
        """Open the vault out of the session already; without the browser's key nobody is asked."""
        if self._unlocked is None and not self._tried:
            self._tried = True
            self._load()

    def bound_anew(self) -> None:
        """What the kept key is bound to has changed: keep it anew."""
        self._must_keep = True

    @changes
    def forget(self) -> None:
        """Wipe the key, here and in the session, unless the session is that of somebody else than the request."""
        super().forget()
        self._must_keep = False
        self._tried = True
        attached = self._attached()
        if attached is not None:
            attached.wipe()
        if self._is_anothers_session():
            return
        session = getattr(self._request, "session", None)
        if session is not None and sessions.ENTRY in session:
            del session[sessions.ENTRY]
        self._drops_cookie = self._cookie is not None

    def logged_in(self, user: Any) -> None:
        """Take over what the backend opened, or lock what another user had open."""
        attached = detached(user)
        if attached is None:
            if self._unlocked is not None and self._unlocked.user != str(user.pk):
                self.forget()
            return
        self.take(attached)

    def settle(self, response: HttpResponse) -> None:
        """Write down what the next request needs, before the session is saved."""
        if self._has_new_name():
            self.open_now()
        if self._unlocked is not None and (self._must_keep or self._has_new_name()):
            if response.status_code >= 500:
                # Django saves no session then: the browser keeps the key of the one before.
                return
            if self._is_logged_in():
                self._keep(response)
            elif not self._is_anothers_session():
                self.forget()
                sessions.delete_cookie(response)
        elif self._unlocked is not None and self._cookie is not None and settings.SESSION_SAVE_EVERY_REQUEST:
            # It lives as long as the session, whose cookie is prolonged too.
            sessions.set_cookie(response, self._cookie, self._request)
        elif self._drops_cookie:
            sessions.delete_cookie(response)

    def close(self) -> None:
        """Wipe what this request held; the session is left as it is."""
        super().forget()
        if self._cookie is not None:
            wipe(self._cookie)
            self._cookie = None

    def __exit__(self, *_exc: object) -> None:
        """The request forgets the key, when it ends."""

    def _leave_others(self) -> None:
        """Wipe the key of whoever the request was for before: an API takes a name and a password in the view.

        The session is left as it is: it may be that of the one before, who goes on with the next request.
        """
        if self._unlocked is not None and (not self._is_known() or self._unlocked.user != str(self.user.pk)):
            super().forget()
            self._must_keep = False

    def _is_known(self) -> bool:
        return bool(getattr(self.user, "is_authenticated", False))

    def _load(self) -> None:
        """Open the vault out of session and cookie; whatever does not fit leaves it locked.

        Without a cookie nobody is asked, not even who the user is: an asynchronous view can not wait for that here.
        """
        if self._cookie is None or not self._is_known():
            return
        entry = self._request.session.get(sessions.ENTRY)
        user = str(self.user.pk)
        try:
            now = None if entry is None else vaults.bound_now(self.user)
            if now is None:
                return
            place = sessions.place(now.vault_id, now.generation, user, now.password, self._bound)
            key = sessions.unwrap(entry, self._cookie, place)
        except Tampered:
            # Left as it is: a cookie that somebody put there shall not delete what another one opens.
            return
        super().take(UnlockedVault(now.vault_id, user, now.generation, key))

    def _take_attached(self) -> None:
        """Take what a backend has opened for who sends the password with each request: for this one, not to be kept."""
        attached = self._attached()
        if attached is not None:
            super().take(attached)

    def _attached(self) -> UnlockedVault | None:
        user = self.user
        # Whoever has not been asked for yet was not let in by a password in this request.
        if user is None or (isinstance(user, LazyObject) and user._wrapped is empty):
            return None
        return detached(user)

    def _keep(self, response: HttpResponse) -> None:
        unlocked = self.unlocked()
        session = self._request.session
        if session.session_key is None:
            session.save()
        # What lies in the database now: the transaction that changed it may have been rolled back.
        now = vaults.bound_now(self.user)
        if now is None or now.vault_id != unlocked.vault_id or now.generation > unlocked.generation:
            # It was given up, its user deleted, or the keys of all sessions dropped by another one meanwhile.
            self.forget()
            sessions.delete_cookie(response)
            return
        place = sessions.place(now.vault_id, now.generation, unlocked.user, now.password, sessions.binding(session))
        # A new one each time: what somebody put into the browser, or copied from it before, opens nothing.
        cookie = self._new_cookie()
        entry = sessions.wrap(unlocked.user_key, cookie, place)
        unlocked.check_open()
        session[sessions.ENTRY] = entry
        sessions.set_cookie(response, cookie, self._request)
        self._bound = self._session_name()

    def _new_cookie(self) -> bytearray:
        if self._cookie is not None:
            wipe(self._cookie)
        self._cookie = sessions.new_cookie()
        self._drops_cookie = False
        return self._cookie

    def _is_logged_in(self) -> bool:
        """Whether the session says so too: it may have been flushed, or never been one."""
        return self._is_known() and str(self._request.session.get(SESSION_KEY)) == str(self.user.pk)

    def _is_anothers_session(self) -> bool:
        """Whether somebody is logged in who is not the request's user."""
        session = getattr(self._request, "session", None)
        said = None if session is None else session.get(SESSION_KEY)
        if said is None:
            return False
        # A user who was deleted in this request has no key any more, and is nobody else.
        return not self._is_known() or (self.user.pk is not None and str(said) != str(self.user.pk))

    def _session_name(self) -> str:
        session = getattr(self._request, "session", None)
        return "" if session is None else sessions.binding(session)

    def _has_new_name(self) -> bool:
        return self._session_name() != self._bound


def attach(user: Any, unlocked: UnlockedVault) -> None:
    """Leave an open vault on a user whom a backend returns."""
    setattr(user, ATTACHED, unlocked)


def detached(user: Any) -> UnlockedVault | None:
    """Take it from there."""
    found: UnlockedVault | None = getattr(user, ATTACHED, None)
    if found is not None:
        delattr(user, ATTACHED)
    return found
