"""What is sent by a person who has forgotten a password."""

from kernel.schemas import EmailAddress, InputSchema, example


class PasswordForgot(InputSchema):
    """Whose password was forgotten."""

    model_config = example(email="ada@example.com")

    email: EmailAddress


class ForgotForm(InputSchema):
    """The same as a page's form sends it; what is wrong with it, the page says."""

    model_config = example(email="ada@example.com")

    email: str = ""
