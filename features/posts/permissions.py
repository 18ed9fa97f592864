"""Who may publish and change posts under a name: its user, and superusers."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends

from features.auth.permissions import USER_NOT_FOUND, CurrentUser, UsernameInPath
from features.users.crud import id_by_username
from kernel.db import UnitOfWork
from kernel.errors import ForbiddenException, NotFoundException
from kernel.web import NOT_YOURS, Access, SessionDep, access


@dataclass(frozen=True, slots=True)
class Author:
    """The user in the path and who calls for it, as the statements of posts ask for them.

    That the two belong together is decided there, in the statement that reads or writes.
    """

    username: str
    caller_id: int
    is_superuser: bool

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters of those statements."""
        return {name: getattr(self, name) for name in self.__slots__}


@access(Access.SELF)
async def own_author(username: UsernameInPath, caller: CurrentUser, db: SessionDep) -> Author:
    """The caller as the path's author, or any author when a superuser calls.

    Raises NotFoundException (404), then ForbiddenException (403).
    """
    author = Author(username, caller.user_id, caller.is_superuser)
    if username != caller.username and not caller.is_superuser:
        await refuse_author(db, author)
    return author


async def refuse_author(db: UnitOfWork, author: Author) -> None:
    """Say what is wrong with the author: missing (404), or not the caller (403)."""
    user_id = await id_by_username.scalar(db, username=author.username)
    if user_id is None:
        raise NotFoundException(USER_NOT_FOUND)
    if not author.is_superuser and user_id != author.caller_id:
        raise ForbiddenException(NOT_YOURS)


OwnAuthor = Annotated[Author, Depends(own_author)]
