"""What is served as a file: those of static/, and texts as a whole."""

import re
from pathlib import Path

from starlette.responses import Response

from features.admin.pages.rendering import HEADERS, Page
from kernel.errors import NotFoundException

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
YEAR = 31_536_000  # seconds


async def static_file(page: Page) -> Response:
    """A file of static/; for a year, if it is asked for by the address that its content has."""
    name = page.request.path_params["file"]
    content = page.renderer.files.get(name)
    if content is None:
        raise NotFoundException("There is no such file.")
    is_current = page.request.query_params.get("v") == page.renderer.tags[name]
    age = f"public, max-age={YEAR}, immutable" if is_current else "no-cache"
    headers = {**HEADERS, "Cache-Control": age}
    return Response(content, headers=headers, media_type=TYPES[Path(name).suffix])


def text_file(name: str, text: str) -> Response:
    """A text as a whole, as a file to be saved."""
    # A mark of the text's own would be taken for the file's when it comes back.
    encoding = "utf-8-sig" if text.startswith("\ufeff") else "utf-8"
    file = re.sub(r"[^A-Za-z0-9._-]+", "_", name)[:100]
    headers = {
        **HEADERS,
        "Content-Disposition": f'attachment; filename="{file}.txt"',
        "X-Content-Type-Options": "nosniff",
    }
    content = text.encode(encoding)
    return Response(content, headers=headers, media_type="text/plain; charset=utf-8")
