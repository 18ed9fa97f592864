"""Pages that give back what was typed: as much as a page has room for, the rest as a draft."""

from collections.abc import Callable, Collection, Mapping, Sequence

from starlette.datastructures import FormData
from starlette.responses import Response

from features.admin import drafts
from features.admin.lengths import FIELD, bytes_of
from features.admin.pages.files import text_file
from features.admin.pages.rendering import DRAFT, FORM, Page, PageTooLarge
from features.admin.writes import FormRefused
from kernel.context import context_of
from kernel.errors import (
    NotFoundException,
    ServiceUnavailableException,
    UnprocessableEntityException,
)
from kernel.redis import REDIS_ERRORS

GONE = "What was typed here is kept no longer, or was typed by another account: enter it again."
AWAY = "What was typed can't be read now."
STILL_OPEN = (
    "Nothing was saved. {told}\n\n"
    "The form is still open in your browser with all that you have typed, files and passwords, "
    "too. If it asks for a sign-in, sign in in another window; then send the form again.\n"
)


class _NotKept(Exception):
    """No draft can be kept: Redis is away, nothing says whose it would be, or it is too long."""


async def with_room(
    page: Page,
    told: Sequence[str],
    texts: Mapping[str, Sequence[str]],
    make: Callable[[str, Collection[str]], Response],
) -> Response:
    """The page that gives back these texts: `make` is given the id of a draft, and which of them
    are in that and leave the page. First the longest ones do, if all take too much of it, then all.

    Where no draft can be kept, the answer is a file.
    """
    for most in (FIELD, 0):
        try:
            return make(*await _keep_longest(page, texts, most))
        except PageTooLarge:
            if not texts:
                raise
        except _NotKept:
            break
    return _handed_back(page, told, texts)


async def put_back(page: Page, user_id: int) -> None:
    """Put what drafts of this user hold back into the form that was sent, where neither a text nor
    a file takes its place; they end when the form is saved.

    Raises FormRefused for what is gone, and ServiceUnavailableException.
    """
    resources = context_of(page.request).resources
    sent = [(name, value) for name, value in page.posted.multi_items()]
    named = {
        name.removeprefix(DRAFT): value
        for name, value in sent
        if name.startswith(DRAFT) and isinstance(value, str)
    }
    if not named:
        return
    try:
        found = {one: await drafts.find(resources, user_id, one) for one in set(named.values())}
    except REDIS_ERRORS as error:
        raise ServiceUnavailableException(AWAY) from error
    sent = [(name, value) for name, value in sent if not name.startswith(DRAFT)]
    gone: dict[str, list[str]] = {}
    for name, one in named.items():
        if name in page.posted or name in page.files:
            continue
        draft = found[one]
        if draft is None or name not in draft.texts:
            gone[name] = [GONE]
        else:
            sent += [(name, text) for text in draft.texts[name]]
    page.posted, page.drafts = FormData(sent), [one for one, draft in found.items() if draft]
    if gone and "act" in page.request.path_params:
        raise UnprocessableEntityException(GONE)
    if gone:
        raise FormRefused(gone)

    async def end() -> None:
        await drafts.forget(resources, user_id, page.drafts)

    page.unit.after_commit(end)


async def draft_page(page: Page) -> Response:
    """What was typed into a field as a whole, as a text file. Raises NotFoundException (404)."""
    context, parameters = context_of(page.request), page.request.path_params
    assert context.principal is not None
    try:
        found = await drafts.find(context.resources, context.principal.user_id, parameters["draft"])
    except REDIS_ERRORS as error:
        raise ServiceUnavailableException(AWAY) from error
    texts = found and found.texts.get(parameters["field"])
    if not texts:
        raise NotFoundException("There is no such text, or none any more.")
    return text_file(f"draft-{parameters['field']}", "\n".join(texts))


async def _keep_longest(
    page: Page, texts: Mapping[str, Sequence[str]], most: int
) -> tuple[str, list[str]]:
    """Keep so many of the texts, the longest ones, that the others take `most` bytes at most; the
    id of the draft, and which ones it holds. Raises _NotKept."""
    sizes = {name: sum(map(bytes_of, values)) for name, values in texts.items()}
    left = sum(sizes.values())
    names: list[str] = []
    for name in sorted(sizes, key=sizes.__getitem__, reverse=True):
        if left > most:
            names.append(name)
            left -= sizes[name]
    resources, owner, old = context_of(page.request).resources, _owner(page), page.drafts
    kept = ""
    if names:
        draft = drafts.Draft(page.path, {name: texts[name] for name in names})
        if owner:
            kept = await drafts.keep(resources, owner, draft, old=old[0] if old else "") or ""
        if not kept:
            raise _NotKept
    if owner:
        await drafts.forget(resources, owner, [one for one in old if one != kept])
        page.drafts = [kept] if kept else []
    return kept, names


def _owner(page: Page) -> int | None:
    """The superuser who has typed this: the one who is signed in, else the one whom the form was
    shown to. Not just anyone may keep texts here."""
    context = context_of(page.request)
    if context.principal is not None and context.principal.is_superuser:
        return context.principal.user_id
    return drafts.shown_to(context.resources.settings, page.field(FORM))


def _handed_back(page: Page, told: Sequence[str], texts: Mapping[str, Sequence[str]]) -> Response:
    """A file that says what was wrong and holds what was typed. Browsers save it and leave the form
    as it stands; but only if it comes with a status of success."""
    parts = [STILL_OPEN.format(told=" ".join(told))]
    if _owner(page):
        parts += [f"{name}:\n{text}\n" for name, values in texts.items() for text in values]
    return text_file("not-saved", "\n".join(parts))
