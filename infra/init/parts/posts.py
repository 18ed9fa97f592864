"""What goes with features/posts."""

from infra.init.part import Part

POSTS = Part(
    name="posts",
    says="the feature that shows how one is written",
    paths=("features/posts",),
    takes=("bench",),
    tables=True,
    rows={
        "docs/contract.md": (
            "| GET /{username}/posts |",
            "| PATCH, DELETE /{username}/post/{id} |",
            "| DELETE /{username}/post/{id} |",
            "| DELETE /{username}/db_post/{id} |",
        ),
    },
    edits={
        "docs/gates.md": (("in `features/posts/tasks.py`", "in the tasks.py of posts"),),
        "docs/models.md": (
            ("`features/posts/models.py` is the example", "A feature of posts is the example"),
        ),
        "docs/opting-out.md": (
            (
                "By hand, posts for example:",
                "By hand, a feature of posts, say:",
            ),
        ),
        "docs/concepts.md": (
            (
                "limiter and a job; `features/posts` uses no other name. The rest is",
                "limiter and a job. The rest is",
            ),
        ),
        "docs/crud.md": (
            (
                "`features/posts` is the\nexample for all of this page.",
                "Posts of users are the\nexample for all of this page.",
            ),
        ),
    },
)
