"""A disk that remembers what was synced: from a trace to the images that a power cut may leave.

A write is durable after fsync or fdatasync of its file, a name after fsync of its directory
(the least that POSIX promises). Everything else may be on the disk or not, sector by sector;
names arrive in order, as journals bring them. The idea is that of ALICE (OSDI 2014).
"""

import os
import re

CALLS = (
    "openat", "write", "pwrite64", "ftruncate", "fsync", "fdatasync", "unlink", "rename", "link", "lseek", "close",
    "writev",
)  # fmt: skip
OPTIONS = ("-y", "-xx", "-s", "10000000")
"""What strace needs to print every byte, and a path beside every descriptor."""

_SECTOR = 512
_LINE = re.compile(r"^(?:\d+ +)?(\w+)\((.*)\)\s+= (-?\d+)")
_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


class _File:
    """Content: what is durable, and the changes since, in order: (offset, bytes), or (None, new length)."""

    def __init__(self, content=b""):
        self.durable = bytearray(content)
        self.pending = []

    def sync(self):
        for change in self.pending:
            _apply(self.durable, *change)
        self.pending.clear()

    def image(self, keeps):
        """The content if only the changes survive for which *keeps* says so."""
        content = bytearray(self.durable)
        for offset, data in self.pending:
            if offset is None:
                if keeps():
                    _apply(content, offset, data)
                continue
            for start in range(0, len(data), _SECTOR):
                if keeps():
                    _apply(content, offset + start, data[start : start + _SECTOR])
        return bytes(content)


def _apply(content, offset, data):
    if offset is None:
        del content[data:]
        content.extend(bytes(data - len(content)))
    else:
        content.extend(bytes(max(0, offset + len(data) - len(content))))
        content[offset : offset + len(data)] = data


class Disk:
    """Replays a trace of calls on one directory.

    Args:
        root: the directory; what lies below it is known by its path from here.
        on_change: called with this disk after every call that changes what a power cut may leave.
        files: name -> content of what was durable before.

    Attributes:
        said: the lines that the workload had said.
    """

    def __init__(self, root, on_change, files=()):
        self._root = root
        self._on_change = on_change
        self._names = {name: _File(content) for name, content in dict(files).items()}
        self._durable_names = dict(self._names)
        self._pending_names = []
        self._open = {}
        self.said = []

    def replay(self, lines):
        """Go through the lines of a trace made with `CALLS` and `OPTIONS`."""
        for line in lines:
            assert "unfinished" not in line, "only a single thread can be replayed"
            found = _LINE.match(line)
            if not found or int(found[3]) < 0:
                continue
            call, arguments, result = found[1], found[2], int(found[3])
            strings = [bytes.fromhex(text.replace("\\x", "")) for text in _STRING.findall(arguments)]
            if getattr(self, f"_{call}")(arguments, strings, result):
                self._on_change(self)

    def images(self, random, extra):
        """What a power cut may leave now: nothing unsynced, everything, and *extra* random parts of it."""
        yield self._image(lambda: False, 0)
        yield self._image(lambda: True, len(self._pending_names))
        for _ in range(extra):
            chance = random.choice((0.2, 0.5, 0.8))
            yield self._image(
                lambda chance=chance: random.random() < chance, random.randint(0, len(self._pending_names))
            )

    def _image(self, keeps, names_kept):
        names = dict(self._durable_names)
        for name, file in self._pending_names[:names_kept]:
            _rename(names, name, file)
        return {name: file.image(keeps) for name, file in names.items()}

    def _name(self, path):
        path = path.decode()
        return path.removeprefix(self._root + "/") if path.startswith(self._root + "/") else None

    def _set_name(self, name, file):
        self._pending_names.append((name, file))
        _rename(self._names, name, file)

    def _handle(self, arguments):
        return self._open.get(int(re.match(r"\d+", arguments)[0]))

    def _openat(self, arguments, strings, result):
        path = next(text for text in strings if text.startswith(b"/"))
        if path.decode() == self._root or (self._name(path) is not None and "O_DIRECTORY" in arguments):
            self._open[result] = [path.decode(), 0]
            return False
        name = self._name(path)
        if name is None:
            self._open.pop(result, None)
            return False
        is_new = name not in self._names
        if is_new:
            self._set_name(name, _File())
        file = self._names[name]
        if "O_TRUNC" in arguments:
            file.pending.append((None, 0))
        self._open[result] = [file, 0]
        return is_new or "O_TRUNC" in arguments

    def _close(self, arguments, _strings, _result):
        self._open.pop(int(re.match(r"\d+", arguments)[0]), None)

    def _lseek(self, arguments, _strings, result):
        handle = self._handle(arguments)
        if handle:
            handle[1] = result

    def _write(self, arguments, strings, result):
        handle = self._handle(arguments)
        if not handle:
            return False
        handle[0].pending.append((handle[1], strings[-1][:result]))
        handle[1] += result
        return True

    def _pwrite64(self, arguments, strings, result):
        handle = self._handle(arguments)
        if not handle:
            return False
        handle[0].pending.append((int(arguments.rsplit(", ", 1)[1]), strings[-1][:result]))
        return True

    def _writev(self, arguments, strings, _result):
        if not re.match(r"1\b", arguments):
            return False  # to a pipe: what a command reads
        self.said += strings[-1].decode().splitlines()
        return True

    def _ftruncate(self, arguments, _strings, _result):
        handle = self._handle(arguments)
        if not handle:
            return False
        handle[0].pending.append((None, int(arguments.rsplit(", ", 1)[1])))
        return True

    def _fsync(self, arguments, _strings, _result):
        handle = self._handle(arguments)
        if not handle:
            return False
        if isinstance(handle[0], str):
            self._sync_names(handle[0])
        else:
            handle[0].sync()
        return True

    def _sync_names(self, directory):
        """Only those of this directory, in their order."""
        left = []
        for name, file in self._pending_names:
            if os.path.dirname(f"{self._root}/{name}") == directory:
                _rename(self._durable_names, name, file)
            else:
                left.append((name, file))
        self._pending_names = left

    _fdatasync = _fsync

    def _unlink(self, _arguments, strings, _result):
        name = self._name(strings[0])
        if name is not None:
            self._set_name(name, None)
        return name is not None

    def _link(self, _arguments, strings, _result):
        self._set_name(self._name(strings[1]), self._names[self._name(strings[0])])
        return True

    def _rename(self, _arguments, strings, _result):
        source, target = map(self._name, strings[:2])
        self._set_name(target, self._names[source])
        self._set_name(source, None)
        return True


def _rename(names, name, file):
    if file is None:
        names.pop(name, None)
    else:
        names[name] = file
