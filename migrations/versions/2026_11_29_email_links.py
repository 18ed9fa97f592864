"""Links in mails, accounts whose address isn't confirmed, registrations that wait for it."""

from collections.abc import Sequence

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision: str = "email_links"
down_revision: str | None = "email_suppressions"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "email_link",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("purpose", sqlmodel.sql.sqltypes.AutoString(length=60), nullable=False),
        sa.Column("subject_id", sa.Integer(), nullable=False),
        sa.Column("email", sqlmodel.sql.sqltypes.AutoString(length=254), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_email_link")),
    )
    op.create_index("uq_email_link_token_hash", "email_link", ["token_hash"], unique=True)
    op.create_index("ix_email_link_subject_id", "email_link", ["subject_id", "purpose"])
    op.create_index("ix_email_link_expires_at", "email_link", ["expires_at"])
    op.create_table(
        "unverified_user",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_unverified_user_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_unverified_user")),
    )
    op.create_table(
        "pending_registration",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(length=30), nullable=False),
        sa.Column("username", sqlmodel.sql.sqltypes.AutoString(length=20), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("hashed_password", sqlmodel.sql.sqltypes.AutoString(length=60), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pending_registration")),
    )
    op.create_index("ix_pending_registration_created_at", "pending_registration", ["created_at"])
    op.create_index(
        "ix_pending_registration_email", "pending_registration", [sa.text("lower(email)"), "id"]
    )


def downgrade() -> None:
    op.drop_table("pending_registration")
    op.drop_table("unverified_user")
    op.drop_table("email_link")
