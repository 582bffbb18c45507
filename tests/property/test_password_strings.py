"""Stored strings from anybody: whatever stands in the table of users, parsing it is quick, bounded and typed."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from strongroom import PasswordHasher, errors
from strongroom.credentials.password_strings import argon2, bcrypt, crypts, pbkdf2, scrypt
from strongroom.credentials.password_strings.registry import parse
from strongroom.crypto.foreign import password_hashes, sha_crypt
from strongroom.passwords import Argon2idCost, Pbkdf2Cost

# One of each form, as its own program writes it.
SEEDS = (
    "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$GpZ3sK/oH9p7VIiV56G/64Zo/8GaUw434IimaPqxwCo",
    "$argon2i$m=256,t=2,p=1$c29tZXNhbHQ$/U3YPXYsSb3q9XxHvc0MLxur+GP960kN9j7emXX8zwY",
    "argon2$argon2i$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$YC9+jJCrQhs5R6db7LlN8Q",
    "strongroom$argon2id$v=19$m=65536,t=3,p=1,keyid=fb3v7rfXJWU$f7HpHg0rOy4Qcjyb4NUXZA$GpZ3sK/oH9p7VIiV56G/64Zo/8GaUw434IimaPqxwCo",
    "$pbkdf2-sha256$1212$4vjV83LKPjQzk31VI4E0Vw$hsYF68OiOUPdDZ1Fg.fJPeq1h/gXXY7acBp9/6c.tmQ",
    "$pbkdf2-sha256$i=600000,keyid=fsSGuNQlpi0$QwBXYl9EP.2MZwl/hLB7Vw$mV8dIcUUxJrovRxjdaN0..cO2ATRD.p1rRxc6tgWXD8",
    "pbkdf2_sha256$10000$kjVJaVz6qsnJ$5yPHw3rwJGECpUf70daLGhOrQ5+AMxIJdz1c3bqK1Rs=",
    "pbkdf2:sha256:1000$aaaa$0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "{PKCS5S2}c4xaeTQM0lUieMS3V5voiexyX9XhqC2dBd5ecVy60IPksHChwoTAVYFrhsgoq8/p",
    "{PBKDF2-SHA256}1212$4vjV83LKPjQzk31VI4E0Vw$hsYF68OiOUPdDZ1Fg.fJPeq1h/gXXY7acBp9/6c.tmQ",
    "$p5k2$1000$ZxK4ZBJCfQg=$jJZVscWtO--p1-xIZl6jhO2LKR0=",
    "$p5k2$c$u9HvcT4d$Sd1gwSVCLZYAuqZ25piRnbBEoAesaa/g",
    "grub.pbkdf2.sha512.10000.BCAC1CEC.5E4341C8C511C529",
    "$scrypt$ln=10,r=8,p=16$TmFDbA$/bq+HJ00cgB4VucZDQHp/nxq18vII3gw53N2Y0s3MWI",
    "$7$C6..../....SodiumChloride$kBGj9fHznVYFQMEn/qDCfrDevf9YDtcDdKvEqHJLV8D",
    "scrypt$16384$seasalt$8$5$ECMIUp+LMxMSK8xB/IVyba+KYGTI7FTnet025q/1fRI=",
    "scrypt:32768:8:1$salt$00112233445566778899aabbccddeeff",
    "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
    "bcrypt_sha256$$2a$06$/3OeRpbOf8/l6nPPRdZPp.nRiyYqPobEZGdNRBWihQhiFDh1ws1tu",
    "$bcrypt-sha256$v=2,t=2b,r=5$5Hg1DKFqPE8C2aflZ5vVoe$wOK1VFFtS8IGTrGa7.h5fs0u84qyPbS",
    "$bcrypt-sha256$2a,5$E/e/2AOhqM5W/KJTFQzLce$F6dYSxOdAEoJZO2eoHUZWZljW/e0TXO",
    "$5$rounds=10428$uy/jIAhCetNCTtb0$YWvUOXbkqlqhyoPMpN8BMe.ZGsGx2aBvxTvDFI613c3",
    "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
    "md5$123abcdef$c8272612932975ee80e8a35995708e80",
    "sha1$$5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8",
    "5f4dcc3b5aa765d61d8327deb882cf99",
)
SIGNS = "$,=:{}.+-/_ \n\0" + "0123456789" + "abzAZé\ud800"


@st.composite
def changed(draw: st.DrawFn) -> str:
    """A string of a real form, in which a few characters or numbers are others."""
    text = list(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(text)))
        what = draw(st.sampled_from(("insert", "delete", "number", "double", "cut")))
        if what == "insert":
            text.insert(place, draw(st.sampled_from(SIGNS)))
        elif what == "delete":
            del text[place : place + draw(st.integers(1, 9))]
        elif what == "number":
            text[place : place + 1] = str(draw(st.integers(0, 2**70)))
        elif what == "double":
            text[place:place] = text[place:] * 2
        else:
            del text[place:]
    return "".join(text)


class Bounds:
    """Stands in for the functions, and lets no cost pass that docs/format.md does not allow."""

    def argon2(self, _variant: str, _password: bytes, salt: bytes, **cost: int) -> bytes:
        assert 8 * cost["lanes"] <= cost["memory_kib"] <= argon2.MEMORY_KIB_MAX
        assert 1 <= cost["iterations"] <= argon2.ITERATIONS_MAX
        assert 1 <= cost["lanes"] <= argon2.LANES_MAX
        assert cost["memory_kib"] * cost["iterations"] <= 8 << 20
        assert 8 <= len(salt) <= 256
        return self._result(cost.get("length", 32))

    def pbkdf2(self, hash_name: str, _password: bytes, salt: bytes, *, iterations: int, length: int) -> bytes:
        blocks = -(-length // {"sha1": 20, "sha256": 32, "sha512": 64}[hash_name])
        assert 1 <= iterations * blocks <= pbkdf2.ITERATIONS_MAX
        assert len(salt) <= 1_024
        return self._result(length)

    def scrypt(self, _password: bytes, salt: bytes, *, n: int, r: int, p: int, length: int) -> bytes:
        assert n >= 2
        assert n & (n - 1) == 0
        assert 128 * n * r <= scrypt.MEMORY_KIB_MAX << 10
        assert n * r * p <= scrypt.WORK_MAX
        assert len(salt) <= 1_024
        return self._result(length)

    def bcrypt(self, password: bytes, setting: bytes) -> bytes:
        assert len(password) <= 72
        assert len(setting) == 29
        assert bcrypt.COST[0] <= int(setting[4:6]) <= bcrypt.COST[1]
        return self._result(60)

    def sha_crypt(self, password: bytes, salt: bytes, rounds: int) -> bytes:
        assert len(password) <= crypts.PASSWORD_BYTES_MAX
        assert len(salt) <= 16
        assert 1_000 <= rounds <= crypts.ROUNDS_MAX
        return self._result(86)

    def _result(self, length: int) -> bytes:
        assert 4 <= length <= 128
        return bytes(length)


@pytest.fixture(scope="module", autouse=True)
def bounds() -> object:
    stand_in = Bounds()
    with pytest.MonkeyPatch.context() as patches:
        for name in ("argon2", "pbkdf2", "scrypt", "bcrypt"):
            patches.setattr(password_hashes, name, getattr(stand_in, name))
        patches.setattr(password_hashes, "argon2_first_version", stand_in.argon2)
        for name in ("sha256_crypt", "sha512_crypt"):
            patches.setattr(sha_crypt, name, stand_in.sha_crypt)
        yield


HASHER = PasswordHasher(Argon2idCost(memory_kib=19_456, iterations=1))


def judge(stored: str) -> None:
    """Nothing but the errors that `verify` documents; none of them repeats the string."""
    for password in (b"x", b"\0" * 80):
        said = ""
        try:
            HASHER.verify(password, stored)
        except (errors.PasswordMismatch, errors.FormatUnsupported, errors.Tampered) as error:
            said = f"{error}{error.advice}"
        assert len(stored) < 32 or stored not in said  # a short one may be a word of the message


@settings(max_examples=1_500, deadline=None)
@given(changed())
@example("$argon2id$v=19$m=8,t=1,p=1$" + "A" * 344 + "$AAAAAA")
@example("$7$" + "z" * 11 + "$" + "z" * 43)
@example("grub.pbkdf2.sha512.1..00000000")
def test_a_changed_string_is_refused_or_bounded(stored: str) -> None:
    """Whatever was changed in it."""
    judge(stored)


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=1_100))
@example("$" * 1_024)
@example("$$2b$$")
@example("\ud800")
def test_any_text_is_refused_or_bounded(stored: str) -> None:
    """Of any characters."""
    judge(stored)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_seeds_are_real(seed: str) -> None:
    """Each is of a form that is parsed, or else changing it would try nothing; two name a pepper that is not here."""
    if "keyid" in seed:
        with pytest.raises(errors.FormatUnsupported, match="pepper"):
            parse(seed, {})
    else:
        assert parse(seed, {}).scheme


def test_the_bounds_would_notice() -> None:
    """A cost beyond them fails there."""
    with pytest.raises(AssertionError):
        password_hashes.pbkdf2("sha1", b"", b"", iterations=10_000_001, length=20)


@given(
    st.integers(19_456, 2_097_152), st.integers(1, 10), st.integers(1, 8), st.binary(min_size=8, max_size=8),
)  # fmt: skip
def test_what_is_made_is_what_is_parsed(memory_kib: int, iterations: int, lanes: int, key_id: bytes) -> None:
    """Every cost that a hasher may have comes back from its own string."""
    if memory_kib * iterations > argon2.WORK_KIB_MAX:
        return
    cost = Argon2idCost(memory_kib=memory_kib, iterations=iterations, lanes=lanes)
    parsed = parse(cost.encode(bytes(16), bytes(32), key_id=b""), {})
    assert parsed.cost == {"memory_kib": memory_kib, "iterations": iterations, "lanes": lanes}
    assert not cost.is_more_than(parsed)
    with pytest.raises(errors.FormatUnsupported, match="pepper"):
        parse(cost.encode(bytes(16), bytes(32), key_id=key_id), {})


@given(st.integers(600_000, 10_000_000))
def test_what_is_made_by_pbkdf2_is_what_is_parsed(iterations: int) -> None:
    """The same."""
    parsed = parse(Pbkdf2Cost(iterations=iterations).encode(b"\xfb" * 16, b"\xff" * 32, key_id=b""), {})
    assert (parsed.cost, parsed.salt) == ({"iterations": iterations}, b"\xfb" * 16)
