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


def downgrade() -> None:
    op.drop_column("job", "queue")
