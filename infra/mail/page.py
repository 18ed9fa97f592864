"""The page of caught mails: a list, each mail, and the same as JSON."""

import html
import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

from infra.mail import previews
from infra.mail.catcher import Caught, Mailbox
from infra.mail.style import page

# A mail's HTML runs no script and reaches nothing.
SANDBOX = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
OWN = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'"
HOSTS = {"127.0.0.1", "localhost"}


def listed(mails: list[Caught]) -> str:
    rows = "".join(
        f"<tr><td><time>{one.at:%H:%M:%S}</time></td>"
        f'<td><a href="/{one.number}">{html.escape(one.subject)}</a>'
        f"</td><td>{html.escape(', '.join(one.recipients))}</td></tr>"
        for one in reversed(mails)
    )
    table = f"<table><tr><th>UTC</th><th>Subject</th><th>To</th></tr>{rows}</table>"
    return page("Mail", table if mails else "<p>No mail has been sent yet.</p>")


def shown(mail: Caught) -> str:
    text = html.escape(mail.body("plain"))
    text = re.sub(r"https?://[^\s<]+", lambda link: f'<a href="{link[0]}">{link[0]}</a>', text)
    to = html.escape(", ".join(mail.recipients))
    frame = f'<iframe sandbox title="HTML" src="/{mail.number}.html"></iframe>'
    parts = f"<section><h2>Text</h2><pre>{text}</pre></section>"
    if mail.body("html"):
        parts += f"<section><h2>HTML</h2>{frame}</section>"
    return page(mail.subject, f'<p>To {to}</p><div class="pair">{parts}</div>')


def as_json(mails: list[Caught]) -> str:
    return json.dumps(
        [
            {
                "number": one.number,
                "to": one.recipients,
                "subject": one.subject,
                "text": one.body("plain"),
                "html": one.body("html"),
                "links": one.links,
            }
            for one in mails
        ]
    )


class Answer(NamedTuple):
    """What is sent for a path."""

    status: int
    kind: str
    text: str
    policy: str = OWN


MISSING = Answer(404, "text/plain", "There is no such mail.")


def answer(mailbox: Mailbox, path: str) -> Answer:
    """The page under that path."""
    if path == "/":
        return Answer(200, "text/html", listed(mailbox.all()))
    if path == "/mails.json":
        return Answer(200, "application/json", as_json(mailbox.all()))
    if path.startswith("/previews"):
        return _preview(path.removeprefix("/previews").removeprefix("/"))
    found = re.fullmatch(r"/(\d{1,9})(\.html)?", path)
    mail = mailbox.get(int(found[1])) if found else None
    if found is None or mail is None:
        return MISSING
    if found[2]:
        return Answer(200, "text/html", mail.body("html"), SANDBOX)
    return Answer(200, "text/html", shown(mail))


def _preview(name: str) -> Answer:
    if not name:
        return Answer(200, "text/html", previews.listed())
    if name.endswith(".html"):
        body = previews.body(name.removesuffix(".html"))
        return MISSING if body is None else Answer(200, "text/html", body, SANDBOX)
    whole = previews.shown(name)
    return MISSING if whole is None else Answer(200, "text/html", whole)


def server(mailbox: Mailbox, port: int) -> ThreadingHTTPServer:
    """The page's server on this machine's own address."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            # Another site's page could reach this one under a name of its own that leads here.
            ours = self.headers.get("Host", "").rpartition(":")[0] in HOSTS
            foreign = Answer(403, "text/plain", "Ask for 127.0.0.1.")
            given = answer(mailbox, self.path) if ours else foreign
            body = given.text.encode(errors="replace")
            self.send_response(given.status)
            self.send_header("Content-Type", f"{given.kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Security-Policy", given.policy)
            self.send_header("X-Content-Type-Options", "nosniff")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return ThreadingHTTPServer(("127.0.0.1", port), Page)
