"""Handing a message to the SMTP server, and what its answer means."""

import ssl

import aiosmtplib

from features.emails.settings import EmailSettings


class Refused(Exception):
    """The server will never take it: `address` says whether that is because of the address."""

    def __init__(self, code: int, *, address: bool) -> None:
        super().__init__(f"The SMTP server refuses the mail for good ({code}).")
        self.address = address


class NotNow(Exception):
    """The server is away, slow, or asks to come back later."""


# For good, and about the mailbox itself rather than about us, the mail, or a full box.
NO_SUCH_MAILBOX = frozenset({550, 551, 553})


async def deliver(settings: EmailSettings, sender: str, to: str, message: bytes) -> None:
    """Hand the message over. Raises Refused, or NotNow where another attempt may succeed.

    Neither bears the server's words, which may name the address.
    """
    assert settings.smtp_host is not None
    password = settings.smtp_password
    client = aiosmtplib.SMTP(
        hostname=settings.smtp_host,
        port=settings.smtp_port,
        username=settings.smtp_username,
        password=password.get_secret_value() if password else None,
        use_tls=settings.smtp_security == "tls",
        start_tls=settings.smtp_security == "starttls",
        timeout=settings.smtp_timeout,
    )
    try:
        async with client:
            # A list: a text with a comma would be one recipient. One recipient, so that a refusal
            # raises: of several, those that are refused only stand in the answer.
            await client.sendmail(sender, [to], message)
    except aiosmtplib.SMTPRecipientsRefused as error:
        code = error.recipients[0].code
        if 500 <= code < 600:
            raise Refused(code, address=code in NO_SUCH_MAILBOX) from None
        raise NotNow(f"The SMTP server doesn't take the address now ({code}).") from None
    except aiosmtplib.SMTPAuthenticationError as error:
        # Of the settings, so it is as well to wait for their repair.
        raise NotNow(f"The SMTP server refuses SMTP_USERNAME ({error.code}).") from None
    except aiosmtplib.SMTPResponseException as error:
        if 500 <= error.code < 600:
            raise Refused(error.code, address=False) from None
        raise NotNow(f"The SMTP server answers {error.code}.") from None
    except (aiosmtplib.SMTPException, ssl.SSLError, OSError) as error:
        raise NotNow(f"The SMTP server can't be reached: {type(error).__name__}.") from None
