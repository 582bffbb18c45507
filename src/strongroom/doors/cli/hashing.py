"""What ``strongroom hash`` does: a hasher as the options say, a password, a stored string."""

from __future__ import annotations

import os

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import OK, UsageError
from strongroom.doors.cli.inputs import read_file, secret_line, stdin_is_terminal, terminal_for
from strongroom.secret import wipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.credentials.password_costs import Cost
    from strongroom.credentials.passwords import PasswordHasher
    from strongroom.doors.cli.commands.hash import Arguments

_KIB = 1_024
_MILLISECONDS = 250
_MEMORY_MIB = range(19, 2_049)


def new(arguments: Arguments) -> int:
    """Print the string of a new password."""
    _refuse_target(arguments)
    hasher = _hasher(arguments)
    password = _new_password()
    try:
        stored = hasher.hash(password)
    finally:
        wipe(password)
    if arguments.json:
        output.json({"hash": stored, "scheme": hasher.cost.scheme})
    else:
        output.line(stored)
    return OK


def verify(arguments: Arguments) -> int:
    """Say nothing on standard output; the exit code is the answer."""
    _refuse_target(arguments)
    hasher = _hasher(arguments)
    stored = _stored(arguments.file)
    is_outdated = hasher.needs_rehash(stored)  # Malformed: said before anybody types a password.
    password = secret_line("password")
    try:
        hasher.verify(password, stored)
    finally:
        wipe(password)
    if arguments.json:
        output.json({"scheme": hasher.describe(stored), "outdated": is_outdated})
        return OK
    output.note("the password fits")
    if is_outdated:
        output.hint("the string is outdated; a new one of the same password: strongroom hash")
    return OK


def describe(arguments: Arguments) -> int:
    """Print what made the string."""
    _refuse_target(arguments)
    hasher = _hasher(arguments)
    stored = _stored(arguments.file)
    described, is_outdated = hasher.describe(stored), hasher.needs_rehash(stored)
    if arguments.json:
        output.json({"scheme": described, "outdated": is_outdated})
    else:
        output.line(described + ("; outdated: replaced at its user's next login" if is_outdated else ""))
    return OK


def calibrate(arguments: Arguments) -> int:
    """Print the cost, as options of ``strongroom hash``."""
    from datetime import timedelta

    from strongroom.credentials.password_costs import Argon2idCost
    from strongroom.credentials.passwords import PasswordHasher

    if arguments.pepper or (arguments.memory, arguments.iterations, arguments.lanes) != (None, None, None):
        raise UsageError("calibrate finds the cost; it takes --milliseconds and --pbkdf2")
    target = timedelta(milliseconds=arguments.milliseconds or _MILLISECONDS)
    cost = PasswordHasher.calibrate(target, kind="pbkdf2" if arguments.pbkdf2 else "argon2id").cost
    if isinstance(cost, Argon2idCost):
        # Whole MiB, upwards: what is printed can be typed again.
        memory = -(-cost.memory_kib // _KIB)
        shown: dict[str, object] = {"memory_kib": memory * _KIB, "iterations": cost.iterations, "lanes": cost.lanes}
        words = f"--memory {memory} --iterations {cost.iterations} --lanes {cost.lanes}"
    else:
        shown = {"iterations": cost.iterations}
        words = f"--pbkdf2 --iterations {cost.iterations}"
    if arguments.json:
        output.json({"scheme": cost.scheme, **shown})
    else:
        output.line(words)
        output.note(str(cost))
    return OK


def _new_password() -> bytearray:
    """Typed twice on a terminal, else one line of standard input; how good it is, its program decides."""
    if not stdin_is_terminal():
        return secret_line("password")
    with terminal_for("password") as terminal:
        return terminal.ask_new("password")


def _hasher(arguments: Arguments) -> PasswordHasher:
    from strongroom.credentials.passwords import PasswordHasher

    cost = _cost(arguments)
    if arguments.pepper is None:
        return PasswordHasher(cost)
    from strongroom.credentials.peppers import peppers_of
    from strongroom.doors.cli.opening import open_items

    with open_items(arguments) as vault:
        try:
            peppers = peppers_of(vault.keys.get(arguments.pepper))
        except ValueError as error:
            raise UsageError(str(error)) from None
    return PasswordHasher(cost, peppers=peppers)


def _cost(arguments: Arguments) -> Cost:
    from strongroom.credentials.password_costs import Argon2idCost, Pbkdf2Cost

    try:
        if arguments.pbkdf2:
            if (arguments.memory, arguments.lanes) != (None, None):
                raise UsageError("--pbkdf2 takes neither --memory nor --lanes")
            return Pbkdf2Cost() if arguments.iterations is None else Pbkdf2Cost(iterations=arguments.iterations)
        if arguments.memory is not None and arguments.memory not in _MEMORY_MIB:
            raise UsageError(f"--memory takes {_MEMORY_MIB[0]} to {_MEMORY_MIB[-1]:,}, in MiB")
        given = {
            "memory_kib": None if arguments.memory is None else arguments.memory * _KIB,
            "iterations": arguments.iterations,
            "lanes": arguments.lanes,
        }
        return Argon2idCost(**{name: value for name, value in given.items() if value is not None})
    except ValueError as error:
        raise UsageError(str(error)) from None


def _refuse_target(arguments: Arguments) -> None:
    if arguments.milliseconds is not None:
        raise UsageError("--milliseconds goes with hash calibrate")


def _stored(path: str) -> str:
    if "$" in path and not os.path.lexists(path):
        raise UsageError(
            "FILE is a file that holds the stored string, not the string itself",
            advice="a command line is seen by others: write it into a file",
        )
    text = read_file(path)
    try:
        stored = text.decode("ascii").strip()
    except UnicodeDecodeError:
        raise UsageError(f"{path} holds no stored password: it is not ASCII") from None
    if not stored or "\n" in stored:
        raise UsageError(f"{path} does not hold one line with a stored password")
    return stored
