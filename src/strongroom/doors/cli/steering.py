"""Variables with which a file can have programs run other code than their own: said before it is allowed."""

from __future__ import annotations

import re

TYPE_CHECKING = False

# The dynamic linker's, the shells', the interpreters', git's and ssh's; and what many programs start.
_STEERING = re.compile(
    r"PATH|HOME|ENV|IFS|PS4|SHELL|SHELLOPTS|BASHOPTS|BASH_ENV|PROMPT_COMMAND|ZDOTDIR|XDG_[A-Z_]+"
    r"|EDITOR|VISUAL|PAGER|MANPAGER|BROWSER"
    r"|(LD|DYLD|STRONGROOM|NPM_CONFIG|LUA)_[A-Z0-9_]+|GCONV_PATH|GLIBC_TUNABLES|LOCPATH"
    r"|(PYTHON|PERL5?|RUBY)[A-Z0-9]*|NODE_(OPTIONS|PATH)|CLASSPATH|(_JAVA|JAVA_TOOL|JDK_JAVA)_OPTIONS|PHP_INI_SCAN_DIR"
    r"|GIT_(SSH|CONFIG|EXTERNAL|PAGER|EDITOR|SEQUENCE|EXEC|TEMPLATE|PROXY|ASKPASS|DIR)[A-Z0-9_]*|SSH_(ASKPASS|AUTH_SOCK)"
    r"|MAKEFLAGS|MAKEFILES|GOFLAGS|RUSTC_WRAPPER|CC|CXX",
    re.IGNORECASE,
)


def variables_that_steer(data: bytes | bytearray) -> list[str]:
    """Those names that *data* sets as a dotenv file, in whichever dialect it is read."""
    from strongroom.errors import FormatUnsupported
    from strongroom.formats.dotenv import DIALECTS, read
    from strongroom.formats.interface import BadFile

    found: dict[str, None] = {}
    for dialect in DIALECTS:
        try:
            document = read(data, dialect=dialect)
        except (BadFile, FormatUnsupported):
            continue  # in this dialect it cannot be used either
        found.update((entry.keys[-1], None) for entry in document.entries if _STEERING.fullmatch(entry.keys[-1]))
    return list(found)
