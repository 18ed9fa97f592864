"""What pyproject.toml says of the template: where it is, and what `hatch run init` left out."""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from infra.upgrade.errors import UpgradeError
from infra.upgrade.repository import git

TABLE = "[tool.template.dropped]\n"


@dataclass(frozen=True)
class Origin:
    """`remote` is an address for git; `dropped` has the paths of each part that was left out."""

    remote: str = ""
    dropped: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def is_product(self) -> bool:
        """Whether `hatch run init` has made the clone a product of its own."""
        return bool(self.dropped)


def read(root: Path) -> Origin:
    """What stands in the last commit. Raises UpgradeError when it can't be understood."""
    found = tomllib.loads(git(root, "show", "HEAD:pyproject.toml"))
    table = found.get("tool", {}).get("template", {})
    dropped = table.get("dropped", {})
    lists = isinstance(dropped, dict) and all(isinstance(one, list) for one in dropped.values())
    if not lists or not isinstance(table.get("remote", ""), str):
        raise UpgradeError(
            'In pyproject.toml, [tool.template] takes remote = "ADDRESS", and '
            '[tool.template.dropped] lines such as findings = ["findings"].'
        )
    paths = {name: tuple(map(str, one)) for name, one in dropped.items()}
    return Origin(table.get("remote", ""), paths)


def record(pyproject: Path, parts: Mapping[str, Iterable[str]]) -> None:
    """Write down what was left out. Raises UpgradeError where the table isn't."""
    text = pyproject.read_text()
    if text.count(TABLE) != 1:
        raise UpgradeError(f"pyproject.toml has no {TABLE.strip()} any more.")
    lines = [f"{name} = {json.dumps(list(paths))}\n" for name, paths in parts.items()]
    pyproject.write_text(text.replace(TABLE, TABLE + "".join(lines)))


def is_below(path: str, pattern: str) -> bool:
    """Whether the path is what the pattern names, or lies below it; `*` is within one folder."""
    expression = re.escape(pattern).replace(r"\*", "[^/]*")
    return re.match(rf"{expression}(/|$)", path) is not None
