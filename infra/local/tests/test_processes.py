"""Tests of child processes: however the process that started them ends, they end, too."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from infra.local import processes, state

# Starts a server, and a program whose own child doesn't listen to anybody; then tells their ids.
OWNER = """
import signal, sys, time
from pathlib import Path
from infra.local import processes
from infra.local.valkey import start_valkey
deaf = "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {deaf!r}])"
server = start_valkey(Path(sys.argv[1]), durable=False)
program = processes.start("program", [sys.executable, "-c", parent])
print(server.pid, program.pid, processes._guard._process.pid, flush=True)
time.sleep(60)
"""


def owner(directory: Path) -> "tuple[subprocess.Popen[str], list[int]]":
    words = [sys.executable, "-c", OWNER, str(directory)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, [int(word) for word in process.stdout.readline().split()]


def group_members(group: int) -> list[int]:
    listed = subprocess.check_output(["/bin/ps", "-eo", "pid=,pgid=,stat="], text=True)
    rows = [line.split() for line in listed.splitlines()]
    return [int(pid) for pid, pgid, stat in rows if int(pgid) == group and stat[0] != "Z"]


def wait_until_gone(groups: list[int], seconds: float = 5.0) -> float:
    begun = time.monotonic()
    while any(group_members(group) for group in groups):
        assert time.monotonic() - begun < seconds, "something was left behind"
        time.sleep(0.05)
    return time.monotonic() - begun


def test_a_killed_owner_leaves_nothing_behind(tmp_path: Path) -> None:
    process, pids = owner(tmp_path)
    assert all(group_members(pid) for pid in pids)

    process.kill()
    process.communicate()

    wait_until_gone(pids)


def test_a_killed_guard_is_replaced(tmp_path: Path) -> None:
    child = processes.start("sleeper", ["/bin/sleep", "60"])
    guard = processes._guard._process
    assert guard is not None
    guard.kill()
    guard.wait()

    processes.keep_guarded()

    assert processes._guard._process is not guard
    child.stop()


def test_a_deaf_process_and_its_children_are_killed_in_time() -> None:
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {deaf!r}])"
    child = processes.start("deaf", [sys.executable, "-c", parent])
    while len(group_members(child.pid)) < 2:
        time.sleep(0.02)

    child.stop(timeout=0.1)

    wait_until_gone([child.pid])


def test_a_killed_run_without_a_guard_is_cleaned_up_by_the_next(tmp_path: Path) -> None:
    left = subprocess.Popen(["/bin/sleep", "60"], start_new_session=True)
    innocent = subprocess.Popen(["/bin/sleep", "61"], start_new_session=True)
    words = ["/bin/sleep", "60"]
    old = state.State("dev", processes={str(left.pid): words, str(innocent.pid): words})
    old.write(tmp_path)

    state.stop_leftovers(tmp_path)

    assert left.wait(1) == -signal.SIGTERM
    assert innocent.poll() is None
    innocent.kill()
    innocent.wait()


def test_a_data_folder_has_one_holder_until_it_is_gone(tmp_path: Path) -> None:
    holder = (
        "import pathlib, sys, time; from infra.local import state\n"
        "with state.locked(pathlib.Path(sys.argv[1])) as held: print(held, flush=True); input()"
    )
    words = [sys.executable, "-c", holder, str(tmp_path)]
    first = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None
    assert first.stdout.readline() == "True\n"
    with state.locked(tmp_path) as held:
        assert not held

    os.kill(first.pid, signal.SIGKILL)
    first.communicate()

    with state.locked(tmp_path) as held:
        assert held
