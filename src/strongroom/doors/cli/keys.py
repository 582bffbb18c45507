"""``strongroom key``: how keys come, change and go."""

from __future__ import annotations

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import OK, UsageError
from strongroom.doors.cli.opening import open_items
from strongroom.errors import NotFound
from strongroom.items import quoted_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from strongroom.doors.cli.commands.key import Arguments
    from strongroom.vault.named_keys.named_key import NamedKey
    from strongroom.vault.named_keys.named_keys import NamedKeys
    from strongroom.vault.named_keys.record import KeyVersion

_NEXT = {
    "staged": "when every program that decrypts has it: strongroom key rotate --promote {}",
    "promoted": "when nothing is read with older versions any more: strongroom key rotate --retire {}",
}


def key_of(keys: NamedKeys, arguments: Arguments) -> NamedKey:
    """The key that was named.

    Raises:
        NotFound: there is none.
        UsageError: nothing can have this name.
    """
    try:
        return keys.get(arguments.name or "")
    except ValueError as error:
        raise UsageError(str(error)) from None


def refuse(arguments: Arguments, *allowed: str) -> None:
    """Refuse options that the action does not take.

    Raises: UsageError: one is given.
    """
    takes = ("kind", "stage", "promote", "retire", "quiet", "version", "public", "private", "format", "max_age",
             "any_age", "associated_data", "raw", "parameters", "compliance", "overlap")  # fmt: skip
    for name in takes:
        if name not in allowed and getattr(arguments, name):
            shown = name.replace("_", "-")
            raise UsageError(f"key {arguments.action} takes no --{shown}", advice="strongroom key --help")


def number_of(arguments: Arguments) -> int:
    """The version that was named.

    Raises: UsageError: none was.
    """
    if arguments.version is None:
        shown = quoted_name(arguments.name or "")
        raise UsageError(f"key {arguments.action} needs --version N", advice=f"strongroom key show {shown}")
    return arguments.version


def _list(arguments: Arguments) -> int:
    refuse(arguments)
    with open_items(arguments) as vault:
        found = [vault.keys.get(name) for name in vault.keys]
        if arguments.json:
            output.json([_described(key) for key in found])
            return OK
        rows = [(key.name, key.kind, str(key.primary.number), key.phase, _day(key.primary.created)) for key in found]
    output.table(("NAME", "KIND", "VERSION", "PHASE", "SINCE"), rows, none="no keys yet: strongroom key create NAME")
    return OK


def _create(arguments: Arguments) -> int:
    refuse(arguments, "kind")
    with open_items(arguments) as vault:
        try:
            key = vault.keys.create(arguments.name or "", arguments.kind or "aead")  # type: ignore[arg-type]  # a choice
        except ValueError as error:
            raise UsageError(str(error)) from None
        return _shown(arguments, key, f"created the key {key.name} of kind {key.kind}")


def _show(arguments: Arguments) -> int:
    refuse(arguments)
    with open_items(arguments) as vault:
        key = key_of(vault.keys, arguments)
        if arguments.json:
            output.json(_described(key))
            return OK
        output.lines((f"name      {key.name}", f"kind      {key.kind}", f"phase     {key.phase}"))
        if key.min_decrypt_version > 1:
            output.line(f"decrypts  from version {key.min_decrypt_version} on")
        output.table(
            ("VERSION", "STATE", "CREATED", "PRIMARY FROM", "UNTIL", "ORIGIN"),
            [
                (
                    str(one.number),
                    "primary" if one.is_primary else one.state,
                    _day(one.created),
                    _day(one.primary_since),
                    _day(one.primary_until),
                    one.origin,
                )
                for one in key.versions
            ],
        )
        _say_next(key)
    return OK


def _rotate(arguments: Arguments) -> int:
    refuse(arguments, "stage", "promote", "retire", "quiet")
    if arguments.quiet is not None and not arguments.retire:
        raise UsageError("--quiet goes with --retire")
    with open_items(arguments) as vault:
        key = key_of(vault.keys, arguments)
        if arguments.retire:
            retired = ", ".join(str(one.number) for one in key.retire(quiet=arguments.quiet))
            return _shown(arguments, key, f"disabled version {retired} of {key.name}; key destroy removes it for good")
        if arguments.stage:
            return _shown(arguments, key, f"version {key.stage().number} of {key.name} decrypts from now on")
        version = key.promote() if arguments.promote else key.rotate()
        return _shown(arguments, key, f"version {version.number} of {key.name} is the primary now")


def _disable(arguments: Arguments) -> int:
    refuse(arguments, "version")
    number = number_of(arguments)
    with open_items(arguments) as vault:
        key = key_of(vault.keys, arguments)
        key.disable(number)
        return _shown(arguments, key, f"disabled version {number} of {key.name}")


def _enable(arguments: Arguments) -> int:
    refuse(arguments, "version")
    number = number_of(arguments)
    with open_items(arguments) as vault:
        key = key_of(vault.keys, arguments)
        key.enable(number)
        return _shown(arguments, key, f"enabled version {number} of {key.name}")


def _min(arguments: Arguments) -> int:
    refuse(arguments, "version")
    number = number_of(arguments)
    with open_items(arguments) as vault:
        key = key_of(vault.keys, arguments)
        try:
            key.set_min_decrypt_version(number)
        except ValueError as error:
            raise UsageError(str(error)) from None
        return _shown(arguments, key, f"{key.name} decrypts from version {number} on")


def _destroy(arguments: Arguments) -> int:
    from strongroom.doors.cli.inputs import confirm

    refuse(arguments, "version")
    with open_items(arguments) as vault:
        key = key_of(vault.keys, arguments)
        number = arguments.version
        what = f"the key {key.name}" if number is None else f"version {number} of the key {key.name}"
        if number is not None and number not in [one.number for one in key.versions]:
            raise NotFound(f"there is no {what}", advice=f"strongroom key show {quoted_name(key.name)}")
        if not confirm(arguments, f"Destroy {what}, and lose what was encrypted with it?"):
            output.note("nothing was destroyed")
            return OK
        if number is not None:
            key.destroy(number)
            return _shown(arguments, key, f"destroyed {what}")
        vault.keys.destroy(key.name)
        output.note(f"destroyed {what}")
    return OK


def _shown(arguments: Arguments, key: NamedKey, remark: str) -> int:
    if arguments.json:
        output.json(_described(key))
    else:
        output.note(remark)
        _say_next(key)
    return OK


def _say_next(key: NamedKey) -> None:
    if key.phase in _NEXT:
        output.hint(_NEXT[key.phase].format(quoted_name(key.name)))


def _described(key: NamedKey) -> dict[str, object]:
    return {
        "name": key.name,
        "kind": key.kind,
        "id": key.id.hex(),
        "phase": key.phase,
        "primary": key.primary.number,
        "min_decrypt_version": key.min_decrypt_version,
        "versions": [_described_version(version) for version in key.versions],
    }


def _described_version(version: KeyVersion) -> dict[str, object]:
    return {
        "number": version.number,
        "state": version.state,
        "origin": version.origin,
        "created": version.created.isoformat(),
        "primary_since": version.primary_since.isoformat() if version.primary_since else None,
        "primary_until": version.primary_until.isoformat() if version.primary_until else None,
        "public": version.public.hex() or None,
    }


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else "-"


ACTIONS: dict[str, Callable[[Arguments], int]] = {
    "list": _list,
    "create": _create,
    "show": _show,
    "rotate": _rotate,
    "disable": _disable,
    "enable": _enable,
    "min": _min,
    "destroy": _destroy,
}
