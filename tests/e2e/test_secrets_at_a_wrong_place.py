"""A token or a stored password typed where an id or a file is meant: refused with a word of help, and not repeated."""

from __future__ import annotations

import pytest

from strongroom.errors import NotFound
from strongroom.tokens import MemoryTokenStore, TokenIssuer
from tests.e2e.conftest import Machine


@pytest.mark.parametrize("verb", ["revoke", "rotate"])
def test_a_whole_token_in_the_place_of_its_id(keyed: Machine, verb: str) -> None:
    """It is good still: who sees the command line has it, so the command that ends it is named."""
    token = keyed.run("token", "issue", "nightly").text
    token_id = token.split("_")[1]
    done = keyed.run("token", verb, token)
    assert done.code == 2, done
    assert token not in done.err and token.split("_")[2] not in done.err
    assert f"strongroom token revoke {token_id}" in done.err
    # One with a mistyped letter is no token; it is not repeated either.
    done = keyed.run("token", verb, f"{token}x")
    assert (done.code, token.split("_")[2] in done.err) == (4, False), done
    assert keyed.run("token", "verify", stdin=token.encode()).code == 0


@pytest.mark.parametrize("verb", ["revoke", "rotate"])
def test_an_exception_repeats_no_token(verb: str) -> None:
    issuer = TokenIssuer(MemoryTokenStore(), prefix="acme")
    token = issuer.issue("nightly").token.reveal()
    with pytest.raises(NotFound) as caught:
        getattr(issuer, verb)(token)
    assert token.split("_")[2] not in f"{caught.value} {caught.value.advice} {caught.value.args}"
    with pytest.raises(TypeError):
        issuer.verify(None)  # type: ignore[arg-type]  # such as a header that is not there


@pytest.mark.parametrize("verb", ["verify", "describe"])
def test_a_stored_password_in_the_place_of_its_file(machine: Machine, verb: str) -> None:
    stored = "$argon2id$v=19$m=19456,t=1,p=1$9uv1walTW40hwLy53MSgmQ$wECN9b6c6X3QppgcelIJYGO+m9PcwJdjfP/iBivLxeI"
    done = machine.run("hash", verb, stored, stdin=b"pw\n")
    assert done.code == 2, done
    assert "not the string itself" in done.err and "wECN" not in done.err
