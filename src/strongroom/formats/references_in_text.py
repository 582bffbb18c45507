"""Templates: a text with ``{{ strongroom://... }}`` in it. Bytes in, bytes out; all else stays as it is.

Source: docs/format.md#references
"""

from __future__ import annotations

import re

from strongroom.formats.references import BadReference, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

    from strongroom.formats.references import Reference

TEMPLATE_BYTES_MAX: Final = 4 * 1024 * 1024
_REFERENCES_MAX = 10_000
_BEGINNING = re.compile(rb"\{\{[ \t]*(?=strongroom:)")
_WHOLE = re.compile(rb"\{\{[ \t]*(strongroom:[^\s{}]{0,16384})[ \t]*\}\}")


class Template:
    """A template, read and checked.

    Args:
        data: at most `TEMPLATE_BYTES_MAX` bytes, in any encoding that has ASCII in it.

    Attributes:
        references: what it names, in order, each time that it does.
        lines: the number of the line of each.

    Raises: BadReference: too long, or something between braces is meant as a reference and is none.
    """

    def __init__(self, data: bytes | bytearray) -> None:
        if len(data) > TEMPLATE_BYTES_MAX:
            raise BadReference(f"a template has at most {TEMPLATE_BYTES_MAX} bytes")
        self._data = bytes(data)
        self._spans: list[tuple[int, int]] = []
        self.references: list[Reference] = []
        self.lines: list[int] = []
        line, counted = 1, 0
        for beginning in _BEGINNING.finditer(self._data):
            start = beginning.start()
            line, counted = line + self._data.count(b"\n", counted, start), start
            if len(self.references) == _REFERENCES_MAX:
                raise BadReference(f"a template has at most {_REFERENCES_MAX} references")
            self.references.append(self._reference(start, line))
            self.lines.append(line)

    def _reference(self, start: int, line: int) -> Reference:
        whole = _WHOLE.match(self._data, start)
        try:
            if whole is None:
                raise BadReference("the braces are not closed, or hold white space")
            self._spans.append(whole.span())
            return parse(whole[1].decode("utf-8"))
        except UnicodeDecodeError:
            raise BadReference(f"line {line}: the reference is not UTF-8") from None
        except BadReference as error:
            raise BadReference(f"line {line}: {error}") from None

    def fill(self, values: Mapping[Reference, bytes]) -> bytearray:
        """The text with values in the place of references.

        Args:
            values: one for each of `references`.

        Returns: the caller wipes it.
        """
        pieces: list[bytes] = []
        place = 0
        for (start, end), reference in zip(self._spans, self.references, strict=True):
            pieces += (self._data[place:start], values[reference])
            place = end
        pieces.append(self._data[place:])
        return bytearray().join(pieces)
