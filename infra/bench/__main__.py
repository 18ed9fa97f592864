"""`hatch run bench`: measure, print a table, leave JSON where it is asked for."""

import argparse
import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import orjson

from infra.bench import extras, jobs, predicted, scale, table
from infra.bench.cases import CASES, Case
from infra.bench.counts import count
from infra.bench.environment import BASELINE, Environment, Rival, prepare, set_up
from infra.bench.measure import rounds
from infra.bench.process import Server
from infra.drills.collector import collecting
from infra.local.console import say

TRACES = {"TRACES": "on", "TRACES_SAMPLE_RATE": "0.1"}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser("bench", description=__doc__)
    names = [case.name for case in CASES]
    parser.add_argument("--route", action="append", choices=names, help="only this one; repeatable")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8, help="of each round")
    parser.add_argument("--processes", type=int, default=1, help="of each server")
    parser.add_argument("--against", metavar="URL", help="load this server, too; no CPU figures")
    parser.add_argument("--baseline", type=Path, metavar="DIR", help="load this checkout, too")
    parser.add_argument("--ways", action="store_true", help="FAST_PATH=off and ours twice, too")
    parser.add_argument(
        "--observed", action="store_true", help="with metrics, and with traces of 10 %%, too"
    )
    parser.add_argument(
        "--without", action="append", metavar="NAME", help="ours without this shortcut, too"
    )
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--extras", action="store_true", help="logins, deep pages, start-up, too")
    parser.add_argument("--jobs", action="store_true", help="the worker, beside plain ARQ")
    parser.add_argument("--scale", action="store_true", help="lists of up to a million rows")
    parser.add_argument(
        "--simulate",
        nargs="*",
        type=Path,
        metavar="FILE",
        help="what queues would make of more load; beside what --json has kept, too",
    )
    parser.add_argument("--smoke", action="store_true", help="a second each, to see that it works")
    arguments = parser.parse_args()
    if arguments.smoke:
        arguments.rounds, arguments.seconds = 1, 1
    return arguments


def rivals(arguments: argparse.Namespace, collector: str) -> Iterator[Rival]:
    if arguments.baseline:
        yield Rival(BASELINE, arguments.baseline.resolve())
    if arguments.ways or arguments.observed:
        yield Rival("again")
    if arguments.ways:
        yield Rival("off", values={"FAST_PATH": "off"})
    if arguments.observed:
        yield Rival("metrics", values={"METRICS": "on", "METRICS_PORT": "0"})
        yield Rival("traces", values={**TRACES, "OTEL_EXPORTER_OTLP_ENDPOINT": collector})
    for name in arguments.without or ():
        yield Rival(f"without {name}", values={"BENCH_WITHOUT": name})


def main() -> None:
    arguments = parse()
    if arguments.simulate is not None:
        say(predicted.report(arguments.simulate))
        return
    if arguments.jobs:
        jobs.main(arguments.rounds, arguments.json, arguments.smoke)
        return
    if arguments.scale:
        scale.main(arguments.rounds, arguments.json, arguments.smoke)
        return
    chosen = [case for case in CASES if not arguments.route or case.name in arguments.route]
    outcomes = []
    with ExitStack() as stack:
        collector = stack.enter_context(collecting()).url if arguments.observed else ""
        others = list(rivals(arguments, collector))
        stage = stack.enter_context(set_up(arguments.processes, others))
        for case in chosen:
            case = stage.cast(case)
            say(f"{case.name}: {arguments.rounds} rounds of {arguments.seconds:g} s")
            outcomes.append(measure(stage, case, arguments))
            say(table.markdown(outcomes[-1:]).splitlines()[2])
        more = ""
        if arguments.extras:
            say("extras: some minutes")
            more = "\n\n" + extras.report(stage, arguments.rounds, arguments.seconds)
    if stage.rivals:
        more = f"\n\n{table.compared(outcomes)}{more}"
    say(f"\n{table.machine()}\n\n{table.markdown(outcomes)}{more}")
    if arguments.json:
        arguments.json.write_bytes(
            orjson.dumps(table.as_json(outcomes, arguments.processes), option=orjson.OPT_INDENT_2)
        )


def measure(stage: Environment, case: Case, arguments: argparse.Namespace) -> table.Outcome:
    if case.name != "no-op":
        prepare(stage, case)
    servers = [stage.ours, stage.floor, *stage.rivals]
    if arguments.against:
        address = arguments.against.rstrip("/")
        servers.append(Server("against", address, pid=0, token=stage.ours.token))
    figures = rounds(case, servers, arguments.rounds, arguments.seconds)
    urls = stage.environment["DATABASE_URL"], stage.environment["REDIS_CACHE_URL"]
    for server in servers[:2]:
        counted = asyncio.run(count(server.url, case, server.token, *urls))
        figures[server.name].statements, figures[server.name].commands = counted
    for name, found in figures.items():
        if found.failed:
            raise SystemExit(f"{case.name}: {found.failed} failed answers of {name}")
    return table.Outcome(case, figures)


main()
