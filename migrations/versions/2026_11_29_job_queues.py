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
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_job_queue_hand_over_at",
            "job",
            ["queue", "hand_over_at"],
            unique=False,
            postgresql_where=sa.text("hand_over_at IS NOT NULL"),
            postgresql_concurrently=True,
        )
        op.drop_index("ix_job_hand_over_at", table_name="job", postgresql_concurrently=True)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_job_hand_over_at",
            "job",
            ["hand_over_at"],
            unique=False,
            postgresql_where=sa.text("hand_over_at IS NOT NULL"),
            postgresql_concurrently=True,
        )
        op.drop_index("ix_job_queue_hand_over_at", table_name="job", postgresql_concurrently=True)
    op.drop_column("job", "queue")
