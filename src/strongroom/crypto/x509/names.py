"""What a certificate may be for: DNS names, addresses, mailboxes, SPIFFE IDs; and the constraints of an authority.

Nothing is repaired: a name is spelled as it will stand in the certificate, or is refused. Pure.
Source: RFC 5280, 4.2.1.6 and 4.2.1.10; RFC 1034, 3.5; RFC 6125, 6.4.3; the SPIFFE-ID standard, 2.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from strongroom.errors import Denied

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Address = IPv4Address | IPv6Address
    Network = IPv4Network | IPv6Network

DNS_CHARACTERS_MAX = 253
LABEL_CHARACTERS_MAX = 63
URI_CHARACTERS_MAX = 2_048
MAILBOX_CHARACTERS_MAX = 254
NAMES_MAX = 100
_LETTERS_DIGITS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_LOCAL_PART = _LETTERS_DIGITS | frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ!#$%&'*+-/=?^_`{|}~.")
_TRUST_DOMAIN = _LETTERS_DIGITS | frozenset(".-_")
_SEGMENT = _LETTERS_DIGITS | frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ.-_")
_SPIFFE = "spiffe://"
_PRIVATE_LABELS = frozenset((
    "corp", "example", "home", "internal", "intranet", "invalid", "lan", "local", "localhost", "mail", "private",
    "test",
))  # fmt: skip
_PRIVATE_NETWORKS = (
    "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
    "::1", "fc00::/7", "fe80::/10",
)  # fmt: skip
# No registry gives one network of the Internet more than this; the largest holders have several.
_OWN_PREFIXES = {4: 16, 6: 32}


class Name:
    """One name of a certificate. Made by `parse_name`.

    Attributes:
        kind: ``"dns"``, ``"ip"``, ``"email"`` or ``"uri"``.
        value: as it stands in the certificate; addresses in their canonical spelling.
    """

    __slots__ = ("kind", "value")

    def __init__(self, kind: str, value: str) -> None:
        self.kind = kind
        self.value = value

    @property
    def host(self) -> str:
        """The DNS name that a constraint is compared with; empty for an address."""
        if self.kind == "email":
            return self.value.rpartition("@")[2]
        if self.kind == "uri":
            return self.value.removeprefix(_SPIFFE).partition("/")[0]
        return self.value.removeprefix("*.") if self.kind == "dns" else ""

    def __str__(self) -> str:
        return self.value

    def __repr__(self) -> str:
        return f"Name({self.kind!r}, {self.value!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Name) and (self.kind, self.value) == (other.kind, other.value)

    def __hash__(self) -> int:
        return hash((self.kind, self.value))


def parse_name(text: str) -> Name:
    """The name that *text* spells: what it looks like says of which kind.

    Args:
        text: ``web.internal.test``, ``*.internal.test``, ``10.0.0.7``, ``::1``, ``bot@internal.test``
            or ``spiffe://internal.test/orders``.

    Raises: ValueError: nothing that a certificate of ours can be for.
    """
    if "://" in text:
        return Name("uri", _checked_spiffe_id(text))
    if "@" in text:
        return Name("email", _checked_mailbox(text))
    if "%" in text:
        raise ValueError(f"{text!r} has a zone, which means something on one machine only")
    try:
        return Name("ip", str(ip_address(text)))
    except ValueError:
        return Name("dns", _checked_wildcard(text))


def parse_names(texts: Iterable[str]) -> tuple[Name, ...]:
    """Several names, in their order, each once.

    Raises: ValueError: one cannot be; none or more than 100; or two SPIFFE IDs, where verifiers take one.
    """
    names = tuple(dict.fromkeys(map(parse_name, texts)))
    check_names(names)
    return names


def check_names(names: Sequence[Name]) -> None:
    """Refuse a set of names that no one certificate can be for.

    Raises: ValueError: none, more than 100, or two SPIFFE IDs.
    """
    if not 1 <= len(names) <= NAMES_MAX:
        raise ValueError(f"a certificate is for 1 to {NAMES_MAX} names")
    if sum(name.kind == "uri" for name in names) > 1:
        raise ValueError("a certificate has one SPIFFE ID at most")


class Constraints:
    """What an authority may issue certificates for: the DNS names and networks below which all names lie.

    What is not allowed is denied: without a network no address is. Mailboxes and SPIFFE IDs are held by their domain.

    Attributes:
        domains: at least one; each allows itself and what is below it.
    """

    __slots__ = ("domains", "networks")

    def __init__(self, domains: tuple[str, ...], networks: tuple[Network, ...]) -> None:
        if not domains:
            raise ValueError("an authority is for at least one domain")
        self.domains = domains
        self.networks = networks

    def check(self, name: Name) -> None:
        """Refuse a name that this authority may not speak for.

        Raises: Denied: it lies outside.
        """
        if name.kind == "ip":
            address = ip_address(name.value)
            is_inside = any(address.version == one.version and address in one for one in self.networks)
        else:
            host = name.host
            is_inside = any(host == domain or host.endswith("." + domain) for domain in self.domains)
        if not is_inside:
            raise Denied(
                f"this authority may not issue for {name}",
                advice=f"it may for: {', '.join(self.spelled())}",
            )

    def everybodys(self) -> list[str]:
        """What of it is too wide to be somebody's own: a domain such as ``com``, or a large part of the Internet.

        Source: RFC 6761; RFC 6762, appendix G; ICANN's resolutions on .corp, .home, .mail and .internal; RFC 6890.
        """
        wide = [domain for domain in self.domains if "." not in domain and domain not in _PRIVATE_LABELS]
        return wide + [str(one) for one in self.networks if not _is_somebodys(one)]

    def spelled(self) -> list[str]:
        """The domains and networks, as `parse_constraints` takes them."""
        return [*self.domains, *map(str, self.networks)]


def _is_somebodys(network: Network) -> bool:
    if network.prefixlen >= _OWN_PREFIXES[network.version]:
        return True
    # Not `is_private`: it is true of 0.0.0.0/0, whose first and last address are.
    private = [one for one in map(ip_network, _PRIVATE_NETWORKS) if one.version == network.version]
    return any(network.subnet_of(one) for one in private)  # type: ignore[arg-type]  # of one version


def parse_constraints(texts: Iterable[str]) -> Constraints:
    """The constraints that are spelled as ``internal.test``, ``localhost``, ``10.0.0.0/8`` or ``::1``.

    Raises: ValueError: one is neither a DNS name nor a network, or there is no DNS name among them.
    """
    domains: list[str] = []
    networks: list[Network] = []
    for text in dict.fromkeys(texts):
        try:
            networks.append(ip_network(text))
        except ValueError:
            if "/" in text:
                raise ValueError(f"{text} is no network") from None
            domains.append(_checked_dns(text))
    return Constraints(tuple(domains), tuple(networks))


def _checked_wildcard(text: str) -> str:
    bare = text.removeprefix("*.")
    if bare != text and "." not in bare:
        raise ValueError(f"{text!r} is a wildcard below a single label, which verifiers refuse")
    _checked_dns(bare)
    return text


def _checked_dns(text: str) -> str:
    if not text.isascii():
        raise ValueError(f"{text!r} is not ASCII: an international name is spelled with xn--")
    if not 1 <= len(text) <= DNS_CHARACTERS_MAX:
        raise ValueError(f"a DNS name has 1 to {DNS_CHARACTERS_MAX} characters")
    labels = text.split(".")
    for label in labels:
        if not 1 <= len(label) <= LABEL_CHARACTERS_MAX:
            raise ValueError(f"{text!r} is no DNS name: a label is empty or too long")
        if not set(label) <= _LETTERS_DIGITS | {"-"} or label[0] == "-" or label[-1] == "-":
            raise ValueError(f"{text!r} is no DNS name: it is spelled with a-z, 0-9 and inner hyphens")
        if label[2:4] == "--":
            _check_international(text, label)
    if labels[-1].isdigit():
        raise ValueError(f"{text!r} is no DNS name: it ends like an address")
    return text


def _check_international(text: str, label: str) -> None:
    """A label with ``--`` in it is the one spelling of an international name, or a trick."""
    try:
        is_canonical = label.encode("ascii").decode("idna").encode("idna").decode("ascii") == label
    except UnicodeError:
        is_canonical = False
    if not label.startswith("xn--") or not is_canonical:
        raise ValueError(f"{text!r} holds a label that is no international name")


def _checked_mailbox(text: str) -> str:
    local, _, domain = text.rpartition("@")
    _checked_dns(domain)
    is_local = local and set(local) <= _LOCAL_PART and local[0] != "." and local[-1] != "." and ".." not in local
    if not is_local or len(text) > MAILBOX_CHARACTERS_MAX:
        raise ValueError(f"{text!r} is no mailbox")
    return text


def _checked_spiffe_id(text: str) -> str:
    rest = text.removeprefix(_SPIFFE)
    if rest == text or len(text) > URI_CHARACTERS_MAX:
        raise ValueError(f"the URIs of certificates are SPIFFE IDs: {_SPIFFE}DOMAIN/PATH")
    domain, slash, path = rest.partition("/")
    segments = path.split("/") if slash else []
    is_path = all(one not in ("", ".", "..") and set(one) <= _SEGMENT for one in segments)
    if not domain or not set(domain) <= _TRUST_DOMAIN or not is_path:
        raise ValueError(f"{text!r} is no SPIFFE ID")
    return text
