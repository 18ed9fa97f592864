"""Entries go when AUDIT_DAYS are over, in batches."""

import pytest

from features.audit.models import KEPT_DAYS
from features.audit.settings import AuditSettings
from features.audit.tests.test_rights import ENTRY
from infra.local import databases
from kernel import jobs
from kernel.resources import Resources
from tests.jobs import RunJobs

MANY = """\
INSERT INTO audit_entry (created_at, actor_id, act, subject, subject_id, changes)
SELECT now() - interval '400 days', 1, 'update', 'user', '400', '{}'
FROM generate_series(1, 5001)"""


async def test_what_is_older_than_the_setting_goes(
    resources: Resources, owner_url: str, run_jobs: RunJobs
) -> None:
    await databases.execute(owner_url, MANY)
    for days in (366, 364, KEPT_DAYS + 1):
        await databases.execute(owner_url, ENTRY.format(days=days))

    await jobs.enqueue(resources, "audit.purge_entries")
    await run_jobs()

    async with databases.connected(owner_url) as owner:
        left = await owner.fetch("SELECT subject_id FROM audit_entry ORDER BY id")
    assert [row["subject_id"] for row in left] == ["364", str(KEPT_DAYS + 1)]


def test_a_shorter_time_than_the_function_keeps_is_refused() -> None:
    with pytest.raises(ValueError, match="audit_days"):
        AuditSettings(audit_days=KEPT_DAYS - 1)
