"""The hasher: one right way in, one error out, the same work for users whom there is not."""

from __future__ import annotations

import pickle
import re
import statistics
from datetime import timedelta
from time import perf_counter

import pytest

from strongroom import PasswordHasher, errors
from strongroom.credentials import password_costs, passwords
from strongroom.credentials.password_strings import argon2, pbkdf2
from strongroom.crypto.foreign import password_hashes
from strongroom.keys.slots.key_file import new_key_file
from strongroom.passwords import Argon2idCost, Pbkdf2Cost, Pepper, peppers_of
from strongroom.secret import SecretBytes, SecretStr
from strongroom.stores.memory import MemoryStore
from strongroom.vault.opening import create_vault
from tests.patience import undisturbed

CHEAP = Argon2idCost(memory_kib=19_456, iterations=1)
FIRST, SECOND = Pepper(bytes(range(32))), Pepper(bytes(32))
# Written by earlier programs for "not a password"; from the tests of libpass.
LEGACY = "pbkdf2_sha1$10000$wz5B6WkasRoF$atJmJ1o+XfJxKq1+Nu1f1i57Z5I="


@pytest.fixture
def hasher() -> PasswordHasher:
    return PasswordHasher(CHEAP, most_at_once=2)


def test_a_password_fits_the_string_that_was_made_of_it(hasher: PasswordHasher) -> None:
    """And no other does; each string has a salt of its own."""
    stored = hasher.hash("correct horse")
    hasher.verify("correct horse", stored)
    for other in ("correct horsf", "correct horse ", "", "Correct horse", "correct\0horse"):
        with pytest.raises(errors.PasswordMismatch):
            hasher.verify(other, stored)
    assert hasher.hash("correct horse") != stored
    assert re.fullmatch(r"\$argon2id\$v=19\$m=19456,t=1,p=1\$[\w+/]{22}\$[\w+/]{43}", stored, re.ASCII)


def test_the_default_is_the_documented_one() -> None:
    """64 MiB, 3 passes: RFC 9106's second choice in one lane; PBKDF2 has OWASP's number."""
    stored = PasswordHasher().hash("x")
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=1$")
    assert len(stored) == 97
    assert PasswordHasher(Pbkdf2Cost()).hash("x").startswith("$pbkdf2-sha256$600000$")


@pytest.mark.parametrize(
    "password", [b"p\xc3\xa4ss", bytearray(b"p\xc3\xa4ss"), SecretStr("p\u00e4ss"), SecretBytes(b"p\xc3\xa4ss")]
)
def test_every_kind_of_password_is_the_same_password(hasher: PasswordHasher, password: passwords.Password) -> None:
    """Text is its UTF-8."""
    hasher.verify("p\u00e4ss", hasher.hash(password))


def test_what_cannot_be_a_password(hasher: PasswordHasher) -> None:
    """Too long or no UTF-8 is the caller's mistake when it is stored, and a mismatch when somebody types it."""
    stored = hasher.hash("x" * 4_096)
    for wrong in ("x" * 4_097, "\ud800", b"x" * 4_097):
        with pytest.raises(ValueError, match="at most 4096 bytes of UTF-8"):
            hasher.hash(wrong)
        with pytest.raises(errors.PasswordMismatch):
            hasher.verify(wrong, stored)
    with pytest.raises(TypeError):
        hasher.hash(None)  # type: ignore[arg-type]


def test_an_old_string_is_replaced_at_login(hasher: PasswordHasher) -> None:
    """Verified, then hashed anew; what is as it should be stays."""
    assert hasher.needs_rehash(LEGACY)
    replaced = hasher.verify_and_update("not a password", LEGACY)
    assert replaced is not None
    assert replaced.startswith("$argon2id$")
    assert hasher.verify_and_update("not a password", replaced) is None
    assert not hasher.needs_rehash(replaced)
    with pytest.raises(errors.PasswordMismatch):
        hasher.verify_and_update("a password", LEGACY)


# what the string's cost is, beside CHEAP: whether it is replaced
COSTS = {
    "the same": (CHEAP, False),
    "more memory": (Argon2idCost(memory_kib=20_000, iterations=1), False),
    "more lanes": (Argon2idCost(memory_kib=19_456, iterations=1, lanes=2), False),
    "pbkdf2": (Pbkdf2Cost(), True),
}


@pytest.mark.parametrize("case", COSTS)
def test_only_what_is_cheaper_is_replaced(hasher: PasswordHasher, case: str) -> None:
    """A stronger string is not weakened by a login."""
    cost, is_replaced = COSTS[case]
    stored = PasswordHasher(cost).hash("x")
    assert hasher.needs_rehash(stored) is is_replaced
    assert PasswordHasher(Argon2idCost(memory_kib=65_536, iterations=2)).needs_rehash(stored)


def test_a_short_salt_or_digest_is_replaced(hasher: PasswordHasher) -> None:
    """As other programs make them."""
    short = argon2.encode(bytes(8), bytes(32), memory_kib=65_536, iterations=3, lanes=4, key_id=b"")
    cut = argon2.encode(bytes(16), bytes(16), memory_kib=65_536, iterations=3, lanes=4, key_id=b"")
    assert hasher.needs_rehash(short)
    assert hasher.needs_rehash(cut)


def test_a_thousand_rounds_of_pbkdf2_verify() -> None:
    """No floor for what is there already: it must be verified to be replaced."""
    digest = password_hashes.pbkdf2("sha256", b"old", b"saltsalt", iterations=1_000, length=32)
    stored = pbkdf2.encode(b"saltsalt", digest, iterations=1_000, key_id=b"")
    hasher = PasswordHasher(Pbkdf2Cost())
    replaced = hasher.verify_and_update("old", stored)
    assert replaced is not None
    assert replaced.startswith("$pbkdf2-sha256$600000$")


FLOORS = {
    "memory": lambda: Argon2idCost(memory_kib=19_455),
    "passes": lambda: Argon2idCost(iterations=0),
    "lanes": lambda: Argon2idCost(lanes=9),
    "all of it": lambda: Argon2idCost(memory_kib=2_097_152, iterations=10),
    "pbkdf2": lambda: Pbkdf2Cost(iterations=599_999),
}


@pytest.mark.parametrize("case", FLOORS)
def test_new_strings_have_floors_and_ceilings(case: str) -> None:
    """And nothing is ever made that would be refused afterwards."""
    with pytest.raises(ValueError, match=r"must be within|would be refused"):
        FLOORS[case]()


TOO_COSTLY = {
    "argon2: memory": "$argon2id$v=19$m=2097153,t=1,p=1$c29tZXNhbHQ$GpZ3sK/oH9p7VIiV56G/64Zo/8GaUw434IimaPqxwCo",
    "argon2: passes": "$argon2id$v=19$m=65536,t=257,p=1$c29tZXNhbHQ$GpZ3sK/oH9p7VIiV56G/64Zo/8GaUw434IimaPqxwCo",
    "argon2: both": "$argon2id$v=19$m=2097152,t=5,p=1$c29tZXNhbHQ$GpZ3sK/oH9p7VIiV56G/64Zo/8GaUw434IimaPqxwCo",
    "argon2: lanes": "$argon2id$v=19$m=65536,t=1,p=65$c29tZXNhbHQ$GpZ3sK/oH9p7VIiV56G/64Zo/8GaUw434IimaPqxwCo",
    "argon2: digest": "$argon2id$v=19$m=65536,t=1,p=1$c29tZXNhbHQ$" + "A" * 320,
    "argon2: salt": "$argon2id$v=19$m=65536,t=1,p=1$" + "A" * 400 + "$GpZ3sK/oH9p7VIiV56G/64Zo/8GaUw434IimaPqxwCo",
    "pbkdf2": "pbkdf2_sha256$10000001$salt$hbrJYPXbKTkP2o3y9pJRxrJ+yOPQvzSXnY3BoOmJz4A=",
    "pbkdf2: blocks": "$pbkdf2-sha1$9000000$c2FsdA$" + "A" * 80,
    "werkzeug: pbkdf2": "pbkdf2:sha256:10000001$salt$" + "00" * 32,
    "scrypt: memory": "scrypt:4194304:64:1$salt$" + "00" * 64,
    "scrypt: lanes": "scrypt$32768$salt$8$65$" + "A" * 43 + "=",
    "scrypt: work": "$scrypt$ln=17,r=8,p=17$c2FsdA$" + "A" * 43,
    "scrypt: shift": "$scrypt$ln=63,r=8,p=1$c2FsdA$" + "A" * 43,
    "scrypt $7$": "$7$zzzzzzzzzzzsalt$" + "." * 43,
    "bcrypt": "$2b$18$" + "." * 53,
    "bcrypt of Django": "bcrypt_sha256$$2b$31$" + "." * 53,
    "bcrypt of passlib": "$bcrypt-sha256$v=2,t=2b,r=31$" + "." * 22 + "$" + "." * 31,
    "sha256-crypt": "$5$rounds=2000001$salt$" + "." * 43,
    "sha512-crypt": "$6$rounds=999999999$salt$" + "." * 86,
    "a long string": "$argon2id$" + "x" * 2_000,
    "not ascii": "$argon2id$v=19$m=65536,t=\u0663,p=1$c29tZXNhbHQ$GpZ3sK/oH9p7VIiV56G/64Zo/8GaUw434IimaPqxwCo",
    "a newline": "$6$salt$" + "." * 86 + "\n",
    "a sign": "pbkdf2_sha256$+1000$salt$hbrJYPXbKTkP2o3y9pJRxrJ+yOPQvzSXnY3BoOmJz4A=",
    "an underscore": "pbkdf2_sha256$1_000$salt$hbrJYPXbKTkP2o3y9pJRxrJ+yOPQvzSXnY3BoOmJz4A=",
    "argon2 1.0 with a pepper": "$argon2i$m=256,t=2,p=1,keyid=fb3v7rfXJWU$c29tZXNhbHQ$AAAAAAAA",
    "argon2: an empty keyid": "$argon2id$v=19$m=256,t=2,p=1,keyid=$c29tZXNhbHQ$AAAAAAAA",
    "pbkdf2: an unknown hash": "pbkdf2_sha999$1000$salt$hbrJYPXbKTkP2o3y9pJRxrJ+yOPQvzSXnY3BoOmJz4A=",
    "pbkdf2 of passlib: an unknown hash": "$pbkdf2-md5$1000$c2FsdA$hbrJYPXbKTkP2o3y9pJRxg",
    "werkzeug: an unknown hash": "pbkdf2:md5:1000$salt$" + "00" * 16,
    "pbkdf2: a long keyid": "$pbkdf2-sha256$i=1000,keyid=AAAAAAAAAAAAAAA$c2FsdA$" + "A" * 43,
    "p5k2: no hexadecimal number": "$p5k2$zz$salt$jJZVscWtO--p1-xIZl6jhO2LKR0=",
    "p5k2: years": "$p5k2$ffffffff$salt$jJZVscWtO--p1-xIZl6jhO2LKR0=",
    "scrypt $7$: another alphabet": "$7$C6..../....salt$" + "+" * 43,
    "scrypt $7$: bits too many": "$7$C6..../....salt$" + "z" * 43,
    "scrypt: no power of two": "scrypt:1000:8:1$salt$" + "00" * 64,
    "a second spelling of base64": "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHR$AAAAAAAA",
    "a second alphabet": "$pbkdf2-sha256$1212$4vjV83LKPjQzk31VI4E0Vw$hsYF68OiOUPdDZ1Fg+fJPeq1h/gXXY7acBp9/6c+tmQ",
    "no digest": "pbkdf2_sha256$1000$salt$",
    "a short digest": "scrypt:32768:8:1$salt$000000",
}  # fmt: skip


@pytest.mark.parametrize("case", TOO_COSTLY)
def test_no_function_runs_on_a_string_out_of_bounds(
    case: str, hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever can write to the table of users cannot make a login take all memory, or for ever."""
    for name in ("argon2", "pbkdf2", "scrypt", "bcrypt", "digest", "hmac_sha256"):
        monkeypatch.setattr(password_hashes, name, _must_not_run)
    with pytest.raises(errors.Tampered) as caught:
        hasher.verify("x", TOO_COSTLY[case])
    assert TOO_COSTLY[case] not in str(caught.value)


def _must_not_run(*_arguments: object, **_options: object) -> bytes:
    raise AssertionError("a function ran on a string out of bounds")


def test_the_guard_of_the_test_above_would_notice(hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within bounds the functions are called where the guard stands."""
    monkeypatch.setattr(password_hashes, "pbkdf2", _must_not_run)
    with pytest.raises(AssertionError):
        hasher.verify("x", LEGACY)


UNSUPPORTED = {
    "md5-crypt": "$1$dOHYPKoP$tnxS1T8Q6VVn3kpV8cN6o.",
    "phpass": "$P$7JaFQsPzJSuenezefD/3jHgt5hVfNH0",
    "yescrypt": "$y$j9T$AAt9R641xPvCI9nXw1HHW/$cuQRBMN3N/f8IcmVN.4YrZ1bHMOiLOoz9/XQMKV/v0A",
    "LDAP": "{SSHA}pKqkNr1tq3wtQqk+UcPyA3HnA2NsU5NJ",
    "an unknown version": "$argon2id$v=18$m=256,t=2,p=1$c29tZXNhbHQ$GpZ3sK/oH9p7VIiV56G/64Zo/8GaUw434IimaPqxwCo",
    "no scheme": "hunter2",
    "empty scheme": "$$",
}  # fmt: skip


@pytest.mark.parametrize("case", UNSUPPORTED)
def test_what_is_not_verified_is_called_by_its_name(case: str, hasher: PasswordHasher) -> None:
    """And never repeated: where a table holds plain passwords, the string is the password."""
    with pytest.raises(errors.FormatUnsupported) as caught:
        hasher.verify("x", UNSUPPORTED[case])
    assert UNSUPPORTED[case] not in str(caught.value) + caught.value.advice


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        ("5f4dcc3b5aa765d61d8327deb882cf99", "unsalted-md5"),
        ("md5$$5f4dcc3b5aa765d61d8327deb882cf99", "unsalted-md5"),
        ("sha1$$5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8", "unsalted-sha1"),
        ("md5$123abcdef$c8272612932975ee80e8a35995708e80", "salted-md5"),
    ],
)
def test_what_django_once_wrote_is_recognised_verified_and_replaced(
    stored: str, said: str, hasher: PasswordHasher
) -> None:
    """The weakest strings of all end at the next login."""
    assert hasher.describe(stored) == said
    assert str(hasher.verify_and_update("password", stored)).startswith("$argon2id$")
    with pytest.raises(errors.PasswordMismatch):
        hasher.verify("passwort", stored)


def test_bcrypt_takes_a_password_whole_or_not_at_all(hasher: PasswordHasher) -> None:
    """72 bytes verify; 73, or a NUL, are refused, though bcrypt itself would say that they fit."""
    long = b"\xaa\x55" * 36
    stored = "$2a$05$/OK.fbVrR/bpIqNJ5ianF.R9xrDjiycxMbQE2bp.vgqlYpW5wx2yy"
    hasher.verify(long, stored)
    for wrong in (long + b"x", long[:71] + b"\0"):
        with pytest.raises(errors.PasswordMismatch, match="takes at most 72 bytes and no NUL"):
            hasher.verify(wrong, stored)
    # The same string as of "abc" * 24: cut, it would fit.
    with pytest.raises(errors.PasswordMismatch):
        hasher.verify("abc" * 24 + "x", "$2a$05$......................XuQjdH.wPVNUZ/bOfstdW/FqB8QSjte")


def test_without_bcrypt_its_strings_name_the_extra(hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the two optional packages."""
    monkeypatch.setitem(__import__("sys").modules, "bcrypt", None)
    monkeypatch.setitem(__import__("sys").modules, "argon2.low_level", None)
    old = "$argon2i$m=256,t=2,p=1$c29tZXNhbHQ$/U3YPXYsSb3q9XxHvc0MLxur+GP960kN9j7emXX8zwY"
    for stored, extra in (("$2b$05$" + "." * 53, "bcrypt"), (old, "argon2")):
        with pytest.raises(errors.FormatUnsupported, match=f"needs the extra {extra}") as caught:
            hasher.verify("x", stored)
        assert caught.value.advice == f"pip install 'strongroom[{extra}]'"


class TestPeppers:
    """A key of the program's own in every hash."""

    @pytest.mark.parametrize("cost", [CHEAP, Pbkdf2Cost()], ids=str)
    def test_the_table_alone_verifies_nothing(self, cost: password_costs.Cost) -> None:
        """Without the pepper, or with another one, the right password is not found."""
        peppered = PasswordHasher(cost, peppers=[FIRST])
        stored = peppered.hash("right")
        peppered.verify("right", stored)
        with pytest.raises(errors.PasswordMismatch):
            peppered.verify("wrong", stored)
        for other in (PasswordHasher(cost), PasswordHasher(cost, peppers=[SECOND])):
            with pytest.raises(errors.FormatUnsupported, match="a pepper that is not here"):
                other.verify("right", stored)
        key_id = re.search(r",keyid=([^$]+)\$", stored)
        assert key_id is not None
        without = stored.replace(key_id.group(), "$").replace("$i=600000", "$600000")
        with pytest.raises(errors.PasswordMismatch):
            PasswordHasher(cost).verify("right", without)

    def test_it_changes_as_keys_do(self) -> None:
        """A new one in front; strings move at login; then the old one may go."""
        stored = PasswordHasher(CHEAP, peppers=[FIRST]).hash("right")
        both = PasswordHasher(CHEAP, peppers=[SECOND, FIRST])
        assert both.needs_rehash(stored)
        moved = both.verify_and_update("right", stored)
        assert moved is not None
        PasswordHasher(CHEAP, peppers=[SECOND]).verify("right", moved)

    def test_one_comes_in_and_goes(self) -> None:
        """From strings without, and back."""
        plain = PasswordHasher(CHEAP).hash("right")
        with_it = PasswordHasher(CHEAP, peppers=[FIRST]).verify_and_update("right", plain)
        assert with_it is not None
        assert "keyid=" in with_it

    def test_a_named_key_keeps_them(self) -> None:
        """Rotated, the new version comes first and the old one stays, until it is disabled."""
        with create_vault(MemoryStore(), [new_key_file()], author="tester") as vault:
            key = vault.keys.create("passwords", "hmac")
            before = peppers_of(key)
            stored = PasswordHasher(CHEAP, peppers=before).hash("right")
            key.rotate()
            after = peppers_of(vault.keys.get("passwords"))
            assert [pepper.id for pepper in after] == [after[0].id, before[0].id]
            moved = PasswordHasher(CHEAP, peppers=after).verify_and_update("right", stored)
            assert moved is not None
            key.disable(1)
            left = PasswordHasher(CHEAP, peppers=peppers_of(key))
            left.verify("right", moved)
            with pytest.raises(errors.FormatUnsupported, match="a pepper that is not here"):
                left.verify("right", stored)
            # What the key authenticates is no pepper, and its own bytes are none either.
            assert key.mac(b"strongroom/v1/pepper-id")[:8] != after[0].id
            with pytest.raises(ValueError, match="makes peppers is of kind hmac"):
                peppers_of(vault.keys.create("other", "aead"))

    def test_it_shows_no_key(self) -> None:
        """Nor is it pickled; two that are the same are a mistake."""
        assert FIRST.id.hex() in repr(FIRST)
        assert bytes(range(32)).hex() not in repr(FIRST) + repr(PasswordHasher(peppers=[FIRST]))
        with pytest.raises(TypeError):
            pickle.dumps(FIRST)
        with pytest.raises(ValueError, match="twice"):
            PasswordHasher(peppers=[FIRST, Pepper(SecretBytes(bytes(range(32))))])
        with pytest.raises(ValueError, match="32 bytes"):
            Pepper(bytes(31))


class TestUnknownUsers:
    """Nobody can find out who has an account by how long a refusal takes."""

    @pytest.mark.parametrize("stored", [None, "", "!", "!9wa845vn7098ythaehasldkfj", "*"])
    def test_they_are_refused_like_a_wrong_password(self, stored: str | None, hasher: PasswordHasher) -> None:
        """The same error, the same function with the same cost, whatever the password."""
        known = hasher.hash("right")
        calls: list[tuple[object, ...]] = []
        real = password_hashes.argon2

        def spy(variant: str, password: bytes, salt: bytes, **cost: object) -> bytes:
            calls.append((variant, len(salt), *sorted(cost.items())))
            return real(variant, password, salt, **cost)  # type: ignore[arg-type]

        with pytest.MonkeyPatch.context() as patches:
            patches.setattr(password_hashes, "argon2", spy)
            for one in (known, stored):
                with pytest.raises(errors.PasswordMismatch, match=r"^the password does not fit$"):
                    hasher.verify("wrong", one)
        assert len(calls) == 2
        assert calls[0] == calls[1]

    def test_they_cost_the_same_time(self) -> None:
        """Known, unknown, and known by a string of next to no cost: within a third of each other, in turns."""
        hasher = PasswordHasher(Argon2idCost(memory_kib=19_456, iterations=2))
        weak = "md5$123abcdef$c8272612932975ee80e8a35995708e80"
        known = hasher.hash("right")

        def shares() -> list[float]:
            taken: dict[str | None, list[float]] = {known: [], None: [], weak: []}
            for _ in range(9):
                for stored, times in taken.items():
                    started = perf_counter()
                    with pytest.raises(errors.PasswordMismatch):
                        hasher.verify("wrong", stored)
                    times.append(perf_counter() - started)
            usual = statistics.median(taken[known])
            return [statistics.median(times) / usual for times in taken.values()]

        undisturbed(shares, lambda found: all(0.66 < share < 1.5 for share in found))

    def test_the_clock_of_the_test_above_would_notice(self) -> None:
        """Without the work, a weak string is told from the others at once."""
        hasher = PasswordHasher(CHEAP)
        known = hasher.hash("right")
        weak = hasher._parse("md5$123abcdef$c8272612932975ee80e8a35995708e80")

        def share() -> float:
            started = perf_counter()
            with pytest.raises(errors.PasswordMismatch):
                hasher.verify("wrong", known)
            full = perf_counter() - started
            started = perf_counter()
            with pytest.raises(errors.PasswordMismatch):
                weak.check(b"wrong")
            return (perf_counter() - started) / full

        undisturbed(share, lambda found: found < 0.66)

    def test_a_costly_string_is_not_made_costlier(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Only what is missing of the usual time is spent."""
        spent: list[float] = []
        monkeypatch.setattr(Argon2idCost, "spend", lambda _self, share: spent.append(share))
        hasher = PasswordHasher(CHEAP)
        hasher._own_seconds = 1e-6
        with pytest.raises(errors.PasswordMismatch):
            hasher.verify("wrong", LEGACY)
        assert spent == []
        hasher._own_seconds = 1e6
        with pytest.raises(errors.PasswordMismatch):
            hasher.verify("wrong", LEGACY)
        assert [round(share, 3) for share in spent] == [1.0]


@pytest.mark.parametrize(
    ("target", "per_pass", "expected"),
    [
        (0.25, 0.05, (131_072, 2)),
        (0.25, 0.01, (262_144, 6)),
        (0.05, 0.05, (32_768, 2)),
        (0.001, 0.05, (19_456, 2)),
        (100.0, 0.01, (262_144, 10)),
    ],
)
def test_calibrate_fits_the_target_and_the_floors(
    target: float, per_pass: float, expected: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a machine where one pass over 64 MiB takes so long."""
    now = [0.0]

    def spend(cost: Argon2idCost, share: float) -> None:
        now[0] += per_pass * cost.iterations * cost.memory_kib / 65_536 * share

    monkeypatch.setattr(Argon2idCost, "spend", spend)
    cost = password_costs.calibrate(target, "argon2id", lambda: now[0])
    assert isinstance(cost, Argon2idCost)
    assert (cost.memory_kib, cost.iterations) == expected


def test_calibrate_measures_this_machine() -> None:
    """For real: a hasher that takes about what was asked for."""
    hasher = PasswordHasher.calibrate(timedelta(milliseconds=150))
    assert isinstance(hasher.cost, Argon2idCost)
    assert hasher.cost.memory_kib * hasher.cost.iterations >= 19_456 * 2
    slow = PasswordHasher.calibrate(timedelta(milliseconds=1), kind="pbkdf2")
    assert isinstance(slow.cost, Pbkdf2Cost)
    assert slow.cost.iterations == 600_000
    for wrong in ({"target": timedelta(0)}, {"kind": "md5"}):
        with pytest.raises(ValueError, match=r"the target|the kind"):
            PasswordHasher.calibrate(**wrong)  # type: ignore[arg-type]


def test_nothing_shows_the_password(hasher: PasswordHasher) -> None:
    """Not the error, its causes, nor what is printed of the hasher."""
    stored = hasher.hash("canary-7f3a")
    with pytest.raises(errors.PasswordMismatch) as caught:
        hasher.verify("canary-8e2b", stored)
    shown = repr(caught.value) + str(caught.value.__cause__) + repr(caught.value.args) + repr(hasher)
    assert "canary" not in shown
    assert caught.value.__cause__ is None
    assert "canary" not in repr(hasher._parse(stored))
