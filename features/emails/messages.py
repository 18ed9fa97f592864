"""A mail as the bytes that a server takes."""

from datetime import datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

from email_validator import EmailNotValidError, validate_email

from features.emails.rendering import Rendered

# Lines as long as the standard allows: a longer header is folded into encoded words, which no
# reader takes for the address that it was.
POLICY = policy.SMTP.clone(max_line_length=998)


def mailbox(email: str) -> str:
    """The address as servers take it: its domain in ASCII.

    Raises ValueError for what is no address, or one that only servers with SMTPUTF8 take.
    """
    try:
        ascii_email = validate_email(email, check_deliverability=False).ascii_email
    except EmailNotValidError:
        raise ValueError("that is no e-mail address") from None
    if ascii_email is None:
        raise ValueError("the part before the @ has letters that few servers take")
    return ascii_email


def encode(
    mail: Rendered, *, sender: str, name: str, to: str, message_id: str, date: datetime
) -> bytes:
    """The whole message. Raises ValueError for an address that is none."""
    message = EmailMessage(policy=POLICY)
    address = mailbox(sender)
    message["From"] = Address(display_name=" ".join(name.split()), addr_spec=address)
    message["To"] = Address(addr_spec=mailbox(to))
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(date)
    message["Message-ID"] = f"<{message_id}@{address.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # so that no out-of-office message answers
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")  # last, since readers show the last
    return message.as_bytes(policy=POLICY)
