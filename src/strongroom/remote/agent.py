"""`RemoteVault`: the methods of `Vault`, done by the agent that holds the keys. This process never has one.

What the two do is the same by test; what needs a key in this process is refused with the
words that help. Values are read as raw bytes, items as KV v2's JSON.
"""

from __future__ import annotations

from typing import overload

from strongroom.items import Item, ItemSettings, Version, parse_folder, parse_path
from strongroom.remote.calls import Calls, raw_target
from strongroom.remote.facts import Facts
from strongroom.remote.key_holder import KeyHolderOnly
from strongroom.remote.targets import quote
from strongroom.secret import SecretBytes, SecretStr
from strongroom.vault.asynchronous import AsyncTwins

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import timedelta
    from typing import Literal

    from strongroom.remote.connection import AgentClient
    from strongroom.vault.named_keys.named_keys import NamedKeys
    from strongroom.vault.values import FieldValue
    from strongroom.vault.vault import Vault as _Methods

    Versions = list[Version]
    Dated = list[tuple[str, Version]]
else:
    # For type checkers it is a `Vault`, whose signatures it has to honour; at run time that class
    # would load the cryptography that this one is there to spare.
    _Methods = AsyncTwins

_DATA = "/v1/secret/data/"
_METADATA = "/v1/secret/metadata/"
_MERGE_PATCH = (("Content-Type", "application/merge-patch+json"),)


class RemoteVault(Facts, KeyHolderOnly, _Methods):
    """A vault that an agent keeps open. Made by `strongroom.open`.

    Every method does what `strongroom.Vault`'s does, and may raise VaultLocked (the agent was locked or
    has ended), Denied (the vault's owner has not granted it) and StoreUnavailable beside that. Several
    threads may use one object, each over a connection of its own; so may a child process after a fork.
    Leaving it as a context manager ends the connections and leaves the agent as it is.

    Args:
        client: connected to the agent's socket when it is first used.
        location: the vault's, for messages.
        vault_name: the agent answers only if this names its vault; see docs/format.md#agent.

    Attributes:
        ask: as `Vault.ask`.
        notes: as `Vault.notes`.
    """

    honours_vault = True
    """`isinstance` of a `strongroom.Vault`, for who asks; see `Vault.__subclasshook__`."""

    def __init__(self, client: AgentClient, location: str, *, vault_name: str = "") -> None:
        self._calls = Calls(client, location, vault_name)
        self.ask = None
        self.notes = []
        # The agent compares the vault with its own anchor.
        self.anchor = None
        self._open_keys = []

    @overload
    def get(self, path: str, *, version: int | None = None, allow_expired: bool = False) -> Item: ...
    @overload
    def get(
        self, path: str, field: str, *, version: int | None = None, allow_expired: bool = False
    ) -> SecretStr | SecretBytes: ...
    @overload
    def get(
        self, path: str, field: str | None = None, *, version: int | None = None, allow_expired: bool = False
    ) -> Item | SecretStr | SecretBytes: ...
    def get(
        self, path: str, field: str | None = None, *, version: int | None = None, allow_expired: bool = False
    ) -> Item | SecretStr | SecretBytes:
        """See `Vault.get`; one field costs a fraction of a whole item."""
        if field is not None and version is None and not allow_expired:
            head, body = self._calls.read(path, field)
            return SecretBytes(body) if head.headers.get("x-strongroom-kind") == "bytes" else SecretStr(body)
        query = "" if version is None else f"&version={version}"
        if allow_expired:
            query += "&allow_expired=true"
        if field is None:
            from strongroom.remote import answers

            parse_path(path)
            return answers.item(path, self._calls.data("GET", f"{_DATA}{quote(path)}?{query[1:]}", what=path))
        head, body = self._calls.send("GET", raw_target(path, field) + query, what=path)
        return SecretBytes(body) if head.headers.get("x-strongroom-kind") == "bytes" else SecretStr(body)

    def get_many(self, paths: Iterable[str]) -> dict[str, Item]:
        """See `Vault.get_many`."""
        from strongroom.remote import answers

        wanted = list(paths)
        for path in wanted:
            parse_path(path)
        found = self._calls.data("POST", "/v1/strongroom/get-many", {"paths": wanted}, what="items")
        return answers.items(wanted, found)

    def list(self, prefix: str = "", *, deleted: bool = False) -> Iterator[str]:
        """See `Vault.list`."""
        from strongroom.remote import answers

        folder = "/".join((*parse_folder(prefix), ""))
        target = f"{_METADATA}{quote(folder)}?list=true&deleted={str(deleted).lower()}"
        return iter(answers.names(self._calls.data("GET", target, what=f"folder {prefix}"), "keys"))

    def walk(self, prefix: str = "", *, deleted: bool = False) -> Iterator[str]:
        """See `Vault.walk`."""
        from strongroom.remote import answers

        folder = "/".join((*parse_folder(prefix), ""))
        target = f"/v1/strongroom/walk?prefix={quote(folder)}&deleted={str(deleted).lower()}"
        return iter(answers.names(self._calls.data("GET", target, what=f"folder {prefix}"), "paths"))

    def history(self, path: str) -> Versions:
        """See `Vault.history`."""
        from strongroom.remote import answers

        parse_path(path)
        return answers.versions(self._calls.data("GET", "/v1/strongroom/history/" + quote(path), what=path))

    def expiring(self, within: timedelta, prefix: str = "") -> Dated:
        """See `Vault.expiring`."""
        from strongroom.remote import answers
        from strongroom.vault.spans import microseconds

        folder = "/".join((*parse_folder(prefix), ""))
        target = f"/v1/strongroom/expiring?prefix={quote(folder)}&within_us={microseconds(within)}"
        return answers.dated(self._calls.data("GET", target, what=f"folder {prefix}"))

    def set(
        self,
        path: str,
        fields: Mapping[str, FieldValue],
        *,
        cas: int | None = None,
        expires: timedelta | None = None,
        request_id: bytes | None = None,
    ) -> Version:
        """See `Vault.set`; it is sent a second time, with the same id, when the agent ends in the middle of it."""
        from strongroom.remote.fields import write_body

        parse_path(path)
        body = write_body(fields, cas=cas, lifetime=_lifetime(expires), request_id=_request_id(request_id))
        return self._calls.write("POST", _DATA + quote(path), body, what=path)

    def set_many(
        self, items: Mapping[str, Mapping[str, FieldValue]], *, request_id: bytes | None = None
    ) -> dict[str, Version]:
        """See `Vault.set_many`."""
        from strongroom.remote import answers
        from strongroom.remote.fields import write_bodies

        for path in items:
            parse_path(path)
        body = write_bodies(items, request_id=_request_id(request_id))
        return answers.written_many(self._calls.data("POST", "/v1/strongroom/set-many", body, what="items"))

    def patch(
        self,
        path: str,
        fields: Mapping[str, FieldValue],
        *,
        cas: int | None = None,
        expires: timedelta | Literal["never"] | None = None,
        create: bool = False,
        request_id: bytes | None = None,
    ) -> Version:
        """See `Vault.patch`."""
        from strongroom.remote.fields import write_body

        parse_path(path)
        body = write_body(
            {name: value for name, value in fields.items() if value is not None},
            cas=cas,
            lifetime="never" if expires == "never" else _lifetime(expires),
            request_id=_request_id(request_id),
            removed=[name for name, value in fields.items() if value is None],
            create=create,
        )
        return self._calls.write("PATCH", _DATA + quote(path), body, _MERGE_PATCH, what=path)

    def require(self, path: str, *fields: str) -> Item:
        """See `Vault.require`."""
        from strongroom.vault.requiring import require

        return require(self, path, fields)

    def restore(self, path: str, version: int | None = None, *, request_id: bytes | None = None) -> Version:
        """See `Vault.restore`."""
        parse_path(path)
        body = {"path": path, "version": version, "request_id": _request_id(request_id)}
        return self._calls.write("POST", "/v1/strongroom/restore", body, what=path)

    def delete(self, path: str, *, versions: Sequence[int] = ()) -> None:
        """See `Vault.delete`."""
        self._change_versions("delete", path, versions)

    def undelete(self, path: str, *, versions: Sequence[int] = ()) -> None:
        """See `Vault.undelete`."""
        self._change_versions("undelete", path, versions)

    def destroy(self, path: str, *, versions: Sequence[int] = ()) -> None:
        """See `Vault.destroy`."""
        self._change_versions("destroy", path, versions)

    def _change_versions(self, verb: str, path: str, versions: Sequence[int]) -> None:
        parse_path(path)
        if versions or verb == "undelete":
            self._calls.do("POST", f"/v1/secret/{verb}/{quote(path)}", {"versions": [*versions]}, what=path)
        else:
            self._calls.do("DELETE", (_DATA if verb == "delete" else _METADATA) + quote(path), what=path)

    def move(self, source: str, target: str) -> None:
        """See `Vault.move`."""
        parse = parse_folder if source[-1:] == "/" else parse_path
        if not parse(source) or not parse(target):
            raise ValueError("the top folder cannot be moved or replaced")
        self._calls.do("POST", "/v1/strongroom/move", {"source": source, "target": target}, what=source)

    def settings(self, path: str | None = None) -> ItemSettings:
        """See `Vault.settings`."""
        from strongroom.remote import answers

        if path is None:
            return answers.settings(self._calls.data("GET", "/v1/secret/config", what="vault"))
        parse_path(path)
        return answers.settings(self._calls.data("GET", _METADATA + quote(path), what=path))

    def configure(
        self,
        path: str | None = None,
        *,
        max_versions: int | None = None,
        cas_required: bool | None = None,
        delete_version_after: timedelta | None = None,
        custom_metadata: Mapping[str, str] | None = None,
        create: bool = False,
    ) -> None:
        """See `Vault.configure`."""
        if path is None and custom_metadata is not None:
            raise ValueError("the vault itself has no custom metadata")
        body: dict[str, object] = {
            "max_versions": max_versions,
            "cas_required": cas_required,
            "delete_version_after": None if delete_version_after is None else _seconds(delete_version_after),
            "custom_metadata": None if custom_metadata is None else dict(custom_metadata),
        }
        given = {name: setting for name, setting in body.items() if setting is not None}
        if path is not None:
            parse_path(path)
        target = "/v1/secret/config" if path is None else _METADATA + quote(path)
        self._calls.do("POST", target + ("?create=true" if create else ""), given, what=path or "vault")

    @property
    def keys(self) -> NamedKeys:
        """See `Vault.keys`; a key that is used comes into this process, and is let go of with this object."""
        from strongroom.vault.named_keys.named_keys import NamedKeys, wall_clock_us

        return NamedKeys(self, wall_clock_us, self._open_keys)

    @property
    def _reserved(self) -> RemoteVault:
        """This vault for what takes a `ReservedPath`: its requests say so (docs/service.md#reserved-paths)."""
        twin = RemoteVault.__new__(type(self))
        twin.__dict__.update(self.__dict__, _calls=self._calls.reserved())
        return twin

    def lock(self) -> None:
        """End this object's connections; the agent stays as it is, and ``strongroom lock`` locks it."""
        if self._open_keys:
            from strongroom.vault.named_keys.named_keys import close_all

            close_all(self._open_keys)
        self._calls.close()

    close = lock

    @property
    def is_locked(self) -> bool:
        """Whether this object was closed."""
        return self._calls.is_closed

    @property
    def location(self) -> str:
        """Where the vault lies, fit for messages."""
        return self._calls.location

    def __enter__(self) -> RemoteVault:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.lock()

    def __repr__(self) -> str:
        return f"<RemoteVault {self.location}{' (closed)' if self.is_locked else ''}>"

    def __reduce_ex__(self, _protocol: object) -> str:
        raise TypeError("a vault cannot be pickled; open it again")


def _request_id(given: bytes | None) -> str:
    from strongroom.crypto.entropy import random_bytes

    if given is not None and len(given) != 16:
        raise ValueError("a request id is 16 bytes")
    return (given or random_bytes(16)).hex()


def _lifetime(expires: timedelta | None) -> int | None:
    from strongroom.vault.spans import microseconds

    return None if expires is None else microseconds(expires)


def _seconds(span: timedelta) -> str:
    from strongroom.vault.spans import microseconds

    return f"{microseconds(span)}us"
