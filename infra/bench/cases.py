"""What is measured: the requests, and the most that ours may cost over the floor."""

from dataclasses import dataclass, field

from kernel import discovery

USERS, POSTS = 1_000, 100_000
AUTHOR = "bench1"
LIST = f"/api/v1/{AUTHOR}/posts"


@dataclass(frozen=True)
class Case:
    """One request, sent over and over to both servers."""

    name: str
    path: str
    target: float
    """The most CPU per request, in multiples of the floor's."""
    method: str = "GET"
    body: str = ""
    token: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    compared: bool = True
    """Whether both must answer the same bytes; else the same fields."""
    feature: str = "users"
    """Whose route it is; without the feature there is no case."""


EVERY = (
    Case("users-10", "/api/v1/users?items_per_page=10", 1.45),
    Case("users-100", "/api/v1/users?items_per_page=100", 1.35),
    Case("post-cached", f"/api/v1/{AUTHOR}/post/1", 0.6, feature="posts"),
    Case("posts-cached", LIST, 0.6, feature="posts"),
    Case("me", "/api/v1/user/me/", 1.1, token=True),
    Case(
        "post-create",
        f"/api/v1/{AUTHOR}/post",
        1.45,
        method="POST",
        body='{"title": "A bench post", "text": "Written over and over."}',
        token=True,
        headers={"Content-Type": "application/json"},
        compared=False,
        feature="posts",
    ),
    Case(
        "task-limited",
        "/api/v1/tasks/task?message=bench",
        1.5,
        method="POST",
        token=True,
        compared=False,
        feature="tasks",
    ),
    Case("no-op", "/api/v1/bench/no-op", 2.2, token=True),
)
CASES = tuple(case for case in EVERY if case.feature in discovery.names())
