"""What a command is: a module with these names. Nothing is registered by importing it."""

from __future__ import annotations

from typing import Protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser


class GlobalArguments:
    """The options of every command; a command's ``Arguments`` adds its own words and options."""

    vault: str | None = None
    key_file: str | None = None
    passphrase_fd: int | None = None
    identity: str | None = None
    share_fd: int | None = None
    expect_counter: int | None = None
    expect_vault: str | None = None
    use_agent: bool = True
    json: bool = False
    yes: bool = False


class Command(Protocol):
    """One verb: it parses, calls one core function and prints through `output`."""

    SUMMARY: str
    """One line, lower case, no full stop."""

    WORDS: str
    """The words it takes, such as ``PATH [FIELD]``."""

    DETAILS: str
    """What ``--help`` adds below the options; may be empty. `help_pages.lay_out` says how it is laid out."""

    EXAMPLES: str
    """Command lines that work when they are copied; a line that begins with ``#`` says what the next one does."""

    @property
    def Arguments(self) -> type[GlobalArguments]:
        """The class that holds its words and options."""

    def add_options(self, parser: ArgumentParser) -> None:
        """Add its own options to *parser*."""

    def run(self, arguments: GlobalArguments) -> int:
        """Do it and return the exit code."""
