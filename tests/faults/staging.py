"""Carrying out one attack, and what must be true afterwards."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

from strongroom.errors import StrongroomError
from strongroom.vault.vault import Vault
from tests.faults.attacks import Act, Scene, attacker, findings, look, opened


class Attack:
    """One way to change the file.

    Attributes:
        kind: how the finding begins: swapped, changed, deleted, inserted, duplicated, rolled back.
        victims: each must be named by such a finding.
        mentions: may be named as well; nobody else may be.
        stale: paths that may show values which they had earlier (docs/threat-model.md).
    """

    def __init__(
        self,
        name: str,
        act: Act,
        kind: str,
        *victims: str,
        mentions: tuple[str, ...] = (),
        stale: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.act = act
        self.kind = kind
        self.victims = victims
        self.mentions = mentions
        self.stale = stale


@cache
def _original(base: Path) -> Scene:
    return Scene(Path(tempfile.mkdtemp(prefix="strongroom-attacks-", dir=base)))


def scene_for(directory: Path) -> Scene:
    """A victim of its own for one test; making one takes longer than copying it.

    Args:
        directory: of the test; the first victim stays beside it, and goes when the test run's directory does.
    """
    return _original(directory.parent).copy(directory)


def stage(attack: Attack, directory: Path, scene: Scene | None = None) -> None:
    """Attack beside an open vault; look with that one and with a fresh one, before and after a write.

    Args:
        scene: another victim than the usual one.
    """
    scene = scene or scene_for(directory)
    with opened(scene.file, scene.credential) as standing:
        look(standing, scene)
        assert findings(standing) == ()
        with attacker(scene.file) as db:
            attack.act(db, scene)
        _judge(attack, standing, scene)
        _judge(attack, standing, scene)
    try:
        with opened(scene.file, scene.credential) as fresh:
            _judge(attack, fresh, scene)
            _write(fresh)
            assert findings(fresh), "a write made the attack invisible"
            look(fresh, scene, stale=attack.stale)
    except StrongroomError:
        assert attack.kind.endswith(("header", "slot", "tables")), "a fresh reader could not open the vault"


def _judge(attack: Attack, vault: Vault, scene: Scene) -> None:
    look(vault, scene, stale=attack.stale)
    found = findings(vault)
    assert found, "nothing was found"
    for victim in attack.victims or ("",):
        assert any(line.startswith(attack.kind) and victim in line for line in found), (victim, found)
    innocent = {*scene.truth, *scene.past} - {*attack.victims, *attack.mentions}
    blamed = [line for line in found if any(path in line for path in innocent)]
    assert not blamed, found


def _write(vault: Vault) -> None:
    """An honest write elsewhere; it may be refused."""
    with suppress(StrongroomError):
        vault.set("fresh", {"password": "x"})
        vault.destroy("fresh")
