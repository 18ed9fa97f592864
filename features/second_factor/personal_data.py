"""What second factors keep of a person: which factors, without what they are known by."""

from sqlalchemy import BindParameter, bindparam, select
from sqlmodel import col

from features.second_factor.models import Passkey, RecoveryCode, Totp

_user_id: BindParameter[int] = bindparam("user_id")
exports = {
    "totp": select(
        col(Totp.id), col(Totp.created_at), col(Totp.updated_at), col(Totp.confirmed_at)
    ).where(col(Totp.user_id) == _user_id),
    "recovery_codes": select(col(RecoveryCode.id), col(RecoveryCode.created_at)).where(
        col(RecoveryCode.user_id) == _user_id
    ),
    "passkeys": select(
        col(Passkey.id),
        col(Passkey.name),
        col(Passkey.created_at),
        col(Passkey.updated_at),
        col(Passkey.last_used_at),
    ).where(col(Passkey.user_id) == _user_id),
}
omitted = {
    "totp.secret": "what the authenticator app makes its codes from",
    "totp.last_step": "when a code was used last, to 30 seconds: so that none is used twice",
    "recovery_code.code_hash": "by which a code is known again",
    "passkey.credential_id": "by which the passkey is known again",
    "passkey.public_key": "by which the passkey is known again",
    "passkey.sign_count": "a number of the authenticator's",
    "login_ticket": "a login that was begun a few minutes ago",
    "passkey_challenge": "what a passkey was asked to sign a few minutes ago",
}
