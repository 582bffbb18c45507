"""Where the agent of a vault listens, and who may answer there."""

from __future__ import annotations

import os
import pwd
import sys
from pathlib import Path

import pytest

from strongroom.crypto.digest import sha256
from strongroom.errors import VaultNotFound
from strongroom.locate import agent_sockets

STRANGER = 54_321
NAME = sha256(b"/srv/vault.db").hex()[:16]


def test_one_socket_for_each_vault(tmp_path: Path) -> None:
    """A file is known by its real path, another store by its URL; both by the beginning of a SHA-256."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    name = agent_sockets.socket_id(str(tmp_path / "link" / "vault.db"))
    assert name == agent_sockets.socket_id(str(tmp_path / "real" / "vault.db"))
    assert name == sha256(os.fsencode(os.path.realpath(tmp_path / "real" / "vault.db"))).hex()[:16]
    assert agent_sockets.socket_id("postgres://db/x") == sha256(b"postgres://db/x").hex()[:16]


def test_an_interpreter_without_its_own_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Finds the same socket."""
    for module in ("_sha2", "_sha256"):
        monkeypatch.setitem(sys.modules, module, None)
    assert agent_sockets.socket_id("/srv/vault.db") == NAME


def test_where_a_client_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that is named alone; else this user's, wherever HOME points, then the system's."""
    monkeypatch.setattr(pwd, "getpwuid", lambda _uid: pwd.struct_passwd(("u", "x", 7, 7, "", "/home/u", "/bin/sh")))
    own = f"/home/u/.local/state/strongroom/agent/{NAME}.sock"
    system = f"{agent_sockets.SYSTEM_DIRECTORY}/{NAME}.sock"
    assert agent_sockets.candidates("/srv/vault.db", {"HOME": "/elsewhere"}) == (own, system)
    assert agent_sockets.socket_path("/srv/vault.db", {}) == own
    assert agent_sockets.candidates("/srv/vault.db", {agent_sockets.VARIABLE: "/run/x.sock"}) == ("/run/x.sock",)


def test_a_user_whom_the_password_database_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container: HOME has to say; without it there is no place."""

    def unknown(_uid: int) -> object:
        raise KeyError

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    place = agent_sockets.agent_directory({"HOME": "/home/container"})
    assert place == "/home/container/.local/state/strongroom/agent"
    with pytest.raises(VaultNotFound):
        agent_sockets.agent_directory({})


def test_the_link_in_the_session() -> None:
    """Only where the session has a directory."""
    assert agent_sockets.runtime_link("/srv/vault.db", {}) is None
    assert agent_sockets.runtime_link("/srv/vault.db", {"XDG_RUNTIME_DIR": "relative"}) is None
    link = agent_sockets.runtime_link("/srv/vault.db", {"XDG_RUNTIME_DIR": "/run/user/7"})
    assert link == f"/run/user/7/strongroom/{NAME}.sock"


class _Status:
    def __init__(self, uid: int, mode: int) -> None:
        self.st_uid, self.st_mode = uid, mode


# name: (owner and mode of /run, of /run/agent in it, of the vault's file or None, whether the stranger may serve)
SERVERS: dict[str, tuple[tuple[int, int], tuple[int, int] | None, tuple[int, int] | None, bool]] = {
    "the owner of the vault": ((0, 0o755), (0, 0o755), (STRANGER, 0o600), True),
    "a system agent": ((0, 0o755), (STRANGER, 0o755), None, True),
    "a directory for everybody": ((0, 0o755), (STRANGER, 0o757), None, False),
    "somebody else's directory": ((0, 0o755), (STRANGER + 1, 0o755), None, False),
    "a place where anybody makes directories": ((0, 0o1777), (STRANGER, 0o755), None, False),
    "a place of the stranger's": ((STRANGER, 0o755), (STRANGER, 0o755), None, False),
    "a directory that has gone": ((0, 0o755), None, (0, 0o600), False),
}


@pytest.mark.parametrize("case", SERVERS)
def test_who_may_serve(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The owner of the vault, or whom root gave the directory; a stranger's socket is not spoken to."""
    above, directory, vault, may = SERVERS[case]
    places = {"/": (0, 0o755), "/run": above, "/run/agent": directory, "/srv/vault.db": vault}

    def stat(path: str) -> _Status:
        found = places[path]
        if found is None:
            raise FileNotFoundError(path)
        return _Status(*found)

    monkeypatch.setattr(agent_sockets.os, "stat", stat)
    monkeypatch.setattr(agent_sockets.os.path, "realpath", lambda path: path)
    assert agent_sockets.may_serve(STRANGER, "/run/agent/x.sock", "/srv/vault.db") is may
    assert agent_sockets.may_serve(STRANGER, "/run/agent/x.sock", "postgres://db/x") is (may and vault is None)


def test_this_user_and_root_may_serve() -> None:
    """Whatever the directories say."""
    for uid in (0, os.geteuid()):
        assert agent_sockets.may_serve(uid, "/nowhere/x.sock", "/nowhere/vault.db")
