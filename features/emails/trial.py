"""`python -m features.emails.trial ADDRESS`: send a mail at once; say what the server answered."""

import argparse
import asyncio
import sys
from datetime import UTC, datetime
from uuid import uuid4

from features.emails.delivery import NotNow, Refused, deliver
from features.emails.messages import encode, mailbox
from features.emails.rendering import render
from features.emails.settings import EmailSettings
from kernel.config import AppSettings, Settings, SettingsError
from kernel.settings import load_settings

OFF = "SMTP_HOST isn't set, so no mail is sent; .env.example lists what there is to set."


async def attempt(settings: Settings, to: str) -> str:
    """Send it; what became of it, in a sentence.

    Raises Refused, NotNow, and ValueError for what is no address or where mail is off.
    """
    smtp, app = settings.group(EmailSettings), settings.group(AppSettings)
    if not smtp.is_on or smtp.smtp_from is None:
        raise ValueError(OFF)
    message = encode(
        render("emails.test", {"app": app.app_name}),
        sender=smtp.smtp_from,
        name=app.app_name,
        to=to,
        message_id=uuid4().hex,
        date=datetime.now(UTC),
    )
    await deliver(smtp, mailbox(smtp.smtp_from), mailbox(to), message)
    return f"{smtp.smtp_host}:{smtp.smtp_port} has taken the mail for {to}."


def main() -> str:
    """The sentence for the terminal. Raises what `attempt` raises, and SettingsError."""
    parser = argparse.ArgumentParser(prog="features.emails.trial", description=__doc__)
    parser.add_argument("address", metavar="ADDRESS")
    return asyncio.run(attempt(load_settings(), parser.parse_args().address))


if __name__ == "__main__":
    try:
        sys.stdout.write(main() + "\n")
    except (Refused, NotNow, SettingsError, ValueError) as error:
        sys.exit(str(error))
