"""What is said of advisories."""

from typing import Any

import pytest

from infra.supply.advisories import NO_ANSWER, report

GOOD: dict[str, Any] = {"name": "good", "version": "1", "vulns": []}
BAD: dict[str, Any] = {
    "name": "bad",
    "version": "1",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}],
}
UNKNOWN: dict[str, Any] = {"name": "own", "version": "1", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("packages", "code", "said"),
    [
        ([GOOD], 0, "1 packages asked for, 0 with advisories"),
        ([GOOD, BAD], 1, "bad 1: PYSEC-1, fixed in 2"),
        ([GOOD, UNKNOWN], 0, "1 packages aren't known to the index."),
        ([UNKNOWN], NO_ANSWER, "nothing is known"),
    ],
)
def test_an_index_that_knows_nothing_is_told_from_packages_without_advisories(
    packages: list[dict[str, Any]], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(packages) == code
    assert said in capsys.readouterr().out
