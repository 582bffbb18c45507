"""One request under way: who asks, for what, whether it is allowed, and what the audit log will say."""

from __future__ import annotations

from strongroom.errors import Denied, NotFound
from strongroom.items import RESERVED_MARK, ReservedPath, parse_folder, parse_path
from strongroom.service.json_text import Member, members_of_body
from strongroom.service.refusals import Refused
from strongroom.vault.change import ChangeContext
from strongroom.vault.history import is_repetition
from strongroom.vault.policy import OWNER, decide

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from strongroom.items import ItemSettings
    from strongroom.service.interface import Keeper, Request
    from strongroom.vault.policy import Decision, Principal
    from strongroom.vault.vault import Vault


class Call:
    """One request with all that is needed to answer it.

    Attributes:
        operation: what the audit log calls it.
        touched: path -> names of fields, for the audit log; set before anything is read or written.
    """

    __slots__ = (
        "is_owner", "keeper", "now_us", "operation", "owner_uid", "principal", "request", "request_id", "touched",
    )  # fmt: skip

    def __init__(
        self, request: Request, principal: Principal, keeper: Keeper, owner_uid: int, now_us: int, request_id: str
    ) -> None:
        self.request = request
        self.principal = principal
        self.keeper = keeper
        self.owner_uid = owner_uid
        self.is_owner = principal.uid == owner_uid
        self.now_us = now_us
        self.request_id = request_id
        self.operation = ""
        self.touched: dict[str, tuple[str, ...]] = {}

    @property
    def is_strict(self) -> bool:
        """Whether the client wants the vault's own behaviour where KV v2's is another one.

        Then a deletion of nothing is an error, an empty folder has an empty list, a merge replaces whole
        fields, and errors come in the vault's words.
        """
        return "x-strongroom-strict" in self.request.headers

    @property
    def vault(self) -> Vault:
        """The open vault.

        Raises: VaultLocked: it is locked.
        """
        return self.keeper.vault

    def body(self) -> dict[str, Member]:
        """The members of the JSON object in the body; see `members_of_body`."""
        return members_of_body(self.request.body)

    def decide(self, components: tuple[str, ...], capability: str) -> Decision:
        """The decision of the policy; see `vault.policy.decide`."""
        if self.is_owner:
            return OWNER
        return decide(
            self.vault.grants(), self.principal, self.owner_uid, components, capability, self.now_us
        )

    def named(self, path: str) -> str:
        """*path* as the client means it: reserved only where its own header says so (docs/service.md)."""
        return ReservedPath(path) if "x-strongroom-reserved" in self.request.headers else path

    def item(self, path: str, *capabilities: str) -> str:
        """*path*, named in the audit log, when the principal has one of *capabilities* there.

        Raises:
            Denied: it has none of them.
            Refused: the path names no item.
        """
        self.touched.setdefault(path, ())
        components = self._components(path)
        if not any(self.decide(components, capability).allowed for capability in capabilities):
            raise denied()
        return path

    def may(self, path: str, capability: str) -> bool:
        """Whether the principal has *capability* for the item at *path*, which was parsed before."""
        return self.is_owner or self.decide(_parsed(path), capability).allowed

    def demand(self, path: str, capability: str) -> None:
        """Raise Denied unless the principal has *capability* at *path*, which `item` has let through."""
        if not self.may(path, capability):
            raise denied()

    def _components(self, path: str) -> tuple[str, ...]:
        try:
            return parse_path(path)
        except ValueError as error:
            raise Refused(400, str(error)) from None

    def folder(self, prefix: str) -> str:
        """*prefix* in its form with a slash at the end (or ``""``), when the principal may list it.

        Raises:
            Denied: it may not.
            Refused: the prefix names no folder.
        """
        try:
            components = parse_folder(prefix)
        except ValueError as error:
            raise Refused(400, str(error)) from None
        shown = type(prefix)("/".join((*components, "")))
        self.touched.setdefault(shown or "/", ())
        if not self.decide((*components, ""), "list").allowed:
            raise denied()
        return shown

    def may_see(self, path: str) -> bool:
        """Whether a list may show *path*: nothing denies it. A folder ends with a slash.

        To list a folder is one decision; a denial further down is another, and is not bypassed by it.
        """
        if self.is_owner:
            return True
        components = (*_parsed(path[:-1]), "") if path.endswith("/") else _parsed(path)
        return not any(
            "deny" in grant.capabilities and grant.is_for(self.principal) and grant.covers(components)
            for grant in self.vault.grants()
        )

    def may_list_item(self, path: str) -> bool:
        """Whether a walk may show the item at *path*: its folder may be listed, and nothing denies the item."""
        if self.is_owner:
            return True
        components = _parsed(path)
        return self.decide((*components[:-1], ""), "list").allowed and self.may_see(path)

    def has_grants(self) -> bool:
        """Whether the principal may do anything at all, somewhere, at this time."""
        return self.is_owner or any(
            grant.is_for(self.principal)
            and "deny" not in grant.capabilities
            and not 0 < grant.expires_us <= self.now_us
            and not grant.is_narrowed_from(self.principal)
            for grant in self.vault.grants()
        )

    def some_grant(self) -> None:
        """Raise Denied for who may do nothing at all, where a request names nothing to decide about.

        Its success would count as use of the vault, and keep it open.
        """
        if not self.has_grants():
            raise denied()

    def shown_settings(self, path: str) -> ItemSettings | None:
        """The settings of the item at *path* for an answer that a write gives too; None without the right to read."""
        return self.vault.settings(path) if self.may(path, "read") else None

    def owner_only(self) -> None:
        """Raise Denied for everybody but the owner."""
        if not self.is_owner:
            raise denied()

    def writing(self, request_id: bytes | None = None) -> AbstractContextManager[object]:
        """A transaction whose versions and audit entry name the principal, when it is not the owner."""
        block = self.vault.transaction(request_id=request_id)
        if not self.is_owner and isinstance(block, ChangeContext):
            block.author = str(self.principal)
        return block

    def check_write(self, path: str, *capabilities: str) -> None:
        """Inside a transaction: whether the principal may write at *path*, whether or not there is an item.

        Args:
            capabilities: which of ``create``, ``update`` and ``deposit`` allow it; a deposit may do both.

        Raises: Denied: it may not.
        """
        if self.is_owner or ("deposit" in capabilities and self.may(path, "deposit")):
            return
        needed = "update" if exists(self.vault, path) else "create"
        change = self.vault._core.change
        if needed == "update" and change is not None and is_repetition(change, self.vault._core, path):
            # Its own request again, of which the answer was lost: nothing is written, and nothing more is allowed.
            needed = "create"
        if needed not in capabilities or not self.may(path, needed):
            raise denied()


def _parsed(path: str) -> tuple[str, ...]:
    """The components of a path that was let in before, or that the vault itself gave."""
    return parse_path(ReservedPath(path) if path[:1] == RESERVED_MARK else path)


def denied() -> Denied:
    """The one denial; it does not say whether there is anything."""
    return Denied("permission denied", advice="ask the vault's owner: strongroom grant add")


def exists(vault: Vault, path: str) -> bool:
    """Whether there is, or was, an item at *path*."""
    try:
        vault.history(path)
    except NotFound:
        return False
    return True
