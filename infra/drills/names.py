"""A name server for one name, whose addresses change: what docker's does when a service scales."""

import asyncio
import ipaddress
import struct
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

HEADER = struct.Struct("!HHHHHH")
ANSWER, ADDRESS = 0x8180, 1  # a good answer; a record of kind A


class NameServer(asyncio.DatagramProtocol):
    """Answers any question for IPv4 addresses with `addresses`, to be kept for one second."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self.addresses = list(addresses)
        self.port = 0
        self._transport: Any = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(host, port))
        self.port = transport.get_extra_info("sockname")[1]

    def stop(self) -> None:
        self._transport.close()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        with suppress(struct.error, IndexError):
            self._transport.sendto(self._answer(data), addr)

    def _answer(self, query: bytes) -> bytes:
        number = HEADER.unpack_from(query)[0]
        end = query.index(0, HEADER.size) + 5  # the name, its end, kind and class
        question = query[HEADER.size : end]
        kind = struct.unpack_from("!H", question, len(question) - 4)[0]
        records = [
            # 0xC00C: the name that was asked for.
            struct.pack("!HHHIH", 0xC00C, ADDRESS, 1, 1, 4) + ipaddress.ip_address(address).packed
            for address in self.addresses
            if kind == ADDRESS
        ]
        head = HEADER.pack(number, ANSWER, 1, len(records), 0, 0)
        return head + question + b"".join(records)
