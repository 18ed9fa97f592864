"""docs/types.md shows what ran: the same kinds, and the same cells that refuse."""

from infra.checks import ROOT
from tests.column_types.kinds import KINDS, Kind

YES, REFUSED = "yes", "refused"
PAGE = ROOT / "docs" / "types.md"


def row(kind: Kind) -> str:
    """The cells that the tests of this folder ran, and those that test_refusals.py saw refused."""
    cells = {
        "body": True,
        "JSON of a list": True,
        "filter": not kind.hidden,
        "sort, cursor": kind.sortable,
        "path": kind.in_paths,
        "key": not kind.hidden,
        "job": True,
    }
    return f"| {kind.name} | {' | '.join(YES if works else REFUSED for works in cells.values())} |"


def test_the_page_shows_what_ran() -> None:
    table = PAGE.read_text().partition("## Types times places")[2].partition("\n- **")[0]

    rows = [line for line in table.splitlines() if line.startswith("|")][2:]
    assert rows == [row(kind) for kind in KINDS]
