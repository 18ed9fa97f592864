"""Jobs know the trace that queued them."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "job_traces"
down_revision: str | None = "bounded_urls_valid"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("job", sa.Column("traceparent", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("job", "traceparent")
