"""Replaces DIRECTORY/file, as `import --replace` does once the vault holds its values. Words: replace DIRECTORY."""

import os
import sys

from strongroom.doors.cli.replacing import OldFile
from strongroom.errors import StrongroomError

OLD = b"PASSWORD=canary\n" * 5_000
NEW = b"PASSWORD='strongroom://shop/env#PASSWORD'\n" * 5_000


def main(path: str) -> None:
    try:
        with OldFile(path, OLD) as old:
            old.replace(NEW)
    except StrongroomError as error:
        os.write(1, f"{type(error).__name__}\n".encode())
    else:
        os.write(1, b"done\n")


if __name__ == "__main__":
    main(os.path.join(sys.argv[2], "file"))
