"""Networks and services of a compose file as bridges and network namespaces. Linux, as root.

To be used in a network and mount namespace of its own (`unshare --net --mount`), so that nothing of
it is left and nothing of the machine is touched.
"""

import os
import subprocess
from collections.abc import Mapping, Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import Any

SUBNETS = ip_network("10.89.0.0/16").subnets(new_prefix=24)
# What a container gets: its names, its secrets, and nothing else in /run. First comes the hosts
# file, then pairs of file and target, then --, then the command.
ENTER = """
mount --bind "$1" /etc/hosts
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/secrets
shift
while [ "$1" != -- ]; do
  touch "$2"
  mount --bind -o ro "$1" "$2"
  shift 2
done
shift
exec "$@"
"""


def ip(*words: str) -> None:
    """The command of that name. Raises CalledProcessError."""
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)  # noqa: S607


class Container:
    """A service: its place in each of its networks, and what is started there."""

    def __init__(self, name: str, config: Mapping[str, Any], folder: Path) -> None:
        self.name, self.config = name, config
        self.addresses: dict[str, str] = {}
        self.hosts = folder / f"{name}.hosts"
        self.log = folder / f"{name}.log"

    def names_in(self, network: str) -> list[str]:
        """What the others of that network call it."""
        more: dict[str, Any] = self.config["networks"][network] or {}
        return [self.name, *more.get("aliases", [])]

    def command(
        self, words: Sequence[str], secrets: Mapping[str, Any], with_secrets: bool = True
    ) -> list[str]:
        """The words inside of the container."""
        mounts: list[str] = []
        for one in self.config.get("secrets") or [] if with_secrets else []:
            target = Path("/run/secrets") / one["target"]
            mounts += [secrets[one["source"]]["file"], str(target)]
        enter = ["sh", "-euc", ENTER, "sh", str(self.hosts), *mounts, "--"]
        return ["ip", "netns", "exec", self.name, *enter, *words]


def lay_out(stack: Mapping[str, Any], folder: Path) -> dict[str, Container]:
    """Make the networks, and a container in each of its own for every service."""
    # Both are this namespace's own; nothing is forwarded from one network to another.
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)  # noqa: S607
    Path("/proc/sys/net/ipv4/ip_forward").write_text("0")
    ip("link", "set", "lo", "up")
    found = {name: Container(name, one, folder) for name, one in stack["services"].items()}
    for name in found:
        ip("netns", "add", name)
        ip("-n", name, "link", "set", "lo", "up")
    for number, (network, config) in enumerate(stack["networks"].items()):
        given = (config["ipam"].get("config") or [{}])[0].get("subnet")
        subnet = ip_network(given) if given else next(SUBNETS)
        _connect(number, network, subnet, list(found.values()))
    for one in found.values():
        one.hosts.write_text("127.0.0.1 localhost\n" + _hosts(one, list(found.values())))
    return found


def _connect(number: int, network: str, subnet: Any, containers: Sequence[Container]) -> None:
    bridge, hosts = f"br{number}", subnet.hosts()
    ip("link", "add", "name", bridge, "type", "bridge")
    ip("addr", "add", f"{next(hosts)}/{subnet.prefixlen}", "dev", bridge)
    ip("link", "set", bridge, "up")
    for place, one in enumerate(containers):
        if network not in one.config["networks"]:
            continue
        address, here, there = str(next(hosts)), f"v{number}-{place}", f"e{number}-{place}"
        ip("link", "add", "name", here, "type", "veth", "peer", "name", there)
        ip("link", "set", here, "master", bridge, "up")
        ip("link", "set", there, "netns", one.name)
        ip("-n", one.name, "addr", "add", f"{address}/{subnet.prefixlen}", "dev", there)
        ip("-n", one.name, "link", "set", there, "up")
        one.addresses[network] = address


def _hosts(one: Container, others: Sequence[Container]) -> str:
    """The lines of those that share a network with it, as compose's name server knows them."""
    lines = []
    for other in others:
        for network in one.addresses.keys() & other.addresses.keys():
            lines.append(f"{other.addresses[network]} {' '.join(other.names_in(network))}\n")
    return "".join(lines)


def environment_of(one: Container, path: Sequence[Path], **more: str) -> dict[str, str]:
    """What compose gives it, and what its image would."""
    folders = os.pathsep.join([*map(str, path), "/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin"])
    return {"PATH": folders, **more, **(one.config.get("environment") or {})}
