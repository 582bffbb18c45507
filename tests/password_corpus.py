"""The known-good and malformed strings of libpass's, passlib's and Django's own tests, read as data.

Their test modules are not imported: the lists are taken out of the source and evaluated, each
element by itself, with the few names that they use.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator

from tests.peers import source_package

# name of the package: (its source, the directory of its tests)
SOURCES = {"libpass": ("libpass-1.9.4", "tests"), "passlib": ("passlib-1.7.4", "passlib/tests")}
MODULES = ("test_handlers", "test_handlers_argon2", "test_handlers_bcrypt", "test_handlers_django",
           "test_handlers_pbkdf2", "test_handlers_scrypt")  # fmt: skip
# Of the schemes that are verified here; test_handlers.py has forty more.
CLASSES = ("argon2", "bcrypt", "pbkdf2", "scrypt", "sha256_crypt", "sha512_crypt", "django", "p5k2")

NAMES: dict[str, object] = {
    "u": lambda text: text,
    "dict": dict,
    "repeat_string": lambda text, length: (text * length)[:length],
    "UPASS_WAV": "\u0399\u03c9\u03b1\u03bd\u03bd\u03b7\u03c2",
    "UPASS_USD": "\u20ac\u00a5$",
    "UPASS_TABLE": "t\u00e1\u0411\u2113\u0259",
    "PASS_TABLE_UTF8": "t\u00e1\u0411\u2113\u0259".encode(),
    "UPASS_LETMEIN": "l\u00e8tmein",
    "CONFIG_2": "$2$05$" + "." * 22,
    "CONFIG_A": "$2a$05$" + "." * 22,
    "version": 0,
}


def known(package: str) -> list[tuple[bytes, str]]:
    """Every password and the string that it was made into, once each."""
    found = [pair for module in MODULES for pair in _pairs(_module(package, module))]
    return list(dict.fromkeys((_encoded(secret), text) for secret, text in found))


def malformed(package: str) -> list[str]:
    """Every string that its tests call malformed."""
    found = []
    for module in MODULES:
        for node in _of_classes(_module(package, module)):
            if isinstance(node, ast.Assign) and _target(node).startswith("known_malformed"):
                found += [value for value in _values(node.value) if isinstance(value, str)]
    return list(dict.fromkeys(found))


def django_strings() -> list[str]:
    """Every literal in Django's tests of its hashers that is a whole stored string."""
    with source_package("django-5.2.19") as package:
        file = package.extractfile("django-5.2.19/tests/auth_tests/test_hashers.py")
        assert file is not None
        tree = ast.parse(file.read())
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    beginnings = ("pbkdf2_sha", "argon2$", "scrypt$", "bcrypt$$", "bcrypt_sha256$$", "md5$", "sha1$")
    return list(dict.fromkeys(text for text in texts if text.startswith(beginnings) and text.count("$") > 1))


def _module(package: str, module: str) -> ast.Module:
    source, directory = SOURCES[package]
    with source_package(source) as archive:
        file = archive.extractfile(f"{source}/{directory}/{module}.py")
        assert file is not None
        with warnings.catch_warnings():
            # The source of 2020 has escapes that Python warns of today.
            warnings.simplefilter("ignore")
            return ast.parse(file.read())


def _of_classes(module: ast.Module) -> Iterator[ast.AST]:
    for top in module.body:
        if isinstance(top, ast.ClassDef) and any(name in top.name for name in CLASSES):
            yield from ast.walk(top)


def _pairs(module: ast.Module) -> Iterator[tuple[str | bytes, str]]:
    for node in _of_classes(module):
        is_list = isinstance(node, ast.Assign) and _target(node) in ("known_correct_hashes", "known_correct_configs")
        is_more = isinstance(node, ast.Call) and ast.unparse(node.func) == "known_correct_hashes.extend"
        if is_list or is_more:
            yield from _secret_and_string(node)
    for node in ast.walk(module):
        if not isinstance(node, ast.Call):
            continue
        if ast.unparse(node.func) == "hashtest":
            values = [_value(argument) for argument in node.args]
            yield values[4], values[7]  # type: ignore[misc]
        elif ast.unparse(node.func).endswith("parametrize") and ast.unparse(node.args[0]) == "('secret', 'hash')":
            yield from _secret_and_string(node.args[1])


def _secret_and_string(node: ast.AST) -> Iterator[tuple[str | bytes, str]]:
    for part in ast.walk(node):
        if isinstance(part, ast.Tuple) and len(part.elts) in (2, 3):
            values = [_value(element) for element in part.elts]
            if isinstance(values[-1], str) and isinstance(values[-2], str | bytes):
                yield values[-2], values[-1]


def _values(node: ast.AST) -> Iterator[object]:
    for part in ast.walk(node):
        if isinstance(part, ast.List):
            yield from (_value(element) for element in part.elts)


def _value(node: ast.expr) -> object:
    try:
        # Of a source package whose version is pinned; nothing but the names above.
        return eval(compile(ast.Expression(node), "corpus", "eval"), {"__builtins__": {}}, NAMES)
    except NameError:
        return None


def _target(node: ast.Assign) -> str:
    return ast.unparse(node.targets[0])


def _encoded(secret: str | bytes) -> bytes:
    return secret.encode() if isinstance(secret, str) else secret
