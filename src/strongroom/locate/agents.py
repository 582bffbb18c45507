"""Finding the agent that holds a vault open, and going through it instead of asking for a key.

An agent that is locked, or a socket that one left behind, is no reason to fail while a key
lies at hand; but then nobody is asked: the error is VaultLocked and names the command.
"""

from __future__ import annotations

import os

from strongroom.errors import Denied, StoreUnavailable, VaultLocked, WouldPrompt
from strongroom.locate.addresses import VARIABLE as VAULT_VARIABLE
from strongroom.locate.agent_sockets import VARIABLE, candidates, may_serve, socket_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from strongroom.locate.expected import Expected
    from strongroom.remote.agent import RemoteVault
    from strongroom.vault.vault import Vault

_UNLOCK = "strongroom unlock"


def open_with_agent(place: str, *, is_named: bool, expected: Expected, directly: Callable[[bool], Vault]) -> Vault:
    """The vault at *place* through its agent; without one, as *directly* opens it.

    Args:
        place: from `find_location`.
        is_named: the caller said which vault; an agent of another one is then no use.
        expected: what the caller knows of the vault.
        directly: opens the vault in this process; is told whether it may ask a person.

    Raises:
        VaultLocked: the agent is locked or has ended, and no key was at hand.
        StrongroomError: as *directly*, and about the agent.
    """
    found = find_agent(place, is_named=is_named)
    if found is None:
        return directly(True)
    if isinstance(found, VaultLocked):
        try:
            return directly(False)
        except WouldPrompt:
            raise found from None
    expected.check(found, place)
    from strongroom.locate.asking import asker

    found.ask = asker()
    return found


def find_agent(
    place: str, *, is_named: bool, environment: Mapping[str, str] = os.environ
) -> RemoteVault | VaultLocked | None:
    """The agent of the vault at *place*.

    Args:
        place: from `find_location`.
        is_named: as in `open_with_agent`.
        environment: as `os.environ`.

    Returns: the vault through it; an error to raise when it is locked or has ended; None when there is none.
    Raises:
        Denied: a stranger listens in its place, or this user may not connect.
        StoreUnavailable: it does not answer.
    """
    named_socket = environment.get(VARIABLE, "")
    # Only a socket that was named can belong to another vault: the others have its name.
    is_checked = bool(named_socket) and (is_named or bool(environment.get(VAULT_VARIABLE, "")))
    gone: VaultLocked | None = None
    for path in candidates(place, environment):
        if not os.path.lexists(path):
            if named_socket:
                gone = VaultLocked(f"there is no agent at {path}, which {VARIABLE} names", advice=_UNLOCK)
            continue
        found = _ask(path, place, socket_id(place) if is_checked else "")
        if isinstance(found, VaultLocked):
            gone = gone or found
        elif found is not None:
            return found
    return gone


def _ask(path: str, place: str, vault_name: str) -> RemoteVault | VaultLocked | None:
    from strongroom.remote.agent import RemoteVault
    from strongroom.remote.connection import AgentClient, NoAgent

    client = AgentClient(path, trusts=lambda uid: may_serve(uid, path, place))
    headers = [("X-Strongroom-Vault", vault_name)] if vault_name else []
    try:
        head, _ = client.call("GET", "/v1/sys/health", headers)
    except NoAgent:
        return VaultLocked(f"the agent of {place} has ended and left its socket behind", advice=_UNLOCK)
    if head.status == 200:
        return RemoteVault(client, place, vault_name=vault_name)
    client.close()
    if head.status == 421:
        return None
    if head.status == 403:
        raise Denied(f"the agent at {path} does not answer you", advice="ask the vault's owner: strongroom grant add")
    if head.status != 503:
        raise StoreUnavailable(f"the agent at {path} answered {head.status}")
    return VaultLocked(f"the agent of {place} is locked", advice=_UNLOCK)
