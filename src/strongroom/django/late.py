"""The names of a package that are imported when they are first asked for (PEP 562).

A settings module imports such a package before Django, and what it offers, can be.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def late_names(
    package: dict[str, object], homes: Mapping[str, str]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """``__getattr__`` and ``__dir__`` of a package.

    Args:
        package: its ``globals()``.
        homes: module -> the names that come from it, with blanks between.
    """
    home_of = {name: home for home, names in homes.items() for name in names.split()}

    def getattribute(name: str) -> object:
        if name not in home_of:
            raise AttributeError(f"module {package['__name__']!r} has no attribute {name!r}")
        # The interpreter's own import function: importlib.import_module would load importlib.
        value: object = getattr(__import__(home_of[name], fromlist=[name]), name)
        package[name] = value
        return value

    return getattribute, lambda: sorted({*package, *home_of})
