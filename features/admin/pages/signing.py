"""Pages of signing in and out, and of entering one's password again."""

from starlette.responses import Response

from features.admin import permissions
from features.admin.pages.rendering import Page
from kernel.errors import CustomException


async def sign_in(page: Page) -> Response:
    """Ask for name and password; with the right ones, go on to where one was going."""
    where = page.request.query_params.get("next", "")
    if page.request.method != "POST":
        return page.render("sign_in.html", where=where, name="", told="")
    name = page.field("_username")
    try:
        page.token = await permissions.sign_in(
            page.request, page.unit, name, page.field("_password")
        )
    except CustomException as refused:
        told = str(refused.detail)
        answer = page.render("sign_in.html", refused.status_code, where=where, name=name, told=told)
        answer.headers.update(refused.headers or {})
        return answer
    return page.redirect(inside(where))


async def enter_again(page: Page) -> None:
    """Before a form is looked at that bears a password: whose session ended meanwhile signs in
    again, and who is about to do something dangerous confirms it."""
    request, password = page.request, page.field("_password")
    if "_username" in page.posted:
        token = await permissions.sign_in(request, page.unit, page.field("_username"), password)
        page.token = token
        permissions.use(request, token)
    else:
        caller = await permissions.superuser(request)
        await permissions.confirm_password(request, page.unit, caller, password)


async def sign_out(page: Page) -> Response:
    """End the session."""
    await permissions.sign_out(page.request, page.unit)
    answer = page.redirect("/sign-in")
    permissions.drop(page.request, answer)
    return answer


def inside(where: str) -> str:
    """The path to go on to: one of the site's own, whatever was asked for."""
    plain = where.startswith("/") and where[1:2] not in ("/", "\\") and where.isprintable()
    return where if plain and "\\" not in where else "/"
