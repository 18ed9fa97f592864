"""How a browser is told how its sign-in ended: by the front end that it is sent to, or a page."""

import json
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from features.emails.link_pages import page
from features.sign_in.models import Attempt, Purpose
from kernel.errors import CustomException

TITLE = "Sign-in"
SAID = {
    Purpose.SIGN_IN: "You are signed in. You can close this page.",
    Purpose.LINK: "The sign-in is linked to your account. You can close this page.",
    Purpose.STEP_UP: "Thank you. You can close this page.",
}
FAILED = "You can close this page and begin again."
# The address of the callback has a code in it, used as it may be.
HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


def sent(address: str) -> RedirectResponse:
    """The browser goes there."""
    return RedirectResponse(address, 303, HEADERS)


def ended(attempt: Attempt) -> Response:
    """The sign-in has ended well."""
    return sent(attempt.return_to) if attempt.return_to else page(TITLE, SAID[attempt.purpose])


def failed(request: Request, return_to: str, error: CustomException) -> Response:
    """The front end gets the problem behind the #, which browsers send to no server; without one, a
    person gets a page. Raises the error for a program."""
    members = error.detail if isinstance(error.detail, dict) else {"detail": error.detail}
    problem = {"type": error.problem_type or "about:blank", "status": error.status_code, **members}
    if return_to:
        return sent(f"{return_to}#problem={quote(json.dumps(problem), safe='')}")
    if "text/html" not in request.headers.get("accept", ""):
        raise error
    answer = page(TITLE, FAILED, problem=str(problem["detail"]), status=error.status_code)
    answer.headers.update(error.headers or {})
    return answer
