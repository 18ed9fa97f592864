"""What the report of coverage leaves out says why."""

import re
import tomllib
from collections.abc import Iterator

import pytest

from infra.checks import ROOT
from infra.checks.layout import python_files

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LEFT_OUT = re.compile(r"#\s*pragma:\s*no\s*(?:cover|branch)(?P<reason>.*)$")


def without_reason(text: str) -> Iterator[int]:
    """The numbers of the lines that are left out without a word."""
    for number, line in enumerate(text.splitlines(), 1):
        found = LEFT_OUT.search(line)
        if found and not re.fullmatch(r" - \w+( \S+)+", found["reason"]):
            yield number


@pytest.mark.parametrize(
    ("line", "numbers"),
    [
        ("x = 1  # pragma: no cover - Windows only, which CI has not", []),
        ("x = 1  # pragma: no branch - it never ends", []),
        ("x = 1  # pragma: no cover", [1]),
        ("x = 1  # pragma: no cover - reasons", [1]),
        ("x = 1", []),
    ],
)
def test_a_line_without_a_reason_is_found(line: str, numbers: list[int]) -> None:
    assert list(without_reason(line)) == numbers


def test_each_line_that_is_left_out_says_why() -> None:
    found = {
        str(file.relative_to(ROOT)): lines
        for file in python_files(ROOT)
        if file != ROOT / "tests" / "test_coverage.py"
        and (lines := list(without_reason(file.read_text())))
    }

    assert found == {}


def test_what_is_measured_is_what_runs_in_production() -> None:
    run, report = PYPROJECT["tool"]["coverage"]["run"], PYPROJECT["tool"]["coverage"]["report"]
    wheel = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]

    assert run["branch"] is True
    assert report["fail_under"] >= 95
    assert set(run["source_pkgs"]) == {path.rpartition("/")[2] for path in wheel}
    assert {path.partition("/")[0] for path in wheel} == {
        pattern.partition("/")[0] for pattern in report["include"]
    }


def test_ci_measures_it() -> None:
    script = (ROOT / ".ci" / "run").read_text()

    assert re.search(r"^gates=\(test covered ", script, re.MULTILINE)
    assert script.index("export COVERAGE_PROCESS_START") < script.index("hatch run $gate")
