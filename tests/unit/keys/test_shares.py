"""Shares: any T of N make the secret; every other collection says what is wrong with it."""

from __future__ import annotations

import itertools
import pickle

import pytest
from shamir_mnemonic import generate_mnemonics
from shamir_mnemonic.wordlist import WORDLIST

from strongroom.errors import Tampered, WrongKey
from strongroom.keys.slots import shares
from strongroom.keys.slots.shares import ShareCollector, ShareSet, looks_like_share, new_shares
from strongroom.wire import u8, u32


def _typed(share: object) -> bytearray:
    return bytearray(share.reveal().encode())  # type: ignore[attr-defined]


@pytest.mark.parametrize(("threshold", "count"), [(2, 2), (2, 3), (3, 5), (16, 16)])
def test_any_threshold_of_them_make_the_secret(threshold: int, count: int) -> None:
    """In any order, and in upper case with odd spaces."""
    credential, made = new_shares(threshold, count)
    assert len(made) == count
    for chosen in itertools.islice(itertools.combinations(reversed(made), threshold), 6):
        collector = ShareCollector([credential.parameters])
        for number, share in enumerate(chosen):
            assert collector.missing == threshold - number
            typed = bytearray(b"  " + share.reveal().upper().replace(" ", "\t ").encode() + b"\r")
            collector.add(typed)
            assert not any(typed)
        assert collector.missing == 0
        opened = collector.credential()
        assert opened.parameters == credential.parameters
        assert opened.secret(opened.parameters) == credential.secret(credential.parameters)


def test_a_surplus_share_does_no_harm() -> None:
    """Three shares where two are enough."""
    credential, made = new_shares(2, 3)
    collector = ShareCollector([credential.parameters])
    for share in made:
        collector.add(_typed(share))
    assert collector.credential().secret(credential.parameters) == credential.secret(credential.parameters)


@pytest.mark.parametrize(("threshold", "count"), [(0, 0), (1, 1), (1, 3), (3, 2), (2, 17), (17, 17)])
def test_numbers_out_of_bounds_are_refused(threshold: int, count: int) -> None:
    """One share alone would be a recovery code by another name."""
    with pytest.raises(ValueError, match="shares"):
        new_shares(threshold, count)


def test_the_secret_is_wiped_when_it_cannot_be_split(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the library raises, the new secret does not stay behind."""
    made: list[bytearray] = []
    real = shares.random_buffer

    def watched(length: int) -> bytearray:
        made.append(real(length))
        return made[-1]

    def fail(*_given: object, **_named: object) -> None:
        raise MemoryError

    monkeypatch.setattr(shares, "random_buffer", watched)
    monkeypatch.setattr("shamir_mnemonic.generate_mnemonics", fail)
    with pytest.raises(MemoryError):
        new_shares(2, 3)
    assert made == [bytes(32)]


def test_the_vault_may_have_several_sets() -> None:
    """The first share says which slot is meant."""
    first, ones = new_shares(2, 2)
    second, others = new_shares(3, 3)
    while second.parameters[:4] == first.parameters[:4]:
        second, others = new_shares(3, 3)
    collector = ShareCollector([first.parameters, second.parameters])
    assert collector.missing == 2
    collector.add(_typed(others[0]))
    assert collector.missing == 2
    collector.add(_typed(others[1]))
    with pytest.raises(WrongKey, match=r"this share is of set \d+, and the one before of set \d+"):
        collector.add(_typed(ones[0]))
    collector.add(_typed(others[2]))
    assert collector.credential().parameters == second.parameters


def _with(word_number: int, word: str, share: str) -> str:
    words = share.split()
    words[word_number] = word
    return " ".join(words)


def test_a_mistyped_share_is_named_without_its_words() -> None:
    """Each kind of mistake has its message; what was taken before stays."""
    credential, made = new_shares(2, 3)
    good = made[1].reveal()
    other_word = next(word for word in WORDLIST if word != good.split()[20])
    mistakes = {
        "word 21 of the share is not a word": _with(20, "canarybird", good),
        "its checksum does not fit": _with(20, other_word, good),
        "a share has 33 words, and this one 32": good.rsplit(" ", 1)[0],
        "a share has 33 words, and this one 34": f"{good} academic",
        "a share has 33 words, and this one 0": "",
        "a share has 33 words, and this one 0 ": "schlüssel",
    }
    collector = ShareCollector([credential.parameters])
    collector.add(_typed(made[0]))
    for message, mistake in mistakes.items():
        typed = bytearray(mistake.encode())
        with pytest.raises(WrongKey, match=message.strip()) as caught:
            collector.add(typed)
        assert not any(typed)
        # Two words in a row: one alone may stand in any English sentence.
        words = mistake.split()[4:]
        secret = ["canarybird", *(" ".join(pair) for pair in itertools.pairwise(words))]
        shown = f"{caught.value} {caught.value.advice} {caught.value.__context__}"
        assert not any(part in shown for part in secret)
        frame = caught.value.__traceback__
        while frame is not None:
            if frame.tb_frame.f_code.co_filename == shares.__file__:
                kept = repr(frame.tb_frame.f_locals).replace("', '", " ")
                assert not any(part in kept for part in secret)
            frame = frame.tb_next
    collector.add(_typed(made[2]))
    assert collector.credential().secret(credential.parameters) == credential.secret(credential.parameters)


def test_a_duplicate_is_said() -> None:
    """The same share twice, also in another spelling, is not two shares."""
    credential, made = new_shares(2, 3)
    collector = ShareCollector([credential.parameters])
    collector.add(_typed(made[2]))
    with pytest.raises(WrongKey, match="share 3 was given already"):
        collector.add(bytearray(made[2].reveal().upper().encode()))
    assert collector.missing == 1


def test_too_few_are_counted() -> None:
    """How many were given, and how many are missing."""
    credential, made = new_shares(3, 5)
    collector = ShareCollector([credential.parameters])
    for expected in ("0 shares were given, and 3 more are needed", "1 share was given, and 2 more are needed"):
        with pytest.raises(WrongKey, match=expected):
            collector.credential()
        collector.add(_typed(made[collector.missing]))
    with pytest.raises(WrongKey, match="2 shares were given, and 1 more is needed"):
        collector.credential()


def _same_set(credential_parameters: bytes, monkeypatch: pytest.MonkeyPatch, threshold: int = 2) -> list[object]:
    """Shares of another secret with the same set id, as one set in 32,768 has by chance."""
    set_id = int.from_bytes(credential_parameters[:4], "big")
    monkeypatch.setattr("shamir_mnemonic.shamir._random_identifier", lambda: set_id)
    return list(new_shares(threshold, 3)[1])


def test_a_foreign_share_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of another vault, of another threshold, in several groups, of 16 bytes, slow to combine, or of the older kind."""
    credential, _made = new_shares(2, 3)
    set_id = int.from_bytes(credential.parameters[:4], "big")
    other, strangers = new_shares(2, 3)
    while other.parameters == credential.parameters:
        other, strangers = new_shares(2, 3)
    monkeypatch.setattr("shamir_mnemonic.shamir._random_identifier", lambda: set_id)
    secret = bytes(32)
    foreign = {
        "another vault": strangers[0].reveal(),
        "another threshold": generate_mnemonics(1, [(3, 3)], secret, iteration_exponent=0)[0][0],
        "two groups": generate_mnemonics(2, [(2, 3), (2, 3)], secret, iteration_exponent=0)[0][0],
        "one of two groups": generate_mnemonics(1, [(2, 3), (2, 3)], secret, iteration_exponent=0)[0][0],
        "a higher exponent": generate_mnemonics(1, [(2, 3)], secret, iteration_exponent=3)[0][0],
        "not extendable": generate_mnemonics(1, [(2, 3)], secret, extendable=False, iteration_exponent=0)[0][0],
    }
    for name, mnemonic in foreign.items():
        with pytest.raises(WrongKey, match=r"this share is of set \d+, which no key slot of this vault has"):
            ShareCollector([credential.parameters]).add(bytearray(mnemonic.encode()))
        assert name
    short = generate_mnemonics(1, [(2, 3)], bytes(16), iteration_exponent=0)[0][0]
    with pytest.raises(WrongKey, match="33 words, and this one 20"):
        ShareCollector([credential.parameters]).add(bytearray(short.encode()))


def test_mixed_shares_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two sets with the same number: the shares' own digest finds it, or two that claim the same place."""
    credential, made = new_shares(2, 3)
    others = _same_set(credential.parameters, monkeypatch)
    collector = ShareCollector([credential.parameters])
    collector.add(_typed(made[0]))
    with pytest.raises(WrongKey, match="two different shares say that they are share 1"):
        collector.add(_typed(others[0]))
    collector.add(_typed(others[1]))
    with pytest.raises(WrongKey, match="do not belong together"):
        collector.credential()


def test_what_reads_like_a_share() -> None:
    """A share with a few mistakes still does; a passphrase, a recovery code or a sentence does not."""
    good = new_shares(2, 2)[1][0].reveal()
    assert looks_like_share(bytearray(good.encode()))
    assert looks_like_share(bytearray(_with(3, "mistake", _with(9, "x", good)).upper().encode()))
    for other in ("", "tea with nine blue elephants", "0123-4567-89AB-CDEF", "nonsense " * 33, "schlüssel " * 33):
        assert not looks_like_share(bytearray(other.encode()))


BAD_PARAMETERS = {
    "nothing": b"",
    "cut": ShareSet(1, 2, 3).encode()[:-1],
    "extended": ShareSet(1, 2, 3).encode() + b"\0",
    "a set id of 16 bits": u32(32_768) + u8(0) + u8(2) + u8(3),
    "an exponent": u32(1) + u8(1) + u8(2) + u8(3),
    "threshold 1": u32(1) + u8(0) + u8(1) + u8(3),
    "more needed than there are": u32(1) + u8(0) + u8(4) + u8(3),
    "17 shares": u32(1) + u8(0) + u8(2) + u8(17),
}


@pytest.mark.parametrize("case", BAD_PARAMETERS)
def test_parameters_out_of_bounds_are_refused(case: str) -> None:
    """Before anybody is asked for shares."""
    with pytest.raises(Tampered, match="malformed slot parameters"):
        shares.decode_parameters(BAD_PARAMETERS[case])


def test_parameters_in_words() -> None:
    """As slot list shows them."""
    assert shares.describe(ShareSet(7945, 2, 3).encode()) == "2 of 3 shares of set 7945"


def test_shares_are_never_shown_or_copied() -> None:
    """repr of a collector hides them; pickle refuses."""
    credential, made = new_shares(2, 2)
    collector = ShareCollector([credential.parameters])
    collector.add(_typed(made[0]))
    assert repr(collector) == "ShareCollector(1 given, <hidden>)"
    with pytest.raises(TypeError):
        pickle.dumps(collector)
