"""Keys, sealed files, names in the log, what is kept and for how long, and what is late."""

import gzip
import io
import re
from datetime import datetime, timedelta
from pathlib import Path

import promql_parser
import pytest
import yaml  # type: ignore[import-untyped,unused-ignore]

from infra.backup import choosing, encryption, log, options, restoring, status
from infra.backup.__main__ import main
from infra.backup.choosing import Target
from infra.backup.encryption import Identity, Recipient
from infra.backup.errors import BackupError
from infra.backup.repository import Cluster, Reach, chosen
from infra.backup.segments import Position, number_of, segment_at
from infra.backup.tests.archive import MEGABYTES_16, NOON, add, make_cluster
from infra.checks import ROOT


@pytest.fixture
def key(tmp_path: Path) -> Path:
    assert main(["keys", str(tmp_path / "key")]) == 0
    return tmp_path / "key"


def recipient_of(key: Path) -> Recipient:
    return Recipient.from_str(key.read_text().splitlines()[0].rpartition(" ")[2])


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return make_cluster(tmp_path)


def test_what_is_sealed_is_read_with_the_key_and_with_no_other(tmp_path: Path, key: Path) -> None:
    sealed, content = tmp_path / "sealed", b"secret" * 100_000
    encryption.seal_bytes(content, sealed, recipient_of(key))
    other = Identity.from_str(encryption.make_keys()[0])

    assert encryption.open_bytes(sealed, encryption.read_identity(key)) == content
    assert b"secret" not in sealed.read_bytes()
    with pytest.raises(BackupError, match="This key doesn't open sealed"):
        encryption.open_bytes(sealed, other)


@pytest.mark.parametrize("kept", [0, 50, 70_000, -1])
def test_a_file_that_is_cut_off_is_told(tmp_path: Path, key: Path, kept: int) -> None:
    sealed, identity = tmp_path / "sealed", encryption.read_identity(key)
    stream = io.BytesIO(gzip.compress(bytes(range(256)) * 2_000, 0))
    encryption.seal_stream(stream, sealed, recipient_of(key))
    sealed.write_bytes(sealed.read_bytes()[:kept])

    with pytest.raises(BackupError, match="sealed is damaged or cut off"):
        encryption.open_bytes(sealed, identity)
    with (
        pytest.raises(BackupError, match="sealed is damaged or cut off"),
        encryption.opened(sealed, identity) as opened,
    ):
        opened.read()


def test_a_key_is_readable_by_its_owner_alone_and_never_overwritten(
    key: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = key.read_text()

    assert key.stat().st_mode & 0o077 == 0
    assert main(["keys", str(key)]) == 1
    assert "File exists. No key was made." in capsys.readouterr().err
    assert key.read_text() == before
    with pytest.raises(BackupError, match="holds no recipient"):
        encryption.read_recipient(key)
    with pytest.raises(BackupError, match="can't be read"):
        encryption.read_identity(tmp_path / "none")


@pytest.mark.parametrize(
    ("position", "timeline", "segment"),
    [
        ("0/2000028", 1, "000000010000000000000002"),
        ("1/FF000000", 10, "0000000A00000001000000FF"),
    ],
)
def test_a_segment_bears_postgresqls_name(position: str, timeline: int, segment: str) -> None:
    place = Position.parse(position)

    assert segment_at(place, timeline, MEGABYTES_16) == segment
    assert number_of(segment, MEGABYTES_16) == place.bytes // MEGABYTES_16


def test_what_a_time_within_the_days_kept_needs_is_kept_and_nothing_else(cluster: Cluster) -> None:
    for days, segment in ((9, 10), (8, 20), (2, 30), (1, 40)):
        add(cluster, NOON - timedelta(days=days), segment)
        packed = segment_at(Position(segment * MEGABYTES_16), 1, MEGABYTES_16)
        cluster.packed(packed).touch()

    gone = cluster.forget_before(NOON - timedelta(days=7))

    assert len(gone) == 1
    kept = [one.first_segment[-2:] for one in cluster.backups()]
    assert kept == ["14", "1E", "28"]  # from the one of eight days ago, seven days ago is reached
    assert [name[-2:] for name in cluster.segments()] == kept


def test_the_only_backup_is_kept_however_old_it_is(cluster: Cluster) -> None:
    add(cluster, NOON - timedelta(days=99), 1)

    assert cluster.forget_before(NOON) == []
    assert len(cluster.backups()) == 1


def test_a_segment_that_is_missing_or_damaged_stops_the_recovery_and_the_end_doesnt(
    cluster: Cluster, key: Path, tmp_path: Path
) -> None:
    first, second, third = (f"{number:024X}" for number in (1, 2, 3))
    said, target = tmp_path / "said", tmp_path / "target"
    for name in (first, f"{third}.partial"):
        encryption.seal_bytes(name.encode(), cluster.packed(name), recipient_of(key))

    def fetch(name: str) -> int:
        return log.fetch(cluster, key, said, name, target)

    assert (fetch(first), target.read_bytes()) == (0, first.encode())
    assert (fetch(third), target.read_bytes()) == (0, f"{third}.partial".encode())
    assert (fetch(f"{4:024X}"), fetch("00000002.history")) == (1, 1)
    assert not said.exists()
    assert fetch(second) == log.BROKEN
    assert f"The segment {second} of the log is missing" in said.read_text()
    cluster.packed(first).write_bytes(b"no")
    assert fetch(first) == log.BROKEN
    assert "damaged or cut off" in said.read_text()


def test_what_is_late_is_told_and_what_isnt_is_well(cluster: Cluster) -> None:
    given = options.load({})

    def late(now: datetime) -> list[str]:
        return list(status.late(cluster, given, now))

    assert late(NOON) == ["There is no complete base backup yet.", "The log isn't archived yet."]
    add(cluster, NOON, 1)
    cluster.set_reach(Reach(NOON, 5))
    assert late(NOON + timedelta(minutes=1)) == []
    assert late(NOON + timedelta(hours=37)) == [
        "The newest base backup is 37 hours old.",
        "The log hasn't been archived for 133200 seconds.",
    ]


def test_a_time_that_cant_be_reached_is_told_with_the_range(cluster: Cluster, key: Path) -> None:
    identity = encryption.read_identity(key)

    def told(target: datetime | None) -> str:
        with pytest.raises(BackupError) as refused:
            choosing.choose(cluster, identity, Target(target))
        return str(refused.value)

    assert "holds no complete base backup" in told(None)
    add(cluster, NOON, 1)
    cluster.set_reach(Reach(NOON + timedelta(hours=1), 5))
    assert "is before that" in told(NOON - timedelta(seconds=1))
    assert "is after that" in told(NOON + timedelta(hours=2))
    assert choosing.choose(cluster, identity, Target(NOON)).ended_at == NOON


def test_a_backup_that_a_restore_went_back_behind_is_of_the_old_timeline_alone(
    cluster: Cluster, key: Path
) -> None:
    for hours, segment, timeline in ((0, 10, 1), (1, 30, 1), (2, 21, 2)):
        add(cluster, NOON + timedelta(hours=hours), segment, timeline)
    cluster.set_reach(Reach(NOON + timedelta(hours=9), 5))
    cluster.packed(segment_at(Position(21 * MEGABYTES_16), 2, MEGABYTES_16)).touch()
    history = b"1\t0/14000000\tbefore 2026-11-29 12:30:00+00\n"
    encryption.seal_bytes(history, cluster.packed("00000002.history"), recipient_of(key))

    def chosen_for(hours: float, timeline: int | None = None) -> float:
        target = Target(NOON + timedelta(hours=hours), timeline)
        found = choosing.choose(cluster, encryption.read_identity(key), target)
        return (found.ended_at - NOON).total_seconds() / 3600

    assert (chosen_for(0.5), chosen_for(1.5), chosen_for(3)) == (0, 0, 2)
    assert chosen_for(1.5, timeline=1) == 1


def test_nothing_is_restored_over_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/PG_VERSION").write_text("18")

    with pytest.raises(BackupError, match="isn't empty, and nothing is overwritten"):
        restoring.refuse(tmp_path / "data")


def test_one_of_several_clusters_must_be_named(cluster: Cluster) -> None:
    repository = cluster.folder.parent
    assert chosen(repository, None).folder.name == "7"
    Cluster(repository / "8").make()

    with pytest.raises(BackupError, match=r"7, 8\. Say --system ID"):
        chosen(repository, None)
    assert chosen(repository, "8").folder.name == "8"


@pytest.mark.parametrize("value", ["soon", "-1", "nan", "inf"])
def test_an_option_that_is_no_number_is_told(value: str) -> None:
    with pytest.raises(BackupError, match="BACKUP_KEEP_DAYS"):
        options.load({"BACKUP_KEEP_DAYS": value})


@pytest.mark.parametrize(
    ("time", "told"), [("soon", "is no time like"), ("2026-11-29T10:00:00", "doesn't say its zone")]
)
def test_a_time_without_a_zone_is_refused(
    time: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["restore", "x", "--identity", "y", "--to", time])
    assert told in capsys.readouterr().err


def test_the_metrics_are_what_prometheus_reads(cluster: Cluster) -> None:
    backup = add(cluster, NOON, 1)
    cluster.set_reach(Reach(NOON, 5))
    status.write_metrics(cluster)

    lines = (cluster.folder / "metrics.prom").read_text().splitlines()
    assert f'backup_base_bytes{{system="7"}} {backup.bytes}' in lines
    assert f'backup_reach_timestamp_seconds{{system="7"}} {NOON.timestamp()}' in lines
    assert cluster.backups() == [backup]


def test_the_alerts_ask_for_what_is_written() -> None:
    rules = yaml.safe_load((ROOT / "infra/backup/alerts.yml").read_text())["groups"][0]["rules"]
    written = {name for name, _ in status.METRICS}

    for rule in rules:
        promql_parser.parse(rule["expr"])
        assert set(re.findall(r"backup_\w+", rule["expr"])) <= written, rule["alert"]
