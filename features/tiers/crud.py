"""Queries on tiers."""

from fastcrud import FastCRUD
from sqlalchemy import bindparam, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from features.tiers.models import Tier, TierQuery, TierRead
from features.users.models import User
from kernel.db import CompiledQuery, Listing

crud_tiers = FastCRUD(Tier)

listing = Listing(crud_tiers, TierRead, TierQuery)
tier_by_name = CompiledQuery(
    crud_tiers.select(schema_to_select=TierRead, name=bindparam("name")), TierRead
)

# By hand for its lock: the tier is looked up and given in one statement, which waits for a deletion
# of the tier that is under way, and then finds none.
_named = (
    select(col(Tier.id))
    .where(col(Tier.name) == bindparam("name"))
    .with_for_update(read=True, key_share=True)
    .subquery()
)
put_new_user_on = CompiledQuery(
    update(User)
    .where(col(User.id) == bindparam("user_id"))
    .values(tier_id=_named.c.id)
    .returning(col(User.tier_id)),
    int,
    writes=True,
)
# By hand for its condition, which the sequence remembers: there is no tier, and never was one.
insert_first = CompiledQuery(
    insert(Tier)
    .from_select(
        ["name"],
        select(bindparam("name", type_=Tier.__table__.c.name.type)).where(  # type: ignore[attr-defined]
            ~exists(select(col(Tier.id))),
            func.pg_sequence_last_value(func.pg_get_serial_sequence("tier", "id")).is_(None),
        ),
        include_defaults=False,
    )
    .on_conflict_do_nothing()
    .returning(col(Tier.id)),
    int,
    writes=True,
)
