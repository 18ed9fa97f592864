"""`hatch run docs`: serve the documentation, or build it (`hatch run docs build`)."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from infra.checks import ROOT
from infra.checks.lock import DOCS

# Their packages stay out of every environment of the application; uv keeps them in its cache.
ADDRESS = "127.0.0.1:8001"
ISOLATED = ["run", "--no-project", "--isolated", "--quiet", "--with-requirements"]


def mkdocs(root: Path, *arguments: str) -> list[str]:
    """The command line that runs mkdocs with the packages of the documentation's lock."""
    uv = os.environ.get("HATCH_UV", "uv")
    # -m, so that the hook finds `infra` in the folder that it is run in.
    return [uv, *ISOLATED, str(root / DOCS), "python", "-m", "mkdocs", *arguments]


def environment(values: Mapping[str, str] = os.environ) -> dict[str, str]:
    """These variables, without those that belong to the application's own environment."""
    foreign = ("UV_CONSTRAINT", "VIRTUAL_ENV", "PYTHONPATH")
    kept = {name: value for name, value in values.items() if name not in foreign}
    return kept | {"NO_MKDOCS_2_WARNING": "1", "UV_PYTHON": sys.executable}


def main(words: Sequence[str]) -> int:
    """Run it; the exit code is mkdocs'."""
    verb, *arguments = words or ["serve"]
    if verb not in ("serve", "build"):
        verb, arguments = "serve", list(words)
    # Beside `hatch run dev`, which has port 8000.
    options = ["--strict"] if verb == "build" else ["--dev-addr", ADDRESS]
    command = mkdocs(ROOT, verb, *options, *arguments)
    return subprocess.run(command, cwd=ROOT, env=environment(), check=False).returncode


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
