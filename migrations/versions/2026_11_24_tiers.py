"""Tiers: plans, their rate limits, and which plan a user is on."""

from collections.abc import Sequence

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision: str = "tiers"
down_revision: str | None = "accounts"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "tier",
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(length=50), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tier")),
    )
    op.create_index("uq_tier_name", "tier", ["name"], unique=True)
    op.create_table(
        "rate_limit",
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tier_id", sa.Integer(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(length=250), nullable=False),
        sa.Column("path", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
        sa.Column("limit", sa.Integer(), nullable=False),
        sa.Column("period", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tier_id"], ["tier.id"], name=op.f("fk_rate_limit_tier_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rate_limit")),
    )
    # The name's index first: PostgreSQL reports the violation of the one that was made first.
    op.create_index("uq_rate_limit_name", "rate_limit", ["tier_id", "name"], unique=True)
    op.create_index("uq_rate_limit_path", "rate_limit", ["tier_id", "path"], unique=True)
    op.create_foreign_key(op.f("fk_user_tier_id"), "user", "tier", ["tier_id"], ["id"])


def downgrade() -> None:
    op.drop_constraint(op.f("fk_user_tier_id"), "user", type_="foreignkey")
    # The tiers go, so no user is on one: a later upgrade must not find ids of nothing.
    op.execute('UPDATE "user" SET tier_id = NULL WHERE tier_id IS NOT NULL')
    op.drop_index("uq_rate_limit_path", table_name="rate_limit")
    op.drop_index("uq_rate_limit_name", table_name="rate_limit")
    op.drop_table("rate_limit")
    op.drop_index("uq_tier_name", table_name="tier")
    op.drop_table("tier")
