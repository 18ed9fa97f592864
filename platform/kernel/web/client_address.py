"""Whose request it is: the address at the far end of the trusted proxies."""

from kernel.config.groups import Network
from kernel.rate_limit.networks import ip_of


def forwarded_for(header: list[str], peer: str, trusted: list[Network]) -> str:
    """The rightmost address in X-Forwarded-For that no trusted proxy has.

    Proxies append on the right; whatever stands left of the first untrusted hop is a claim of
    the client's. A malformed entry ends the walk at the hop before it.
    """
    address = peer
    for entry in reversed([part.strip() for line in header for part in line.split(",")]):
        hop = ip_of(_without_port(entry))
        if hop is None:
            return address
        address = str(hop)
        if not is_in(address, trusted):
            return address
    return address


def unmapped(address: str) -> str:
    """The IPv4 address in `::ffff:a.b.c.d`, as which an IPv6 socket shows its IPv4 clients."""
    return str(ip_of(address) or address) if ":" in address else address


def _without_port(entry: str) -> str:
    if entry.startswith("["):
        return entry[1:].partition("]")[0]
    return entry.partition(":")[0] if entry.count(":") == 1 else entry


def is_in(address: str, networks: list[Network]) -> bool:
    """Whether one of the networks holds the address."""
    ip = ip_of(address)
    return ip is not None and any(ip in network for network in networks)
