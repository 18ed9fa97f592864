"""Routes of posts."""

from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy.exc import NoResultFound

from features.auth.permissions import OwnUserId, PastUserId, SuperUser, UsernameInPath, path_user
from features.posts import crud
from features.posts.cache_keys import POST, POSTS
from features.posts.models import PostCreate, PostListed, PostQuery, PostRead, PostUpdate
from features.posts.permissions import ModeratedAuthorId
from features.users.models import USER_NOT_FOUND
from kernel import jobs
from kernel.cache import cache, public
from kernel.db import JSONBytesResponse, pages_of
from kernel.errors import NotFoundException
from kernel.schemas import Message, PathId
from kernel.web import SessionDep

POST_NOT_FOUND = "Post not found"

router = APIRouter(tags=["posts"])


@router.post("/{username}/post", status_code=201)
@cache(POSTS, resource_id_name="username")
async def write_post(values: PostCreate, author_id: OwnUserId, db: SessionDep) -> PostRead:
    """Publish a post under your name or, as a superuser, under anybody's."""
    post = await crud.insert_by_author.one(db, author_id=author_id, **values.model_dump())
    if post is None:
        raise NotFoundException(USER_NOT_FOUND)
    await jobs.add(db, "posts.announce", post_id=post.id, author_id=author_id)
    return post


@router.get("/{username}/posts", response_model=pages_of(PostListed))
@public
@cache(POSTS, resource_id_name="username", expiration=60)
async def read_posts(
    username: UsernameInPath, query: Annotated[PostQuery, Query()], db: SessionDep
) -> JSONBytesResponse:
    """List a user's posts, each with the beginning of its text."""
    author_id = await path_user(username, db)
    return await crud.listing.answer(db, query, created_by_user_id=author_id)


@router.get("/{username}/post/{id}")
@public
@cache(POST, resource_id_name="id")
async def read_post(username: UsernameInPath, id: PathId, db: SessionDep) -> PostRead:
    """Show one of a user's posts."""
    author_id = await path_user(username, db)
    post = await crud.post_of_author.one(db, post_id=id, author_id=author_id)
    if post is None:
        raise NotFoundException(POST_NOT_FOUND)
    return post


@router.patch("/{username}/post/{id}")
@cache(POST, resource_id_name="id", to_invalidate_extra={POSTS: "{username}"})
async def patch_post(
    id: PathId, values: PostUpdate, author_id: OwnUserId, db: SessionDep
) -> Message:
    """Change one of your posts or, as a superuser, anybody's."""
    try:
        await crud.crud_posts.update(db, values, id=id, created_by_user_id=author_id)
    except NoResultFound:
        raise NotFoundException(POST_NOT_FOUND) from None
    return Message(message="Post updated")


@router.delete("/{username}/post/{id}")
@cache(POST, resource_id_name="id", to_invalidate_extra={POSTS: "{username}"})
async def erase_post(id: PathId, author_id: ModeratedAuthorId, db: SessionDep) -> Message:
    """Delete one of your posts or, as a superuser or moderator, anybody's. It becomes invisible."""
    try:
        await crud.crud_posts.delete(db, id=id, created_by_user_id=author_id)
    except NoResultFound:
        raise NotFoundException(POST_NOT_FOUND) from None
    return Message(message="Post deleted")


@router.delete("/{username}/db_post/{id}")
@cache(POST, resource_id_name="id", to_invalidate_extra={POSTS: "{username}"})
async def erase_db_post(
    id: PathId, caller: SuperUser, author_id: PastUserId, db: SessionDep
) -> Message:
    """Delete a post for good, even one that is deleted already.

    If no account has that name now, the last one that had it is meant.
    """
    try:
        await crud.crud_all_posts.db_delete(db, id=id, created_by_user_id=author_id)
    except NoResultFound:
        raise NotFoundException(POST_NOT_FOUND) from None
    return Message(message="Post deleted from the database")
