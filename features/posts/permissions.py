"""Who may delete a post: its author, and moderators."""

from typing import Annotated

from features.auth.permissions import SelfOr

# The id of the author in the path, for whom the caller may delete.
ModeratedAuthorId = Annotated[int, SelfOr("posts.moderate")]
