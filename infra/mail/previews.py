"""The pages of previews: every mail with its example values, text and HTML side by side."""

import html
from collections.abc import Iterator
from typing import Any

from infra.mail.style import page
from kernel import discovery

NO_EXAMPLE = """\
features/{feature}: the mail {name} can't be shown: {problem}. Write
features/{feature}/templates/{stem}.example.json, an object with a value for each name that the
templates use; the page /previews of the mail catcher shows it.
See docs/gates.md#a-mail-without-an-example"""


def found() -> dict[str, Any]:
    """Every mail by its name, rendered anew; none where no feature sends mail."""
    previews = discovery.provider("mail_previews")
    return previews() if previews is not None else {}


def problems(feature: str) -> Iterator[str]:
    """Which mails of a feature can't be shown, and what to do."""
    for name, preview in found().items():
        owner, _, stem = name.partition(".")
        if owner == feature and preview.problem is not None:
            yield NO_EXAMPLE.format(feature=feature, name=name, stem=stem, problem=preview.problem)


def listed() -> str:
    """The page with all of them."""
    rows = "".join(
        f'<tr><td><a href="/previews/{html.escape(name)}">{html.escape(name)}</a></td>'
        f"<td>{html.escape(preview.problem or preview.subject)}</td></tr>"
        for name, preview in found().items()
    )
    table = f"<table><tr><th>Template</th><th>Subject</th></tr>{rows}</table>"
    return page("Previews", table if rows else "<p>No feature has a mail.</p>")


def shown(name: str) -> str | None:
    """The page of one; None when there is none of that name."""
    preview = found().get(name)
    if preview is None:
        return None
    if preview.problem is not None:
        return page(name, f"<p>{html.escape(preview.problem)}</p>")
    text = f"<section><h2>Text</h2><pre>{html.escape(preview.text)}</pre></section>"
    frame = f'<iframe sandbox title="HTML" src="/previews/{html.escape(name)}.html"></iframe>'
    subject = f"<p>Subject: <strong>{html.escape(preview.subject)}</strong></p>"
    pair = f'<div class="pair">{text}<section><h2>HTML</h2>{frame}</section></div>'
    return page(name, subject + pair)


def body(name: str) -> str | None:
    """The HTML of one, as a mail reader gets it."""
    preview = found().get(name)
    return None if preview is None or preview.problem is not None else preview.html
