"""Each mail is shown with the values of its example, or what is wrong is said."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from features.emails import previews, rendering
from features.emails.tests.test_catcher import Catcher, catcher  # noqa: F401 - a fixture
from infra.mail.previews import problems

TEXT = "Subject: Hello {{ name }}\n\nHello {{ name }}.\n"


@pytest.fixture
def templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The templates of the only feature that has mails."""
    folder = tmp_path / "parrots" / "templates"
    folder.mkdir(parents=True)
    (folder / "greet.txt.jinja").write_text(TEXT)
    (folder / "greet.html.jinja").write_text("<p>Hello <b>{{ name }}</b></p>")
    monkeypatch.setattr("features.emails.previews.FEATURES", tmp_path)
    monkeypatch.setattr("features.emails.rendering.FEATURES", tmp_path)
    rendering.environment.cache_clear()
    yield folder
    rendering.environment.cache_clear()


def test_a_mail_is_shown_with_its_example(templates: Path) -> None:
    (templates / "greet.example.json").write_text('{"name": "<Ada>"}')

    [preview] = previews.previews().values()

    assert preview.subject == "Hello <Ada>"
    assert preview.text == "Hello <Ada>.\n"
    assert preview.html == "<p>Hello <b>&lt;Ada&gt;</b></p>"


@pytest.mark.parametrize(
    ("example", "problem"),
    [
        (None, "greet.example.json is missing"),
        ("{", "greet.example.json is no JSON"),
        ("[]", "greet.example.json is no JSON object"),
        ("{}", "UndefinedError: 'name' is undefined"),
    ],
)
def test_what_is_wrong_with_an_example_is_said_by_the_gate(
    templates: Path, example: str | None, problem: str
) -> None:
    if example is not None:
        (templates / "greet.example.json").write_text(example)

    [refusal] = problems("parrots")

    assert problem in refusal
    assert "features/parrots/templates/greet.example.json" in refusal
    assert "See docs/gates.md#a-mail-without-an-example" in refusal


def test_the_catchers_page_shows_each_of_them_as_it_is_now(
    catcher: Catcher,  # noqa: F811 - the fixture
    templates: Path,
) -> None:
    missing = catcher.get("/previews/parrots.greet")
    (templates / "greet.example.json").write_text('{"name": "<Ada>"}')

    _, listed, _ = catcher.get("/previews")
    _, shown, _ = catcher.get("/previews/parrots.greet")
    _, body, policy = catcher.get("/previews/parrots.greet.html")

    assert "is missing" in missing[1]
    assert '<a href="/previews/parrots.greet">' in listed
    assert "Hello &lt;Ada&gt;" in shown
    assert 'src="/previews/parrots.greet.html"' in shown
    assert body == "<p>Hello <b>&lt;Ada&gt;</b></p>"
    assert policy.startswith("sandbox; default-src 'none'")
    assert catcher.get("/previews/parrots.gone")[0] == 404
    assert catcher.get("/previews/../x")[0] == 404
