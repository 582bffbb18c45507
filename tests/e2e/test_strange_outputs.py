"""Outputs that are no place for a file: nothing is replaced that was none, and nothing is written elsewhere."""

from __future__ import annotations

import socket
import stat

import pytest

from tests.e2e.conftest import Machine

IDENTITY = "AGE-SECRET-KEY-1N9JEPW6DWJ0ZQUDX63F5A03GX8QUW7PXDE39N8UYF82VZ9PC8UFS3M7XA9"
RECIPIENT = "age1lvyvwawkr0mcnnnncaghunadrqkmuf9e6507x9y920xxpp866cnql7dp2z"


@pytest.fixture
def filed(keyed: Machine) -> Machine:
    (keyed.home / "plan").write_bytes(b"the plan")
    (keyed.home / "id").write_text(IDENTITY)
    (keyed.home / "id").chmod(0o600)
    assert keyed.run("encrypt", "plan", "--recipient", RECIPIENT, "--output", "sealed.age").code == 0
    assert keyed.run("key", "create", "releases", "--kind", "signing").code == 0
    return keyed


COMMANDS = {
    "encrypt": ("encrypt", "plan", "--recipient", RECIPIENT),
    "decrypt": ("decrypt", "sealed.age", "--identity", "id"),
    "sign": ("sign", "plan", "--key", "releases"),
}


@pytest.mark.parametrize("verb", COMMANDS)
def test_a_socket_or_a_disk_is_not_replaced(filed: Machine, verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not with --force either: it would be gone, and a file of its name would stand there."""
    monkeypatch.chdir(filed.home)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("s")
        done = filed.run(*COMMANDS[verb], "--output", "s", "--force")
        assert (done.code, "s is no file" in done.err) == (10, True), done
        assert stat.S_ISSOCK((filed.home / "s").lstat().st_mode)


@pytest.mark.parametrize("verb", COMMANDS)
def test_an_empty_output_is_a_mistake(filed: Machine, verb: str) -> None:
    """Of a variable that is not set, such as --output "$OUT"; not the usual place, which was not meant."""
    before = {path.name for path in filed.home.iterdir()}
    done = filed.run(*COMMANDS[verb], "--output", "")
    assert (done.code, "--output is empty" in done.err) == (2, True), done
    assert {path.name for path in filed.home.iterdir()} == before
