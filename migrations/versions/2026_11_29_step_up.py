"""When a session's password was entered last; NULL in old rows, which go by created_at."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "step_up"
down_revision: str | None = "job_queue_index"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("session", sa.Column("password_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("session", "password_at")
