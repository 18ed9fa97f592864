"""Forms of every column type: what is shown is what is stored, and nothing typed in is a 500."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from sqladmin import ModelView
from starlette.routing import Mount

from features.admin.declared import completed
from features.admin.forms import written
from features.admin.pages.serving import Site
from features.admin.views import View
from kernel.app import Application
from kernel.resources import Resources
from tests.accounts import Person
from tests.admin_site import SAME_ORIGIN, Browser, inputs
from tests.application import client_of
from tests.column_types.samples import SAMPLES, Apart, Sample
from tests.column_types.serving import serving
from tests.column_types.test_extremes import ODD

# The owner of tests/column_types says what a secret and a search vector are; no form shows them.
SHOWN = [
    sample
    for sample in SAMPLES.values()
    if not sample.kind.hidden and sample.kind.name != "tsvector"
]
each = pytest.mark.parametrize("sample", SHOWN, ids=[sample.kind.name for sample in SHOWN])


def view_of(sample: Sample) -> View:
    metaclass: Any = type(ModelView)
    options = {
        "column_list": ("id", "value", "maybe"),
        "form_columns": ("value", "maybe"),
        "create_schema": sample.create,
        "update_schema": sample.create,
    }
    declared = metaclass("Typed", (ModelView,), options, model=sample.table)
    return completed(declared)


@pytest.fixture(scope="module")
async def typed(setting_values: Mapping[str, str]) -> AsyncIterator[Application]:
    """An application with a view for each column type."""
    async with serving(setting_values, [], Apart.metadata) as (app, _):
        site = Site({sample.slug: view_of(sample) for sample in SHOWN})
        app.router.routes.append(Mount("/typed", app=site))
        yield app


@pytest.fixture
async def forms(typed: Application, superuser: Person) -> AsyncIterator[Browser]:
    """A browser in which a superuser is signed in there."""
    async with client_of(typed, Browser) as browser:
        await browser.sign_in(superuser)
        yield browser


@each
async def test_what_is_typed_is_stored_and_an_untouched_form_changes_nothing(
    sample: Sample, forms: Browser, typed: Application
) -> None:
    resources: Resources = typed.state.resources
    for value in sample.kind.values:
        answer = await forms.submit(f"/typed/{sample.slug}/create", value=text_of(value))
        assert answer.status_code == 303, (value, answer.text)
        row_id = int(answer.headers["location"].rpartition("/")[2].partition("?")[0])
        async with resources.unit() as db:
            stored = await db.get_one(sample.table, row_id)
            assert sample.kind.same(stored.value, value), (stored.value, value)
            before = stored.model_dump()

        shown = await forms.get(f"/typed/{sample.slug}/details/{row_id}")
        listed = await forms.get(f"/typed/{sample.slug}/list")
        again = await forms.submit(f"/typed/{sample.slug}/edit/{row_id}")

        assert [shown.status_code, listed.status_code] == [200, 200]
        assert again.headers["location"].endswith("?done=unchanged")
        async with resources.unit() as db:
            assert (await db.get_one(sample.table, row_id)).model_dump() == before


@each
async def test_no_text_is_a_500(sample: Sample, forms: Browser) -> None:
    form = inputs(await forms.get(f"/typed/{sample.slug}/create"))
    # A third of them each, which adds up over the types that are alike.
    for text in ODD[SHOWN.index(sample) % 3 :: 3]:
        data = {**form, "value": text.encode("utf-8", "replace").decode(), "maybe": text[:50]}
        data["maybe"] = data["maybe"].encode("utf-8", "replace").decode()
        path = f"/typed/{sample.slug}/create"
        answer = await forms.post(path, data=data, headers=SAME_ORIGIN)

        assert answer.status_code in (303, 422), (text, answer.status_code)
        if answer.status_code == 422 and "\x00" not in text:
            assert 'class="error"' in answer.text or 'class="told"' in answer.text


def text_of(value: Any) -> str | None:
    """What a person would type; a box that isn't checked sends nothing."""
    if isinstance(value, bool):
        return "true" if value else None
    return written(value)
