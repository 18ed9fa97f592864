"""Jobs that must not be lost, and the history of all jobs."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "jobs"
down_revision: str | None = "posts"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "job",
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("function", sa.String(), nullable=False),
        sa.Column("arguments", postgresql.JSONB(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("unique_key", sa.String(), nullable=True),
        sa.Column("request_id", sa.String(), nullable=True),
        sa.Column("queued_by", sa.String(), nullable=True),
        sa.Column("hand_over_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("result", postgresql.JSONB(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
    )
    op.create_index("uq_job_job_id", "job", ["job_id"], unique=True)
    op.create_index(
        "uq_job_unique_key",
        "job",
        ["unique_key"],
        unique=True,
        postgresql_where=sa.text("started_at IS NULL AND finished_at IS NULL"),
    )
    op.create_index(
        "ix_job_hand_over_at",
        "job",
        ["hand_over_at"],
        unique=False,
        postgresql_where=sa.text("hand_over_at IS NOT NULL"),
    )
    op.create_index("ix_job_finished_at", "job", ["finished_at"], unique=False)
    op.create_index("ix_job_status_id", "job", ["status", "id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_job_status_id", table_name="job")
    op.drop_index("ix_job_finished_at", table_name="job")
    op.drop_index("ix_job_hand_over_at", table_name="job")
    op.drop_index("uq_job_unique_key", table_name="job")
    op.drop_index("uq_job_job_id", table_name="job")
    op.drop_table("job")
