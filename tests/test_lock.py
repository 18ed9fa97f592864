"""The lock fits pyproject.toml, and the environment fits the lock."""

import re
import shutil
from pathlib import Path

import pytest

from infra.checks import ROOT, environment, lock


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in ("pyproject.toml", *lock.MORE):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def test_the_lock_was_written_from_the_dependencies_that_are_named_now() -> None:
    assert lock.problems(ROOT) == []


def test_this_environment_is_the_one_of_the_lock() -> None:
    assert environment.problems(ROOT) == []


def test_a_changed_dependency_puts_the_lock_out_of_step(copy: Path) -> None:
    pyproject = copy / "pyproject.toml"
    pyproject.write_text(re.sub(r'"fastapi>=[^"]+"', '"fastapi>=99"', pyproject.read_text()))

    assert "hatch run lock" in "".join(lock.problems(copy))


def test_another_version_or_tool_setting_leaves_the_lock_in_step(copy: Path) -> None:
    pyproject = copy / "pyproject.toml"
    text = re.sub(r"line-length = \d+", "line-length = 99", pyproject.read_text())
    pyproject.write_text(re.sub(r'(?m)^version = ".*"', 'version = "77.0"', text))

    assert "77.0" in pyproject.read_text()
    assert lock.problems(copy) == []


@pytest.mark.parametrize("name", lock.MORE)
def test_a_lock_without_a_header_is_out_of_step(copy: Path, name: str) -> None:
    text = (copy / name).read_text()
    (copy / name).write_text(text.partition("\n")[2])

    assert "hatch run lock" in "".join(lock.problems(copy))


def test_an_environment_older_than_the_lock_names_the_package_and_the_way_out(copy: Path) -> None:
    text = (copy / lock.LOCK).read_text()
    newer = re.sub(r"(?m)^fastapi==\S+", "fastapi==9999.0", text)
    (copy / lock.LOCK).write_text(newer + "not-installed-anywhere==1.0\n")

    found = "".join(environment.problems(copy))

    assert "fastapi is " in found
    assert "==9999.0" in found
    assert "not-installed-anywhere is missing" in found
    assert "hatch run sync" in found


def test_a_package_for_another_system_is_not_missed(copy: Path) -> None:
    with (copy / lock.LOCK).open("a") as file:
        file.write("not-installed-anywhere==1.0 ; sys_platform == 'no-such-system'\n")

    assert environment.problems(copy) == []


def test_the_image_has_the_same_pins_and_no_tool_of_development() -> None:
    whole, runtime = (
        {line for line in (ROOT / name).read_text().splitlines() if "==" in line}
        for name in (lock.LOCK, lock.RUNTIME)
    )

    assert runtime < whole
    assert not {line for line in runtime if line.startswith(("pytest", "mypy", "embedded"))}


@pytest.mark.parametrize("name", lock.MORE)
def test_the_lock_pins_hashes_and_names_no_index(name: str) -> None:
    text = (ROOT / name).read_text()
    pins = [line for line in text.splitlines() if line and line[0] not in " #"]

    assert all(re.fullmatch(r"[\w.-]+==\S+( ;.*)? \\", pin) for pin in pins)
    assert "://" not in text
    assert text.count("--hash=sha256:") >= len(pins)
