"""Accounts: users, their sessions, and the refresh tokens that were used."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "accounts"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "user",
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
        sa.Column("name", sa.String(length=30), nullable=False),
        sa.Column("username", sa.String(length=20), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("hashed_password", sa.String(length=60), nullable=False),
        sa.Column("profile_image_url", sa.String(length=2048), nullable=True),
        sa.Column("tier_id", sa.Integer(), nullable=True),
        sa.Column("is_superuser", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user")),
    )
    op.create_index(
        "ix_user_live_superusers",
        "user",
        ["id"],
        unique=False,
        postgresql_where=sa.text("is_superuser AND NOT is_deleted"),
    )
    op.create_index("ix_user_tier_id", "user", ["tier_id"], unique=False)
    # The e-mail's index first: PostgreSQL reports the violation of the one that was made first.
    op.create_index(
        "uq_user_email",
        "user",
        [sa.literal_column("lower(email)")],
        unique=True,
        postgresql_where=sa.text("is_deleted = false"),
    )
    op.create_index(
        "uq_user_username",
        "user",
        ["username"],
        unique=True,
        postgresql_where=sa.text("is_deleted = false"),
    )
    op.create_table(
        "session",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("device", sa.String(length=80), nullable=False),
        sa.Column("address", sa.String(length=45), nullable=False),
        sa.Column("refresh_jti", sa.String(length=32), nullable=False),
        sa.Column("refresh_issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "last_used_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_reason", sa.String(length=20), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_session_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session")),
    )
    op.create_index("ix_session_expires_at", "session", ["expires_at"], unique=False)
    op.create_index("ix_session_user_id", "session", ["user_id"], unique=False)
    op.create_table(
        "token_blacklist",
        sa.Column("jti", sa.String(length=32), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("successor_jti", sa.String(length=32), nullable=False),
        sa.Column("successor_issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("successor_expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["session.id"],
            name=op.f("fk_token_blacklist_session_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("jti", name=op.f("pk_token_blacklist")),
    )
    op.create_index(
        "ix_token_blacklist_expires_at", "token_blacklist", ["expires_at"], unique=False
    )
    op.create_index(
        "ix_token_blacklist_session_id", "token_blacklist", ["session_id"], unique=False
    )


def downgrade() -> None:
    op.drop_index("ix_token_blacklist_session_id", table_name="token_blacklist")
    op.drop_index("ix_token_blacklist_expires_at", table_name="token_blacklist")
    op.drop_table("token_blacklist")
    op.drop_index("ix_session_user_id", table_name="session")
    op.drop_index("ix_session_expires_at", table_name="session")
    op.drop_table("session")
    op.drop_index(
        "uq_user_username", table_name="user", postgresql_where=sa.text("is_deleted = false")
    )
    op.drop_index(
        "uq_user_email", table_name="user", postgresql_where=sa.text("is_deleted = false")
    )
    op.drop_index("ix_user_tier_id", table_name="user")
    op.drop_index(
        "ix_user_live_superusers",
        table_name="user",
        postgresql_where=sa.text("is_superuser AND NOT is_deleted"),
    )
    op.drop_table("user")
