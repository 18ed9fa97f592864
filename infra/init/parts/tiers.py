"""What goes with features/tiers and features/rate_limits: plans, and their rules."""

from infra.init.part import Part

TIERS = Part(
    name="tiers",
    says="plans of users and their rate limits; `rate_limiter` stays, with one rule for everybody",
    paths=("features/tiers", "features/rate_limits"),
    takes=("bench",),
    tables=True,
    rows={
        "docs/contract.md": (
            "| GET /tiers |",
            "| PATCH /user/{username}/tier |",
            "| GET /tier/{tier_name}/rate_limits |",
            "| POST, PATCH /tier/{tier_name}/rate_limit |",
            "| TIER_NAME |",
            "| DEFAULT_TIER |",
        ),
        "features/users/models.py": ('        Index("ix_user_tier_id"', "    tier_id:"),
        "features/users/admin.py": (
            "from kernel.schemas import RowId",
            "    tier_id: RowId",
            '        "tier_id": "Tier",',
        ),
        "features/users/tests/test_changes.py": ('        {"tier_id": 1},',),
        "features/users/tests/test_registration.py": (
            '        ("tier_id", 1),',
            '        "tier_id": body["tier_id"],',
        ),
    },
    edits={
        "docs/contract.md": (
            ("filter by username, tier_id, by superusers", "filter by username, by superusers"),
        ),
        "docs/crud.md": (
            (
                "`await crud_tiers.create(db, values, schema_to_select=TierRead, return_as_model=True)`",
                "`await crud_posts.create(db, values, schema_to_select=PostRead, return_as_model=True)`",
            ),
            ('`server_data={"tier_id": tier.id}`', '`server_data={"created_by_user_id": user.id}`'),
        ),
        "docs/rate-limits.md": (
            (
                """\
- The **rule** is that of the caller's tier for the template. Administrators set it under
  `/api/v1/tier/{tier_name}/rate_limit`; the path is `api/v1/forecast/{city}`. Without one, and for
  anonymous callers, DEFAULT_RATE_LIMIT_LIMIT calls per DEFAULT_RATE_LIMIT_PERIOD seconds. That a tier
  falls back to it is logged once for each path.
""",
                """\
- The **rule** is DEFAULT_RATE_LIMIT_LIMIT calls per DEFAULT_RATE_LIMIT_PERIOD seconds, unless a
  feature's `providers.py` offers `rules_of`, and `identify` there says which tier a caller is on.
""",
            ),
        ),
        "features/users/models.py": (('["tier_id", "is_superuser",', '["is_superuser",'),),
        "features/auth/permissions.py": (
            (
                """\
    return Principal(
        account.id, NO_SESSION, account.username, account.is_superuser, account.tier_id
    )
""",
                """\
    return Principal(account.id, NO_SESSION, account.username, account.is_superuser, tier_id=None)
""",
            ),
        ),
        "features/auth/principals.py": (
            ("    username, is_superuser, tier_id = orjson", "    username, is_superuser = orjson"),
            (
                "username, is_superuser, tier_id, shown)",
                "username, is_superuser, tier_id=None, shown=shown)",
            ),
            ("caller.is_superuser, caller.tier_id])", "caller.is_superuser])"),
        ),
        "features/sign_in/router/accounts.py": (
            (
                """\
    caller = Principal(
        account.id, end.attempt.session_id, account.username, account.is_superuser, account.tier_id
    )
""",
                """\
    caller = Principal(
        account.id, end.attempt.session_id, account.username, account.is_superuser, tier_id=None
    )
""",
            ),
        ),
        "features/verification/crud.py": (
            ("profile_image_url=None, tier_id=None)", "profile_image_url=None)"),
        ),
        "features/users/crud.py": (
            (
                "who frees the username, the e-mail and the tier.",
                "who frees the username and the e-mail.",
            ),
            ('"deleted_at": now(), "tier_id": None}', '"deleted_at": now()}'),
        ),
        "features/users/admin.py": (
            ('"email", "tier_id", "is_superuser"', '"email", "is_superuser"'),
            ('"profile_image_url", "tier_id", "password")', '"profile_image_url", "password")'),
        ),
        "features/users/tests/factories.py": (
            ("from uuid import uuid4\n\nfrom features.tiers.models import Tier\n", "\n"),
            ("from features.users.crud import change_user\n", ""),
            ("Users; the owner is on a tier.", "Users."),
            (
                """\
    async with people.app.state.resources.unit() as db:
        tier = Tier(name=f"tier-{uuid4().hex[:8]}")
        db.add(tier)
        await db.flush()
        await change_user(db, people.owner.id, {"tier_id": tier.id})
""",
                "",
            ),
        ),
        "features/users/tests/test_events.py": (
            (", profile_image_url=None, tier_id=None)", ", profile_image_url=None)"),
        ),
    },
)
