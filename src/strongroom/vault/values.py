"""From what a program hands over to the fields that are stored. Pure."""

from __future__ import annotations

from strongroom.items import FIELD_NAME_BYTES_MAX, Field, check_name, is_secret_name
from strongroom.secret import SecretBytes, SecretStr

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Json = str | int | float | bool | None | Sequence["Json"] | Mapping[str, "Json"]
    FieldValue = bytes | bytearray | SecretStr | SecretBytes | Field | Json


def to_field(name: str, value: FieldValue) -> Field:
    """The stored form of one value.

    A plain ``str`` or number is secret when `is_secret_name` says so; `SecretStr`, bytes
    and JSON containers always are; a `Field` says so itself. None is refused: it is what a
    look-up that found nothing returns. JSON's null is ``Field(name, "json", b"null", is_secret=False)``.

    Raises:
        TypeError: a value that is neither text, bytes, a secret nor JSON; None.
        ValueError: a name that `check_name` refuses, NaN or an infinity.
    """
    if not isinstance(name, str):
        raise TypeError("a field name is a str")
    check_name(name, "field name", FIELD_NAME_BYTES_MAX)
    if isinstance(value, SecretStr):
        return Field(name, "text", value.reveal_buffer().tobytes(), is_secret=True)
    if isinstance(value, str):
        return Field(name, "text", _utf8(name, value), is_secret=is_secret_name(name))
    if isinstance(value, SecretBytes):
        return Field(name, "bytes", value.reveal_buffer().tobytes(), is_secret=True)
    if isinstance(value, bytes | bytearray | memoryview):
        return Field(name, "bytes", bytes(value), is_secret=True)
    if isinstance(value, Field):
        _check_field(name, value)
        return value
    if value is None:
        raise TypeError(f"the value of {name!r} is None; leave the field out")
    is_container = isinstance(value, list | tuple | dict)
    return Field(name, "json", _json(name, value), is_secret=is_container or is_secret_name(name))


def _check_field(name: str, field: Field) -> None:
    if field.name != name:
        raise ValueError(f"the field {field.name!r} was given under the name {name!r}")
    if field.kind not in ("text", "bytes", "json"):
        raise ValueError(f"the field {name!r} is neither text, bytes nor JSON")
    if not isinstance(field.data, bytes | bytearray):
        raise TypeError(f"the data of the field {name!r} is bytes, also for text")
    if field.kind != "bytes":
        try:
            field.data.decode("utf-8")
        except UnicodeDecodeError:
            # `from None`: the cause holds the value.
            raise ValueError(f"the field {name!r} is not UTF-8; store it as bytes") from None


def to_fields(values: Mapping[str, FieldValue]) -> dict[str, Field]:
    """The stored form of all *values*, in their order."""
    return {name: to_field(name, value) for name, value in values.items()}


def _utf8(name: str, value: str) -> bytes:
    try:
        return value.encode("utf-8")
    except UnicodeEncodeError:
        # `from None`: the cause holds the value.
        raise ValueError(f"the value of {name!r} holds lone surrogates; store it as bytes") from None


def _json(name: str, value: Json) -> bytes:
    import json  # 10 ms that text and bytes need not pay

    try:
        return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        # `from None`: the cause's message may quote the value.
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"the value of {name!r} is neither text, bytes, a secret nor JSON") from None
