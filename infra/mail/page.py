"""The page of caught mails: a list, each mail, and the same as JSON."""

import html
import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from infra.mail.catcher import Caught, Mailbox

STYLE = (
    "body{font:1em/1.5 sans-serif;margin:2em auto;max-width:60em;padding:0 1em}"
    "td,th{padding:.2em 1em .2em 0;text-align:left}"
    "iframe{width:100%;height:32em;border:1px solid}"
)
# A mail's HTML runs no script and reaches nothing.
SANDBOX = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
OWN = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'"
HOSTS = {"127.0.0.1", "localhost"}


def listed(mails: list[Caught]) -> str:
    rows = "".join(
        f'<tr><td>{one.at:%H:%M:%S}</td><td><a href="/{one.number}">{html.escape(one.subject)}</a>'
        f"</td><td>{html.escape(', '.join(one.recipients))}</td></tr>"
        for one in reversed(mails)
    )
    table = f"<table><tr><th>UTC</th><th>Subject</th><th>To</th></tr>{rows}</table>"
    return _page("Mail", table if mails else "<p>No mail has been sent yet.</p>")


def shown(mail: Caught) -> str:
    text = html.escape(mail.body("plain"))
    text = re.sub(r"https?://[^\s<]+", lambda link: f'<a href="{link[0]}">{link[0]}</a>', text)
    to = html.escape(", ".join(mail.recipients))
    frame = f'<h2>HTML</h2><iframe sandbox title="HTML" src="/{mail.number}.html"></iframe>'
    body = f'<p><a href="/">All mails</a></p><p>To {to}</p><pre>{text}</pre>'
    return _page(mail.subject, body + (frame if mail.body("html") else ""))


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


def _page(title: str, body: str) -> str:
    name = html.escape(title)
    head = f'<meta charset="utf-8"><title>{name}</title><style>{STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body><h1>{name}</h1>{body}</body>'


def server(mailbox: Mailbox, port: int) -> ThreadingHTTPServer:
    """The page's server on this machine's own address."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            # Another site's page could reach this one under a name of its own that leads here.
            if self.headers.get("Host", "").rpartition(":")[0] not in HOSTS:
                return self._answer(403, "text/plain", "Ask for 127.0.0.1.")
            if self.path == "/":
                return self._answer(200, "text/html", listed(mailbox.all()))
            if self.path == "/mails.json":
                return self._answer(200, "application/json", as_json(mailbox.all()))
            found = re.fullmatch(r"/(\d{1,9})(\.html)?", self.path)
            mail = mailbox.get(int(found[1])) if found else None
            if found is None or mail is None:
                return self._answer(404, "text/plain", "There is no such mail.")
            if found[2]:
                return self._answer(200, "text/html", mail.body("html"), SANDBOX)
            return self._answer(200, "text/html", shown(mail))

        def _answer(self, status: int, kind: str, text: str, policy: str = OWN) -> None:
            body = text.encode(errors="replace")
            self.send_response(status)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Security-Policy", policy)
            self.send_header("X-Content-Type-Options", "nosniff")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return ThreadingHTTPServer(("127.0.0.1", port), Page)
