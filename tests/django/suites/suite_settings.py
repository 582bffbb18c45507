"""Settings and runner of a process that runs Django's suites; it writes what came of each test to a file."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import json
import os
import re
import sys
from typing import Any

from django.test.runner import DiscoverRunner

import __main__

DATABASES = {name: {"ENGINE": "django.db.backends.sqlite3"} for name in ("default", "other")}
SECRET_KEY = "tests"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DEFAULT_AUTO_FIELD = "suite_fields.CountedKey"
USE_TZ = False
TEST_RUNNER = "suite_settings.Runner"
SUITES = ("model_fields", "bulk_create", "expressions_case", "serializers")
GENERATED = "class GeneratedModelFieldWithConverters("
# Ours, and what Django says of a field that has no such lookup, transform or arithmetic.
REFUSALS = (
    "is encrypted", "is bound to its row", "would open no more", "encrypted fields", "Join on 'value",
    "Field or join on the field not permitted", "Expression contains mixed types", "cannot hold this",
)  # fmt: skip

# Where runtests.py keeps what each of its runs installs.
__main__.ALWAYS_INSTALLED_APPS.append("strongroom.django")


class Loader(importlib.machinery.SourceFileLoader):
    """Loads a models module of a suite with our fields."""

    def source_to_code(self, data: Any, path: Any, **options: Any) -> Any:
        source = bytes(data).decode().replace(
            "from django.db import models\n", "from suite_fields import Encrypted\nmodels = Encrypted()\n"
        ).replace(
            "from django.db import connection, models\n",
            "from django.db import connection\nfrom suite_fields import Encrypted\nmodels = Encrypted()\n",
        ).replace(
            # The database computes generated columns, of values that it would have to know.
            GENERATED, f"from django.db import models\n{GENERATED}",
        )  # fmt: skip
        # Rows are not sorted by ciphertext.
        source = re.sub(r"^( +)ordering = .*$", r"\1pass", source, flags=re.MULTILINE)
        return super().source_to_code(source.encode(), path, **options)

    def get_code(self, fullname: str) -> Any:
        # Not from a cache of compiled files, and not into one.
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


class Finder(importlib.abc.MetaPathFinder):
    """Finds the models modules of the suites."""

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> Any:
        parts = fullname.split(".")
        if parts[0] not in SUITES or "models" not in parts[1:2]:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.origin:
            spec.loader = Loader(fullname, spec.origin)
        return spec


sys.meta_path.insert(0, Finder())


def kind_of(error: Any) -> str:
    """``refused`` for our own refusals, else the error's name and first line."""
    seen = error[1]
    while seen is not None:
        if any(word in str(seen) for word in REFUSALS):
            return "refused"
        seen = seen.__cause__ or seen.__context__
    return f"{type(error[1]).__name__}: {str(error[1])[:150]}".splitlines()[0]


class Runner(DiscoverRunner):
    """Django's, over a vault in memory; it takes down what came of each test."""

    def run_checks(self, databases: Any) -> None:
        """Not here: the suites' models were not written for our checks."""

    def setup_databases(self, **options: Any) -> Any:
        from strongroom.django import use_vault
        from strongroom.keys.slots.key_file import new_key_file
        from strongroom.stores.memory import MemoryStore
        from strongroom.vault.opening import create_vault

        self.vault = create_vault(MemoryStore(), [new_key_file()], author="tester")
        self.vault.keys.create("django")
        use_vault(self.vault)
        return super().setup_databases(**options)

    def run_suite(self, suite: Any, **options: Any) -> Any:
        result = super().run_suite(suite, **options)
        failed: dict[str, str] = {}
        for test, error in RECORDED:
            name = getattr(test, "test_case", test).id()
            kind = kind_of(error)
            if failed.get(name, "refused") == "refused":
                failed[name] = kind
        with open(os.environ["SUITES_REPORT"], "w") as file:
            json.dump({"run": result.testsRun, "failed": failed}, file)
        return result

    def get_resultclass(self) -> Any:
        from unittest import TextTestResult

        class Result(TextTestResult):
            def addError(self, test: Any, err: Any) -> None:
                RECORDED.append((test, err))
                super().addError(test, err)

            def addFailure(self, test: Any, err: Any) -> None:
                RECORDED.append((test, err))
                super().addFailure(test, err)

            def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:
                if err is not None:
                    RECORDED.append((test, err))
                super().addSubTest(test, subtest, err)

        return Result


RECORDED: list[Any] = []
