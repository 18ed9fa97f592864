"""Names under which answers about posts are kept, and forgotten."""

POST = "post:{username}"
"""One post; the resource id is the post's."""
POSTS = "posts:{username}"
"""The list, whatever page, order or filter; the resource id is the username."""
