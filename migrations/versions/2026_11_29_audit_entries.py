"""The audit log, and the triggers that fill it."""

from collections.abc import Sequence

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "audit_entries"
down_revision: str | None = "roles"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

CHANGE = """\
CREATE OR REPLACE FUNCTION audit_change() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  actor integer := nullif(current_setting('audit.actor_id', true), '');
  was jsonb := coalesce(to_jsonb(old), '{}');
  now_is jsonb := coalesce(to_jsonb(new), '{}');
  changed jsonb;
BEGIN
  IF actor IS NOT NULL AND tg_name <> 'audit' THEN
    RETURN NULL;
  END IF;
  SELECT jsonb_object_agg(
    key, CASE WHEN key = ANY (tg_argv[1:])
      THEN jsonb_build_object('from', was->key, 'to', now_is->key) END
  ) INTO changed
  FROM jsonb_object_keys(was || now_is) AS key
  WHERE key NOT IN (tg_argv[0], 'created_at', 'updated_at')
    AND coalesce(was->key, 'null') <> coalesce(now_is->key, 'null');
  IF changed IS NOT NULL THEN
    INSERT INTO audit_entry (actor_id, request_id, act, subject, subject_id, changes)
    VALUES (
      actor, left(nullif(current_setting('audit.request_id', true), ''), 128),
      lower(tg_op), tg_table_name, left((was || now_is)->>tg_argv[0], 200), changed
    );
  END IF;
  RETURN NULL;
END $$"""
PURGE = """\
CREATE OR REPLACE FUNCTION purge_audit_entries() RETURNS integer LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  days integer := greatest(
    CAST(nullif(current_setting('audit.days', true), '') AS integer), 90
  );
  gone integer;
BEGIN
  WITH old AS (
    SELECT id FROM audit_entry WHERE created_at < now() - make_interval(days => days)
    ORDER BY created_at LIMIT 5000 FOR UPDATE SKIP LOCKED
  ), deleted AS (DELETE FROM audit_entry USING old WHERE audit_entry.id = old.id RETURNING 1)
  SELECT count(*) INTO gone FROM deleted;
  RETURN gone;
END $$"""
TRIGGER = """\
CREATE TRIGGER audit AFTER INSERT OR DELETE OR UPDATE ON {table} FOR EACH ROW \
WHEN (current_setting('audit.actor_id', true) <> '' AND pg_trigger_depth() = 0) \
EXECUTE FUNCTION audit_change({arguments})"""
ALWAYS = """\
CREATE TRIGGER audit_is_superuser_{event} AFTER {event} ON "user" FOR EACH ROW WHEN ({changes}) \
EXECUTE FUNCTION audit_change({arguments})"""
CHANGES = {
    "insert": "new.is_superuser",
    "update": "old.is_superuser IS DISTINCT FROM new.is_superuser",
}
# The column by which a row is known, and those whose values are kept.
AUDITED = {
    "api_key": "'id', 'user_id', 'expires_at', 'revoked_at'",
    "email_suppression": "'id', 'reason'",
    "job": "'job_id', 'id', 'function', 'queue', 'status', 'tries'",
    "post": "'id', 'created_by_user_id', 'is_deleted', 'deleted_at'",
    "rate_limit": "'id', 'tier_id', 'name', 'path', 'limit', 'period'",
    "role": "'id', 'name', 'permissions'",
    "session": "'id', 'user_id', 'ended_at', 'end_reason', 'password_at'",
    "tier": "'id', 'name'",
    "user_role": "'id', 'user_id', 'role_id'",
    '"user"': "'id', 'tier_id', 'is_superuser', 'is_deleted', 'deleted_at', 'version'",
}


def upgrade() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("request_id", sqlmodel.sql.sqltypes.AutoString(length=128), nullable=True),
        sa.Column("act", sa.String(length=10), nullable=False),
        sa.Column("subject", sqlmodel.sql.sqltypes.AutoString(length=63), nullable=False),
        sa.Column("subject_id", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
        sa.Column("changes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
    )
    op.create_index("ix_audit_entry_actor_id", "audit_entry", ["actor_id", "id"])
    op.create_index("ix_audit_entry_created_at", "audit_entry", ["created_at", "id"])
    op.create_index("ix_audit_entry_subject", "audit_entry", ["subject", "subject_id", "id"])
    for function in (CHANGE, PURGE):
        op.execute(function)
    # The application's role gets it by the grants at the end of each migration.
    op.execute("REVOKE EXECUTE ON FUNCTION purge_audit_entries() FROM PUBLIC")
    for table, arguments in AUDITED.items():
        op.execute(TRIGGER.format(table=table, arguments=arguments))
    for event, changes in CHANGES.items():
        given = {"event": event, "changes": changes, "arguments": AUDITED['"user"']}
        op.execute(ALWAYS.format(**given))


def downgrade() -> None:
    for event in CHANGES:
        op.execute(f'DROP TRIGGER audit_is_superuser_{event} ON "user"')
    for table in AUDITED:
        op.execute(f"DROP TRIGGER audit ON {table}")
    op.execute("DROP FUNCTION purge_audit_entries()")
    op.execute("DROP FUNCTION audit_change()")
    op.drop_index("ix_audit_entry_subject", table_name="audit_entry")
    op.drop_index("ix_audit_entry_created_at", table_name="audit_entry")
    op.drop_index("ix_audit_entry_actor_id", table_name="audit_entry")
    op.drop_table("audit_entry")
