"""Mail and links for the gates in tests/gates (see tests/callers.py)."""

from collections.abc import Mapping
from typing import Any

from features.emails.tests.mailing import mailed_link, turn_mail_on
from features.recovery.crud import RESET
from tests.callers import People

NEW = "an unguessed pass phrase"


async def arrange(people: People, operation: str) -> Mapping[str, Any]:
    """Mail is on; a link of the owner's for those that use one."""
    turn_mail_on(people)
    if operation in ("reset_password", "submit_reset_form"):
        return {"body": {"token": await mailed_link(people, RESET), "password": NEW}}
    if operation == "submit_forgot_form":
        return {"body": {"email": people.owner.email}}
    return {}
