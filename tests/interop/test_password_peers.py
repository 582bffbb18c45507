"""Other programs' password hashes and ours, both ways: argon2-cffi, libpass, Werkzeug, bcrypt, Django."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import argon2
import bcrypt
import passlib.hash
import pytest
import werkzeug.security

from strongroom import PasswordHasher, errors
from strongroom.passwords import Argon2idCost, Pbkdf2Cost, Pepper
from tests.peers import source_package

# libpass looks for its back ends when first asked, and not from a customised hasher.
passlib.hash.argon2.get_backend()
passlib.hash.bcrypt.get_backend()

# Of letters, a NUL-free text that is not ASCII, and more bytes than bcrypt takes.
PASSWORDS = ("letmein", "pässwörd ✓", "x" * 72)
CHEAP = Argon2idCost(memory_kib=19_456, iterations=1)

# what writes the string: how
WRITERS: dict[str, Callable[[str], str]] = {
    "argon2-cffi": argon2.PasswordHasher(time_cost=1, memory_cost=1_024).hash,
    "argon2-cffi, argon2i": argon2.PasswordHasher(time_cost=1, memory_cost=64, type=argon2.Type.I).hash,
    "argon2-cffi, argon2d": argon2.PasswordHasher(time_cost=1, memory_cost=64, type=argon2.Type.D).hash,
    "bcrypt": lambda password: bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode(),
    "werkzeug, scrypt": lambda password: werkzeug.security.generate_password_hash(password, "scrypt:1024:8:1"),
    "werkzeug, pbkdf2": lambda password: werkzeug.security.generate_password_hash(password, "pbkdf2:sha256:1000"),
    "werkzeug, sha512": lambda password: werkzeug.security.generate_password_hash(password, "pbkdf2:sha512:1000"),
    "libpass, argon2": passlib.hash.argon2.using(memory_cost=256).hash,
    "libpass, pbkdf2-sha1": passlib.hash.pbkdf2_sha1.using(rounds=1_000).hash,
    "libpass, pbkdf2-sha256": passlib.hash.pbkdf2_sha256.using(rounds=1_000).hash,
    "libpass, pbkdf2-sha512": passlib.hash.pbkdf2_sha512.using(rounds=1_000).hash,
    "libpass, scrypt": passlib.hash.scrypt.using(rounds=8).hash,
    "libpass, bcrypt 2y": passlib.hash.bcrypt.using(rounds=4, ident="2y").hash,
    "libpass, bcrypt_sha256": passlib.hash.bcrypt_sha256.using(rounds=4).hash,
    "libpass, bcrypt_sha256 v1": passlib.hash.bcrypt_sha256.using(rounds=4, version=1).hash,
    "libpass, sha256_crypt": passlib.hash.sha256_crypt.using(rounds=1_003).hash,
    "libpass, sha512_crypt": passlib.hash.sha512_crypt.using(rounds=1_003).hash,
    "libpass, ldap_pbkdf2": passlib.hash.ldap_pbkdf2_sha256.using(rounds=1_000).hash,
    "libpass, django_pbkdf2": passlib.hash.django_pbkdf2_sha256.using(rounds=1_000).hash,
    "libpass, django_bcrypt_sha256": passlib.hash.django_bcrypt_sha256.using(rounds=4).hash,
    "libpass, django_argon2": passlib.hash.django_argon2.using(memory_cost=256).hash,
    "libpass, atlassian": passlib.hash.atlassian_pbkdf2_sha1.hash,
    "libpass, cta": passlib.hash.cta_pbkdf2_sha1.using(rounds=1_000).hash,
    "libpass, dlitz": passlib.hash.dlitz_pbkdf2_sha1.using(rounds=1_000).hash,
    "libpass, grub": passlib.hash.grub_pbkdf2_sha512.using(rounds=1_000).hash,
}


@pytest.fixture(scope="module")
def hasher() -> PasswordHasher:
    return PasswordHasher(CHEAP)


@pytest.mark.parametrize("writer", WRITERS)
def test_what_others_write_verifies(writer: str, hasher: PasswordHasher) -> None:
    """With a fresh salt each time, and not for another password; a login replaces it."""
    for password in PASSWORDS:
        with warnings.catch_warnings():
            # libpass says that a cost is low, or that bcrypt does not tell its version.
            warnings.simplefilter("ignore")
            stored = WRITERS[writer](password)
        parsed = hasher._parse(stored)
        parsed.check(password.encode())
        with pytest.raises(errors.PasswordMismatch):
            parsed.check(b"x" + password.encode()[:70])
        assert hasher.needs_rehash(stored)


def test_others_verify_what_we_write() -> None:
    """Argon2id by argon2-cffi and libpass, PBKDF2 by libpass; they reject another password."""
    for password in PASSWORDS:
        stored = PasswordHasher(CHEAP).hash(password)
        assert argon2.PasswordHasher().verify(stored, password)
        assert passlib.hash.argon2.verify(password, stored)
        assert not passlib.hash.argon2.verify(password + "x", stored)
        parameters = argon2.extract_parameters(stored)
        assert (parameters.memory_cost, parameters.time_cost, parameters.parallelism) == (19_456, 1, 1)
        assert (parameters.salt_len, parameters.hash_len) == (16, 32)
        stored = PasswordHasher(Pbkdf2Cost()).hash(password)
        assert passlib.hash.pbkdf2_sha256.verify(password, stored)
        assert not passlib.hash.pbkdf2_sha256.verify(password + "x", stored)


def test_a_pepper_is_argon2s_secret(hasher: PasswordHasher) -> None:
    """The K of RFC 9106, computed by the reference implementation through its C interface."""
    from argon2.low_level import ffi, lib

    stored = PasswordHasher(CHEAP, peppers=[Pepper(bytes(range(32)))]).hash("letmein")
    parsed = PasswordHasher(CHEAP, peppers=[Pepper(bytes(range(32)))])._parse(stored)
    out, password = ffi.new("uint8_t[]", 32), ffi.new("uint8_t[]", b"letmein")
    salt, secret = ffi.new("uint8_t[]", parsed.salt), ffi.new("uint8_t[]", bytes(range(32)))
    context = ffi.new("argon2_context *", {
        "version": 0x13, "out": out, "outlen": 32, "pwd": password, "pwdlen": 7, "salt": salt, "saltlen": 16,
        "secret": secret, "secretlen": 32, "ad": ffi.NULL, "adlen": 0, "t_cost": 1, "m_cost": 19_456, "lanes": 1,
        "threads": 1, "allocate_cbk": ffi.NULL, "free_cbk": ffi.NULL, "flags": 0,
    })  # fmt: skip
    assert lib.argon2_ctx(context, lib.Argon2_id) == 0
    assert bytes(ffi.buffer(out, 32)) == parsed._expected


LOGINS = """
import django, json, sys
from django.conf import settings
settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"],
    PASSWORD_HASHERS=[
        "strongroom.django.hashers.StrongroomPasswordHasher",
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
        "django.contrib.auth.hashers.ScryptPasswordHasher",
        "django.contrib.auth.hashers.MD5PasswordHasher",
    ],
)
django.setup()
from django.core.management import call_command
from django.contrib.auth import authenticate
from django.contrib.auth.hashers import check_password, get_hasher, identify_hasher, make_password
from django.contrib.auth.models import User
from strongroom import PasswordHasher
call_command("migrate", verbosity=0)

new = User.objects.create_user("new", password="letmein")
assert new.password.startswith("strongroom$argon2id$v=19$m=65536,t=3,p=1$"), new.password
assert len(new.password) <= User._meta.get_field("password").max_length
assert authenticate(username="new", password="letmein") == new
assert authenticate(username="new", password="letmeout") is None
assert authenticate(username="nobody", password="letmein") is None
PasswordHasher().verify("letmein", new.password)

for name in ("pbkdf2_sha256", "scrypt", "md5"):
    old = User.objects.create(username=name, password=make_password("letmein", hasher=name))
    assert old.password.startswith(name + "$")
    PasswordHasher().verify("letmein", old.password)
    assert authenticate(username=name, password="letmeout") is None
    assert User.objects.get(pk=old.pk).password == old.password
    assert authenticate(username=name, password="letmein") == old
    assert User.objects.get(pk=old.pk).password.startswith("strongroom$argon2id$")

hasher = identify_hasher(new.password)
summary = hasher.safe_summary(new.password)
assert new.password.rpartition("$")[2] not in repr(summary), summary
assert summary["memory_kib"] == 65536
assert not hasher.must_update(new.password)
assert not hasher.must_update("strongroom" + PasswordHasher().hash("x")) and not hasher.must_update(
    hasher.encode("x", "s" * 22))
weak = "strongroom$argon2id$v=19$m=19456,t=1,p=1$" + new.password.split("$")[4] + "$" + new.password.split("$")[5]
assert hasher.must_update(weak)
for salt in ("short", "s" * 65):
    try:
        hasher.encode("x", salt)
    except ValueError:
        continue
    raise AssertionError(salt)

# Whatever the cost and with a pepper, it fits into the column: PostgreSQL refuses what does not, SQLite takes it.
from strongroom.django.hashers import StrongroomPasswordHasher
from strongroom.passwords import Argon2idCost, Pbkdf2Cost, Pepper

def hasher_of(cost):
    class Peppered(StrongroomPasswordHasher):
        def make_hasher(self):
            return PasswordHasher(cost, peppers=[Pepper(bytes(range(32)))])
    return Peppered()

for cost in (Argon2idCost(), Argon2idCost(memory_kib=838_860, iterations=10), Argon2idCost(memory_kib=2_097_152,
             iterations=4, lanes=8), Pbkdf2Cost(iterations=10_000_000)):
    nobody = f"strongroom{cost.encode(bytes(16), bytes(32), key_id=bytes(8))}"
    assert len(nobody) <= User._meta.get_field("password").max_length, nobody
peppered = hasher_of(Argon2idCost(memory_kib=19_456, iterations=1))
for _ in range(3):
    salt = peppered.salt()
    encoded = peppered.encode("letmein", salt)
    assert len(encoded) <= 128 and len(salt) == 22, encoded
    assert peppered.verify("letmein", encoded) and not peppered.verify("letmeout", encoded)
    assert peppered.decode(encoded)["salt"] == salt and peppered.encode("letmein", salt) == encoded
print("done")
"""


def test_logins_of_a_django_project() -> None:
    """Real users in a table: made, authenticated, replaced at login, from a project's settings."""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", LOGINS], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


SETTINGS = """
from tests_of_django import CheapHasher
DATABASES = {name: {"ENGINE": "django.db.backends.sqlite3"} for name in ("default", "other")}
SECRET_KEY = "tests"
PASSWORD_HASHERS = ["tests_of_django.CheapHasher"]
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
USE_TZ = False
"""
HASHER = """
from strongroom import PasswordHasher
from strongroom.django.hashers import StrongroomPasswordHasher
from strongroom.passwords import Argon2idCost

class CheapHasher(StrongroomPasswordHasher):
    def make_hasher(self):
        return PasswordHasher(Argon2idCost(memory_kib=19_456, iterations=1))
"""


def test_djangos_own_tests_pass_with_our_hasher(tmp_path: Path) -> None:
    """Those of users and back ends; with STRONGROOM_PASSWORDS_WHOLE also those of hashers, forms and pages."""
    with source_package("django-5.2.19") as package:
        root = f"{package.getnames()[0].partition('/')[0]}/"
        wanted = tuple(root + name for name in ("django/", "tests/auth_tests/", "tests/templates/", "tests/runtests.py",
                                                "tests/urls.py"))  # fmt: skip
        members = [m for m in package.getmembers() if m.name.startswith(wanted) and not m.name.endswith(".po")]
        package.extractall(tmp_path, members=members, filter="data")
    (tmp_path / "tests_of_django.py").write_text(HASHER)
    (tmp_path / "our_settings.py").write_text(SETTINGS)
    tests = ["auth_tests.test_auth_backends", "auth_tests.test_basic", "auth_tests.test_models"]
    if os.environ.get("STRONGROOM_PASSWORDS_WHOLE"):
        tests += ["auth_tests.test_hashers", "auth_tests.test_forms", "auth_tests.test_views"]
    command = [sys.executable, "runtests.py", "--settings=our_settings", "--parallel=1", *tests]
    path = os.pathsep.join((str(tmp_path), str(tmp_path / root), *filter(None, [os.environ.get("PYTHONPATH")])))
    done = subprocess.run(
        command, cwd=tmp_path / root / "tests", env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True,
        timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3_000:]
    assert f"Testing against Django installed in '{tmp_path}" in done.stdout + done.stderr
