"""What is sent by a person who has forgotten a password."""

from pydantic import EmailStr

from kernel.schemas import InputSchema, example


class PasswordForgot(InputSchema):
    """Whose password was forgotten."""

    model_config = example(email="ada@example.com")

    email: EmailStr


class ForgotForm(InputSchema):
    """The same as a page's form sends it; what is wrong with it, the page says."""

    model_config = example(email="ada@example.com")

    email: str = ""
