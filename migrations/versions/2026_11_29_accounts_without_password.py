"""Accounts without a password."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "accounts_without_password"
down_revision: str | None = "exports"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

accepted = {
    "ban-drop-not-null": "accounts without one are made by later features, once no earlier process runs"
}


def upgrade() -> None:
    op.alter_column("user", "hashed_password", existing_type=sa.String(length=60), nullable=True)


def downgrade() -> None:
    # Of the form of a hash, and of no password: such an account needs one by a mailed link.
    op.execute(
        """UPDATE "user" SET hashed_password = '$2b$12$' || repeat('.', 53)
        WHERE hashed_password IS NULL"""
    )
    op.alter_column("user", "hashed_password", existing_type=sa.String(length=60), nullable=False)
