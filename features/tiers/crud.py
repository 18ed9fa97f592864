"""Queries on tiers, and on who is on which."""

from typing import TypeAlias

from fastcrud import FastCRUD
from sqlalchemy import String, bindparam, delete, exists, func, null, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from features.tiers.models import (
    Tier,
    TierCreateInternal,
    TierDelete,
    TierQuery,
    TierRead,
    TierUpdate,
    TierUpdateInternal,
)
from features.users.crud import LIVE
from features.users.models import User, UserRead
from kernel.db import CompiledQuery, Listing

CRUDTiers: TypeAlias = FastCRUD[
    Tier, TierCreateInternal, TierUpdate, TierUpdateInternal, TierDelete, TierRead
]
crud_tiers: CRUDTiers = FastCRUD(Tier)

listing = Listing(crud_tiers, TierRead, TierQuery)

_by_name = col(Tier.name) == bindparam("name")

# What TierRead shows.
tier_by_name = CompiledQuery(
    select(*[getattr(Tier, name) for name in TierRead.model_fields]).where(_by_name)
)
id_by_name = CompiledQuery(select(col(Tier.id)).where(_by_name))
# A live user with the tier it is on; the tier's columns are null when it is on none.
user_with_tier = CompiledQuery(
    select(
        *[getattr(User, name) for name in UserRead.model_fields],
        col(Tier.name).label("tier_name"),
        col(Tier.created_at).label("tier_created_at"),
    )
    .select_from(User)
    .outerjoin(Tier, col(Tier.id) == col(User.tier_id))
    .where(col(User.username) == bindparam("username"), LIVE)
)
# Soft-deleted users must not keep a tier alive; nobody sees which one they had.
free_from_deleted_users = CompiledQuery(
    update(User)
    .where(
        col(User.tier_id) == select(col(Tier.id)).where(_by_name).scalar_subquery(),
        col(User.is_deleted),
    )
    .values(tier_id=null()),
    writes=True,
)
# Its rules go with it. Raises while a user is on it, user_ref the foreign key protects.
delete_by_name = CompiledQuery(delete(Tier).where(_by_name).returning(col(Tier.id)), writes=True)
# For a user made in this very unit: nobody knows it yet, so nobody must be told of the change.
# The lock makes it wait for a deletion of the tier that is under way, and then find none.
_named = select(col(Tier.id)).where(_by_name).with_for_update(read=True, key_share=True).subquery()
put_new_user_on = CompiledQuery(
    update(User)
    .where(col(User.id) == bindparam("user_id"))
    .values(tier_id=_named.c.id)
    .returning(col(User.tier_id)),
    writes=True,
)
# The first tier: only when there is none and there never was one, which the sequence remembers.
insert_first = CompiledQuery(
    insert(Tier)
    .from_select(
        ["name"],
        select(bindparam("name", type_=String())).where(
            ~exists(select(col(Tier.id))),
            func.pg_sequence_last_value(func.pg_get_serial_sequence("tier", "id")).is_(None),
        ),
        include_defaults=False,
    )
    .on_conflict_do_nothing()
    .returning(col(Tier.id)),
    writes=True,
)
