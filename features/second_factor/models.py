"""The tables of factors, login tickets and challenges, and the shapes of answers."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field
from sqlalchemy import BigInteger, DateTime, Index, LargeBinary, func
from sqlmodel import Field as Column

from kernel.db import TableModel, Timestamped
from kernel.schemas import CleanText, ReadSchema

MAX_NAME = 50
MAX_CREDENTIAL_ID = 1023  # bytes, by Web Authentication
MAX_PUBLIC_KEY = 2048  # bytes; one of RSA with 4096 bits has about 530
HASH_BYTES = 32
MAX_PASSKEYS = 50  # the most that MAX_PASSKEYS may be
MAX_CODES, MAX_CODE = 10, 40  # a recovery code has 19 characters with its hyphens

Name = Annotated[CleanText, Field(min_length=1, max_length=MAX_NAME)]
Step = Literal["totp", "passkey", "recovery_code"]


def _moment(**options: Any) -> Any:
    return Column(sa_type=DateTime(timezone=True), **options)


class Totp(Timestamped, table=True):
    """The secret that an account shares with an authenticator app, encrypted.

    It counts once a code of it was entered. `last_step` is the time step of the last code that was
    taken: it and earlier ones are refused.
    """

    __table_args__: ClassVar[Any] = (
        Index("uq_totp_user_id", "user_id", unique=True),
        {"info": {"small": True, "audited": ["user_id", "confirmed_at"]}},
    )

    id: int | None = Column(default=None, primary_key=True)
    user_id: int = Column(foreign_key="user.id", ondelete="CASCADE")
    secret: bytes = Column(sa_type=LargeBinary)
    last_step: int | None = Column(default=None, sa_type=BigInteger)
    confirmed_at: datetime | None = _moment(default=None)


class RecoveryCode(TableModel, table=True):
    """A code that is good once, in place of a factor; of the code only an HMAC is kept."""

    __table_args__: ClassVar[Any] = (
        Index("uq_recovery_code_user_id", "user_id", "code_hash", unique=True),
        {"info": {"small": True, "audited": ["user_id"]}},
    )

    id: int | None = Column(default=None, primary_key=True)
    user_id: int = Column(foreign_key="user.id", ondelete="CASCADE")
    code_hash: bytes = Column(sa_type=LargeBinary(HASH_BYTES))
    created_at: datetime = _moment(sa_column_kwargs={"server_default": func.now()})


class Passkey(Timestamped, table=True):
    """A credential of Web Authentication: its public key, and how often it says it was used."""

    __table_args__: ClassVar[Any] = (
        Index("uq_passkey_credential_id", "credential_id", unique=True),
        Index("ix_passkey_user_id", "user_id"),
        {"info": {"small": True, "audited": ["user_id"]}},
    )

    id: int | None = Column(default=None, primary_key=True)
    user_id: int = Column(foreign_key="user.id", ondelete="CASCADE")
    name: str = Column(max_length=MAX_NAME)
    credential_id: bytes = Column(sa_type=LargeBinary)
    public_key: bytes = Column(sa_type=LargeBinary)
    sign_count: int = Column(sa_type=BigInteger)
    last_used_at: datetime | None = _moment(default=None)


class LoginTicket(TableModel, table=True):
    """What the right password of an account with a factor is answered with: good once, for a short
    while and a few attempts, for that state of the account. Of the ticket only a hash is kept."""

    __table_args__: ClassVar[Any] = (
        Index("uq_login_ticket_token_hash", "token_hash", unique=True),
        Index("ix_login_ticket_user_id", "user_id"),
        Index("ix_login_ticket_expires_at", "expires_at"),
    )

    id: int | None = Column(default=None, primary_key=True)
    token_hash: bytes = Column(sa_type=LargeBinary(HASH_BYTES))
    user_id: int = Column(foreign_key="user.id", ondelete="CASCADE")
    version: int
    door: str = Column(max_length=10)
    attempts_left: int
    expires_at: datetime = _moment()


class PasskeyChallenge(TableModel, table=True):
    """What an authenticator is given to sign: good once, for one purpose and one account, if it is
    known. Of the challenge only a hash is kept."""

    __table_args__: ClassVar[Any] = (
        Index("uq_passkey_challenge_challenge_hash", "challenge_hash", unique=True),
        Index("ix_passkey_challenge_user_id", "user_id"),
        Index("ix_passkey_challenge_expires_at", "expires_at"),
    )

    id: int | None = Column(default=None, primary_key=True)
    challenge_hash: bytes = Column(sa_type=LargeBinary(HASH_BYTES))
    purpose: str = Column(max_length=20)
    user_id: int | None = Column(default=None, foreign_key="user.id", ondelete="CASCADE")
    expires_at: datetime = _moment()


class TotpKept(ReadSchema):
    """An authenticator app as it is kept: never an answer."""

    id: int
    secret: bytes
    confirmed_at: datetime | None


class CredentialId(ReadSchema):
    """What a passkey is known by: never an answer."""

    credential_id: bytes


class Factors(ReadSchema):
    """Which factors an account has: never an answer."""

    totp: bool
    passkey: bool
    recovery_code: bool

    @property
    def any(self) -> bool:
        """Recovery codes stand in for a factor, and are none."""
        return self.totp or self.passkey

    @property
    def steps(self) -> list[Step]:
        """What would do at a login."""
        given: dict[Step, bool] = {
            "totp": self.totp,
            "passkey": self.passkey,
            "recovery_code": self.recovery_code,
        }
        return [step for step, has in given.items() if has]


class PasskeyRead(ReadSchema):
    """A passkey, without its key."""

    id: int
    name: Annotated[str, Field(max_length=MAX_NAME)]
    created_at: datetime
    last_used_at: datetime | None


class SecondFactorRead(ReadSchema):
    """The factors of an account."""

    totp: Annotated[bool, Field(description="Whether an authenticator app is set up.")]
    passkeys: Annotated[list[PasskeyRead], Field(max_length=MAX_PASSKEYS)]
    recovery_codes_left: int
    required: Annotated[bool, Field(description="Whether this account must have a factor.")]


class TotpEnrolment(ReadSchema):
    """What an authenticator app needs, shown this once."""

    secret: Annotated[str, Field(description="In base32, to be typed in.")]
    uri: Annotated[str, Field(description="An address that authenticator apps open.")]
    qr_svg: Annotated[str, Field(description="The same as a QR code, an SVG element.")]


class RecoveryCodes(ReadSchema):
    """Codes that are shown this once; none where the account has some already."""

    recovery_codes: Annotated[
        list[Annotated[str, Field(max_length=MAX_CODE)]], Field(max_length=MAX_CODES)
    ]


class PasskeyAdded(PasskeyRead, RecoveryCodes):
    """A new passkey and, with the first factor, recovery codes."""


class PasskeyOptions(ReadSchema):
    """What a browser's `navigator.credentials` takes, in JSON
    (`PublicKeyCredential.parseCreationOptionsFromJSON`, `parseRequestOptionsFromJSON`)."""

    publicKey: dict[str, Any]  # noqa: N815 - the standard's name
