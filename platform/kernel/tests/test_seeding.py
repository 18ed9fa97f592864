"""All features' first rows: made once, whatever is there already."""

import pytest
from sqlalchemy import text

from kernel.config.loader import SettingsError
from kernel.resources import Resources
from kernel.seed import seed
from tests.application import ApplicationFactory


async def test_every_feature_is_seeded_and_may_be_again(
    make_app: ApplicationFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    async with make_app(ADMIN_PASSWORD="made up for this test", LOG_LEVEL="INFO") as app:
        for _ in range(2):
            await seed(app.state.resources)
        async with app.state.resources.unit() as db:
            superusers = await db.scalar(text('SELECT count(*) FROM "user" WHERE is_superuser'))

    assert superusers == 1
    assert capsys.readouterr().err.count("feature=users") == 2


async def test_what_a_feature_lacks_stops_the_seed(resources: Resources) -> None:
    with pytest.raises(SettingsError, match="ADMIN_PASSWORD is missing"):
        await seed(resources)
