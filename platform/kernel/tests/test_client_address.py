"""Whose request it is, from what proxies and clients write into X-Forwarded-For."""

from ipaddress import ip_network

import pytest

from kernel.web.client_address import forwarded_for, is_in, unmapped

PROXIES = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


@pytest.mark.parametrize(
    ("header", "address"),
    [
        ([], "10.0.0.1"),
        (["192.0.2.7"], "192.0.2.7"),
        (["198.51.100.9, 192.0.2.7, 10.0.0.2"], "192.0.2.7"),
        (["198.51.100.9", "192.0.2.7:4711"], "192.0.2.7"),
        (["[2001:db8::7]:4711, fd00::2"], "2001:db8::7"),
        (["::ffff:192.0.2.7"], "192.0.2.7"),
        (["192.0.2.7, nonsense, 10.0.0.2"], "10.0.0.2"),
        (["192.0.2.7, no:n:sense"], "10.0.0.1"),
        (["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
    ],
)
def test_the_rightmost_hop_that_no_trusted_proxy_has_is_the_client(
    header: list[str], address: str
) -> None:
    assert forwarded_for(header, "10.0.0.1", PROXIES) == address


def test_a_socket_s_name_that_is_no_address_is_in_no_network() -> None:
    assert not is_in("unix", PROXIES)
    assert unmapped("no:address") == "no:address"
