"""Queries on posts. A post is found only together with the user that the path names."""

from typing import Any, TypeAlias

from fastcrud import FastCRUD
from sqlalchemy import (
    Boolean,
    Integer,
    String,
    and_,
    bindparam,
    delete,
    exists,
    false,
    func,
    insert,
    or_,
    select,
    true,
    update,
)
from sqlmodel import col

from features.posts.models import (
    Post,
    PostCreateInternal,
    PostDelete,
    PostQuery,
    PostRead,
    PostUpdate,
    PostUpdateInternal,
)
from features.users.crud import LIVE as LIVE_USER
from features.users.models import User
from kernel.db import CompiledQuery, Listing

CRUDPosts: TypeAlias = FastCRUD[
    Post, PostCreateInternal, PostUpdate, PostUpdateInternal, PostDelete, PostRead
]
crud_posts: CRUDPosts = FastCRUD(Post)

LIVE = col(Post.is_deleted) == false()
listing = Listing(Post, PostRead, PostQuery, where=[LIVE], scope=["created_by_user_id"])

_shown = [getattr(Post, name) for name in PostRead.model_fields]
_post_id = bindparam("post_id", type_=Integer())
_author = (col(User.username) == bindparam("username"), LIVE_USER)
# The path's user, who must be the caller unless a superuser calls.
_own_author = (
    *_author,
    or_(
        col(User.id) == bindparam("caller_id"),
        bindparam("is_superuser", type_=Boolean()) == true(),
    ),
)
_own_post = (
    col(Post.id) == _post_id,
    LIVE,
    exists(select(col(User.id)).where(col(User.id) == col(Post.created_by_user_id), *_own_author)),
)

# The author and, if it is live and the author's, the post: else the post's columns are null.
author_with_post = CompiledQuery(
    select(*_shown)
    .select_from(User)
    .outerjoin(
        Post,
        and_(col(Post.created_by_user_id) == col(User.id), col(Post.id) == _post_id, LIVE),
    )
    .where(*_author)
)
# No row unless the author lives and is the caller. The lock makes it wait for a removal of the
# author that is under way.
insert_by_author = CompiledQuery(
    insert(Post)
    .from_select(
        ["created_by_user_id", "title", "text", "media_url"],
        select(
            col(User.id),
            bindparam("title", type_=String()),
            bindparam("text", type_=String()),
            bindparam("media_url", type_=String()),
        )
        .where(*_own_author)
        .with_for_update(read=True, key_share=True),
        include_defaults=False,
    )
    .returning(*_shown),
    writes=True,
)
soft_delete_own = CompiledQuery(
    update(Post)
    .where(*_own_post)
    .values(is_deleted=True, deleted_at=func.now())
    .returning(col(Post.id)),
    writes=True,
)
# Soft-deleted posts, too, and those of a soft-deleted user: of the live user of that name, else
# of the one that was deleted last.
_removable_author = (
    select(col(User.id))
    .where(col(User.username) == bindparam("username"))
    .order_by(col(User.is_deleted), col(User.deleted_at).desc(), col(User.id).desc())
    .limit(1)
    .scalar_subquery()
)
removable_author = CompiledQuery(select(_removable_author))
hard_delete = CompiledQuery(
    delete(Post)
    .where(col(Post.id) == _post_id, col(Post.created_by_user_id) == _removable_author)
    .returning(col(Post.id)),
    writes=True,
)

_updates: dict[frozenset[str], CompiledQuery] = {}


def update_own(columns: frozenset[str]) -> CompiledQuery:
    """Gives these columns of a live post new values, if it is the caller's."""
    if columns not in _updates:
        values: dict[str, Any] = {
            name: bindparam(f"new_{name}", type_=String()) for name in columns
        }
        _updates[columns] = CompiledQuery(
            update(Post)
            .where(*_own_post)
            .values(**values, updated_at=func.now())
            .returning(col(Post.id)),
            writes=True,
        )
    return _updates[columns]
