"""What a scan found: as lines, as JSON, as SARIF 2.1.0. Names and places; no value, and no line that holds one."""

from __future__ import annotations

from strongroom.doors.cli import output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_RULE = "vault-value"


class Leak:
    """One value in one place.

    Attributes:
        file: the file, as it is shown.
        line, column: from 1; line 0 is the file's own name.
        name: ``PATH#FIELD`` of the vault, or another tool's rule.
        form: how it stands there, such as ``base64``.
        commit: the oldest commit that has it, and its date; empty outside the history.
        tool: who found it.
    """

    __slots__ = ("column", "commit", "file", "form", "line", "name", "tool")

    def __init__(
        self, file: str, line: int, column: int, name: str, form: str, *, commit: str = "", tool: str = "strongroom"
    ) -> None:
        self.file = file
        self.line = line
        self.column = column
        self.name = name
        self.form = form
        self.commit = commit
        self.tool = tool

    def text(self) -> str:
        """One line, for people."""
        where = f"{self.file}:{self.line}" if self.line else f"{self.file} (its name)"
        history = f", commit {self.commit}" if self.commit else ""
        by = "" if self.tool == "strongroom" else f" [{self.tool}]"
        return f"{where}: {self.name} ({self.form}){history}{by}"

    def shown(self) -> dict[str, object]:
        """Ready for JSON."""
        return {
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "name": self.name,
            "form": self.form,
            "commit": self.commit or None,
            "tool": self.tool,
        }


class Report:
    """All that a scan has to say.

    Attributes:
        skipped: names of what was not looked for.
        unread: files that could not be read, and why.
    """

    def __init__(self) -> None:
        self.leaks: list[Leak] = []
        self.skipped: list[str] = []
        self.unread: list[tuple[str, str]] = []
        self.items = self.values = self.count = self.length = 0
        self.what = "files"


def write_text(report: Report) -> None:
    """One line for each leak."""
    output.lines(leak.text() for leak in report.leaks)


def write_json(report: Report) -> None:
    """One object."""
    output.json(
        {
            "findings": [leak.shown() for leak in report.leaks],
            "looked_for": {"items": report.items, "values": report.values, "skipped": report.skipped},
            "scanned": {
                report.what.replace(" ", "_"): report.count,
                "bytes": report.length,
                "unread": [{"file": file, "reason": reason} for file, reason in report.unread],
            },
        }
    )


def write_sarif(report: Report) -> None:
    """A log with one run, for code scanning."""
    output.json(sarif(report.leaks, skipped=report.skipped, unread=report.unread))


def sarif(
    leaks: Sequence[Leak], *, skipped: Sequence[str] = (), unread: Sequence[tuple[str, str]] = ()
) -> dict[str, object]:
    """The log as `json.dumps` takes it.

    Source: SARIF 2.1.0, OASIS standard of 27 March 2020, sections 3.13, 3.14, 3.20, 3.27 and 3.58.
    """
    from strongroom import __version__

    notes = [f"not looked for: {name}" for name in skipped] + [f"not read: {file}: {why}" for file, why in unread]
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "strongroom",
                        "version": __version__,
                        "rules": [
                            {
                                "id": _RULE,
                                "shortDescription": {"text": "A value of the vault in plain sight"},
                                "help": {"text": "Change the value at its service; then take it out of the file."},
                                "defaultConfiguration": {"level": "error"},
                            }
                        ],
                    }
                },
                "invocations": [
                    {
                        "executionSuccessful": not unread,
                        "toolExecutionNotifications": [{"level": "note", "message": {"text": one}} for one in notes],
                    }
                ],
                "results": [_result(leak) for leak in leaks],
                "columnKind": "unicodeCodePoints",
            }
        ],
    }


def _result(leak: Leak) -> dict[str, object]:
    location: dict[str, object] = {"artifactLocation": {"uri": _uri(leak.file), "uriBaseId": "%SRCROOT%"}}
    if leak.line:
        location["region"] = {"startLine": leak.line, "startColumn": leak.column}
    shown: dict[str, object] = {
        "ruleId": _RULE if leak.tool == "strongroom" else f"{leak.tool}/{leak.name}",
        "level": "error",
        "message": {"text": f"{leak.name} ({leak.form})" + (f", commit {leak.commit}" if leak.commit else "")},
        "locations": [{"physicalLocation": location}],
    }
    if leak.tool == "strongroom":
        shown["ruleIndex"] = 0
    return shown


def _uri(file: str) -> str:
    from urllib.parse import quote

    return quote(file.encode("utf-8", "surrogateescape"), safe="/-._~")
