"""Whose signatures are accepted: signers files, and the files of single public keys. Pure.

A signers file is OpenSSH's ``allowed_signers``, in which minisign keys may stand too:

    releases@example.org namespaces="file" valid-before="20270101Z" ssh-ed25519 AAAA...
    releases@example.org valid-after="20261122Z" minisign RWQ...

So two keys of one signer may be good at the same time, while one takes over from the other.
Source: ssh-keygen(1), ALLOWED SIGNERS; docs/format.md#signatures.
"""

from __future__ import annotations

from strongroom.credentials import minisign, ssh_keys
from strongroom.credentials.minisign import MinisignKey
from strongroom.credentials.ssh_keys import SshPublicKey
from strongroom.errors import Denied, Expired, FormatUnsupported

SIGNERS_BYTES_MAX = 1_048_576
MINISIGN = "minisign"
_UNTRUSTED = "untrusted comment:"
_DIGITS = (8, 12, 14)


class Signer:
    """One public key, and what it is good for.

    Attributes:
        principals: who signs with it, as patterns; ``"*"`` when only a key was given.
        key: an SSH or a minisign public key.
        namespaces: what SSH signatures of it may be for, as patterns; empty for anything.
        valid_after, valid_before: seconds since 1970, or None.
    """

    __slots__ = ("key", "namespaces", "principals", "valid_after", "valid_before")

    def __init__(
        self,
        principals: str,
        key: SshPublicKey | MinisignKey,
        *,
        namespaces: str = "",
        valid_after: int | None = None,
        valid_before: int | None = None,
    ) -> None:
        self.principals = principals
        self.key = key
        self.namespaces = namespaces
        self.valid_after = valid_after
        self.valid_before = valid_before

    def admit(self, now: float, namespace: str = "") -> None:
        """Go on when the key is good at *now*, and for *namespace*.

        Raises:
            Expired: before or after its time.
            Denied: for other namespaces only.
        """
        if self.valid_after is not None and now < self.valid_after:
            raise Expired(f"the key of {self.principals} is not valid yet; it is from {show_time(self.valid_after)} on")
        if self.valid_before is not None and now > self.valid_before:
            raise Expired(f"the key of {self.principals} was valid until {show_time(self.valid_before)}")
        if namespace and self.namespaces and not matches(namespace, self.namespaces):
            raise Denied(f"the key of {self.principals} does not sign for the namespace {namespace}")

    def line(self) -> str:
        """Its line of a signers file, without the newline."""
        options = []
        if self.namespaces:
            options.append(f'namespaces="{self.namespaces}"')
        if self.valid_after is not None:
            options.append(f'valid-after="{_stamp(self.valid_after)}"')
        if self.valid_before is not None:
            options.append(f'valid-before="{_stamp(self.valid_before)}"')
        if isinstance(self.key, MinisignKey):
            key = f"{MINISIGN} {self.key.encode()}"
        else:
            key = ssh_keys.public_line(self.key.ed25519())
        return " ".join([_quoted(self.principals), *([",".join(options)] if options else []), key])


def parse_signers(data: bytes) -> list[Signer]:
    """Read a signers file, or a public key of minisign's or SSH's.

    Args:
        data: at most 1 MiB. Keys of kinds that are not known here are passed over.

    Raises: ValueError: a line is malformed, or there is no key at all.
    """
    if len(data) > SIGNERS_BYTES_MAX:
        raise ValueError("a signers file has at most 1 MiB")
    try:
        # Not splitlines(): what else Unicode calls a line's end stands in comments, and would end them here alone.
        lines = data.decode("utf-8").split("\n")
    except UnicodeDecodeError:
        raise ValueError("a signers file is UTF-8 text") from None
    found: list[Signer] = []
    passed_over = 0
    bare: list[int] = []
    for number, line in enumerate((line.replace("\t", " ").strip(" \r") for line in lines), 1):
        if not line or line.startswith(("#", _UNTRUSTED)):
            continue
        try:
            alone = _parse_bare(_words(line))
            if alone is not None:
                bare.append(number)
            found.append(alone or _parse_line(line))
        except FormatUnsupported:
            passed_over += 1
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from None
    if 0 < len(bare) < len(found) + passed_over:
        # Beside lines that say whose their keys are it would be everybody's.
        raise ValueError(f"line {bare[0]}: it does not begin with a principal, and other lines do")
    if not found:
        raise ValueError("it holds no public key that is known here" if passed_over else "it holds no public key")
    return found


def _words(line: str) -> list[str]:
    """What blanks separate, which are OpenSSH's and not all of Unicode's."""
    return [word for word in line.split(" ") if word]


def _parse_bare(words: list[str]) -> Signer | None:
    """The key of a public key file; None when the line begins with something else."""
    if len(words) == 1:
        return Signer("*", minisign.parse_key(words[0]))
    return Signer("*", ssh_keys.parse_public(words)) if words[0] in ssh_keys.KINDS else None


def _parse_line(line: str) -> Signer:
    principals, rest = _take_word(line)
    if not principals:
        raise ValueError("it does not begin with a principal")
    options: dict[str, str] = {}
    first = rest.partition(" ")[0]
    if first not in (MINISIGN, *ssh_keys.KINDS) and ("=" in first or first.lower().startswith("cert-authority")):
        text, rest = _take_options(rest)
        options = _parse_options(text)
    words = _words(rest)
    if words[:1] == [MINISIGN] and len(words) > 1:
        key: SshPublicKey | MinisignKey = minisign.parse_key(words[1])
    else:
        key = ssh_keys.parse_public(words)
    return Signer(
        principals,
        key,
        namespaces=options.get("namespaces", ""),
        valid_after=parse_time(options["valid-after"]) if "valid-after" in options else None,
        valid_before=parse_time(options["valid-before"]) if "valid-before" in options else None,
    )


def _take_word(line: str) -> tuple[str, str]:
    if not line.startswith('"'):
        word, _space, rest = line.partition(" ")
        return word, rest.lstrip()
    word, quote, rest = line[1:].partition('"')
    if not quote:
        raise ValueError("a quotation mark is missing")
    return word, rest.lstrip()


def _take_options(text: str) -> tuple[str, str]:
    """Split after the options: at the first white space outside quotation marks."""
    is_quoted = False
    for place, one in enumerate(text):
        if one == '"':
            is_quoted = not is_quoted
        elif one == " " and not is_quoted:
            return text[:place], text[place:].lstrip()
    raise ValueError("there is no key after the options")


def _parse_options(text: str) -> dict[str, str]:
    options: dict[str, str] = {}
    rest = text
    while rest:
        name, equals, rest = rest.partition("=")
        if not equals or not rest.startswith('"') or '"' not in rest[1:]:
            # cert-authority among them: a certificate's signature would not be checked.
            raise ValueError(f"the option {name.split(',')[0]} is not known here")
        value, _quote, rest = rest[1:].partition('"')
        name = name.lower()
        if name not in ("namespaces", "valid-after", "valid-before") or name in options:
            raise ValueError(f"the option {name} is not known here, or stands there twice")
        if not value:
            raise ValueError(f"the option {name} is empty, and nothing would be allowed")
        options[name] = value
        if rest and not rest.startswith(","):
            raise ValueError("options are separated by commas")
        rest = rest[1:]
    return options


def matches(name: str, patterns: str) -> bool:
    """Whether *name* fits a comma-separated list of patterns with ``*`` and ``?``; ``!`` takes away."""
    is_match = False
    for pattern in patterns.split(","):
        if _fits(name, pattern.removeprefix("!")):
            if pattern.startswith("!"):
                return False
            is_match = True
    return is_match


def _fits(name: str, pattern: str) -> bool:
    """Wildcards without backtracking twice: linear in the product of the lengths."""
    star, mark, place, at = -1, 0, 0, 0
    while place < len(name):
        if at < len(pattern) and pattern[at] == "*":
            star, mark, at = at, place, at + 1
        elif at < len(pattern) and pattern[at] in ("?", name[place]):
            place, at = place + 1, at + 1
        elif star >= 0:
            mark += 1
            place, at = mark, star + 1
        else:
            return False
    return not pattern[at:].strip("*")


def parse_time(text: str) -> int:
    """A time as in OpenSSH's options: ``YYYYMMDD``, ``YYYYMMDDHHMM`` or ``YYYYMMDDHHMMSS``, with ``Z`` for UTC.

    Raises: ValueError: it is none.
    """
    from calendar import timegm
    from time import mktime, strptime

    digits = text.removesuffix("Z")
    if len(digits) not in _DIGITS or not (digits.isascii() and digits.isdigit()):
        raise ValueError("a time reads YYYYMMDD or YYYYMMDDHHMMSS, with a Z at its end for UTC")
    try:
        parts = strptime(digits.ljust(14, "0"), "%Y%m%d%H%M%S")
        return timegm(parts) if text.endswith("Z") else int(mktime(parts))
    except (ValueError, OverflowError):
        raise ValueError("there is no such time") from None


def show_time(seconds: int) -> str:
    """A time for people, in UTC."""
    from time import gmtime, strftime

    return strftime("%Y-%m-%d %H:%M UTC", gmtime(seconds))


def _stamp(seconds: int) -> str:
    from time import gmtime, strftime

    return strftime("%Y%m%d%H%M%SZ", gmtime(seconds))


def _quoted(principals: str) -> str:
    return f'"{principals}"' if any(one.isspace() for one in principals) else principals
