"""Posts on the admin site."""

from typing import Any

from sqladmin import ModelView
from starlette.requests import Request

from features.posts.cache_keys import POST, POSTS
from features.posts.models import Post, PostUpdate
from features.users.models import User
from kernel.cache import forget
from kernel.context import unit_of


class PostAdmin(ModelView, model=Post):
    """All authors' posts."""

    column_list = ("id", "title", "created_by_user_id", "created_at")
    column_details_list = (*column_list, "updated_at", "media_url", "text", "deleted_at")
    column_labels = {"created_by_user_id": "Author", "media_url": "Media URL"}  # noqa: RUF012
    column_searchable_list = ("title",)
    column_sortable_list = ("id",)
    column_default_sort = ("id", True)
    form_columns = ("title", "media_url", "text")
    can_create = False
    update_schema = PostUpdate

    async def after_model_change(
        self, data: dict[str, Any], model: Post, is_created: bool, request: Request
    ) -> None:
        await _forget(request, model)

    async def after_model_delete(self, model: Post, request: Request) -> None:
        await _forget(request, model)


async def _forget(request: Request, post: Post) -> None:
    """Once the unit has committed, the API answers anew."""
    unit = unit_of(request)
    author = await unit.get(User, post.created_by_user_id)
    assert author is not None, "a post goes with its author"
    name = author.username
    forget(unit, f"{POST.format(username=name)}:{post.id}", f"{POSTS.format(username=name)}:{name}")


views = [PostAdmin]
