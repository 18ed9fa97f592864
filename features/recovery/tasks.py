"""The job that mails a link to a person who has forgotten a password."""

from pydantic import BaseModel

from features.recovery import crud
from features.users.crud import user_by_id
from kernel.jobs import JobContext, task


class Forgetful(BaseModel):
    """Who it is; 0 where no account has the address that was given."""

    user_id: int


@task(crud.REMIND)
async def remind(ctx: JobContext, arguments: Forgetful) -> None:
    """Mail a link to the account's address, as it is by now."""
    user = await user_by_id.one(ctx["db"], user_id=arguments.user_id)
    if user is not None:
        await crud.mail_reset_link(ctx["db"], user)


functions = [remind]
cron_jobs: list[object] = []
