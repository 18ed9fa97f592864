"""`python -m infra.mail`: catch mails until it is stopped; its first line says how to use it."""

import argparse
import errno
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from infra.local.paths import is_free, ports
from infra.mail import page
from infra.mail.catcher import Mailbox, smtp_server
from kernel.config.loader import ROOT

SETTINGS = "SMTP_HOST=127.0.0.1 SMTP_PORT={} SMTP_SECURITY=none SMTP_FROM=app@example.com"


def main(words: Sequence[str] | None = None) -> int:
    """Serve; ends on SIGINT and SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m infra.mail", description=__doc__)
    parser.add_argument("--smtp-port", type=int, help="by default a free one")
    parser.add_argument("--page-port", type=int, help="by default a free one")
    parser.add_argument("--ready", type=Path, help="make this file once it serves, say nothing")
    given = parser.parse_args(words)
    free = ports(ROOT / ".dev" / "no-remembered-port")
    mailbox, ended = Mailbox(), threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: ended.set())
    smtp = smtp_server(mailbox, given.smtp_port or next(free))
    try:
        shown = page.server(mailbox, given.page_port or next(free))
        if not is_free(smtp.port):  # aiosmtpd would say so after five seconds
            raise OSError(errno.EADDRINUSE, f"port {smtp.port} is in use")
        smtp.start()
    except OSError as error:
        print(f"The port is taken: {error.strerror}.")
        return 1
    threading.Thread(target=shown.serve_forever, args=(0.05,), daemon=True).start()
    if given.ready is not None:
        given.ready.touch()
    else:
        address = f"http://127.0.0.1:{shown.server_port}"
        print(f"{address} shows mails sent by: {SETTINGS.format(smtp.port)}")
        print(f"{address}/previews shows every mail as it would look", flush=True)
    ended.wait()
    shown.shutdown()
    smtp.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
