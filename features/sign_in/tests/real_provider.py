"""npm's oidc-provider, started for a drill, and what a person does on its pages."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urljoin

import httpx2

HERE = Path(__file__).with_name("node")
NODE, NPM = shutil.which("node"), shutil.which("npm")
FAKETIME = shutil.which("faketime")
CLIENT, SECRET = "the-api", "a secret+with %signs"
FORM = re.compile(r'<form[^>]* action="([^"]+)"')
PROMPT = re.compile(r'name="prompt" value="(\w+)"')


def install(folder: Path) -> Path:
    """The packages of package-lock.json, in that folder."""
    assert NPM is not None
    for file in HERE.iterdir():
        shutil.copy(file, folder)
    # No scripts: none of these packages needs one, and none shall run one.
    command = [NPM, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


class RealProvider:
    """A provider that comes and goes, on one port; each time with new keys."""

    def __init__(self, folder: Path, callback: str) -> None:
        self.port = free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        self._folder, self._callback = folder, callback
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def settings(self) -> dict[str, str]:
        return {
            "SIGN_IN_ISSUER": self.issuer,
            "SIGN_IN_CLIENT_ID": CLIENT,
            "SIGN_IN_CLIENT_SECRET": SECRET,
            "SIGN_IN_TIMEOUT": "2",
        }

    def start(self, skew: str = "", ttl: int = 60) -> None:
        """Start it, with a clock that is wrong by `skew`, `+45s` say."""
        assert NODE is not None
        faked = [FAKETIME, "-f", skew] if skew and FAKETIME else []
        environment = {
            **os.environ,
            "PORT": str(self.port),
            "CLIENT_ID": CLIENT,
            "CLIENT_SECRET": SECRET,
            "CALLBACK": self._callback,
            "TTL": str(ttl),
        }
        self._process = subprocess.Popen(
            [*faked, NODE, "provider.mjs"],
            cwd=self._folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # faketime is a parent
        )
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            assert self._process.poll() is None, "the provider has ended"
            time.sleep(0.05)
        raise AssertionError("the provider doesn't listen")

    def stop(self) -> None:
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    @contextmanager
    def silent(self) -> Iterator[None]:
        """It takes connections, and answers nothing."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self._process.pid, signal.SIGCONT)


def visit(url: str, name: str) -> str:
    """Type that name in on the provider's pages, and agree; where they send the browser back to."""
    with httpx2.Client() as client:
        issuer = f"{httpx2.URL(url).scheme}://{httpx2.URL(url).netloc.decode()}"
        answer = client.get(url)
        for _ in range(12):
            if answer.is_redirect:
                url = urljoin(str(answer.url), answer.headers["Location"])
                if not url.startswith(issuer):
                    return url
                answer = client.get(url)
                continue
            assert answer.status_code == 200, answer.text
            form, prompt = FORM.search(answer.text), PROMPT.search(answer.text)
            assert form is not None, answer.text
            assert prompt is not None, answer.text
            values = {"prompt": prompt[1], "login": name, "password": "any"}
            answer = client.post(urljoin(str(answer.url), form[1]), data=values)
    raise AssertionError(f"no way back from {url}")
