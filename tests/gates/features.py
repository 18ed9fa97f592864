"""What the gates run over: the features, their routes, and the tables that are kept of them."""

from collections.abc import Iterator, Sequence

from kernel import discovery
from kernel.app import Application
from kernel.web.router import FeatureRoute

WITH_ROUTES = sorted(discovery.offers("router", "router"))


def routes_of(app: Application, feature: str) -> Iterator[tuple[str, FeatureRoute]]:
    """The feature's routes, hidden ones too, in the order of their paths."""
    routes: list[FeatureRoute] = app.state.feature_routes
    for route in sorted(routes, key=lambda route: (route.path, sorted(route.methods or ()))):
        if route.endpoint.__module__.startswith(f"features.{feature}."):
            for method in sorted(route.methods or ()):
                yield method, route


def in_columns(lines: Sequence[Sequence[str]]) -> str:
    """Rows of cells as text, each column as wide as its widest cell."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        + "\n"
        for line in lines
    )
