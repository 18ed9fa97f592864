"""The key from users to tiers restricts, so that its error has a code of its own."""

from collections.abc import Sequence

from alembic import op

revision: str = "tiers_in_use"
down_revision: str | None = "jobs"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    _replace(ondelete="RESTRICT")


def downgrade() -> None:
    _replace(ondelete=None)


def _replace(ondelete: str | None) -> None:
    name = op.f("fk_user_tier_id")
    op.drop_constraint(name, "user", type_="foreignkey")
    op.create_foreign_key(
        name, "user", "tier", ["tier_id"], ["id"], ondelete=ondelete, postgresql_not_valid=True
    )
    # Apart from its making, so that no write waits while the rows are read.
    op.execute(f'ALTER TABLE "user" VALIDATE CONSTRAINT {name}')
