"""``strongroom render``: fill a template with values, and write a private file."""

from __future__ import annotations

import os

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import UsageError
from strongroom.doors.cli.interface import GlobalArguments
from strongroom.doors.cli.opening import open_items

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

    from strongroom.formats.references import Reference
    from strongroom.formats.references_in_text import Template

SUMMARY = "fill the references of a template, and write a private file"
WORDS = "TEMPLATE"
DETAILS = """\
A template is any text with {{ strongroom://PATH#FIELD }} in it; other braces are left
alone. ?as=json gives a JSON string with its quotes, ?as=url a part of a URL, ?as=base64
base64. It must have been allowed: strongroom allow TEMPLATE.
"""
EXAMPLES = """\
strongroom allow app.ini.template
strongroom render app.ini.template -o app.ini
"""


class Arguments(GlobalArguments):
    """What ``render`` was given."""

    template: str
    output: str | None = None


def add_options(parser: ArgumentParser) -> None:
    """Add ``--output``."""
    parser.add_argument("-o", "--output", metavar="FILE", help="write this file, with mode 0600, in one step")


def run(arguments: Arguments) -> int:
    """Read the template, then the values, then write."""
    from strongroom.doors.cli.project_files import check_covered, read_allowed
    from strongroom.formats.references import BadReference
    from strongroom.formats.references_in_text import Template
    from strongroom.formats.references_resolving import Wanted, resolve
    from strongroom.secret import wipe

    if arguments.json:
        raise UsageError("render has no JSON; ?as=json is for one value")
    if arguments.output == "":
        raise UsageError("--output takes a file")
    if arguments.output is not None:
        _check_output(arguments.output)
    data, allowed = read_allowed(arguments.template)
    try:
        template = Template(data)
        check_covered(arguments.template, allowed, template.references)
        values = {}
        if template.references:
            with open_items(arguments) as vault:
                values = resolve(vault, [Wanted(one, f"line {n}") for one, n in _first_lines(template)])
    except BadReference as error:
        raise UsageError(f"{arguments.template}: {error}") from None
    filled = template.fill(values)
    try:
        if arguments.output is None:
            output.value(filled)
        else:
            from strongroom.stores.files import replace_private

            replace_private(os.path.abspath(arguments.output), filled)
            output.note(f"wrote {arguments.output}: {len(template.references)} references filled")
    finally:
        wipe(filled)
    return 0


def _check_output(path: str) -> None:
    """Refuse what is no file: in its place root would put one, for everybody who uses /dev/null after that.

    Raises: UnsafePermissions: a device, a pipe, a socket, a directory, or a link to a descriptor.
    """
    import stat

    from strongroom.errors import UnsafePermissions

    try:
        is_file = stat.S_ISREG(os.stat(path).st_mode)
        is_descriptor = os.path.islink(path) and os.readlink(path).startswith("/proc/")
    except OSError:
        return  # there is nothing that could be lost
    if is_descriptor or not is_file:
        raise UnsafePermissions(
            f"{path} is not a regular file, and would be replaced by one",
            advice="without -o it goes to standard output: strongroom render TEMPLATE > PLACE",
        )


def _first_lines(template: Template) -> list[tuple[Reference, int]]:
    found: dict[Reference, int] = {}
    for reference, line in zip(template.references, template.lines, strict=True):
        found.setdefault(reference, line)
    return list(found.items())
