"""Which slice a test's time is counted for."""

import pytest

from tests.slices import slice_of


@pytest.mark.parametrize(
    ("test", "slice_"),
    [
        ("features/notes/tests/test_notes.py::test_x", "features/notes"),
        ("platform/kernel/tests/test_cache.py::test_x[a/tests]", "platform/kernel"),
        ("infra/drills/test_jobs.py::test_x", "infra/drills"),
        ("infra/tests/test_compose.py::test_x", "infra"),
        ("tests/gates/test_lists.py::test_x", "tests/gates"),
        ("tests/test_docs.py::test_x", "tests"),
    ],
)
def test_a_test_belongs_to_its_feature_or_its_folder(test: str, slice_: str) -> None:
    assert slice_of(test) == slice_
