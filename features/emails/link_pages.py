"""Pages for people who follow a link: one template, without code or style of its own in it."""

from typing import Any, NamedTuple

from fastapi.responses import HTMLResponse
from pydantic import ValidationError

from features.emails.rendering import environment
from kernel.errors import (
    BadRequestException,
    RateLimitException,
    UnprocessableEntityException,
)

# What a page says, in place of the problem that programs get.
MISTAKES = (BadRequestException, UnprocessableEntityException, RateLimitException)
# The arguments of a page's routes: they are for people, and no part of the API's document.
PAGE: dict[str, Any] = {"response_class": HTMLResponse, "include_in_schema": False}
# Nothing comes from other servers, and no text can become code.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    # Not no-referrer, with which browsers say `Origin: null` of their own forms.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Field(NamedTuple):
    """What a person fills in."""

    name: str
    label: str
    kind: str = "text"
    autocomplete: str = "off"
    hint: str = ""
    value: str = ""


def email_field(email: str = "") -> Field:
    """The address that a link is to be mailed to."""
    return Field("email", "E-mail address", "email", "email", value=email)


def code_field(token: str = "") -> Field:
    """The code of a link, which the page's script takes from the address."""
    return Field("token", "Code from the mail", value=token)


def page(
    title: str,
    text: str,
    *fields: Field,
    action: str = "",
    problem: str = "",
    status: int = 200,
) -> HTMLResponse:
    """A page that says something and, with an `action`, has a form that is posted to its own
    address. `problem` is what was wrong with the last attempt."""
    template = environment().get_template("emails/templates/page.html.jinja")
    html = template.render(title=title, text=text, fields=fields, action=action, problem=problem)
    return HTMLResponse(html, status, HEADERS)


def first_of(invalid: ValidationError) -> str:
    """What is wrong with the first field, in a sentence."""
    error = invalid.errors(include_input=False, include_url=False)[0]
    field = str(error["loc"][0]).replace("token", "code").capitalize()
    return f"{field}: {error['msg'].removeprefix('Value error, ')}."
