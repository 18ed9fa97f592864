"""The index of waiting jobs, by queue."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "job_queue_index"
down_revision: str | None = "job_queues"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    replace_index("ix_job_hand_over_at", "ix_job_queue_hand_over_at", ["queue", "hand_over_at"])


def downgrade() -> None:
    replace_index("ix_job_queue_hand_over_at", "ix_job_hand_over_at", ["hand_over_at"])


def replace_index(old: str, new: str, columns: list[str]) -> None:
    """Replace an index of waiting jobs while jobs are queued and run."""
    with op.get_context().autocommit_block():
        # One that was cut off is there, and of no use.
        op.drop_index(new, table_name="job", if_exists=True, postgresql_concurrently=True)
        op.create_index(
            new,
            "job",
            columns,
            postgresql_where=sa.text("hand_over_at IS NOT NULL"),
            postgresql_concurrently=True,
        )
        op.drop_index(old, table_name="job", if_exists=True, postgresql_concurrently=True)
