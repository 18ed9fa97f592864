"""Posts of users."""

from collections.abc import Sequence

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision: str = "posts"
down_revision: str | None = "tiers"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

LIVE = sa.text("is_deleted = false")


def upgrade() -> None:
    op.create_table(
        "post",
        sa.Column("is_deleted", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_by_user_id", sa.Integer(), nullable=False),
        sa.Column("title", sqlmodel.sql.sqltypes.AutoString(length=30), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("media_url", sqlmodel.sql.sqltypes.AutoString(length=2048), nullable=True),
        sa.ForeignKeyConstraint(
            ["created_by_user_id"],
            ["user.id"],
            name=op.f("fk_post_created_by_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_post")),
    )
    op.create_index("ix_post_author", "post", ["created_by_user_id", "id"])
    op.create_index(
        "ix_post_author_created",
        "post",
        ["created_by_user_id", "created_at", "id"],
        postgresql_where=LIVE,
    )


def downgrade() -> None:
    op.drop_index("ix_post_author_created", table_name="post", postgresql_where=LIVE)
    op.drop_index("ix_post_author", table_name="post")
    op.drop_table("post")
