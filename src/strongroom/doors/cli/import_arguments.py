"""The words and options of ``import``: in a file of their own, for no statement can name a module called "import"."""

from __future__ import annotations

from strongroom.doors.cli.interface import GlobalArguments


class ImportArguments(GlobalArguments):
    """What ``import`` was given."""

    source: str
    to: str | None = None
    format: str | None = None
    dialect: str = "python-dotenv"
    source_key: str | None = None
    source_passphrase_fd: int | None = None
    all: bool = False
    only: list[str]
    skip: list[str]
    dry_run: bool = False
    overwrite: bool = False
    replace: bool = False
    template: bool = False
    wipe: bool = False

    def __init__(self) -> None:
        self.only = []
        self.skip = []
