"""The shortcuts are a folder: without it the features answer as before."""

import shutil
from pathlib import Path

import pytest

from tests.copies import copy_to, run_module

pytestmark = [pytest.mark.drill, pytest.mark.longest]


def test_the_tests_of_the_features_pass_without_the_folder_of_shortcuts(tmp_path: Path) -> None:
    copy = copy_to(tmp_path / "checkout")
    shutil.rmtree(copy / "platform/kernel/fast")

    run = run_module(copy, "pytest", "-q", "-n", "2", "features", timeout=300)

    assert run.returncode == 0, run.stdout[-3000:]
    assert " passed" in run.stdout
