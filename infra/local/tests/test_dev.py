"""Tests of `hatch run dev` as a whole, on a copy of the checkout that the tests may edit."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.dev_env import REDIS_ROLES
from infra.local.postgres import start_postgres
from infra.local.tests.terminal import Terminal
from infra.local.tests.test_processes import group_members, wait_until_gone
from infra.local.valkey import start_valkey
from kernel.config.loader import ROOT
from kernel.web.health import revision_files

pytestmark = [pytest.mark.drill, pytest.mark.parallel]

COPIED = ("features", "infra", "migrations", "platform", "workers")


class Checkout:
    """A fresh clone, in which commands are run."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in COPIED:
            ignored = shutil.ignore_patterns("__pycache__", "tests")
            shutil.copytree(ROOT / name, root / name, ignore=ignored)
        shutil.copy(ROOT / "pyproject.toml", root)
        paths = os.pathsep.join([str(root), str(root / "platform")])
        self.environment = {**os.environ, "PYTHONPATH": paths}
        self.environment.pop("DEV_DATA_DIR", None)
        self.dev: subprocess.Popen[str] | None = None
        self.output = ""

    def start(self, *words: str, **environment: str) -> str:
        """Start the dev command and wait for its banner; the result is the API's address."""
        self.output = ""
        self.dev = subprocess.Popen(
            [sys.executable, "-m", "infra.local.dev", "--port", "0", *words],
            cwd=self.root,
            env={**self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.wait_for("  Stop ")  # the last row of the banner
        return self.row("API")

    def wait_for(self, words: str) -> None:
        assert self.dev is not None
        assert self.dev.stdout is not None
        for line in self.dev.stdout:
            self.output += line
            if words in line:
                return
        pytest.fail(f"no {words!r} in what it said:\n{self.output}")

    def row(self, name: str) -> str:
        lines = self.output.rpartition("  API and worker")[2].splitlines()
        return next(line.split(None, 1)[1] for line in lines if line.startswith(f"  {name} "))

    def pids(self) -> list[int]:
        """Of the servers, the API, the worker and the mail catcher."""
        rows = [self.row(name) for name in ("PostgreSQL", "Valkey", "api", "worker", "mail")]
        return [int(row.removeprefix("process ").split(",")[0]) for row in rows]

    def end(self, number: signal.Signals) -> tuple[str, int]:
        assert self.dev is not None
        self.dev.send_signal(number)
        rest, _ = self.dev.communicate(timeout=30)
        return rest, self.dev.returncode

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", *words]
        return subprocess.run(
            command,
            cwd=self.root,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    checkout = Checkout(tmp_path)
    yield checkout
    if checkout.dev is not None and checkout.dev.poll() is None:
        checkout.end(signal.SIGTERM)


def status(url: str, refused: int = 0) -> int:
    """The status of an answer; an error but `refused` is raised."""
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 (our own)
            code: int = answer.status
            return code
    except urllib.error.HTTPError as error:
        if error.code != refused:
            raise
        return error.code


def refusal(url: str) -> str:
    """What it says once it answers with an error; the process before may still be there."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            status(url)
        except urllib.error.HTTPError as error:
            return error.read().decode()
        time.sleep(0.2)
    pytest.fail(f"{url} goes on to answer")


def until_ready(url: str) -> None:
    """Wait until it answers 200; what answers for an API that doesn't start may still be there."""
    deadline = time.monotonic() + 30
    while status(url, refused=503) != 200:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_a_fresh_clone_serves_and_ends_without_a_trace(checkout: Checkout) -> None:
    address = checkout.start()
    pids = checkout.pids()
    assert status(f"{address}/docs") == 200
    assert status(f"{address}/health/ready") == 200
    assert status(f"{checkout.row('Mail').split()[0]}/previews") == 200

    second = checkout.run("infra.local.dev", "--port", "0")
    verb = checkout.run("infra.local.run", "alembic", "current")
    (checkout.root / "features" / "__init__.py").write_text('"""Edited."""\n')
    checkout.wait_for("Changed: features/__init__.py")
    assert status(f"{address}/health") == 200
    rest, code = checkout.end(signal.SIGINT)

    assert (
        f"It runs already, as process {checkout.dev and checkout.dev.pid}: {address}"
        in second.stdout
    )
    assert second.returncode == 1
    assert verb.returncode == 0, verb.stderr
    assert "PostgreSQL" not in verb.stderr  # those of dev were used
    assert code == 0, rest
    assert not any(group_members(pid) for pid in pids)


def test_data_outlive_any_kill_and_no_process_does(checkout: Checkout) -> None:
    checkout.start()
    login, pids = checkout.row("Superuser"), checkout.pids()
    checkout.end(signal.SIGKILL)
    wait_until_gone(pids)

    checkout.start()
    assert checkout.row("Superuser") == login

    postgres = checkout.pids()[0]
    os.kill(postgres, signal.SIGKILL)
    assert checkout.dev is not None
    rest, _ = checkout.dev.communicate(timeout=30)
    assert f"PostgreSQL (process {postgres}) was killed by SIGKILL. Its last lines:" in rest
    assert checkout.dev.returncode == 1
    wait_until_gone(checkout.pids())


LATER = """\
from alembic import op

revision = "later"
down_revision = {}


def upgrade() -> None:
    op.execute("CREATE TABLE later ()")


def downgrade() -> None:
    op.execute("DROP TABLE later")
"""


def test_a_revision_waits_until_it_is_applied_and_there_is_a_way_back(checkout: Checkout) -> None:
    address = checkout.start()
    [head] = revision_files().get_heads()
    revision = checkout.root / "migrations" / "versions" / "2026_12_01_later.py"
    migrate = ("infra.local.run", "python", "-m", "infra.local.migrate")

    revision.write_text(LATER.format(repr(head)))
    checkout.wait_for("  migrations/versions/2026_12_01_later.py")
    checkout.wait_for("Apply them: hatch run migrate")
    unready = refusal(f"{address}/health/ready")
    ends = [checkout.run(*migrate).returncode]
    ready = status(f"{address}/health/ready")
    ends += [checkout.run(*migrate, "-1").returncode]
    checkout.end(signal.SIGINT)
    checkout.start()
    told = checkout.output
    ends += [checkout.run(*migrate).returncode]
    revision.unlink()
    gone = checkout.run(*migrate)
    checkout.end(signal.SIGINT)
    refused = checkout.run("infra.local.dev", "--port", "0")

    assert "lacks revision later; run `hatch run migrate`" in unready
    assert (ends, ready) == ([0, 0, 0], 200)
    assert "superuser and other first rows" not in told.partition("API and worker")[0]
    assert "The database has revision later, whose file isn't in migrations/versions" in gone.stdout
    assert "hatch run migrate -1" in gone.stdout
    assert "Traceback" not in gone.stdout
    assert refused.returncode == 1
    assert "The database has revision later, whose file isn't in" in refused.stdout
    assert "Traceback" not in refused.stdout


def test_revisions_are_applied_at_once_where_that_is_asked_for(checkout: Checkout) -> None:
    [head] = revision_files().get_heads()
    address = checkout.start("--migrate")

    (checkout.root / "migrations" / "versions" / "2026_12_01_later.py").write_text(
        LATER.format(repr(head))
    )
    checkout.wait_for("Changed: migrations/versions/2026_12_01_later.py")
    checkout.wait_for("  migrations: ")  # until then the process before may answer

    assert status(f"{address}/health/ready") == 200
    current = checkout.run("infra.local.run", "alembic", "current")
    assert "later (head)" in current.stdout


def test_a_key_applies_the_revision_that_waits(checkout: Checkout) -> None:
    [head] = revision_files().get_heads()
    terminal = Terminal("-m", "infra.local.dev", "--port", "0", **checkout.environment)
    terminal.wait_for("m applies the revisions that wait; r restarts API and worker", 120)
    address = re.findall(r"API +(http://\S+)", terminal.said)[0]

    (checkout.root / "migrations" / "versions" / "2026_12_01_later.py").write_text(
        LATER.format(repr(head))
    )
    terminal.wait_for("Apply them: press m, or: hatch run migrate", 60)
    unready = refusal(f"{address}/health/ready")
    terminal.type("m")
    deadline = time.monotonic() + 60
    while status(f"{address}/health/ready", refused=503) != 200:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    terminal.type("\x03")
    terminal.wait_for("Stopped; the data are kept in", 30)

    assert "lacks revision later" in unready
    assert terminal.process.wait(10) == 0
    assert terminal.is_cooked
    terminal.close()


@pytest.mark.parametrize(
    ("path", "broken", "told"),
    [
        ("features/__init__.py", "def", "SyntaxError: invalid syntax"),
        (".env", "ACCESS_TOKEN_EXPIRE_MINUTES=soon", "ACCESS_TOKEN_EXPIRE_MINUTES"),
    ],
)
def test_a_failed_reload_is_answered_until_what_failed_is_mended(
    checkout: Checkout, path: str, broken: str, told: str
) -> None:
    address = checkout.start()
    file = checkout.root / path

    file.write_text(f"{broken}\n")
    checkout.wait_for("api doesn't start: see above.")
    said = refusal(f"{address}/api/v1/users")
    file.write_text("")
    checkout.wait_for(f"Changed: {path}")

    assert told in said
    assert '"traceback"' in said
    until_ready(f"{address}/health/ready")


def test_given_servers_are_used_and_none_is_started(checkout: Checkout, tmp_path: Path) -> None:
    postgres = start_postgres(tmp_path / "elsewhere" / "pg", durable=False)
    valkey = start_valkey(tmp_path / "elsewhere" / "valkey", durable=False)
    urls = {f"REDIS_{role}_URL": valkey.url for role in REDIS_ROLES}

    address = checkout.start(DATABASE_URL=postgres.url, **urls)
    ready = status(f"{address}/health/ready")
    checkout.end(signal.SIGTERM)

    assert ready == 200
    assert not (checkout.root / ".dev" / "postgres").exists()
    assert not (checkout.root / ".dev" / "valkey").exists()
    postgres.stop()
    valkey.stop()


def test_verbs_start_the_servers_for_the_moment(checkout: Checkout) -> None:
    migrated = checkout.run("infra.local.run", "alembic", "upgrade", "head")
    seeded = checkout.run("infra.local.run", "python", "-m", "kernel.seed")
    failed = checkout.run("infra.local.run", "python", "-c", "raise SystemExit(3)")

    assert (migrated.returncode, seeded.returncode, failed.returncode) == (0, 0, 3), seeded.stderr
    time.sleep(0.1)
    assert not list((checkout.root / ".dev" / "postgres" / "data").glob("postmaster.pid"))
