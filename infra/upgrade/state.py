"""What an upgrade remembers of itself in git's folder, so that it can go on or be taken back."""

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from infra.upgrade.repository import private_path

FILE = "upgrade.json"


@dataclass(frozen=True)
class State:
    """An upgrade under way: what is brought in, and where the project stood before.

    `origin` is the version that it was made from, where the histories have nothing in common yet;
    `settled` says that what needs no person is done, `conflicts` are the files that a person has to
    settle; `made` is the commit of the merge.
    """

    tag: str
    commit: str
    before: str
    branch: str
    origin: str | None = None
    settled: bool = False
    conflicts: list[str] = field(default_factory=list)
    made: str | None = None

    def kept(self, root: Path, **changes: Any) -> "State":
        """The state with these changes, written down."""
        new = replace(self, **changes)
        path = private_path(root, FILE)
        unfinished = path.with_suffix(".new")
        unfinished.write_text(json.dumps(asdict(new), indent=2))
        unfinished.replace(path)
        return new


def read(root: Path) -> State | None:
    """The upgrade that is under way."""
    path = private_path(root, FILE)
    return State(**json.loads(path.read_text())) if path.exists() else None


def forget(root: Path) -> None:
    """There is none any more."""
    private_path(root, FILE).unlink(missing_ok=True)
