"""A program of another user with a key that it was granted, through a system agent; others get nothing."""

from __future__ import annotations

import os
import pwd
import subprocess
from pathlib import Path

from tests.agents import AgentUnderTest, open_vault
from tests.e2e import test_system_agent
from tests.e2e.test_system_agent import AGENT, CLIENT, STRANGER, place, start  # noqa: F401 - a fixture

pytestmark = test_system_agent.pytestmark

PROGRAM = """
import sys
import strongroom
from strongroom.fernet import Keyring
vault = strongroom.open(sys.argv[1])
for name in ("granted", "other"):
    try:
        key = vault.keys[name]
        print(name, key.kind, key.decrypt(bytes.fromhex(sys.argv[2])).decode())
    except strongroom.Denied:
        print(name, "denied")
try:
    vault.keys["granted"].rotate()
except strongroom.Denied:
    print("no rotation")
try:
    print(list(vault.keys))
except strongroom.Denied:
    print("no list")
"""


def run_as(user: str, agent: AgentUnderTest, root: Path, message: bytes) -> tuple[list[str], str]:
    entry = pwd.getpwnam(user)
    python = test_system_agent.python_for_everybody() or ""
    done = subprocess.run(
        [python, "-c", PROGRAM, str(root / "vault" / "vault.db"), message.hex()],
        env={"PYTHONPATH": str(root / "modules"), "STRONGROOM_AGENT_SOCKET": str(agent.socket), "PATH": "/bin"},
        capture_output=True, text=True, timeout=60, cwd="/", user=entry.pw_uid, group=entry.pw_gid, extra_groups=[],
    )  # fmt: skip
    return done.stdout.splitlines(), done.stderr


def test_a_grant_of_a_key_is_the_key_and_no_more(place: Path) -> None:  # noqa: F811
    """Decryption under an older version is noted in the grantee's name; a star grants no key."""
    directory = place / "vault"
    for path in (directory, *directory.iterdir()):
        os.chown(path, 0, 0)
    (place / "keys" / "key").rename(directory / "key")
    with open_vault(directory) as vault:
        uid, stranger = (pwd.getpwnam(name).pw_uid for name in (CLIENT, STRANGER))
        message = vault.keys.create("granted").encrypt(b"data")
        vault.keys["granted"].rotate()
        vault.keys.create("other")
        uses = ["@uses/granted/*"]
        vault.add_grant("key", "user", uid, {"read": ["@keys/granted"], "create": uses, "update": uses})
        vault.add_grant("everything", "user", stranger, {"read": ["**"], "list": ["**"], "update": ["**"]})
    (directory / "key").rename(place / "keys" / "key")
    entry = pwd.getpwnam(AGENT)
    for path in (directory, *directory.iterdir()):
        os.chown(path, entry.pw_uid, entry.pw_gid)
    directory.chmod(0o711)  # whose vault it is, a client asks before it believes an agent
    with start(place) as agent:
        assert agent.is_ready, agent.process.stderr and agent.process.stderr.read()
        shown, errors = run_as(CLIENT, agent, place, message)
        assert shown == ["granted aead data", "other denied", "no rotation", "no list"], errors
        assert errors == ""
        shown, errors = run_as(STRANGER, agent, place, message)
        assert shown == ["granted denied", "other denied", "no rotation", "no list"], errors
    for path in (directory, *directory.iterdir()):
        os.chown(path, 0, 0)
    (place / "keys" / "key").rename(directory / "key")
    with open_vault(directory) as vault:
        from strongroom.items import ReservedPath

        (use,) = vault._reserved.history(ReservedPath("@uses/granted/1"))
        assert use.author == f"uid {uid}"
        vault.verify()
