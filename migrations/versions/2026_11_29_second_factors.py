"""Second factors."""

from collections.abc import Sequence

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision: str = "second_factors"
down_revision: str | None = "accounts_without_password"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


# The column by which a row is known, and those whose values are kept.
AUDITED = {
    "passkey": "'id', 'user_id'",
    "recovery_code": "'id', 'user_id'",
    "totp": "'id', 'user_id', 'confirmed_at'",
}
TRIGGER = """\
CREATE TRIGGER audit AFTER INSERT OR DELETE OR UPDATE ON {table} FOR EACH ROW \
WHEN (current_setting('audit.actor_id', true) <> '' AND pg_trigger_depth() = 0) \
EXECUTE FUNCTION audit_change({arguments})"""


def upgrade() -> None:
    op.create_table(
        "login_ticket",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("door", sqlmodel.sql.sqltypes.AutoString(length=10), nullable=False),
        sa.Column("attempts_left", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_login_ticket_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_ticket")),
    )
    op.create_index("ix_login_ticket_expires_at", "login_ticket", ["expires_at"], unique=False)
    op.create_index("ix_login_ticket_user_id", "login_ticket", ["user_id"], unique=False)
    op.create_index("uq_login_ticket_token_hash", "login_ticket", ["token_hash"], unique=True)
    op.create_table(
        "passkey",
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(length=50), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_passkey_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkey")),
    )
    op.create_index("ix_passkey_user_id", "passkey", ["user_id"], unique=False)
    op.create_index("uq_passkey_credential_id", "passkey", ["credential_id"], unique=True)
    op.create_table(
        "passkey_challenge",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("purpose", sqlmodel.sql.sqltypes.AutoString(length=20), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_passkey_challenge_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkey_challenge")),
    )
    op.create_index(
        "ix_passkey_challenge_expires_at", "passkey_challenge", ["expires_at"], unique=False
    )
    op.create_index("ix_passkey_challenge_user_id", "passkey_challenge", ["user_id"], unique=False)
    op.create_index(
        "uq_passkey_challenge_challenge_hash", "passkey_challenge", ["challenge_hash"], unique=True
    )
    op.create_table(
        "recovery_code",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_recovery_code_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_code")),
    )
    op.create_index(
        "uq_recovery_code_user_id", "recovery_code", ["user_id", "code_hash"], unique=True
    )
    op.create_table(
        "totp",
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_totp_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_totp")),
    )
    op.create_index("uq_totp_user_id", "totp", ["user_id"], unique=True)
    for table, columns in AUDITED.items():
        op.execute(TRIGGER.format(table=table, arguments=columns))


def downgrade() -> None:
    op.drop_index("uq_totp_user_id", table_name="totp")
    op.drop_table("totp")
    op.drop_index("uq_recovery_code_user_id", table_name="recovery_code")
    op.drop_table("recovery_code")
    op.drop_index("uq_passkey_challenge_challenge_hash", table_name="passkey_challenge")
    op.drop_index("ix_passkey_challenge_user_id", table_name="passkey_challenge")
    op.drop_index("ix_passkey_challenge_expires_at", table_name="passkey_challenge")
    op.drop_table("passkey_challenge")
    op.drop_index("uq_passkey_credential_id", table_name="passkey")
    op.drop_index("ix_passkey_user_id", table_name="passkey")
    op.drop_table("passkey")
    op.drop_index("uq_login_ticket_token_hash", table_name="login_ticket")
    op.drop_index("ix_login_ticket_user_id", table_name="login_ticket")
    op.drop_index("ix_login_ticket_expires_at", table_name="login_ticket")
    op.drop_table("login_ticket")
