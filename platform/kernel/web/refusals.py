"""What must not reach the application: refused by the outer middleware, before any route."""

from urllib.parse import unquote_plus

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Scope

from kernel.config.groups import HttpSettings
from kernel.errors import CustomException, phrase
from kernel.schemas.schemas import MAX_ERRORS
from kernel.web.problems import MAX_TEXT, problem_response

NUL = "must not contain NUL characters"


class BodyTooLarge(CustomException):
    """413: the body is larger than MAX_BODY_BYTES."""

    status = 413


def _nul_in_query(path: str, query: str) -> Response:
    parts = [part for part in query.split("&") if "%00" in part][:MAX_ERRORS]
    # A parser cuts a name at its first "="; of a name that is itself at fault nothing is shown.
    names = [unquote_plus(part.partition("=")[0]) for part in parts]
    places = [["query"] if "\x00" in name else ["query", name[:MAX_TEXT]] for name in names]
    errors = [{"loc": place, "msg": NUL, "type": "value_error"} for place in places]
    return problem_response(422, f"{'.'.join(places[0])}: {NUL}", path, members={"errors": errors})


class Refusals:
    """By the settings: which hosts are answered, and how large a body may be."""

    def __init__(self, settings: HttpSettings) -> None:
        self._hosts = {host.lower() for host in settings.allowed_hosts} - {"*"}
        self._limit = settings.max_body_bytes

    def of(self, scope: Scope) -> Response | None:
        """The answer to a request, or to a websocket's handshake, that is refused."""
        path = scope["path"]
        if "\x00" in path:
            return problem_response(404, phrase(404), path)
        if b"%00" in scope["query_string"]:
            return _nul_in_query(path, scope["query_string"].decode("latin-1"))
        # A probe asks by address, and gets nothing that could be misused.
        if self._hosts and not path.startswith("/health"):
            host = Headers(scope=scope).get("host", "").rsplit(":", 1)[0].lower()
            if host not in self._hosts:
                return problem_response(400, "Invalid host header.", path)
        # A read's body is counted only if it is received, as every streamed one is.
        reads = scope.get("method", "GET") in ("GET", "HEAD")
        for name, length in () if reads else scope["headers"]:
            if name == b"content-length" and length.isdigit() and int(length) > self._limit:
                return problem_response(413, self._too_large, path, {"Connection": "close"})
        return None

    def count(self, received: int) -> None:
        """Raise BodyTooLarge when more than the limit has been received."""
        if received > self._limit:
            raise BodyTooLarge(self._too_large)

    @property
    def _too_large(self) -> str:
        return f"The body is larger than {self._limit} bytes."
