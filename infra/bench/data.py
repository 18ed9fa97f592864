"""What the servers find: 1,000 users, 100,000 posts, a tier whose limit is never reached."""

import asyncpg

from infra.bench.cases import AUTHOR, POSTS, USERS

TIER = "bench"
PASSWORD = "a bench is for sitting"  # noqa: S105 for the throw-away database only

SQL = f"""
INSERT INTO tier (name) VALUES ('{TIER}');
INSERT INTO "user" (name, username, email, hashed_password, tier_id)
 SELECT 'Bench User ' || n, 'bench' || n, 'bench' || n || '@example.com', $hash$HASH$hash$, tier.id
 FROM generate_series(1, {USERS}) AS n, tier WHERE tier.name = '{TIER}' ORDER BY n;
"""  # noqa: S608 constants of this module
# Of features that may be gone.
LIMIT_ROWS = f"""
INSERT INTO rate_limit (tier_id, name, path, "limit", period)
 SELECT id, 'bench', 'api_v1_tasks_task', 10000, 1 FROM tier WHERE name = '{TIER}';
"""  # noqa: S608 constants of this module
POST_ROWS = f"""
INSERT INTO post (title, text, created_by_user_id, created_at)
 SELECT 'Post ' || n, repeat('Some words of a post. ', 10), author.id, '2026-01-01T00:00:00Z'
 FROM generate_series(0, {POSTS} - 1) AS n
 JOIN "user" author ON author.username = 'bench' || (n % {USERS} + 1) ORDER BY n;
"""  # noqa: S608 constants of this module


async def fill(url: str, hashed_password: str) -> int:
    """Write the rows; returns the id of AUTHOR's first post, if there are posts."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(SQL.replace("HASH", hashed_password))
        for table, rows in (("rate_limit", LIMIT_ROWS), ("post", POST_ROWS)):
            if await _there(connection, table):
                await connection.execute(rows)
        await connection.execute("ANALYZE")
        if not await _there(connection, "post"):
            return 0
        first = await connection.fetchval(
            'SELECT min(post.id) FROM post JOIN "user" ON created_by_user_id = "user".id'
            " WHERE username = $1",
            AUTHOR,
        )
        return int(first)
    finally:
        await connection.close()


async def _there(connection: "asyncpg.Connection[asyncpg.Record]", table: str) -> bool:
    found: bool = await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", table)
    return found
