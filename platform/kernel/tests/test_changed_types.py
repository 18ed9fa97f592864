"""A migration that changes a column's type under a running API costs no crash."""

from fastapi import APIRouter
from sqlalchemy import text

from kernel.app import create_application
from kernel.config.loader import Settings
from kernel.resources import Resources
from kernel.web.router import SessionDep
from tests.application import client_of

router = APIRouter()


@router.get("/widths")
async def read_widths(db: SessionDep) -> list[int]:
    """List the widths, through the ORM."""
    query = text("SELECT width FROM changed_board")
    return [row.width for row in await db.execute(query)]


async def change(resources: Resources, *statements: str) -> None:
    async with resources.unit() as unit:
        for statement in statements:
            await unit.execute(text(statement))


async def test_an_outdated_statement_answers_503_once_and_is_planned_anew(
    setting_values: dict[str, str],
) -> None:
    settings = Settings({**setting_values, "DATABASE_POOL_SIZE": "1"})
    app = create_application(settings, routers=[router])
    migration = Resources(settings)
    async with app.router.lifespan_context(app), client_of(app) as client:
        await change(
            migration,
            "DROP TABLE IF EXISTS changed_board",
            "CREATE TABLE changed_board (width int)",
            "INSERT INTO changed_board VALUES (7)",
        )
        assert (await client.get("/api/v1/widths")).json() == [7]

        await change(migration, "ALTER TABLE changed_board ALTER COLUMN width TYPE bigint")

        first, second = [await client.get("/api/v1/widths") for _ in range(2)]
        assert (first.status_code, first.headers.get("retry-after")) == (503, "2")
        assert second.json() == [7]
        await change(migration, "DROP TABLE changed_board")
    await migration.close()
