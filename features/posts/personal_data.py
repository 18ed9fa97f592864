"""What posts keep of a person: what the person has written, deleted or not."""

from sqlalchemy import bindparam, select
from sqlmodel import col

from features.posts.models import Post

exports = {"posts": select(Post).where(col(Post.created_by_user_id) == bindparam("user_id"))}
