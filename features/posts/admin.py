"""Posts on the admin site."""

from sqladmin import ModelView

from features.posts.models import Post, PostUpdate


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
    can_remove = True
    update_schema = PostUpdate
    forgets = ("post:*", "posts:*")  # everybody's: which is dear, and seldom


views = [PostAdmin]
