"""Mail and links for the gates in tests/gates (see tests/callers.py)."""

from collections.abc import Mapping
from typing import Any

from features.emails.tests.mailing import mailed_link, turn_mail_on
from features.verification.crud import CONFIRM
from tests.callers import People


async def arrange(people: People, operation: str) -> Mapping[str, Any]:
    """Mail is on; a link of the owner's for those that use one."""
    turn_mail_on(people)
    if operation in ("confirm_email", "submit_confirmation_form"):
        return {"body": {"token": await mailed_link(people, CONFIRM)}}
    if operation == "submit_verification_form":
        return {"body": {"email": people.owner.email}}
    return {}
