"""Node.js and the npm packages of package-lock.json, installed once beside dev's data."""

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

from infra.checks import ROOT
from infra.local.console import step
from infra.local.errors import LocalError

HERE = Path(__file__).parent
OLDEST = (20, 19)
MISSING = (
    "Node.js {oldest} or newer is needed, with npm, for `hatch run client`: {found}. Get it from "
    "https://nodejs.org, or use `hatch run node:client`, whose environment brings it."
)


def tools(data: Path = ROOT / ".dev") -> Path:
    """The folder with node_modules of the locked packages; installs them when they aren't there.

    Raises LocalError where Node.js is missing or too old, or the registry can't be reached.
    """
    npm = _npm()
    lock = (HERE / "package-lock.json").read_bytes()
    folder = data / "node" / hashlib.sha256(lock).hexdigest()[:12]
    if not (folder / "node_modules" / ".package-lock.json").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, folder)
        # No scripts: none of these packages needs one, and none shall run one.
        with step("npm packages of infra/client/package-lock.json"):
            run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder)
    return folder


def run(command: list[str], folder: Path, *, failing: bool = False) -> str:
    """What the command says. Raises LocalError when it fails, unless it may (`failing`)."""
    quiet = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "NO_COLOR": "1"}
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | quiet,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode and not failing:
        said = (done.stdout + done.stderr).strip()
        raise LocalError(f"{Path(command[0]).name} {' '.join(command[1:3])} fails:\n{said}")
    return done.stdout + done.stderr


def program(folder: Path, name: str) -> list[str]:
    """How a program of the packages is run, on any system."""
    return [*([] if os.name != "nt" else ["cmd", "/c"]), str(folder / "node_modules/.bin" / name)]


def _npm() -> str:
    oldest = ".".join(map(str, OLDEST))
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        lacking = "node" if node is None else "npm"
        raise LocalError(MISSING.format(oldest=oldest, found=f"there is no {lacking} on PATH"))
    said = run([node, "--version"], HERE)
    version = tuple(map(int, re.findall(r"\d+", said)[:2]))
    if version < OLDEST:
        raise LocalError(MISSING.format(oldest=oldest, found=f"this is {said.strip()}"))
    return npm
