"""What is sent to set a factor up, and to show one."""

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, SecretStr, model_validator

from features.second_factor.models import MAX_CODE, MAX_CREDENTIAL_ID, Name
from kernel.schemas import InputSchema, NoNul, example

MAX_TICKET = 100  # ours have 43 characters
B64 = r"^[A-Za-z0-9_-]*$"


def _base64url(most: int) -> Any:
    return Field(max_length=-(-most * 4 // 3), pattern=B64)


Code = Annotated[SecretStr, Field(max_length=MAX_CODE), NoNul()]
Ticket = Annotated[SecretStr, Field(max_length=MAX_TICKET), NoNul()]
# Browsers send what the standard's newer levels add: it is left out, not refused.
OPEN = ConfigDict(extra="ignore")


class AssertionResponse(InputSchema):
    """What an authenticator has signed, in base64url."""

    model_config = OPEN

    clientDataJSON: Annotated[str, _base64url(4096)]  # noqa: N815 - the standard's names
    authenticatorData: Annotated[str, _base64url(4096)]  # noqa: N815
    signature: Annotated[str, _base64url(2048)]
    userHandle: Annotated[str, _base64url(64)] | None = None  # noqa: N815


class Assertion(InputSchema):
    """A PublicKeyCredential of `navigator.credentials.get()`, as its `toJSON()` gives it."""

    model_config = OPEN

    id: Annotated[str, _base64url(MAX_CREDENTIAL_ID)]
    rawId: Annotated[str, _base64url(MAX_CREDENTIAL_ID)]  # noqa: N815
    type: Literal["public-key"]
    response: AssertionResponse


class AttestationResponse(InputSchema):
    """A new credential, in base64url."""

    model_config = OPEN

    clientDataJSON: Annotated[str, _base64url(4096)]  # noqa: N815
    attestationObject: Annotated[str, _base64url(65_536)]  # noqa: N815


class Attestation(InputSchema):
    """A PublicKeyCredential of `navigator.credentials.create()`, as its `toJSON()` gives it."""

    model_config = OPEN

    id: Annotated[str, _base64url(MAX_CREDENTIAL_ID)]
    rawId: Annotated[str, _base64url(MAX_CREDENTIAL_ID)]  # noqa: N815
    type: Literal["public-key"]
    response: AttestationResponse


class PasskeyCreate(InputSchema):
    """A new passkey, and what its owner calls it."""

    name: Name
    credential: Attestation


class TotpConfirm(InputSchema):
    """The code that the authenticator app shows now."""

    model_config = example(code="123456")

    code: Code


class Proof(InputSchema):
    """One of the account's factors: a code (of the app, or a recovery code), or a passkey."""

    model_config = example(code="123456")

    code: Code | None = None
    passkey: Assertion | None = None

    @model_validator(mode="after")
    def has_one(self) -> Self:
        if (self.code is None) == (self.passkey is None):
            raise ValueError("give either a code or a passkey")
        return self


class LoginProof(Proof):
    """The ticket of a login, and one of the account's factors."""

    model_config = example(ticket="the-ticket-of-the-login", code="123456")

    ticket: Ticket


class TicketOnly(InputSchema):
    """The ticket of a login."""

    model_config = example(ticket="the-ticket-of-the-login")

    ticket: Ticket


class PasskeyLogin(InputSchema):
    """A passkey, which says itself whose it is."""

    passkey: Assertion
