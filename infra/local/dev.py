"""`hatch run dev`: the whole application on this machine, with nothing installed but Python."""

import argparse
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from infra.local import processes, state
from infra.local.banner import banner
from infra.local.console import say, step
from infra.local.dev_env import data_directory, generate, given
from infra.local.errors import LocalError
from infra.local.listener import address_for_people, listen, when_answered
from infra.local.servers import MIGRATE, SEED, run_step, start_servers, stop_everything
from infra.local.supervisor import Program, Supervisor
from infra.local.watch import watch
from kernel.config.loader import ROOT

WORKER = (sys.executable, "-m", "arq", "workers.settings.WorkerSettings")


def main(words: Sequence[str] | None = None) -> int:
    """Run until Ctrl-C; the exit code is 1 when something went wrong."""
    try:
        values = given()
        parser = argparse.ArgumentParser(prog="hatch run dev", description=__doc__)
        parser.add_argument("--host", default=values.get("HOST", "127.0.0.1"))
        parser.add_argument("--port", type=int, default=values.get("PORT", "8000"))
        arguments = parser.parse_args(words)
        obey_signals()
        directory = data_directory(values)
        return _when_alone(directory, values, arguments.host, arguments.port)
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


def _when_alone(directory: Path, values: Mapping[str, str], host: str, port: int) -> int:
    """Run as the only one in this checkout, or say who runs there."""
    while True:
        with state.locked(directory) as held:
            if held:
                state.stop_leftovers(directory)
                try:
                    _run(directory, values, host, port)
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


def _run(directory: Path, values: Mapping[str, str], host: str, port: int) -> None:
    listener = listen(host, port)
    address = address_for_people(listener)
    held = state.State("dev", address=address)
    held.write(directory)
    say(f"Starting; the data are in {directory}")
    made = generate(values, directory)
    servers = start_servers(values, directory)
    held.urls = servers.urls
    environment = {**os.environ, **servers.urls, "PYTHONUNBUFFERED": "1"}
    waiting = run_step("migrations", MIGRATE, environment, ROOT)
    held.ready = True
    held.write(directory)
    if "hatch run migrate" not in waiting:  # seeds need the tables that the code has
        run_step("superuser and other first rows", SEED, environment, ROOT)

    changes = watch(ROOT)
    programs = [_api(listener, environment)]
    if values.get("REDIS_QUEUE_URL") != "off":  # without a queue a worker has nothing to do
        programs.append(Program("worker", WORKER, environment, ROOT))

    def remember() -> None:
        children = [program.child for program in programs if program.child is not None]
        held.processes = {str(child.pid): child.words for child in children}
        held.write(directory)
        when_answered(address, lambda: setattr(programs[0], "answered", True))

    supervisor = Supervisor(
        servers.list(),
        programs,
        changes,
        lambda: say(run_step("migrations", MIGRATE, environment, ROOT)),
        remember,
    )
    with step("API and worker"):
        supervisor.start()
        supervisor.wait_until(lambda: programs[0].answered)
    say(banner(address, directory, values, made, servers, programs) + waiting)
    supervisor.run()


def _api(listener: socket.socket, environment: Mapping[str, str]) -> Program:
    command = [sys.executable, "-m", "uvicorn", "kernel.main:app", "--no-proxy-headers"]
    command += ["--http", "kernel.web.protocol:BoundedProtocol", "--timeout-graceful-shutdown", "2"]
    if sys.platform == "win32":  # where a child can't be given a socket
        host, port = listener.getsockname()[:2]
        listener.close()
        return Program("api", [*command, "--host", host, "--port", str(port)], environment, ROOT)
    number = listener.fileno()
    return Program("api", [*command, "--fd", str(number)], environment, ROOT, (number,))


if __name__ == "__main__":
    sys.exit(main())
