"""Addresses of clients, and what one client can't easily change of its own."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address


def ip_of(address: str) -> IPv4Address | IPv6Address | None:
    """The IP address that a text is, None for other texts; of `::ffff:a.b.c.d`, as which an IPv6
    socket shows its IPv4 clients, the IPv4 address."""
    try:
        ip = ip_address(address)
    except ValueError:
        return None
    return getattr(ip, "ipv4_mapped", None) or ip


@lru_cache(maxsize=10_000)
def network_of(address: str) -> str:
    """What one client can't easily change: an IPv4 address, an IPv6 network of 64 bits."""
    ip = ip_of(address)
    if isinstance(ip, IPv6Address):
        return str(IPv6Address(int(ip) >> 64 << 64))
    return str(ip or address)
