"""`hatch run api` in a process of its own, with any application, on a free port."""

import http.client
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

COMMAND = (
    "from kernel.settings import load_settings; from kernel.serve import serve; import sys;"
    "sys.exit(serve(load_settings(), sys.argv[1]))"
)
SLOW = "tests.slow_app:app"


class Api:
    """`hatch run api` in a process of its own, on a free port."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self.process, self._log = process, log
        self.address = ("127.0.0.1", int(self._wait_for(r"running on http://[\d.:\[\]]+:(\d+)")))
        for _ in range(200):  # it listens a moment after it says that it has started
            with suppress(ConnectionRefusedError):
                socket.create_connection(self.address).close()
                break
            time.sleep(0.01)

    def ask(self, path: str, connection: http.client.HTTPConnection | None = None) -> int:
        """The status of an answer; its headers are in `headers`."""
        connection = connection or self.connect()
        connection.request("GET", path)
        response = connection.getresponse()
        self.body, self.headers = response.read(), response.headers
        return response.status

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(*self.address, timeout=10)

    def end(self) -> int:
        return self.process.wait(timeout=10)

    def _wait_for(self, pattern: str) -> str:
        for _ in range(6000):
            found = re.search(pattern, self.log)
            if found and "startup complete" in self.log:
                return found[1]
            assert self.process.poll() is None, self.log
            time.sleep(0.01)
        raise AssertionError(self.log)

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")


@contextmanager
def serving(
    folder: Path, settings: dict[str, str], program: str = SLOW, **more: str
) -> Iterator[Api]:
    log = folder / "log"
    environment = {**os.environ, **settings, "PORT": "0", "LOG_LEVEL": "INFO", **more}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", COMMAND, program], env=environment, stdout=output, stderr=output
        )
    try:
        yield Api(process, log)
    finally:
        if "COVERAGE_PROCESS_CONFIG" in os.environ:  # or what it has measured would be lost
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(5)
        process.kill()
        process.wait()
