"""Queries on posts. A post is found only together with its author."""

from typing import Any

from fastcrud import FastCRUD, PolicyConfig
from sqlalchemy import ColumnElement, bindparam, insert, select
from sqlmodel import col

from features.posts.models import POLICY, Post, PostCreate, PostListed, PostQuery, PostRead
from features.users.crud import LIVE as LIVE_USER
from features.users.models import User
from kernel.db import CompiledQuery, Listing

LISTED_TEXT = 1000  # characters of a text that lists show

crud_posts = FastCRUD(Post, policy=POLICY)
# For what superusers remove for good, soft-deleted posts among it.
crud_all_posts = crud_posts.with_policy(PolicyConfig(read=True, delete=True))
listing = Listing(
    crud_posts, PostListed, PostQuery, scope=["created_by_user_id"], shorten={"text": LISTED_TEXT}
)

post_of_author = CompiledQuery(
    crud_posts.select(PostRead, id=bindparam("post_id"), created_by_user_id=bindparam("author_id")),
    PostRead,
)
# By hand for its lock, which waits for a removal of the author that is under way and then finds no
# author; and for the bench.
_shown: list[ColumnElement[Any]] = [getattr(Post, name) for name in PostRead.model_fields]
_written = [bindparam(name, type_=getattr(Post, name).type) for name in PostCreate.model_fields]
insert_by_author = CompiledQuery(
    insert(Post)
    .from_select(
        ["created_by_user_id", *PostCreate.model_fields],
        select(col(User.id), *_written)
        .where(col(User.id) == bindparam("author_id"), LIVE_USER)
        .with_for_update(read=True, key_share=True),
        include_defaults=False,
    )
    .returning(*_shown),
    PostRead,
    writes=True,
)
