"""What is sent to set a new password by a link."""

from typing import Annotated

from pydantic import SecretStr

from features.emails.models import LinkToken
from features.users.models import Password
from kernel.schemas import InputSchema, NoNul, example

EXAMPLE = example(
    token="the-code-behind-the-link",  # noqa: S106 - everybody's example
    password="correct horse battery",  # noqa: S106
)


class PasswordReset(InputSchema):
    """The code of the link that was mailed, and the new password."""

    model_config = EXAMPLE

    token: LinkToken
    password: Password


class ResetForm(InputSchema):
    """The same as a page's form sends it; what is wrong with it, the page says."""

    model_config = EXAMPLE

    token: Annotated[SecretStr, NoNul()] = SecretStr("")
    password: Annotated[SecretStr, NoNul()] = SecretStr("")
