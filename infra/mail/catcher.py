"""An SMTP server that sends nothing on, and the mails that it has been given."""

import re
import threading
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

KEPT = 200  # the last ones
LINK = re.compile(r"https?://[^\s<>\"]+")


@dataclass(frozen=True)
class Caught:
    """A mail, and what a person wants to see of it."""

    number: int
    recipients: list[str]
    raw: bytes
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.raw, policy=policy.default)

    @property
    def subject(self) -> str:
        return str(self.message["Subject"] or "")

    def body(self, kind: str) -> str:
        """The text (`plain`) or the `html`; empty when the mail has none."""
        part = self.message.get_body((kind,))
        return "" if part is None else str(part.get_content())

    @property
    def links(self) -> list[str]:
        return list(dict.fromkeys(LINK.findall(self.body("plain"))))


class Mailbox:
    """What has come, the newest last; safe to use from several threads."""

    def __init__(self) -> None:
        self._kept: deque[Caught] = deque(maxlen=KEPT)
        self._lock = threading.Lock()
        self._count = 0

    def add(self, recipients: list[str], raw: bytes) -> Caught:
        with self._lock:
            self._count += 1
            caught = Caught(self._count, recipients, raw)
            self._kept.append(caught)
        return caught

    def all(self) -> list[Caught]:
        with self._lock:
            return list(self._kept)

    def get(self, number: int) -> Caught | None:
        return next((one for one in self.all() if one.number == number), None)


class Handler:
    """Takes every mail and tells of it in the terminal."""

    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        content = envelope.content or b""
        raw = content if isinstance(content, bytes) else content.encode()
        caught = self.mailbox.add(list(envelope.rcpt_tos), raw)
        lines = [f"{caught.subject!r} to {', '.join(caught.recipients)}", *caught.links]
        print("\n  ".join(lines), flush=True)
        return "250 OK"


def smtp_server(mailbox: Mailbox, port: int) -> Controller:
    """The server on this machine's own address, in a thread; `start` and `stop` it."""
    return Controller(Handler(mailbox), hostname="127.0.0.1", port=port)
