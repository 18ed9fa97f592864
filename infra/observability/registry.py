"""Every metric that this application declares, and the table of them for people.

`hatch run python -m infra.observability.registry` writes the table into the documentation.
"""

import re
from importlib import import_module
from typing import Any

from infra.checks import ROOT
from kernel import discovery
from kernel.observability import metrics

PAGE = ROOT / "docs" / "running" / "observability.md"
UPDATE = "hatch run python -m infra.observability.registry"
# A metric is declared when its module is imported.
DECLARING = (
    "kernel.observability.api",
    "kernel.observability.instruments",
    "kernel.observability.sampling",
    "workers.instruments",
)
HEAD = "| metric | kind | labels | what it says |\n|---|---|---|---|\n"


def declared() -> dict[str, metrics.Metric[Any]]:
    """The metrics of kernel, worker and features, by name."""
    for module in DECLARING:
        import_module(module)
    for name in ("router", "tasks", "handlers", "providers", "lifespan"):
        discovery.load(name)
    return dict(sorted(metrics.declared.items()))


def table() -> str:
    """The table, a line for each metric."""
    lines = [
        f"| `{one.name}` | {one.kind.lower()} | {', '.join(one.labels)} | {one.description} |\n"
        for one in declared().values()
    ]
    return HEAD + "".join(lines)


def written(text: str) -> str:
    """The page with the table as it should be."""
    pattern = re.escape(HEAD) + r"(?:\|.*\n)*"
    return re.sub(pattern, lambda _: table(), text)


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
