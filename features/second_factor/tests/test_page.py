"""The page on which people sign in and set factors up: no code in it, nothing from elsewhere."""

import re

import httpx2

PAGE = "/api/v1/second_factor/page"


async def test_the_page_has_no_code_of_its_own_and_may_call_this_api_alone(
    client: httpx2.AsyncClient,
) -> None:
    page = await client.get(PAGE)

    policy = page.headers["Content-Security-Policy"]
    assert page.status_code == 200
    assert "default-src 'none'" in policy
    assert "connect-src 'self'" in policy
    assert "unsafe" not in policy
    assert page.headers["Cache-Control"] == "no-store"
    assert not re.search(r"<style|style=|\son\w+=|<script>|javascript:|https?://", page.text)
    inputs = re.findall(r'<input id="([\w-]+)"', page.text)
    assert sorted(inputs) == sorted(re.findall(r'<label for="([\w-]+)"', page.text))


async def test_its_files_are_there(client: httpx2.AsyncClient) -> None:
    style, script = [await client.get(f"{PAGE}.{kind}") for kind in ("css", "js")]

    assert style.headers["Content-Type"].startswith("text/css")
    assert script.headers["Content-Type"].startswith("text/javascript")
