"""A three-way merge of lines, as diff3 does it: what only one side changed is taken, the rest is a conflict. Pure."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    # Lines that both agree on, or what base, ours and theirs have instead.
    Piece = tuple[list[str], None] | tuple[None, tuple[list[str], list[str], list[str]]]

OURS, THEIRS = "ours", "theirs"


def merged_pieces(base: Sequence[str], ours: Sequence[str], theirs: Sequence[str]) -> Iterator[Piece]:
    """The merge, piece after piece."""
    at_base = at_ours = at_theirs = 0
    for base_line, ours_line, theirs_line, length in [
        *_common(base, ours, theirs),
        (len(base), len(ours), len(theirs), 0),
    ]:
        before = list(base[at_base:base_line])
        mine, yours = list(ours[at_ours:ours_line]), list(theirs[at_theirs:theirs_line])
        if mine == yours or yours == before:
            yield mine, None
        elif mine == before:
            yield yours, None
        else:
            # What both sides made alike at either end is no part of the conflict, as git has it.
            head = _alike(mine, yours)
            tail = _alike(mine[head:][::-1], yours[head:][::-1])
            yield mine[:head], None
            yield None, (before, mine[head : len(mine) - tail], yours[head : len(yours) - tail])
            yield mine[len(mine) - tail :], None
        at_base, at_ours, at_theirs = base_line + length, ours_line + length, theirs_line + length
        yield list(base[base_line:at_base]), None


def _alike(ours: Sequence[str], theirs: Sequence[str]) -> int:
    """How many lines at the beginning are the same."""
    count = 0
    for mine, yours in zip(ours, theirs, strict=False):
        if mine != yours:
            break
        count += 1
    return count


def _common(
    base: Sequence[str], ours: Sequence[str], theirs: Sequence[str]
) -> Iterator[tuple[int, int, int, int]]:
    """Where all three agree: places in each, and the number of lines."""
    from difflib import SequenceMatcher

    mine = SequenceMatcher(None, base, ours, autojunk=False).get_matching_blocks()
    yours = SequenceMatcher(None, base, theirs, autojunk=False).get_matching_blocks()
    first = second = 0
    while first < len(mine) and second < len(yours):
        base_mine, at_mine, length_mine = mine[first]
        base_yours, at_yours, length_yours = yours[second]
        start = max(base_mine, base_yours)
        end = min(base_mine + length_mine, base_yours + length_yours)
        if start < end:
            yield start, at_mine + start - base_mine, at_yours + start - base_yours, end - start
        if base_mine + length_mine < base_yours + length_yours:
            first += 1
        else:
            second += 1


def merge_texts(base: str, ours: str, theirs: str, *, prefer: str = "") -> str | None:
    """The merged text.

    Args:
        prefer: where both sides changed the same place, put both there: ``ours`` or ``theirs`` first; ``""``: neither.

    Returns: None when they did, and nothing is preferred, or one of them took lines away there.
    """
    done: list[str] = []
    for agreed, conflict in merged_pieces(*(_lines(one) for one in (base, ours, theirs))):
        if agreed is not None:
            done += agreed
        elif conflict is not None:
            before, mine, yours = conflict
            if not prefer or before:
                return None
            done += [*mine, *yours] if prefer == OURS else [*yours, *mine]
    return "".join(done)


def marked(base: str, ours: str, theirs: str, names: tuple[str, str]) -> str:
    """The merged text with git's marks around what both sides changed.

    Args:
        names: what the marks say behind them, for ours and for theirs.
    """
    done: list[str] = []
    for agreed, conflict in merged_pieces(*(_ended(_lines(one)) for one in (base, ours, theirs))):
        if agreed is not None:
            done += agreed
        elif conflict is not None:
            _, mine, yours = conflict
            done += [f"<<<<<<< {names[0]}\n", *mine, "=======\n", *yours, f">>>>>>> {names[1]}\n"]
    return "".join(done)


def _lines(text: str) -> list[str]:
    # Not splitlines(): what else Unicode calls a line's end stands inside of values.
    parts = text.split("\n")
    return [part + "\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def _ended(lines: list[str]) -> list[str]:
    """A mark never stands behind the end of an unended line."""
    return [*lines[:-1], lines[-1].rstrip("\n") + "\n"] if lines else []
