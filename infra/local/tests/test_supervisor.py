"""Tests of the supervisor, on small programs instead of the API and the worker."""

import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from infra.local import processes
from infra.local.errors import LocalError
from infra.local.failed_start import FailedStart
from infra.local.listener import address_for_people, listen
from infra.local.program import Program
from infra.local.supervisor import Supervisor
from infra.local.watch import Changes

RUNS = "import time; print('{0} runs', flush=True); time.sleep(60)"
TYPO = "print('loading', flush=True); def"


class House:
    """A supervisor over two programs whose code the test edits."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.migrated: list[str] = []
        self.migration_fails = False
        self.failures = 0
        self.waiting: list[str] = []
        self.applied = 0
        self.reread: list[set[Path]] = []
        self.changes: Changes = queue.SimpleQueue()
        self.programs = [self._program("api"), self._program("worker")]
        self.supervisor = Supervisor(
            [], self.programs, self.changes, self, self.reread.append, lambda: None
        )

    def _program(self, name: str) -> Program:
        (self.root / f"{name}.py").write_text(RUNS.format(f"first {name}"))
        command = [sys.executable, str(self.root / f"{name}.py")]
        return Program(name, command, dict(os.environ), self.root)

    def settle(self) -> str:
        if self.migration_fails:
            self.failures += 1
            raise LocalError("migrations: ended with exit code 1.")
        # What ran when the migration began.
        self.migrated.append(" ".join(self.lines("api")))
        return " ".join(self.waiting)

    def apply(self) -> None:
        if self.migration_fails:
            self.failures += 1
            raise LocalError("migrations: ended with exit code 1.")
        self.applied += 1
        self.waiting = []

    def lines(self, name: str) -> list[str]:
        program = next(program for program in self.programs if program.name == name)
        return list(program.output.lines) if program.output is not None else []

    def edit(self, name: str, code: str, path: str = "features/x.py") -> None:
        (self.root / f"{name}.py").write_text(code)
        self.changes.put({Path(path)})

    def start(self) -> None:
        self.supervisor.start()
        self.until(lambda: self.lines("api") == ["first api runs"])

    def until(self, condition: Callable[[], bool]) -> None:
        """Let the supervisor run until then."""
        limit = threading.Timer(10, processes.stop_asked.set)
        limit.start()
        looking = threading.Thread(target=self._ask_to_stop_when, args=(condition,))
        looking.start()
        try:
            with pytest.raises(processes.Interrupted):
                self.supervisor.run()
        finally:
            limit.cancel()
            processes.stop_asked.set()
            looking.join()
            processes.stop_asked.clear()
        assert condition()

    def _ask_to_stop_when(self, condition: Callable[[], bool]) -> None:
        while not condition() and not processes.stop_asked.wait(0.02):
            pass
        processes.stop_asked.set()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    before = processes.running()  # servers that other tests of this process stand on
    yield House(tmp_path)
    processes.stop([child for child in processes.running() if child not in before])


def test_an_edit_restarts_both_programs(house: House) -> None:
    house.start()

    house.edit("worker", RUNS.format("second worker"))

    house.until(lambda: house.lines("worker") == ["second worker runs"])
    assert house.lines("api") == ["first api runs"]
    assert house.migrated == []
    assert house.reread == [{Path("features/x.py")}]


def test_a_mistake_in_an_edit_waits_for_the_next_edit(house: House) -> None:
    house.start()
    house.edit("api", TYPO)
    house.until(lambda: house.programs[0].child is None)

    house.edit("api", RUNS.format("repaired api"))

    house.until(lambda: house.lines("api") == ["repaired api runs"])


def test_a_killed_program_is_named_with_its_last_lines(house: House) -> None:
    house.start()
    child = house.programs[0].child
    assert child is not None

    os.kill(child.pid, signal.SIGKILL)

    with pytest.raises(LocalError, match=r"api .* was killed by SIGKILL.*\n  first api runs"):
        house.supervisor.run()


def test_a_program_that_fails_at_first_ends_it_all(house: House) -> None:
    (house.root / "worker.py").write_text(TYPO)

    house.supervisor.start()

    with pytest.raises(LocalError, match=r"worker .* exit code 1(.|\n)*SyntaxError"):
        house.supervisor.run()


def test_a_new_revision_is_migrated_before_the_programs_restart(house: House) -> None:
    house.start()

    house.edit("api", RUNS.format("second api"), "migrations/versions/1.py")

    house.until(lambda: house.lines("api") == ["second api runs"])
    assert house.migrated == ["first api runs"]


def test_a_failed_migration_is_tried_again_after_the_next_edit(house: House) -> None:
    house.start()
    house.migration_fails = True
    house.edit("api", RUNS.format("second api"), "migrations/versions/1.py")
    house.until(lambda: house.failures == 1)
    assert house.lines("api") == ["first api runs"]

    house.migration_fails = False
    house.edit("api", RUNS.format("third api"))

    house.until(lambda: house.lines("api") == ["third api runs"])
    assert len(house.migrated) == 1


def test_a_key_applies_what_waits_and_restarts(house: House) -> None:
    house.start()
    house.waiting = ["migrations/versions/1.py"]
    (house.root / "api.py").write_text(RUNS.format("second api"))

    house.changes.put("m")

    house.until(lambda: house.lines("api") == ["second api runs"])
    assert house.applied == 1


def test_the_key_does_nothing_where_nothing_waits(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    house.start()
    child = house.programs[0].child

    house.changes.put("m")

    said: list[str] = []
    house.until(lambda: "No revision waits." in _said(capsys, said))
    assert house.applied == 0
    assert house.programs[0].child is child


def test_a_revision_that_fails_by_the_key_leaves_the_programs_running(house: House) -> None:
    house.start()
    house.waiting = ["migrations/versions/1.py"]
    house.migration_fails = True

    house.changes.put("m")

    house.until(lambda: house.failures == 1)
    assert house.lines("api") == ["first api runs"]
    assert house.waiting


def test_a_key_restarts_a_program_that_did_not_start(house: House) -> None:
    house.start()
    house.edit("api", TYPO)
    house.until(lambda: house.programs[0].child is None)
    (house.root / "api.py").write_text(RUNS.format("repaired api"))

    house.changes.put("r")

    house.until(lambda: house.lines("api") == ["repaired api runs"])


def test_an_answer_in_place_of_a_program_does_not_count_as_its_own(house: House) -> None:
    house.start()
    api = house.programs[0]
    note = api.note_answer()
    house.edit("api", TYPO)
    house.until(lambda: api.child is None)

    note()

    assert not api.answered


def test_a_failed_restart_is_answered_until_the_repair(house: House) -> None:
    listener = listen("127.0.0.1", 0)
    address = address_for_people(listener)
    house.programs[0].failed_start = FailedStart(listener, lambda: True)
    house.start()
    house.edit("api", TYPO)
    house.until(lambda: house.programs[0].child is None)

    answer = httpx2.get(f"{address}/api/v1/posts?page=1")
    house.edit("api", RUNS.format("repaired api"))
    house.until(lambda: house.lines("api") == ["repaired api runs"])

    assert answer.status_code == 503
    assert "SyntaxError" in answer.json()["detail"]
    with pytest.raises(httpx2.TimeoutException):  # it waits for the API, which is there again
        httpx2.get(address, timeout=0.3)
    listener.close()


def _said(capsys: pytest.CaptureFixture[str], before: list[str]) -> str:
    before.append(capsys.readouterr().out)
    return "".join(before)
