"""Load on one request for some seconds: by wrk where it is installed, else by a client of ours."""

import asyncio
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from infra.bench.cases import Case

CONNECTIONS = 16
UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}


@dataclass(frozen=True)
class Load:
    """What the client saw."""

    answered: int
    failed: int
    seconds: float
    p50: float
    """Milliseconds."""
    p99: float

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.answered / self.seconds


def run(base: str, case: Case, seconds: float, token: str) -> Load:
    """Send the case's request from CONNECTIONS connections, each waiting for its answer."""
    headers = {**case.headers, **({"Authorization": f"Bearer {token}"} if case.token else {})}
    if shutil.which("wrk"):
        return _wrk(base, case, seconds, headers)
    return asyncio.run(_own(base, case, seconds, headers))


def _wrk(base: str, case: Case, seconds: float, headers: dict[str, str]) -> Load:
    lines = [f'wrk.method = "{case.method}"', f"wrk.body = [[{case.body}]]"]
    lines += [f'wrk.headers["{name}"] = "{value}"' for name, value in headers.items()]
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write("\n".join(lines))
        script.flush()
        duration = f"{max(1, round(seconds))}s"
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{duration}", "--latency"]
        command += ["-s", script.name, base + case.path]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    total = re.search(r"(\d+) requests in ([\d.]+)(\w+)", output)
    assert total is not None, output
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    return Load(
        answered=int(total[1]),
        failed=int(failed[1]) if failed else 0,
        seconds=float(total[2]) * UNITS[total[3]] / 1e3,
        p50=_latency(output, "50%"),
        p99=_latency(output, "99%"),
    )


def _latency(output: str, share: str) -> float:
    found = re.search(rf"{share}\s+([\d.]+)(\w+)", output)
    assert found is not None, output
    return float(found[1]) * UNITS[found[2]]


async def _own(base: str, case: Case, seconds: float, headers: dict[str, str]) -> Load:
    address = urlsplit(base)
    lines = [f"{case.method} {case.path} HTTP/1.1", f"Host: {address.netloc}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {len(case.body)}", "", case.body]
    request = "\r\n".join(lines).encode()
    started = time.perf_counter()
    latencies: list[float] = []
    failed = 0

    async def client() -> None:
        nonlocal failed
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        while time.perf_counter() - started < seconds:
            sent = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head)
            await reader.readexactly(int(length[1]) if length else 0)
            latencies.append((time.perf_counter() - sent) * 1e3)
            failed += head[9:10] not in (b"2", b"3")
        writer.close()

    await asyncio.gather(*[client() for _ in range(CONNECTIONS)])
    latencies.sort()
    elapsed = time.perf_counter() - started
    median, tail = latencies[len(latencies) // 2], latencies[int(len(latencies) * 0.99)]
    return Load(len(latencies), failed, elapsed, median, tail)
