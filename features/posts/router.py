"""Routes of posts."""

from typing import Annotated, NoReturn

from fastapi import APIRouter, Query, Request

from features.auth.permissions import USER_NOT_FOUND, SuperUser, UsernameInPath
from features.posts import crud
from features.posts.cache_keys import POST, POSTS
from features.posts.models import PostCreate, PostQuery, PostRead, PostUpdate
from features.posts.permissions import Author, OwnAuthor, refuse_author
from features.users.crud import id_by_username
from kernel import jobs
from kernel.cache import cache, public
from kernel.db import JSONBytesResponse, Row, UnitOfWork, pages_of
from kernel.errors import NotFoundException
from kernel.schemas import Message, PathId
from kernel.web import NOT_YOURS, SessionDep, error_responses

POST_NOT_FOUND = "Post not found"
LIST_SECONDS = 60

router = APIRouter(tags=["posts"])


@router.post(
    "/{username}/post",
    status_code=201,
    response_model=PostRead,
    responses=error_responses({403: [NOT_YOURS], 404: [USER_NOT_FOUND]}),
)
@cache(POSTS, resource_id_name="username")
async def write_post(
    username: UsernameInPath,
    request: Request,
    values: PostCreate,
    author: OwnAuthor,
    db: SessionDep,
) -> Row:
    """Publish a post under your name or, as a superuser, under anybody's."""
    post = await crud.insert_by_author.one(db, **author.parameters, **values.model_dump())
    if post is None:
        await refuse_author(db, author)
        raise NotFoundException(USER_NOT_FOUND)
    await jobs.add(db, "posts.announce", post_id=post["id"], author_id=post["created_by_user_id"])
    return post


@router.get(
    "/{username}/posts",
    response_model=pages_of(PostRead),
    responses=error_responses({404: [USER_NOT_FOUND]}),
)
@public
@cache(POSTS, resource_id_name="username", expiration=LIST_SECONDS)
async def read_posts(
    username: UsernameInPath,
    request: Request,
    query: Annotated[PostQuery, Query()],
    db: SessionDep,
) -> JSONBytesResponse:
    """List a user's posts."""
    user_id = await id_by_username.scalar(db, username=username)
    if user_id is None:
        raise NotFoundException(USER_NOT_FOUND)
    return await crud.listing.answer(db, query, created_by_user_id=user_id)


@router.get(
    "/{username}/post/{id}",
    response_model=PostRead,
    responses=error_responses({404: [USER_NOT_FOUND, POST_NOT_FOUND]}),
)
@public
@cache(POST, resource_id_name="id")
async def read_post(username: UsernameInPath, request: Request, id: PathId, db: SessionDep) -> Row:
    """Show one of a user's posts."""
    post = await crud.author_with_post.one(db, username=username, post_id=id)
    if post is None:
        raise NotFoundException(USER_NOT_FOUND)
    if post["id"] is None:
        raise NotFoundException(POST_NOT_FOUND)
    return post


@router.patch(
    "/{username}/post/{id}",
    response_model=Message,
    responses=error_responses({403: [NOT_YOURS], 404: [USER_NOT_FOUND, POST_NOT_FOUND]}),
)
@cache(POST, resource_id_name="id", to_invalidate_extra={POSTS: "{username}"})
async def patch_post(
    username: UsernameInPath,
    request: Request,
    id: PathId,
    values: PostUpdate,
    author: OwnAuthor,
    db: SessionDep,
) -> Message:
    """Change one of your posts or, as a superuser, anybody's."""
    changes = values.model_dump(exclude_unset=True)
    statement = crud.update_own(frozenset(changes))
    given = {f"new_{name}": value for name, value in changes.items()}
    if await statement.scalar(db, post_id=id, **author.parameters, **given) is None:
        await _refuse(db, author)
    return Message(message="Post updated")


@router.delete(
    "/{username}/post/{id}",
    response_model=Message,
    responses=error_responses({403: [NOT_YOURS], 404: [USER_NOT_FOUND, POST_NOT_FOUND]}),
)
@cache(POST, resource_id_name="id", to_invalidate_extra={POSTS: "{username}"})
async def erase_post(
    username: UsernameInPath, request: Request, id: PathId, author: OwnAuthor, db: SessionDep
) -> Message:
    """Delete one of your posts or, as a superuser, anybody's. It becomes invisible."""
    if await crud.soft_delete_own.scalar(db, post_id=id, **author.parameters) is None:
        await _refuse(db, author)
    return Message(message="Post deleted")


@router.delete(
    "/{username}/db_post/{id}",
    response_model=Message,
    responses=error_responses({404: [USER_NOT_FOUND, POST_NOT_FOUND]}),
)
@cache(POST, resource_id_name="id", to_invalidate_extra={POSTS: "{username}"})
async def erase_db_post(
    username: UsernameInPath, request: Request, id: PathId, caller: SuperUser, db: SessionDep
) -> Message:
    """Delete a post for good, even one that is deleted already.

    If no account has that name now, the last one that had it is meant.
    """
    if await crud.hard_delete.scalar(db, username=username, post_id=id) is None:
        known = await crud.removable_author.scalar(db, username=username) is not None
        raise NotFoundException(POST_NOT_FOUND if known else USER_NOT_FOUND)
    return Message(message="Post deleted from the database")


async def _refuse(db: UnitOfWork, author: Author) -> NoReturn:
    await refuse_author(db, author)
    raise NotFoundException(POST_NOT_FOUND)
