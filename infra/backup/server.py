"""The PostgreSQL that is backed up, as its own programs reach it."""

import os
import subprocess
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from infra.backup.errors import BackupError
from infra.backup.segments import Position, parse_history
from infra.local.binaries import find_postgres

SLOT = "backup"
TIMEOUT = "5"  # seconds for a connection to be made
# A commit with a time in the log, so that any time before it can be found there. It writes no row.
MARK = """\
SELECT clock_timestamp();
SELECT pg_logical_emit_message(true, 'backup', '');
SELECT pg_current_wal_insert_lsn();"""
WRITTEN = "SELECT max(write_lsn) FROM pg_stat_replication WHERE application_name = '{name}'"
SLOT_LOST = """\
SELECT wal_status IS NOT DISTINCT FROM 'lost' FROM pg_replication_slots
 WHERE slot_name = '{slot}'"""
HAS_FILE = "SELECT EXISTS (SELECT FROM pg_ls_waldir() WHERE name = '{name}')"
GONE = "The server has no replication slot `{slot}`: dropped, or it is another server than before."
GIVEN_UP = """\
The server gave up keeping the log for the replication slot: the backup stood still for longer than
max_slot_wal_keep_size or idle_replication_slot_timeout allow."""
RECEIVER = "backup"
ROLE = """\
\\getenv password BACKUP_ROLE_PASSWORD
SELECT NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'backup') AS missing \\gset
\\if :missing
CREATE ROLE backup;
\\endif
GRANT pg_read_all_stats TO backup;
GRANT EXECUTE ON FUNCTION pg_ls_waldir() TO backup;
ALTER ROLE backup WITH LOGIN REPLICATION CONNECTION LIMIT 10 PASSWORD :'password';"""


def program(name: str) -> Path:
    """One of PostgreSQL's programs."""
    return find_postgres().path.with_name(name)


def environment(**more: str) -> dict[str, str]:
    """The environment of PostgreSQL's programs, whose messages are read."""
    return {"PGCONNECT_TIMEOUT": TIMEOUT, **os.environ, "LC_ALL": "C", "TZ": "UTC", **more}


def ask(sql: str, replication: bool = False) -> list[str]:
    """The values that the statements answer, a line each. Raises BackupError."""
    database = os.environ.get("PGDATABASE", "postgres")
    target = f"dbname={database} replication=database" if replication else database
    command = [str(program("psql")), "--no-psqlrc", "--no-password", "--quiet", "--tuples-only"]
    done = subprocess.run(
        [*command, "--no-align", "--set=ON_ERROR_STOP=1", "--file=-", f"--dbname={target}"],
        env=environment(PGTZ="UTC", PGAPPNAME="backup-look"),
        input=sql,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BackupError(f"PostgreSQL: {done.stderr.strip()}")
    return [line for line in done.stdout.splitlines() if line]


@dataclass(frozen=True)
class Identity:
    """Which cluster it is, on which timeline, how far its log is on the disk, and how long a
    segment of it is in bytes."""

    system: str
    timeline: int
    position: Position
    segment_size: int


def identify() -> Identity:
    """Who answers. Raises BackupError."""
    [line] = ask("IDENTIFY_SYSTEM;", replication=True)
    system, timeline, position, *_ = line.split("|")
    [size] = ask("SELECT setting FROM pg_settings WHERE name = 'wal_segment_size';")
    return Identity(system, int(timeline), Position.parse(position), int(size))


def chain(timeline: int) -> list[tuple[int, int | None]]:
    """The timeline and its past, the newest first, each with the position where it was left."""
    past: dict[int, int] = {}
    if timeline > 1:
        answered = "\n".join(ask(f"TIMELINE_HISTORY {timeline};", replication=True))
        past = parse_history(answered.partition("|")[2])
    return [(timeline, None), *sorted(past.items(), reverse=True)]


def has_segment(name: str) -> bool:
    """Whether the server has that segment of its log still. Raises BackupError."""
    return ask(HAS_FILE.format(name=name)) == ["t"]


def mark() -> tuple[datetime, Position]:
    """Leave a mark in the log: a time before its commit, and a position after it."""
    time, _, position = ask(MARK)
    return datetime.fromisoformat(time), Position.parse(position)


def now() -> datetime:
    """The server's time, which is that of the commits."""
    [time] = ask("SELECT clock_timestamp();")
    return datetime.fromisoformat(time)


def received() -> Position:
    """How far the log has been written into the spool."""
    found = ask(WRITTEN.format(name=RECEIVER))
    return Position.parse(found[0]) if found else Position(0)


def lost_slot() -> str | None:
    """What became of the slot if it must be made anew; one that is of no use is dropped."""
    match ask(SLOT_LOST.format(slot=SLOT)):
        case []:
            return GONE.format(slot=SLOT)
        case ["t"]:
            ask(f"SELECT pg_drop_replication_slot('{SLOT}');")
            return GIVEN_UP
    return None


def make_role() -> None:
    """Make the role that backs up, or give it its password anew. Raises BackupError."""
    if not os.environ.get("BACKUP_ROLE_PASSWORD"):
        raise BackupError("BACKUP_ROLE_PASSWORD_FILE isn't set: what is its password?")
    ask(ROLE)
