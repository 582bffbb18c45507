"""The JavaScript implementation of SLIP-39: it combines our shares, and we combine its."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from strongroom.keys.slots.shares import ShareCollector, ShareSet, new_shares
from tests.peers import npm_package, require_programs

COMBINE = """
const Slip39 = require(process.argv[1] + '/src/slip39.js');
const shares = JSON.parse(require('fs').readFileSync(0));
console.log(Buffer.from(Slip39.recoverSecret(shares, '')).toString('hex'));
"""
SPLIT = """
const Slip39 = require(process.argv[1] + '/src/slip39.js');
const secret = Array.from(Buffer.from(JSON.parse(require('fs').readFileSync(0)), 'hex'));
const slip = Slip39.fromArray(secret, {
    passphrase: '', iterationExponent: 0, extendableBackupFlag: 1, threshold: 1, groups: [[3, 5, 'all']]});
console.log(JSON.stringify(slip.fromPath('r/0').mnemonics));
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package's directory."""
    require_programs("node")
    folder = tmp_path_factory.mktemp("slip39")
    with npm_package("slip39-0.1.9") as package:
        for name in ("src/slip39.js", "src/slip39_helper.js"):
            member = package.extractfile(f"package/{name}")
            assert member is not None
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(member.read())
    return folder


def node(script: str, library: Path, given: object) -> str:
    """What a script prints."""
    command = ["node", "-e", script, str(library)]
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(("threshold", "count"), [(2, 3), (3, 3), (5, 8)])
def test_it_combines_our_shares(library: Path, threshold: int, count: int) -> None:
    """To the secret of the slot."""
    credential, made = new_shares(threshold, count)
    words = [share.reveal() for share in made[-threshold:]]
    assert bytes.fromhex(node(COMBINE, library, words)) == credential.secret(credential.parameters)


def test_we_combine_its_shares(library: Path) -> None:
    """Five shares that it made; any three of them are ours to combine."""
    secret = os.urandom(32)
    mnemonics: list[str] = json.loads(node(SPLIT, library, secret.hex()))
    from shamir_mnemonic import Share

    share_set = ShareSet(Share.from_mnemonic(mnemonics[0]).identifier, 3, 5)
    for chosen in ((0, 1, 2), (4, 2, 0)):
        collector = ShareCollector([share_set.encode()])
        for number in chosen:
            collector.add(bytearray(mnemonics[number].encode()))
        assert collector.credential().secret(share_set.encode()) == secret
