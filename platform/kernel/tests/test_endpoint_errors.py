"""What is logged of an endpoint's mistake names the endpoint, with and without the shortcuts."""

import re

import pytest
from fastapi import APIRouter

from kernel.app import create_application
from kernel.config.loader import Settings
from kernel.web.access import Access, access
from tests.application import client_of

router = APIRouter(prefix="/mistakes")


@router.get("/answer", response_model=int)
@access(Access.PUBLIC)
async def read_answer() -> str:
    return "no number"


@router.get("/crash")
@access(Access.PUBLIC)
async def read_crash() -> None:
    raise RuntimeError("crash")


@router.get("/circle")
@access(Access.PUBLIC)
async def read_circle() -> None:
    error = RuntimeError("the cause of itself")
    raise error from error


@pytest.mark.parametrize("fast_path", ["on", "off"])
@pytest.mark.parametrize("name", ["answer", "crash", "circle"])
async def test_the_last_place_that_is_named_is_the_endpoint(
    setting_values: dict[str, str], capsys: pytest.CaptureFixture[str], name: str, fast_path: str
) -> None:
    app = create_application(Settings({**setting_values, "FAST_PATH": fast_path}), [router])
    async with app.router.lifespan_context(app), client_of(app) as client:
        answer = await client.get(f"/api/v1/mistakes/{name}")

    places = re.findall(r'File "(.*)", line \d+, in (\w+)', capsys.readouterr().err)
    assert answer.status_code == 500
    assert places[-1] == (__file__, f"read_{name}")


class Plain:
    """No type that pydantic knows."""


def test_a_mistake_in_a_declaration_is_raised_where_it_is_declared() -> None:
    with pytest.raises(Exception, match="Invalid args for response field") as raised:
        router.get("/socket", response_model=Plain)(read_crash)

    files = [str(entry.path) for entry in raised.traceback]
    assert files[0] == __file__
    assert not [file for file in files if "/kernel/" in file and file != __file__]
