"""The documentation builds strictly, and its pages load nothing from another host."""

import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from infra.docs.__main__ import environment, mkdocs

LOADED = re.compile(r"<(?:script|link|img|iframe)\b[^>]*?(?:src|href)=\"((?:https?:)?//[^\"]*)")
WARNINGS = re.compile(r"(?m)^(?:WARNING|ERROR) +- +(.*(?:\n(?!INFO|WARNING|ERROR|Aborted).+)*)")


def problems(root: Path) -> list[str]:
    """List dead links and anchors, pages outside of the navigation, and foreign addresses."""
    with tempfile.TemporaryDirectory(prefix="site-") as folder:
        command = mkdocs(root, "build", "--strict", "--site-dir", folder)
        run = subprocess.run(
            command, cwd=root, env=environment(), capture_output=True, text=True, check=False
        )
        said = run.stdout + run.stderr
        # Both: mkdocs has ended with 0 in spite of --strict.
        if run.returncode or WARNINGS.search(said):
            return WARNINGS.findall(said) or [said.strip()]
        return list(_foreign(Path(folder)))


def _foreign(site: Path) -> Iterator[str]:
    for page in sorted(site.rglob("*.html")):
        for address in LOADED.findall(page.read_text()):
            name = page.relative_to(site).as_posix()
            yield f"{name} loads {address}: pages must work without a network"
