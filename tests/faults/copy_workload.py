"""Copies a vault, and says what came of it; killed meanwhile. See `strace`.

copy_workload.py SOURCE TARGET KEY_FILE
"""

from __future__ import annotations

import os
import sys

import strongroom
from strongroom.errors import StrongroomError
from strongroom.locate.copying import copy_vault
from strongroom.locate.opening import open_admitted
from strongroom.vault import copying


def main(source: str, target: str, key_file: str) -> None:
    # So that there are many commits.
    copying._BATCH_ROWS = 8
    try:
        # Whatever this machine believes since the last attempt.
        with open_admitted(source, key_file=key_file, admit=lambda _vault: None) as vault:
            copy_vault(vault, target, tell=lambda _line: None)
    except StrongroomError as error:
        os.write(1, f"refused {type(error).__name__}\n".encode())
    else:
        os.write(1, b"done\n")


if __name__ == "__main__":
    assert strongroom
    main(*sys.argv[1:])
