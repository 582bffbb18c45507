"""What a certificate may be for, and what an authority's constraints let through."""

from __future__ import annotations

from string import ascii_letters, digits

import pytest

from strongroom.crypto.x509.names import URI_CHARACTERS_MAX, Name, parse_constraints, parse_name, parse_names
from strongroom.errors import Denied

KINDS = {
    "web.internal.test": "dns", "*.internal.test": "dns", "localhost": "dns", "xn--bcher-kva.test": "dns",
    "a" * 63 + ".test": "dns",
    "10.0.0.7": "ip", "::1": "ip", "bot@internal.test": "email", "first.last+tag@internal.test": "email",
    "spiffe://internal.test/" + "a" * (URI_CHARACTERS_MAX - 23): "uri", "spiffe://internal.test/orders": "uri",
    "spiffe://internal.test": "uri", "spiffe://internal.test/a/B_1.x": "uri",
    f"spiffe://internal.test/{ascii_letters}{digits}.-_": "uri",
}  # fmt: skip

REFUSED = {
    "nothing": "",
    "a NUL": "web.internal.test\0.evil.com",
    "an upper case letter": "Web.internal.test",
    "a letter that looks like another": "wеb.internal.test",
    "an empty label": "web..test",
    "a name that ends with a dot": "web.test.",
    "a long label": "a" * 64 + ".test",
    "a long name": ".".join(["a" * 60] * 5),
    "a hyphen in front": "-web.test",
    "a hyphen behind": "web-.test",
    "an underscore": "_web.test",
    "white space": "web .test",
    "a wildcard in the middle": "web.*.test",
    "part of a label as wildcard": "w*.internal.test",
    "two wildcards": "*.*.test",
    "a wildcard for everything": "*",
    "a wildcard below a single label": "*.test",
    "a wildcard at the end": "web.*",
    "an address with a hole": "10.0.0",
    "an address in octal": "010.0.0.1",
    "an address with a zone": "fe80::1%eth0.",
    "a label that is no international name": "xn--a.test",
    "a label with hyphens in its third place": "ab--cd.test",
    "another scheme": "https://internal.test/",
    "SPIFFE with a port": "spiffe://internal.test:80/a",
    "SPIFFE with a user": "spiffe://a@internal.test/a",
    "SPIFFE with a query": "spiffe://internal.test/a?b",
    "SPIFFE with dots for a path": "spiffe://internal.test/a/../b",
    "SPIFFE with a dot for a path": "spiffe://internal.test/a/./b",
    "SPIFFE that is too long": "spiffe://internal.test/" + "a" * (URI_CHARACTERS_MAX - 22),
    "SPIFFE with an empty segment": "spiffe://internal.test//a",
    "SPIFFE with a slash at the end": "spiffe://internal.test/a/",
    "SPIFFE in upper case": "spiffe://Internal.test/a",
    "a mailbox without a name": "@internal.test",
    "a mailbox with two signs": "a@b@internal.test",
    "a mailbox with two dots": "a..b@internal.test",
    "a quoted mailbox": '"a b"@internal.test',
    "a mailbox of another alphabet": "bоt@internal.test",
}


@pytest.mark.parametrize("text", KINDS)
def test_a_name_is_of_the_kind_that_it_looks_like(text: str) -> None:
    """And is spelled as it was given."""
    assert parse_name(text) == Name(KINDS[text], text)


@pytest.mark.parametrize("case", REFUSED)
def test_what_no_certificate_can_be_for_is_refused(case: str) -> None:
    """Nothing is repaired, and nothing is taken for something else."""
    with pytest.raises(ValueError):
        parse_name(REFUSED[case])


def test_an_address_has_one_spelling() -> None:
    """Two spellings of it would be two names."""
    assert parse_name("0:0::0:1") == parse_name("::1")


def test_a_set_of_names_has_bounds() -> None:
    """One to a hundred, each once, and one SPIFFE ID."""
    assert parse_names(["a.test", "b.test", "a.test"]) == (Name("dns", "a.test"), Name("dns", "b.test"))
    for texts in ([], [f"n{number}.test" for number in range(101)], ["spiffe://a.test/1", "spiffe://a.test/2"]):
        with pytest.raises(ValueError):
            parse_names(texts)


CONSTRAINTS = parse_constraints(["internal.test", "localhost", "10.0.0.0/8", "::1"])
INSIDE = (
    "internal.test", "web.internal.test", "*.internal.test", "localhost", "10.1.2.3", "::1", "bot@internal.test",
    "bot@mail.internal.test", "spiffe://internal.test/a",
)  # fmt: skip
OUTSIDE = (
    "evil.com", "test", "notinternal.test", "internal.test.evil.com", "*.evil.com", "11.0.0.1", "::2", "127.0.0.1",
    "::ffff:10.0.0.1", "bot@evil.com", "bot@test", "spiffe://evil.com/internal.test",
)  # fmt: skip


@pytest.mark.parametrize("text", INSIDE)
def test_what_lies_below_a_constraint_is_allowed(text: str) -> None:
    """The domain itself, names below it, mailboxes and SPIFFE IDs of it, and addresses of the network."""
    CONSTRAINTS.check(parse_name(text))


@pytest.mark.parametrize("text", OUTSIDE)
def test_what_lies_beside_a_constraint_is_denied(text: str) -> None:
    """Parts of labels do not count, and an address of the other family is another address."""
    with pytest.raises(Denied, match="may not issue for"):
        CONSTRAINTS.check(parse_name(text))


def test_nothing_permitted_is_nothing_allowed() -> None:
    """Without a network there are no addresses; without a domain there is no authority."""
    with pytest.raises(Denied):
        parse_constraints(["internal.test"]).check(parse_name("10.0.0.1"))
    for texts in ([], ["10.0.0.0/8"], ["10.0.0.1/8"], ["*.test"], ["a.test/8"], [""]):
        with pytest.raises(ValueError):
            parse_constraints(texts)
