"""A secret that is no text says so without showing itself."""

from __future__ import annotations

import pytest

from strongroom.locate.unlock import to_buffer
from strongroom.secret import SecretStr


def test_text_with_lone_surrogates_is_refused() -> None:
    """Names and arguments of a process may hold them; UTF-8 does not."""
    with pytest.raises(ValueError, match="surrogates") as caught:
        SecretStr("hunter2\udc80")
    assert type(caught.value) is ValueError
    assert caught.value.__suppress_context__


def test_bytes_that_are_not_text_are_not_shown() -> None:
    """A UnicodeDecodeError would carry the whole secret."""
    secret = SecretStr(bytearray(b"hunter2\xff"))
    with pytest.raises(ValueError, match="not UTF-8") as caught:
        secret.reveal()
    assert type(caught.value) is ValueError
    assert caught.value.__suppress_context__


def test_a_passphrase_that_is_no_text_is_not_shown() -> None:
    """A program that hands over what the terminal gave it gets no traceback with it."""
    with pytest.raises(ValueError, match="surrogates") as caught:
        to_buffer("hunter2\udc80")
    assert type(caught.value) is ValueError
