"""A password store of pass or gopass, read through ``gpg``, an entry at a time.

Each file is opened here and given to gpg on its standard input: no name of the store is ever an argument. What is no
file inside of the store, such as a link, is not opened. gpg uses its own agent, which may ask for a passphrase.
"""

from __future__ import annotations

import os
import stat

from strongroom.errors import FormatUnsupported, NotFound, StoreUnavailable, Tampered, WouldPrompt, WrongKey
from strongroom.formats.interface import ENTRIES_MAX, BadFile, Document, Entry
from strongroom.formats.pass_entry import entries
from strongroom.items import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ENTRY_BYTES_MAX = 1024 * 1024
"""Of what gpg decrypts: a small file may become a large one."""

DEPTH_MAX = 24
_SUFFIX = ".gpg"
_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


def is_pass_store(path: str) -> bool:
    """Whether *path* is a directory that pass or gopass would take for a store."""
    return os.path.isdir(path) and any(
        os.path.lexists(os.path.join(path, name)) for name in (".gpg-id", ".age-recipients", ".gopass.yml")
    )


def read_pass_store(path: str, progress: Callable[[int, int], None]) -> Document:
    """Every entry below *path*.

    Args:
        progress: is called with how many entries are done, and how many there are.

    Raises:
        NotFound: there is no such directory.
        BadFile: no entries, too many, or nested too deeply.
        WrongKey: gpg has no key for an entry.
        WouldPrompt: it has one, and could not ask for its passphrase.
        Tampered: an entry was changed, or never encrypted.
        FormatUnsupported: gpg is not installed, or the store is gopass's with age.
        StoreUnavailable: gpg failed.
    """
    if not os.path.isdir(path):
        raise NotFound(f"there is no directory {path}")
    files = list(_files(path, (), 0))
    if any(keys[-1].endswith(".age") for keys, _ in files):
        raise FormatUnsupported("this store is encrypted with age", advice="gopass convert moves it to gpg")
    if not files:
        raise BadFile("there is no entry in this store")
    if len(files) > ENTRIES_MAX:
        raise BadFile(f"more than {ENTRIES_MAX} entries in one store")
    found = list[Entry]()
    for number, (keys, place) in enumerate(files):
        shown = "/".join(keys)
        if place is None:
            found.append(Entry((*keys, "password"), b"-", is_secret=True, note="is a link"))
        else:
            found += entries(keys, _decrypted(place, shown))
        progress(number + 1, len(files))
    return Document("", found)


def _files(path: str, keys: tuple[str, ...], depth: int) -> Iterator[tuple[tuple[str, ...], str | None]]:
    if depth > DEPTH_MAX:
        raise BadFile(f"the store is nested more than {DEPTH_MAX} deep")
    try:
        names = sorted(os.listdir(path))
    except OSError as error:
        raise StoreUnavailable(f"cannot read {path}: {(error.strerror or '').lower()}") from None
    for name in names:
        place = os.path.join(path, name)
        if name.startswith("."):
            continue
        try:
            name.encode("utf-8")
        except UnicodeEncodeError:
            raise BadFile("a name in the store is not UTF-8") from None
        kind = os.lstat(place).st_mode
        is_entry = name.endswith((_SUFFIX, ".age"))
        if stat.S_ISDIR(kind):
            yield from _files(place, (*keys, name), depth + 1)
        elif is_entry or (stat.S_ISLNK(kind) and os.path.isdir(place)):
            # pass follows a link to a folder, whose entries must not be missed in silence.
            yield (*keys, name.removesuffix(_SUFFIX)), place if stat.S_ISREG(kind) else None


def _decrypted(path: str, shown: str) -> bytes:
    import subprocess
    from tempfile import TemporaryFile

    # What it says as status is the same in every language.
    command = ["gpg", "--batch", "--quiet", "--yes", "--no-encrypt-to", "--status-fd", "2", "--decrypt"]
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError as error:
        raise StoreUnavailable(f"cannot read {shown}: {(error.strerror or '').lower()}") from None
    try:
        # S607: gpg is found as its own users find it.
        # A file takes what it says, so that neither pipe waits for the other.
        with TemporaryFile() as errors:
            with subprocess.Popen(  # noqa: S603
                command, stdin=descriptor, stdout=subprocess.PIPE, stderr=errors
            ) as process:
                data = b"" if process.stdout is None else process.stdout.read(ENTRY_BYTES_MAX + 1)
                if len(data) > ENTRY_BYTES_MAX:
                    process.kill()
                    raise BadFile(f"{shown} is longer than {ENTRY_BYTES_MAX} bytes")
            errors.seek(0)
            said = errors.read(65_536).decode("utf-8", "replace")
    except FileNotFoundError:
        raise FormatUnsupported("reading a pass store needs gpg, which is not installed") from None
    finally:
        os.close(descriptor)
    _check(said, shown, path, ended_well=not process.returncode)
    return data


def _check(said: str, shown: str, path: str, *, ended_well: bool) -> None:
    """Whether gpg decrypted something, and nobody changed it."""
    words = {line.split()[1] for line in said.split("\n") if line.startswith("[GNUPG:] ") and line.split()[1:]}
    how = f"see what gpg says: gpg --decrypt {quoted(path)}"
    if ended_well and "DECRYPTION_OKAY" in words:
        return
    if "DECRYPTION_KEY" not in words and "DECRYPTION_FAILED" in words:
        if words & {"KEY_CONSIDERED", "PINENTRY_LAUNCHED"}:
            said = f"gpg has a key for {shown}, and its passphrase was not typed"
            raise WouldPrompt(said, advice=f"unlock gpg's agent first\n{how}")
        raise WrongKey(f"gpg opens {shown} with none of its keys", advice=how)
    if "DECRYPTION_FAILED" in words or ended_well:
        # The second: it was not encrypted, so that anybody could have written it.
        raise Tampered(f"{shown} was changed, or never encrypted", advice=how)
    raise StoreUnavailable(f"gpg failed at {shown}", advice=how)
