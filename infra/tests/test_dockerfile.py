"""The image's recipe, as hadolint judges it, and what goes into it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from infra.checks import ROOT, lock

DOCKERFILE = ROOT / "infra/Dockerfile"
OF_BACKUPS = ROOT / "infra/backup/Dockerfile"


def complaints(file: Path) -> str:
    program = Path(sys.executable).with_name("hadolint")
    run = subprocess.run([program, file], capture_output=True, text=True, check=False)
    return run.stdout + run.stderr


@pytest.mark.parametrize("file", [DOCKERFILE, OF_BACKUPS], ids=str)
def test_the_recipe_is_clean(file: Path) -> None:
    assert complaints(file) == ""


def test_backups_stand_on_the_same_image_with_what_their_lock_names() -> None:
    text = OF_BACKUPS.read_text()
    copied = re.findall(r"(?m)^COPY ([\w./-]+) ", text)
    ignored, *lines = [
        line
        for line in OF_BACKUPS.with_name("Dockerfile.dockerignore").read_text().splitlines()
        if line[:1] not in "# "
    ]

    bases = re.findall(r"(?m)^FROM (\S+)", text)
    assert set(bases) == set(re.findall(r"(?m)^FROM (\S+)", DOCKERFILE.read_text()))
    assert "--require-hashes" in text
    assert lock.BACKUP in copied
    assert ignored == "*"
    assert {line[1:] for line in lines if line[0] == "!"} == set(copied)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (r"FROM python:[\w.@:-]+\n\n# /data", "FROM python\n\n# /data"),
        (r"USER 10001:10001", "USER root"),
        (r"CMD \[.*kernel.serve.*", "CMD python -m kernel.serve"),
    ],
)
def test_a_mistake_in_the_recipe_is_seen(tmp_path: Path, right: str, wrong: str) -> None:
    text, count = re.subn(right, wrong, DOCKERFILE.read_text())
    (tmp_path / "Dockerfile").write_text(text)

    assert count == 1
    assert "DL" in complaints(tmp_path / "Dockerfile")


def test_both_stages_stand_on_the_same_pinned_image_which_is_for_production_by_default() -> None:
    text = DOCKERFILE.read_text()
    bases = re.findall(r"(?m)^FROM (\S+)", text)

    assert len(bases) == 2
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+@sha256:\w{64}", bases[0])
    assert bases[0] == bases[1]
    assert "--require-hashes" in text
    assert re.search(r"(?m)^\s+ENVIRONMENT=production\b", text.rpartition("\nFROM ")[2])
    assert lock.RUNTIME in text


def test_what_changes_most_comes_last_so_that_layers_are_cached() -> None:
    build, final = DOCKERFILE.read_text().rsplit("\nFROM ", 1)

    assert build.index("pip --python") < build.index("compileall") < build.index("COPY platform")
    assert final.index("/venv /venv") < final.index("/app /app") < final.index("REVISION")


def test_what_the_recipe_copies_is_let_through_and_nothing_else() -> None:
    copied = set(re.findall(r"(?m)^COPY ([\w.-]+) ", DOCKERFILE.read_text()))
    ignored, *lines = [
        line for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] not in "# "
    ]

    assert ignored == "*"
    assert {line[1:] for line in lines if line.startswith("!")} == copied
    assert {line for line in lines if line[0] != "!"} == {"**/tests", "**/__pycache__"}
    assert all((ROOT / name).exists() for name in copied)
