"""The steps of ``import``, from a file that was read to one that holds references, or none."""

from __future__ import annotations

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import UsageError
from strongroom.doors.cli.foreign_files import default_target
from strongroom.doors.cli.importing import CHANGED, Comparison, some
from strongroom.doors.cli.inputs import confirm, stdin_is_terminal
from strongroom.doors.cli.opening import checked_folder, open_items
from strongroom.errors import StrongroomError, VaultLocked, VaultNotFound, WouldPrompt
from strongroom.formats.interface import BadFile
from strongroom.formats.plan import Choice, lines_with_values, make_plan, with_references, with_template
from strongroom.items import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.doors.cli.foreign_files import ForeignFile
    from strongroom.doors.cli.import_arguments import ImportArguments

_LINES_SHOWN = 8


class Import:
    """One import: planned when it is made, and refused there if it could not be carried through.

    Raises: UsageError: a value has no place in a vault, or the file could not be rewritten as asked.
    """

    def __init__(self, file: ForeignFile, arguments: ImportArguments) -> None:
        self._file = file
        self._arguments = arguments
        self._lines_left: list[int] = []
        target = default_target(file) if arguments.to is None else checked_folder(arguments.to).strip("/")
        choice = Choice(
            every=arguments.all or file.holds_credentials_only, only=arguments.only, skip=arguments.skip
        )
        try:
            self.plan = make_plan(file.document, target, choice)
            self._new_text = self._rewritten()
        except BadFile as error:
            raise UsageError(f"{file.shown}: {error}") from None

    def _rewritten(self) -> bytes | None:
        """The file's new content, where it gets one."""
        arguments, file = self._arguments, self._file
        if not (arguments.replace or arguments.template or arguments.wipe):
            return None
        if file.path is None:
            raise UsageError(f"{file.shown} is no file that could be rewritten or removed")
        if arguments.wipe:
            if file.format == "python":
                raise UsageError(f"{file.shown} is a program, and --wipe would lose it", advice="--replace keeps it")
            if self.plan.lost:
                advice = "--all takes them, too; --replace keeps the file"
                raise UsageError(f"--wipe would lose {some(self.plan.lost)}", advice=advice)
            return None
        if file.read is None or not file.document.can_replace:
            raise UsageError(f"a {file.format} file has no place for references", advice="--wipe removes it")
        rewrite = with_references if arguments.replace else with_template
        data = rewrite(file.document, self.plan, file.read)
        self._lines_left = lines_with_values(data, self.plan)
        return data

    def show(self, comparison: Comparison | None) -> None:
        """The plan: a table and notes, or JSON."""
        shown = Comparison(self.plan, None) if comparison is None else comparison
        if not self._arguments.json:
            shown.show()
        elif comparison is None:
            output.json({**self._header(), **shown.to_json(), "stored": 0})

    def rehearse(self) -> int:
        """Show what would be done; a vault that cannot be opened is no obstacle."""
        try:
            with open_items(self._arguments) as vault:
                comparison = Comparison(self.plan, vault)
        except (VaultNotFound, VaultLocked, WouldPrompt) as error:
            comparison = Comparison(self.plan, None)
            output.note(f"not compared with the vault: {error}")
        if self._arguments.json:
            output.json({**self._header(), **comparison.to_json(), "stored": 0})
        else:
            comparison.show()
            self._say_what_is_left("will still hold")
            output.note("nothing was stored or changed")
        return 0

    def _say_what_is_left(self, holds: str) -> None:
        """Comments, and values that were not taken, may repeat one that was."""
        if self._lines_left:
            shown = ", ".join(map(str, self._lines_left[:_LINES_SHOWN]))
            more = f" and {len(self._lines_left) - _LINES_SHOWN} more" if len(self._lines_left) > _LINES_SHOWN else ""
            output.note(f"{self._file.shown} {holds} an imported value in line {shown}{more}: take it out by hand")

    def perform(self) -> int:
        """Do it."""
        arguments = self._arguments
        with open_items(arguments) as vault:
            comparison = Comparison(self.plan, vault)
            self.show(comparison)
            if not arguments.overwrite:
                comparison.refuse_changes()
            if not self._is_wanted(comparison):
                output.note("nothing was stored or changed")
                return 0
            try:
                stored = comparison.store(vault)
            except ValueError as error:
                # Too much in one item; the message names fields and limits only.
                raise UsageError(f"{self._file.shown} cannot be stored: {error}") from None
        count = len(comparison.states)
        there = f"; {count - stored:,} of the file's {count:,} were there already" if stored < count else ""
        output.note(f"stored {output.counted(stored, 'value')}{there}")
        self._finish()
        if arguments.json:
            output.json({**self._header(), **comparison.to_json(), "stored": stored})
        return 0

    def _is_wanted(self, comparison: Comparison) -> bool:
        """Ask, wherever there is somebody; what cannot be taken back needs a yes in any case."""
        arguments = self._arguments
        is_plain = not (arguments.replace or arguments.template or arguments.wipe or comparison.of(CHANGED))
        if is_plain and not stdin_is_terminal():
            return True
        count = len(comparison.states)
        then = " and put references into the file" if arguments.replace or arguments.template else ""
        then = " and remove the file" if arguments.wipe else then
        return confirm(arguments, f"Import {output.counted(count, 'value')}{then}?")

    def _finish(self) -> None:
        """What becomes of the file, now that the vault holds its values."""
        from strongroom.doors.cli.ignoring import look_after
        from strongroom.doors.cli.replacing import LIMITS, OldFile

        path = self._file.path
        if path is None:
            return
        if self._new_text is None and not self._arguments.wipe:
            look_after(path, self._arguments)
            return
        try:
            with OldFile(path, self._file.content) as old:
                if self._new_text is None:
                    old.remove()
                else:
                    old.replace(self._new_text)
        except StrongroomError:
            output.note("the values are in the vault; the file is as it was")
            raise
        output.note(f"{path} was removed" if self._new_text is None else f"{path} holds references now")
        self._say_what_is_left("still holds")
        output.note(LIMITS)
        self._next_step(path)

    def _next_step(self, path: str) -> None:
        """How the file is used now."""
        if self._arguments.template:
            output.hint(f"strongroom allow {quoted(path)}\nstrongroom render {quoted(path)} -o FILE")
        elif self._arguments.replace and self._file.format == "dotenv":
            output.hint(f"strongroom allow {quoted(path)}\nstrongroom run --env-file {quoted(path)} -- COMMAND")

    def _header(self) -> dict[str, object]:
        arguments = self._arguments
        done = "template" if arguments.template else "removed" if arguments.wipe else ""
        return {
            "source": self._file.shown,
            "format": self._file.format,
            "dry_run": arguments.dry_run,
            "file": "references" if arguments.replace else done or "unchanged",
        }
