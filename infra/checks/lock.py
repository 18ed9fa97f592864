"""The lock files: written from pyproject.toml, and compared with it.

Standard library only: it also runs where nothing is installed (`hatch run lock:update`).
"""

import hashlib
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from infra.checks import ROOT

LOCK = "requirements.lock"
# What the image installs: the same pins, without the tools of development.
RUNTIME = "requirements-runtime.lock"
# What builds the documentation: none of it is in the environments of the application.
DOCS = "requirements-docs.lock"
# No index addresses in the file: it is for whatever index the reader uses, the hashes decide.
COMPILE = [
    *("pip", "compile", "--universal"),
    *("--python-version", "3.11", "--generate-hashes", "--quiet", "--no-header", "--no-annotate"),
    *("--no-emit-index-url", "--no-emit-find-links"),
]
# What the image of backups installs: PostgreSQL's programs and what encrypts.
BACKUP = "requirements-backup.lock"
MORE = {
    LOCK: ["pyproject.toml", "--group", "test"],
    RUNTIME: ["pyproject.toml", "--constraint", LOCK],
    DOCS: ["--group", "docs"],
    BACKUP: ["--group", "backup", "--constraint", LOCK],
}
HEADER = "# Written by `hatch run lock` from the dependencies in pyproject.toml: sha256:{}\n"


def digest(root: Path) -> str:
    """Return the sha256 of all that decides the lock's content, so that no network is needed."""
    pyproject = tomllib.loads((root / "pyproject.toml").read_text())
    project = pyproject["project"]
    inputs = [
        COMPILE,
        MORE,
        project["requires-python"],
        project["dependencies"],
        project.get("optional-dependencies", {}),
        pyproject["dependency-groups"],
        pyproject.get("tool", {}).get("uv", {}),
    ]
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


def problems(root: Path) -> list[str]:
    """Say so when pyproject.toml asks for other packages than the lock was written from."""
    found = []
    for name in MORE:
        lock = root / name
        if not lock.exists():
            found.append(f"{name} is missing: hatch run lock:update")
        elif f"sha256:{digest(root)}\n" not in lock.read_text().partition("\n")[0] + "\n":
            found.append(
                f"{name} was written from other dependencies than pyproject.toml's: hatch run lock"
            )
    return found


def update(root: Path, arguments: list[str]) -> None:
    """Resolve anew and write both locks; pins stay unless `arguments` say otherwise (--upgrade)."""
    uv = os.environ.get("HATCH_UV", "uv")
    # The environment's constraint is the lock itself, which would keep every pin where it is.
    environment = {name: value for name, value in os.environ.items() if name != "UV_CONSTRAINT"}
    for name, more in MORE.items():
        command = [uv, *COMPILE, *more, "--output-file", name, *arguments]
        subprocess.run(command, cwd=root, env=environment, check=True)
    for name in MORE:
        lock = root / name
        before = re.sub(r"\A# Written by.*\n", "", lock.read_text())
        lock.write_text(HEADER.format(digest(root)) + before)


if __name__ == "__main__":
    try:
        update(ROOT, sys.argv[1:])
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)  # uv has said why
