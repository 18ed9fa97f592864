"""What goes into the image, measured without an engine to build it: for two kinds of machines.

The base isn't there to be measured: its size is what `docker image ls` shows for its tag.
"""

import compileall
import os
import shutil
import subprocess
import time
from pathlib import Path
from platform import machine
from py_compile import PycInvalidationMode

import pytest

from infra.checks import ROOT, lock
from infra.docs.__main__ import environment

pytestmark = [pytest.mark.drill, pytest.mark.parallel, pytest.mark.longest]

UV = os.environ.get("HATCH_UV", "uv")
PLATFORMS = ("x86_64-manylinux_2_28", "aarch64-manylinux_2_28")
PYTHON = "3.13"  # the image's
BASE = 125  # MB of python:3.13-slim-trixie for x86-64, unpacked
MOST = 260  # MB of the whole image
COPIED = ("features", "migrations", "platform", "workers")


def install(platform: str, target: Path) -> None:
    """Do what the recipe's pip does; skip where no index answers."""
    command = [UV, "pip", "install", "--quiet", "--target", str(target), "--no-deps"]
    command += ["--require-hashes", "--only-binary", ":all:", "--python-version", PYTHON]
    command += ["--python-platform", platform, "--requirement", str(ROOT / lock.RUNTIME)]
    run = subprocess.run(
        command, env=environment(), capture_output=True, text=True, check=False, timeout=300
    )
    unreachable = ("dns error", "Failed to fetch", "connect error", "timed out")
    if run.returncode and any(word in run.stderr for word in unreachable):
        pytest.skip(f"no package index: {run.stderr.strip().splitlines()[-1]}")
    assert run.returncode == 0, run.stderr


def stripped(folder: Path, platform: str) -> None:
    """Do what the recipe's strip does; skip where none knows that kind of machine."""
    native = platform.startswith(machine())
    program = shutil.which("llvm-strip") or (shutil.which("strip") if native else None)
    if program is None:
        pytest.skip("needs llvm-strip on PATH: apt-get install llvm")
    libraries = [str(path) for path in folder.rglob("*.so*") if path.is_file()]
    subprocess.run([program, "--strip-debug", *libraries], check=True)


def compiled(folder: Path) -> None:
    """Do what the recipe's compileall does, by this Python."""
    for tests in [path for path in folder.rglob("*") if path.name in ("tests", "testing")]:
        shutil.rmtree(tests)
    assert compileall.compile_dir(
        folder, quiet=1, workers=0, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH
    )


def size(folder: Path) -> float:
    """MB of the files below it."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


def contents(folder: Path) -> dict[str, bytes]:
    """The bytes of each file below it, but the lists of what was installed when."""
    files = [file for file in folder.rglob("*") if file.is_file() and file.name != "RECORD"]
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_package_has_a_wheel_and_the_image_stays_small(platform: str, tmp_path: Path) -> None:
    begun = time.perf_counter()
    install(platform, tmp_path / "venv")
    for name in COPIED:
        shutil.copytree(ROOT / name, tmp_path / "app" / name)
    stripped(tmp_path / "venv", platform)
    compiled(tmp_path / "venv")
    compiled(tmp_path / "app")

    packages, own = size(tmp_path / "venv"), size(tmp_path / "app")
    whole, seconds = BASE + packages + own, time.perf_counter() - begun
    print(
        f"{platform}: packages {packages:.0f} MB, application {own:.1f} MB; with a base of "
        f"{BASE} MB {whole:.0f} of {MOST} MB; {seconds:.0f} s"
    )
    assert whole <= MOST


def test_what_is_installed_and_compiled_twice_is_the_same(tmp_path: Path) -> None:
    # In the same place, which compiled files name; one after the other.
    found = []
    for _ in range(2):
        shutil.rmtree(tmp_path / "venv", ignore_errors=True)
        install(PLATFORMS[0], tmp_path / "venv")
        stripped(tmp_path / "venv", PLATFORMS[0])
        compiled(tmp_path / "venv")
        found.append(contents(tmp_path / "venv"))

    first, second = found
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []
