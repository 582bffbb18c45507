"""``python -m strongroom``: the command line, for where the script is not on PATH."""

from __future__ import annotations

from strongroom.doors.cli import main

if __name__ == "__main__":
    main()
