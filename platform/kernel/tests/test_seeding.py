"""All features' first rows: made once, whatever is there already."""

import pytest

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

    said = capsys.readouterr().err
    assert said.count("superuser made") == 1
    assert said.count("feature=users") == 2


async def test_what_a_feature_lacks_stops_the_seed(resources: Resources) -> None:
    with pytest.raises(SettingsError, match="ADMIN_PASSWORD is missing"):
        await seed(resources)
