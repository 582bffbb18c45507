"""The plain ``get``, read off the argument list without argparse.

Whatever is not plain is left to `arguments`, which understands the same words in the
same way; a test holds the two together.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from strongroom.doors.cli.commands.get import Arguments

_WITH_VALUE = {"--vault": "vault", "--key-file": "key_file", "--identity": "identity"}


def read_get(words: Sequence[str]) -> Arguments | None:
    """The arguments of ``get PATH [FIELD]`` with ``--vault``, ``--key-file``, ``--identity``, ``--no-agent`` anywhere.

    Returns: None for every other command line, also for a wrong one.
    """
    plain: list[str] = []
    options: dict[str, str | bool] = {}
    position = 0
    while position < len(words):
        word = words[position]
        position += 1
        if not word.startswith("-"):
            plain.append(word)
            continue
        name, equals, given = word.partition("=")
        if word == "--no-agent":
            options["use_agent"] = False
        elif name not in _WITH_VALUE:
            return None
        elif equals:
            options[_WITH_VALUE[name]] = given
        elif position < len(words) and not words[position].startswith("-"):
            options[_WITH_VALUE[name]] = words[position]
            position += 1
        else:
            return None
    if len(plain) not in (2, 3) or plain[0] != "get":
        return None
    from strongroom.doors.cli.commands.get import Arguments

    arguments = Arguments()
    arguments.path = plain[1]
    arguments.field = plain[2] if len(plain) == 3 else None
    for attribute, setting in options.items():
        setattr(arguments, attribute, setting)
    return arguments
