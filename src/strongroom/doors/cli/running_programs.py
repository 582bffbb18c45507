"""What `run` does: names gathered, values read, and the program started with them."""

from __future__ import annotations

import os

from strongroom.doors.cli import output
from strongroom.doors.cli.assignments import Assignments, check_carried, choose, read_env_file, read_words
from strongroom.doors.cli.executing import base_environment, code_of, execute, explain
from strongroom.doors.cli.exit_codes import EndedBySignal, UsageError
from strongroom.doors.cli.memory_descriptors import memory_descriptor, path_of
from strongroom.formats.references import BadReference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from strongroom.doors.cli.commands.run import Arguments
    from strongroom.formats.references import Reference
    from strongroom.formats.references_resolving import Wanted
    from strongroom.vault.vault import Vault


class Plan:
    """Who gets what, before any value is known.

    Attributes:
        variables: what goes into the environment.
        descriptors: name -> what its descriptor gives.
        paths: name -> what the file at its path holds.
    """

    def __init__(self, variables: Assignments, descriptors: dict[str, Wanted], paths: dict[str, Wanted]) -> None:
        self.variables = variables
        self.descriptors = descriptors
        self.paths = paths

    def wanted(self) -> list[Wanted]:
        """Every reference."""
        return [*self.variables.wanted.values(), *self.descriptors.values(), *self.paths.values()]


def plan(arguments: Arguments) -> Plan:
    """What the options and the files say; files are read here, and nowhere else.

    Raises: StrongroomError: they say nothing sensible, or a file was not allowed.
    """
    from strongroom.doors.cli.project_files import check_covered, check_shown, read_allowed
    from strongroom.formats.dotenv import DIALECTS

    if arguments.dialect not in DIALECTS:
        raise UsageError(f"--dialect takes {', '.join(DIALECTS)}")
    variables = Assignments()
    # The options first: a mistake in them shows before any file is looked at.
    named = read_words("--env", arguments.env)
    descriptors = read_words("--fd", arguments.fd, named)
    paths = read_words("--file", arguments.file, {**named, **descriptors})
    for place in arguments.env_file:
        data, allowed = read_allowed(place)
        found = read_env_file(place, data, arguments.dialect)
        check_shown(place, allowed, data, found.wanted.values())
        check_covered(place, allowed, [one.reference for one in found.wanted.values()])
        for name in (*found.wanted, *found.plain):
            variables.wanted.pop(name, None)
            variables.plain.pop(name, None)
        variables.wanted.update(found.wanted)
        variables.plain.update(found.plain)
    if arguments.only:
        choose(variables, arguments.only, arguments.env_file)
    for name in (*named, *descriptors, *paths):
        # What was typed goes before what a file says.
        variables.wanted.pop(name, None)
        variables.plain.pop(name, None)
    variables.wanted.update(named)
    return Plan(variables, descriptors, paths)


def start(planned: Plan, arguments: Arguments) -> int:
    """Read the values and become the program; with a mask, wait for it.

    Returns: the exit code of a program that could not be started, or that was waited for.
    Raises: StrongroomError: a value is missing; nothing was started.
    """
    from strongroom.doors.cli.supervising import masked_outputs

    is_masked = (arguments.mask or arguments.mask_all) and bool(masked_outputs())
    values, secrets = _read(planned, arguments, is_masked=is_masked)
    set_variables = {name: values[one.reference] for name, one in planned.variables.wanted.items()}
    check_carried(set_variables | planned.variables.plain)
    given = base_environment(is_clean=arguments.clean)
    given |= {os.fsencode(name): text for name, text in (planned.variables.plain | set_variables).items()}
    descriptors = {name: memory_descriptor(values[one.reference]) for name, one in planned.descriptors.items()}
    paths = {name: memory_descriptor(values[one.reference]) for name, one in planned.paths.items()}

    def environment(process: int) -> Mapping[bytes, bytes]:
        named = {name: str(number) for name, number in descriptors.items()}
        named |= {name: path_of(number, process) for name, number in paths.items()}
        return given | {name.encode("ascii"): text.encode("ascii") for name, text in named.items()}

    _close_key_descriptors(arguments)
    if is_masked:
        return _supervised(arguments, environment, secrets)
    error = execute(arguments.command, environment(os.getpid()))
    return _not_started(arguments.command[0], error.errno or 0)


def _read(planned: Plan, arguments: Arguments, *, is_masked: bool) -> tuple[dict[Reference, bytes], list[bytes]]:
    """The values, and what has to be masked."""
    from strongroom.formats.references_resolving import resolve

    wanted = planned.wanted()
    if not wanted and not arguments.mask_all:
        return {}, []
    from strongroom.doors.cli.opening import open_items

    with open_items(arguments) as vault:
        try:
            values = resolve(vault, wanted)
        except BadReference as error:
            raise UsageError(str(error)) from None
        secrets = list(values.values())
        if is_masked:
            secrets += _stored(vault, wanted) if wanted else []
            if arguments.mask_all:
                from strongroom.formats.scan_values import readable_items, secrets_in

                secrets += [value for item in readable_items(vault) for _, value in secrets_in(item)]
    if is_masked:
        _check_maskable(values, secrets)
    return values, secrets


def _stored(vault: Vault, wanted: list[Wanted]) -> list[bytes]:
    """The values as stored, and of JSON the texts in it: the child may decode what it is given."""
    from strongroom.formats.scan_values import values_in

    items = vault.get_many(list(dict.fromkeys(one.reference.path for one in wanted)))
    fields = [one.reference.field_of(items[one.reference.path]) for one in wanted]
    return [value for field in fields for value in (bytes(field.data), *values_in(field))]


def _check_maskable(values: Mapping[Reference, bytes], secrets: list[bytes]) -> None:
    from strongroom.formats.masking import VALUE_BYTES_MAX, VALUE_BYTES_MIN

    if any(len(value) > VALUE_BYTES_MAX for value in secrets):
        raise UsageError(f"a value of more than {VALUE_BYTES_MAX} bytes cannot be masked")
    short = dict.fromkeys(one.name for one, value in values.items() if len(value) < VALUE_BYTES_MIN)
    if short:
        output.note(f"not masked, because shorter than {VALUE_BYTES_MIN} bytes: {', '.join(short)}")


def _supervised(
    arguments: Arguments, environment: Callable[[int], Mapping[bytes, bytes]], secrets: list[bytes]
) -> int:
    from strongroom.doors.cli.supervising import supervise

    status, refused = supervise(arguments.command, environment, secrets)
    if refused:
        return _not_started(arguments.command[0], refused)
    if status < 0:
        raise EndedBySignal(-status)
    # Not returned: above 128 it would be taken for a signal's.
    os._exit(status)


def _not_started(command: str, number: int) -> int:
    message, advice = explain(command, number)
    output.note(message)
    output.hint(advice)
    return code_of(number)


def _close_key_descriptors(arguments: Arguments) -> None:
    """What opened the vault is not for the child."""
    for descriptor in (arguments.passphrase_fd, arguments.share_fd):
        if descriptor is not None and descriptor > 2:
            try:
                os.close(descriptor)
            except OSError:
                continue  # both options named the same one
