"""`python -m infra.mail`: catch mails until it is stopped; its first line says how to use it."""

import argparse
import signal
import sys
import threading
from collections.abc import Sequence

from infra.local.paths import ports
from infra.mail import page
from infra.mail.catcher import Mailbox, smtp_server
from kernel.config.loader import ROOT

SETTINGS = "SMTP_HOST=127.0.0.1 SMTP_PORT={} SMTP_SECURITY=none SMTP_FROM=app@example.com"


def main(words: Sequence[str] | None = None) -> int:
    """Serve; ends on SIGINT and SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m infra.mail", description=__doc__)
    parser.add_argument("--smtp-port", type=int, help="by default a free one")
    parser.add_argument("--page-port", type=int, help="by default a free one")
    given = parser.parse_args(words)
    free = ports(ROOT / ".dev" / "no-remembered-port")
    mailbox, ended = Mailbox(), threading.Event()
    smtp = smtp_server(mailbox, given.smtp_port or next(free))
    shown = page.server(mailbox, given.page_port or next(free))
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: ended.set())
    smtp.start()
    threading.Thread(target=shown.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{shown.server_port} shows mails sent by: {SETTINGS.format(smtp.port)}")
    sys.stdout.flush()
    ended.wait()
    shown.shutdown()
    smtp.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
