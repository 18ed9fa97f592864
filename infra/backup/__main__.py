"""`hatch run backup ...`: encrypted backups of PostgreSQL, and a database as it was at a time."""

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from infra.backup import encryption, log, options, restoring, server, service, status, taking
from infra.backup.choosing import Target
from infra.backup.errors import BackupError
from infra.backup.repository import Cluster, chosen
from infra.local.errors import LocalError

RESTORED = """\
{into} is the database {moment}: start PostgreSQL on it. The passwords are those of then.
Empty the cache, and the queue, too: its jobs belong to a future that no longer is."""


def main(words: Sequence[str] | None = None) -> int:
    """Do it; the exit code is 1 when it failed or something is late."""
    given = _parser().parse_args(words)
    try:
        options.read_secrets()
        code: int = given.do(given)
    except (BackupError, LocalError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted; what was there is as it was.", file=sys.stderr)
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hatch run backup", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    keys = commands.add_parser("keys", help="make a pair of keys; what opens goes into FILE")
    keys.add_argument("file", type=Path, metavar="FILE")
    keys.set_defaults(do=_keys)
    for name, what, do in (
        ("role", "make the role that backs up, as the owner", _role),
        ("run", "receive the log and take base backups, until stopped", _run),
        ("take", "take a base backup now, beside `run`", _take),
        ("status", "what there is, and whether it is late", _status),
    ):
        commands.add_parser(name, help=what).set_defaults(do=do)
    restore = commands.add_parser("restore", help="make a data folder as of a time")
    restore.add_argument("into", type=Path, metavar="FOLDER", help="new, or empty")
    restore.add_argument("--identity", type=Path, required=True, metavar="FILE", help="the key")
    restore.add_argument("--to", type=_moment, metavar="TIME", help="with its zone: ...T09:59:59Z")
    restore.add_argument(
        "--timeline", type=int, metavar="N", help="before an earlier restore, by default after it"
    )
    restore.add_argument("--system", metavar="ID", help="the cluster, where there are several")
    restore.set_defaults(do=_restore)
    fetch = commands.add_parser("fetch")  # PostgreSQL's restore_command
    for name in ("cluster", "identity", "said", "name", "target"):
        fetch.add_argument(name)
    fetch.set_defaults(do=_fetch)
    return parser


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time like 2026-11-29T09:59:59Z") from None
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} doesn't say its zone: add Z, or +02:00")
    return moment


def _keys(given: argparse.Namespace) -> int:
    identity, recipient = encryption.make_keys()
    try:
        descriptor = os.open(given.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise BackupError(f"{given.file}: {error.strerror}. No key was made.") from None
    with os.fdopen(descriptor, "w") as file:
        file.write(f"# public key: {recipient}\n{identity}\n")
    print(recipient)
    return 0


def _role(_: argparse.Namespace) -> int:
    server.make_role()
    return 0


def _run(_: argparse.Namespace) -> int:
    return service.run(options.load(os.environ))


def _take(_: argparse.Namespace) -> int:
    try:
        backup, gone = taking.take(options.load(os.environ))
    except BackupError as error:
        service.tell("base backup failed", "error", reason=str(error))
        return 1
    seconds = round((backup.ended_at - backup.began_at).total_seconds(), 1)
    size = backup.bytes
    service.tell("base backup complete", bytes=size, seconds=seconds, deleted=gone)
    return 0


def _status(_: argparse.Namespace) -> int:
    return status.tell(options.load(os.environ))


def _restore(given: argparse.Namespace) -> int:
    cluster = chosen(options.load(os.environ).repository, given.system)
    target = Target(given.to, given.timeline)
    restoring.restore(cluster, given.identity, target, given.into.absolute())
    moment = f"as of {given.to.isoformat()}" if given.to else "as of the end of its log"
    print(RESTORED.format(into=given.into, moment=moment))
    return 0


def _fetch(given: argparse.Namespace) -> int:
    cluster = Cluster(Path(given.cluster))
    paths = Path(given.identity), Path(given.said)
    return log.fetch(cluster, *paths, given.name, Path(given.target))


if __name__ == "__main__":
    sys.exit(main())
