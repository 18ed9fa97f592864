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
        "docs/commands.md": (("test features/posts -k list -x", "test features/users -k name -x"),),
        "docs/testing.md": (
            (
                "`hatch run test features/posts -k draft -x`",
                "`hatch run test features/users -k name -x`",
            ),
        ),
        "docs/gates.md": (("in `features/posts/tasks.py`", "in the tasks.py of posts"),),
        "docs/models.md": (
            ("`features/posts/models.py` is the example", "A feature of posts is the example"),
        ),
        "docs/opting-out.md": (
            (
                "`features/posts` depends on auth, users and tasks, and nothing depends on it:",
                "A feature of posts, say, that nothing depends on:",
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
        "infra/drills/test_hostile_clients.py": (
            ('f"POST {V1}/endless/post HTTP/1.1', 'f"PATCH {V1}/user/endless HTTP/1.1'),
            ('\\r\\n\\r\\n{"title":', '\\r\\n\\r\\n{"name":'),
        ),
    },
)
