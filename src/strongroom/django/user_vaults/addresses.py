"""Who sent a request: its network, also behind proxies that the settings name.

Nothing of what a client writes is believed: `X-Forwarded-For` is read from its end, where one's own
proxies write, and only as far as those go. Pure: text in, networks out.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from ipaddress import IPv4Network, IPv6Network

    Address = IPv4Address | IPv6Address
    Network = IPv4Network | IPv6Network

UNIX = "unix"
"""Stands among the proxies for whoever connects through a Unix socket, and so has no address."""

# A chain of proxies is short; what a client wrote in front of it may be long, and is not read.
_HOPS_MAX = 16
_CHARACTERS_MAX = 1_024


class Proxies:
    """The proxies in front of this site.

    Args:
        names: networks such as ``"10.0.0.0/8"``, addresses, or ``"unix"``.

    Raises: ValueError: something else.
    """

    __slots__ = ("_networks", "_unix")

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._unix = False
        networks: list[Network] = []
        for name in names:
            if name == UNIX:
                self._unix = True
            else:
                networks.append(ip_network(name))
        self._networks = tuple(networks)

    def __contains__(self, address: Address | None) -> bool:
        if address is None:
            return self._unix
        # An address and a network of different versions are no match, and no error.
        return any(address in network for network in self._networks)

    @property
    def is_empty(self) -> bool:
        """Whether there are none."""
        return not (self._networks or self._unix)

    def client(self, meta: Mapping[str, str]) -> Address | None:
        """The address nearest to us that is not one of our proxies'.

        Args:
            meta: ``request.META``.

        Returns: None when there is none: a Unix socket that is no proxy's, or a test's request.
        """
        address = _address(meta.get("REMOTE_ADDR", ""))
        if address not in self:
            return address
        for hop in _hops(meta.get("HTTP_X_FORWARDED_FOR", "")):
            before, address = address, _address(hop)
            if address is None:
                # Our own proxy wrote something that is no address. Whoever is behind it shares the proxy's limits.
                return before
            if address not in self:
                return address
        return address


def networks(address: Address) -> list[str]:
    """What one client has, smallest first: an IPv4 address; of IPv6 the /64 of a household and the /48 of a site."""
    if isinstance(address, IPv4Address):
        return [str(address)]
    return [str(ip_network((address, length), strict=False)) for length in (64, 48)]


def _hops(header: str) -> Sequence[str]:
    if len(header) > _CHARACTERS_MAX:
        # Cut at a comma: half an address could be somebody else's.
        header = header[-_CHARACTERS_MAX:].partition(",")[2]
    return [hop for part in reversed(header.split(",")) if (hop := part.strip())][:_HOPS_MAX]


def _address(text: str) -> Address | None:
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]  # an IPv4 address with its port
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return address if mapped is None else mapped
