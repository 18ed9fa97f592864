"""Jobs in named queues."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "job_queues"
down_revision: str | None = "tiers_in_use"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("job", sa.Column("queue", sa.String(), server_default="default", nullable=False))
    # Over waiting jobs only, so it is built in a moment however long the history is.
    op.create_index(
        "ix_job_queue_hand_over_at",
        "job",
        ["queue", "hand_over_at"],
        unique=False,
        postgresql_where=sa.text("hand_over_at IS NOT NULL"),
    )
    op.drop_index("ix_job_hand_over_at", table_name="job")


def downgrade() -> None:
    op.create_index(
        "ix_job_hand_over_at",
        "job",
        ["hand_over_at"],
        unique=False,
        postgresql_where=sa.text("hand_over_at IS NOT NULL"),
    )
    op.drop_index("ix_job_queue_hand_over_at", table_name="job")
    op.drop_column("job", "queue")
