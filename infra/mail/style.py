"""How the catcher's pages look, in light and in dark, on any width."""

import html

STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:1em/1.5 system-ui,sans-serif;margin:1.5em auto;max-width:72em;padding:0 1em}"
    "h1{font-size:1.4em;overflow-wrap:anywhere}h2{font-size:1em;margin:0 0 .5em}"
    "nav a{margin-right:1.5em}table{border-collapse:collapse;width:100%}"
    "td,th{padding:.4em 1em .4em 0;text-align:left;vertical-align:top;overflow-wrap:anywhere}"
    "tr+tr{border-top:1px solid color-mix(in srgb,currentColor 20%,transparent)}"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere;margin:0;padding:1em;"
    "border:1px solid color-mix(in srgb,currentColor 30%,transparent);border-radius:.4em}"
    "iframe{box-sizing:border-box;width:100%;height:32em;border-radius:.4em;"
    "border:1px solid color-mix(in srgb,currentColor 30%,transparent);"
    "background:#fff;color-scheme:light}"
    "time{white-space:nowrap}"
    ".pair{display:grid;gap:1.5em;grid-template-columns:repeat(auto-fit,minmax(min(100%,24em),1fr))}"
    ".pair section{min-width:0}"
)
NAVIGATION = '<nav><a href="/">Mails</a><a href="/previews">Previews</a></nav>'


def page(title: str, body: str) -> str:
    """A whole page; the title is escaped, the body is HTML."""
    name = html.escape(title)
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{name}</title><style>{STYLE}</style>"
    )
    return (
        f'<!doctype html><html lang="en"><head>{head}</head>'
        f"<body>{NAVIGATION}<h1>{name}</h1>{body}</body></html>"
    )
