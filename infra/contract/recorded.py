"""The recorded OpenAPI document, read from its pieces by the standard library alone."""

import json
import subprocess
from pathlib import Path
from typing import Any

from infra.checks import ROOT

Json = dict[str, Any]

KERNEL_SHARE = "tests/snapshots/openapi.json"
FEATURE_SHARE = "features/{feature}/tests/openapi.json"


def recorded(root: Path = ROOT) -> dict[str, Json]:
    """The content of each file of the snapshot that is there."""
    files = [root / KERNEL_SHARE, *root.glob(FEATURE_SHARE.format(feature="*"))]
    return {
        file.relative_to(root).as_posix(): json.loads(file.read_text())
        for file in sorted(files)
        if file.is_file()
    }


def committed(root: Path = ROOT) -> dict[str, Json] | None:
    """The files of the snapshot as the last commit has them; None where there is none."""
    found = {}
    try:
        files = _git(root, "ls-tree", "-r", "--name-only", "HEAD", KERNEL_SHARE, "features")
        for file in files.splitlines():
            if file == KERNEL_SHARE or Path(file).match(FEATURE_SHARE.format(feature="*")):
                found[file] = json.loads(_git(root, "show", f"HEAD:./{file}"))
    except (OSError, subprocess.CalledProcessError):
        return None
    return found


def _git(root: Path, *words: str) -> str:
    command = ["git", *words]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout


def assembled(parts: dict[str, Json]) -> Json:
    """The whole document that the files describe together."""
    whole: Json = json.loads(json.dumps(parts.get(KERNEL_SHARE, {})))
    paths = whole.setdefault("paths", {})
    schemas = whole.setdefault("components", {}).setdefault("schemas", {})
    for file, share in parts.items():
        if file == KERNEL_SHARE:
            continue
        for path, operations in share["paths"].items():
            paths.setdefault(path, {}).update(operations)
        schemas.update(share["schemas"])
    return whole
