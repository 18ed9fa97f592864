"""Where the log goes on, and what a gap of it means for those who look and restore."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from infra.backup import choosing, encryption, gaps, log, options, resuming, server, status, taking
from infra.backup.choosing import Target
from infra.backup.errors import BackupError
from infra.backup.gaps import Gap
from infra.backup.repository import Cluster, Reach
from infra.backup.segments import Position
from infra.backup.server import Identity
from infra.backup.tests.archive import MEGABYTES_16, NOON, add, archive, make_cluster, name_of

HOUR = timedelta(hours=1)


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return make_cluster(tmp_path)


def bytes_of(segment: float) -> int:
    return int(segment * MEGABYTES_16)


@pytest.mark.parametrize(
    ("complete", "partial", "left_at", "expected"),
    [
        ((), None, None, None),
        ((1, 2), None, None, name_of(3)),
        ((1, 2), 3, None, name_of(3)),
        # A later timeline's first segment begins with what the earlier one has of it.
        ((1, 2), 3, 3.5, name_of(3, 2)),
        ((1, 2, 3, 4), 5, 3.5, name_of(3, 2)),
        ((1, 2), 3, 6.5, name_of(3)),
    ],
)
def test_the_log_goes_on_where_the_archive_ends(
    cluster: Cluster,
    complete: tuple[int, ...],
    partial: int | None,
    left_at: float | None,
    expected: str | None,
) -> None:
    archive(cluster, *complete, partial=partial)
    chain = [(1, None)] if left_at is None else [(2, None), (1, bytes_of(left_at))]

    assert resuming.next_segment(cluster, chain, MEGABYTES_16) == expected


def test_on_a_later_timeline_it_goes_on_there(cluster: Cluster) -> None:
    archive(cluster, 1, 2, 3)
    archive(cluster, 3, timeline=2)

    chain = [(2, None), (1, bytes_of(3.5))]
    assert resuming.next_segment(cluster, chain, MEGABYTES_16) == name_of(4, 2)


def test_a_server_that_is_behind_what_is_archived_is_refused(
    cluster: Cluster, tmp_path: Path
) -> None:
    archive(cluster, 1, 2, 3)
    older = Identity("7", 1, Position(bytes_of(2.5)), MEGABYTES_16)

    with pytest.raises(BackupError, match="an older\ncopy of the database"):
        resuming.prepare(tmp_path, cluster, older)


def test_what_a_receiver_fetches_again_doesnt_replace_more_of_it(
    cluster: Cluster, tmp_path: Path
) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    archive(cluster, partial=3)
    recipient = encryption.Recipient.from_str(encryption.make_keys()[1])
    packed = cluster.packed(f"{name_of(3)}.partial")

    log.refetch(spool, name_of(3))
    log.pack_partial(spool, cluster, recipient)
    assert packed.read_bytes() == b""

    log.refetched(spool)
    log.pack_partial(spool, cluster, recipient)
    assert packed.read_bytes() != b""


def gap_of(cluster: Cluster) -> Gap:
    """A base backup at noon, an hour of log after it, and no more."""
    add(cluster, NOON, 1)
    archive(cluster, 1, 2, partial=3)
    cluster.set_reach(Reach(NOON + HOUR, bytes_of(3.5)))
    gap = Gap(NOON + HOUR, NOON + 2 * HOUR, timeline=1)
    gaps.add(cluster, gap)
    return gap


def test_a_gap_is_late_and_due_until_a_base_backup_has_ended_it(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    gap, now = gap_of(cluster), NOON + 3 * HOUR
    given = options.load({"BACKUP_DIRECTORY": str(cluster.folder.parent)})

    assert gaps.open_gap(cluster) == gap
    assert taking.due(cluster, 1, now, every_hours=24)
    [problem] = status.late(cluster, given, now)
    assert f"until {gap.after.isoformat()} any time can be restored, and none after" in problem
    assert status.tell(given) == 1

    add(cluster, now, 9)
    cluster.set_reach(Reach(now, bytes_of(9.5)))
    assert gaps.open_gap(cluster) is None
    assert not taking.due(cluster, 1, now, every_hours=24)
    assert list(status.late(cluster, given, now)) == []
    status.tell(given)
    between = "but not between 2026-11-29 13:00:00+0000 and 2026-11-29 15:00:00+0000"
    assert between in capsys.readouterr().out


def test_a_gap_that_is_found_again_is_one(cluster: Cluster) -> None:
    gap = gap_of(cluster)
    again = Gap(gap.after, gap.found_at + HOUR, timeline=1)
    gaps.add(cluster, again)

    assert gaps.read(cluster) == [again]


def test_a_gap_before_the_oldest_base_backup_is_forgotten(cluster: Cluster) -> None:
    gap_of(cluster)
    add(cluster, NOON + 3 * HOUR, 9)
    assert len(gaps.read(cluster)) == 1

    add(cluster, NOON + 9 * HOUR, 10)
    cluster.forget_before(NOON + 4 * HOUR)
    assert gaps.read(cluster) == []


def test_a_time_in_a_gap_is_refused_with_those_on_both_sides(cluster: Cluster) -> None:
    gap_of(cluster)
    identity = encryption.Identity.from_str(encryption.make_keys()[0])

    def told(hours: float | None) -> str:
        moment = None if hours is None else NOON + hours * HOUR
        try:
            return choosing.choose(cluster, identity, Target(moment)).name
        except BackupError as error:
            return str(error)

    cluster.set_reach(Reach(NOON + HOUR, bytes_of(3.5)))
    assert "say --to 2026-11-29T13:00:00+00:00" in told(None)
    assert told(1) == "20261129T120000"

    add(cluster, NOON + 3 * HOUR, 9)
    cluster.set_reach(Reach(NOON + 4 * HOUR, bytes_of(9.5)))
    inside = told(2)
    assert "after 2026-11-29T13:00:00+00:00 the next time that can be restored is" in inside
    assert "2026-11-29T15:00:00+00:00.\n2026-11-29T14:00:00+00:00 is between" in inside
    assert (told(1), told(3.5), told(None)) == ("20261129T120000", *["20261129T150000"] * 2)


def test_a_base_backup_that_lacks_a_segment_of_its_log_is_seen(cluster: Cluster) -> None:
    backup = add(cluster, NOON, 5)

    assert cluster.lacks(backup) == name_of(5)
    archive(cluster, partial=5)
    assert cluster.lacks(backup) is None


def test_before_a_gap_after_a_failover_the_old_timeline_leads_up_to_it(
    cluster: Cluster, tmp_path: Path
) -> None:
    said, target = tmp_path / "said", tmp_path / "target"
    add(cluster, NOON, 1)
    archive(cluster, 1, 2, partial=3)
    archive(cluster, 5, timeline=2)

    def fetch() -> int:
        return log.fetch(cluster, tmp_path / "key", said, name_of(3, 2), target)

    assert fetch() == log.BROKEN
    gaps.add(cluster, Gap(NOON + HOUR, NOON + 2 * HOUR, timeline=2))
    assert fetch() == 1


def test_the_metrics_say_when_the_newest_gap_was_found(cluster: Cluster) -> None:
    gap = gap_of(cluster)
    status.write_metrics(cluster)

    text = (cluster.folder / "metrics.prom").read_text()
    found = re.findall(r"^backup_gap_timestamp_seconds\{\S+\} (\S+)$", text, re.MULTILINE)
    assert found == [str(gap.found_at.timestamp())]


def test_the_history_of_a_timeline_is_read_of_the_servers_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer = ["00000003.history|1\t0/3000000\tno recovery target specified", "2\t0/5000028\tx"]
    monkeypatch.setattr(server, "ask", lambda sql, replication: answer)

    assert server.chain(3) == [(3, None), (2, 0x5000028), (1, 0x3000000)]
    assert server.chain(1) == [(1, None)]
