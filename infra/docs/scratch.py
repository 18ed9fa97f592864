"""A scratch copy of the checkout, with its own `hatch run dev`, shell and Python session."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

from infra.docs.comparing import shows
from infra.docs.talking import LONGEST, OVER, Failed, kill, until
from infra.local import state

ADDRESS = re.compile(r"(?<!\w)(127\.0\.0\.1:|localhost:|--port )8000\b")
HATCH = """\
#!{python}
import runpy
runpy.run_module("infra.docs.hatch", run_name="__main__")
"""
STARTED = "  Stop "  # the last row of dev's banner
SHOWN = 60.0  # seconds in which it says what the page shows
SETTLED = 4.0  # seconds in which a program that stays says what is wrong
RELOAD = 8.0  # seconds in which dev takes up an edit


class Scratch:
    """Where the blocks of one page run. Its API listens on `port`, whatever the page says."""

    def __init__(self, root: Path, port: int) -> None:
        self.root, self.port = root, port
        self.dev: subprocess.Popen[bytes] | None = None
        self._session: subprocess.Popen[str] | None = None
        self._edited = False
        self._started = 0
        programs = root / ".programs"
        programs.mkdir()
        (programs / "hatch").write_text(HATCH.format(python=sys.executable))
        (programs / "hatch").chmod(0o755)
        # Nothing of this process's own: a page's reader has none of it either.
        kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
        path = [str(programs), str(Path(sys.executable).parent), os.environ["PATH"]]
        self.environment = kept | {
            "PATH": os.pathsep.join(path),
            "PYTHONPATH": os.pathsep.join([str(root), str(root / "platform")]),
            "PORT": str(port),
            "PASSWORD_HASH_COST": "4",
            "COLUMNS": "100",
        }
        self._shell = subprocess.Popen(
            ["/usr/bin/env", "bash", "--norc", "--noprofile"],
            cwd=root,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for process in (self._session, self._shell):
            if process is not None:
                kill(process)
        self.stop_dev()

    def write(self, path: str, text: str) -> None:
        """Write a file, as an editor does."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(self.here(text))
        self._edited = True

    def here(self, text: str) -> str:
        """The text with the address of this copy's API."""
        return ADDRESS.sub(rf"\g<1>{self.port}", text)

    def there(self, text: str) -> str:
        """The text with the address that pages show."""
        return text.replace(f":{self.port}", ":8000").replace(str(self.root), "/home/you/project")

    def start_dev(self, arguments: str, settings: dict[str, str]) -> str:
        """Start `hatch run dev`, or start it again; the result is its banner."""
        self.stop_dev()
        log = self.root / ".dev.log"
        with log.open("wb") as output:
            self.dev = subprocess.Popen(
                [sys.executable, "-m", "infra.local.dev", *arguments.split()],
                cwd=self.root,
                env=self.environment | settings,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        deadline = time.monotonic() + LONGEST
        while STARTED not in (said := log.read_text(errors="replace")):
            if self.dev.poll() is not None or time.monotonic() > deadline:
                raise Failed(f"hatch run dev doesn't start:\n{said}")
            time.sleep(0.05)
        self._edited = False
        return said

    def stop_dev(self) -> None:
        """Stop it, if it runs."""
        if self.dev is not None:
            self.dev.terminate()
            self.dev.wait(30)
            self.dev = None

    def command(self, line: str) -> tuple[int, str]:
        """Run a command line in the page's shell; its exit code and output."""
        self.let_dev_reload()
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        script = self.root / ".command.sh"
        script.write_text(self.here(line) + "\n")
        # A page that says `echo $?` sees the one before, and may call its own variables `code`.
        over = f"__ended=$?; echo; echo '{OVER}' $__ended; (exit $__ended)"
        self._shell.stdin.write(f"source {script} </dev/null; {over}\n")
        self._shell.stdin.flush()
        said = until(OVER, self._shell, f"`{line}` takes more than {LONGEST:.0f} seconds")
        output, _, code = said.rpartition(OVER)
        if re.search(r"hatch run (revision|new|remove)\b", line):
            self._edited = True
        return int(code), self.there(output.rstrip())

    def in_background(self, line: str, expected: str) -> str:
        """Start a program that goes on until the page ends; what it says until that is shown."""
        self._started += 1
        log = self.root / f".background-{self._started}.log"
        self.command(f"({line}) >{log} 2>&1 &")
        began, said = time.monotonic(), ""
        while time.monotonic() - began < (SHOWN if expected.strip() else SETTLED):
            time.sleep(0.1)
            said = self.there(log.read_text(errors="replace"))
            if expected.strip() and shows(expected, said):
                break
        code, _ = self.command("kill -0 $!")
        if code:
            raise Failed(f"`{line}` has ended:\n{said}")
        return said

    def let_dev_reload(self) -> None:
        """After an edit, wait until dev has started new processes."""
        if not self._edited or self.dev is None:
            return
        before, deadline = self._processes(), time.monotonic() + RELOAD
        while self._processes() == before and time.monotonic() < deadline:
            time.sleep(0.05)
        self._edited = False

    def _processes(self) -> object:
        held = state.read(self.root / ".dev")
        return held and held.processes

    def python(self, code: str, place: str) -> str:
        """Run a block in the page's Python session; the result is what it printed."""
        if self._session is None:
            self.let_dev_reload()
            held = state.read(self.root / ".dev")
            self._session = subprocess.Popen(
                [sys.executable, "-m", "infra.docs.session"],
                cwd=self.root,
                env=self.environment | (held.urls if held else {}),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=(self.root / ".session.log").open("w"),
                text=True,
                start_new_session=True,
            )
        assert self._session.stdin is not None
        assert self._session.stdout is not None
        asked = json.dumps({"code": self.here(code), "place": place})
        self._session.stdin.write(asked + "\n")
        self._session.stdin.flush()
        try:
            said = until(OVER, self._session, f"{place} takes more than {LONGEST:.0f} seconds")
        except Failed as failed:
            raise Failed(f"{failed}{(self.root / '.session.log').read_text()}") from None
        answer = json.loads(said.rpartition(OVER)[2])
        if answer["error"]:
            raise Failed(self.there(answer["error"]))
        return self.there(answer["output"])
