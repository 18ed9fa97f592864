"""`hatch run dev`: the whole application on this machine, with nothing installed but Python."""

import argparse
import os
import queue
import signal
import socket
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from infra.local import processes, state
from infra.local.banner import banner, superuser_of
from infra.local.console import say, step
from infra.local.dev_env import DevSettings, data_directory, generate, given
from infra.local.errors import LocalError
from infra.local.failed_start import FailedStart
from infra.local.keys import has_terminal, read_keys
from infra.local.listener import address_for_people, listen, when_answered
from infra.local.mail import start_catcher
from infra.local.program import Program
from infra.local.revisions import Revisions
from infra.local.servers import start_servers, stop_everything
from infra.local.supervisor import KEYS, Supervisor
from infra.local.watch import Changes, watch
from kernel.config.loader import ROOT

WORKER = (sys.executable, "-m", "arq", "workers.settings.WorkerSettings")


def main(words: Sequence[str] | None = None) -> int:
    """Run until Ctrl-C; the exit code is 1 when something went wrong."""
    try:
        values = given()
        parser = argparse.ArgumentParser(prog="hatch run dev", description=__doc__)
        parser.add_argument("--host", default=values.get("HOST", "127.0.0.1"))
        parser.add_argument("--port", type=int, default=values.get("PORT", "8000"))
        parser.add_argument(
            "--migrate", action="store_true", help="apply new revisions at once, unread"
        )
        arguments = parser.parse_args(words)
        obey_signals()
        directory = data_directory(values)
        return _when_alone(directory, values, arguments)
    except processes.Interrupted:
        return 0
    except LocalError as error:
        say(f"\n{error}")
        return 1


def obey_signals() -> None:
    """Make SIGINT, SIGTERM, SIGHUP, and the death of hatch, ask this process to stop."""

    def ask(*_: Any) -> None:
        (processes.hurry if processes.stop_asked.is_set() else processes.stop_asked).set()

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), ask)
    # hatch doesn't pass signals on. When it is gone, we have another parent.
    parent = os.getppid()

    def watch_parent() -> None:
        while os.getppid() == parent:
            time.sleep(0.3)
        processes.stop_asked.set()

    if "HATCH_ENV_ACTIVE" in os.environ:
        threading.Thread(target=watch_parent, daemon=True).start()


def _when_alone(directory: Path, values: Mapping[str, str], arguments: argparse.Namespace) -> int:
    """Run as the only one in this checkout, or say who runs there."""
    while True:
        with state.locked(directory) as held:
            if held:
                state.stop_leftovers(directory)
                try:
                    _run(directory, values, arguments)
                finally:
                    if processes.running():
                        say("Stopping.")
                        stop_everything()
                        say(f"Stopped; the data are kept in {directory}")
        other = state.read(directory)
        if other is not None and other.command == "dev" and other.holds:
            say(
                f"It runs already, as process {other.pid}: {other.address or 'about to start'}\n"
                "Stop it by Ctrl-C in its terminal. In another checkout, "
                "`hatch run dev --port N` works beside it."
            )
            return 1
        with step("waiting for another command in this checkout"):
            processes.pause(0.5)


def _run(directory: Path, values: Mapping[str, str], arguments: argparse.Namespace) -> None:
    changes: Changes = queue.SimpleQueue()
    with read_keys(KEYS, changes.put):
        _run_programs(directory, values, arguments, changes)


def _run_programs(
    directory: Path, values: Mapping[str, str], arguments: argparse.Namespace, changes: Changes
) -> None:
    listener = listen(arguments.host, arguments.port)
    address = address_for_people(listener)
    held = state.State("dev", address=address)
    held.write(directory)
    say(f"Starting; the data are in {directory}")
    made = generate(values, directory)
    servers = start_servers(values, directory)
    environment = {**os.environ, **servers.urls, "PYTHONUNBUFFERED": "1"}
    mail = start_catcher(values, environment, directory)
    held.urls = {**servers.urls, **(mail.settings if mail else {})}
    environment |= held.urls
    revisions = Revisions(environment, ROOT, at_once=arguments.migrate, keys=has_terminal())
    waiting = revisions.settle()
    held.ready = True
    held.write(directory)

    settings = DevSettings(values, directory)
    watch(ROOT, settings.files, changes)
    api = _api(listener, environment, settings)
    programs, lasting = [api, *_worker(values, environment)], [mail.program] if mail else []

    def remember() -> None:
        started = [program.child for program in [*programs, *lasting]]
        held.processes = {str(child.pid): child.words for child in started if child}
        held.write(directory)
        when_answered(address, api.note_answer())

    supervisor = Supervisor(
        servers.list(), programs, changes, revisions, settings.reread, remember, lasting
    )
    with step("API and worker"):
        supervisor.start()
        supervisor.wait_until(lambda: api.answered)
    superuser = superuser_of(values, made, revisions.other_superuser)
    say(banner(address, directory, values, made, superuser, servers, programs, mail) + waiting)
    supervisor.run()


def _worker(values: Mapping[str, str], environment: Mapping[str, str]) -> list[Program]:
    """The worker; none without a queue, since it would have nothing to do."""
    off = values.get("REDIS_QUEUE_URL") == "off"
    return [] if off else [Program("worker", WORKER, environment, ROOT)]


def _api(listener: socket.socket, environment: Mapping[str, str], settings: DevSettings) -> Program:
    command = [sys.executable, "-m", "uvicorn", "kernel.main:app", "--no-proxy-headers"]
    command += ["--http", "kernel.web.protocol:BoundedProtocol", "--timeout-graceful-shutdown", "2"]
    if sys.platform == "win32":  # where a child can't be given a socket
        host, port = listener.getsockname()[:2]
        listener.close()
        return Program("api", [*command, "--host", host, "--port", str(port)], environment, ROOT)
    return Program(
        "api",
        [*command, "--fd", str(listener.fileno())],
        environment,
        ROOT,
        (listener.fileno(),),
        FailedStart(listener, settings.is_local),
    )


if __name__ == "__main__":
    sys.exit(main())
