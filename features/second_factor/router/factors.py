"""Routes of one's own factors, and of superusers who take those of another away."""

from fastapi import APIRouter, Request

from features.auth import sessions
from features.auth.permissions import CurrentSession, SuperUser, UsernameInPath, path_user
from features.auth.security_log import record, record_after_commit
from features.auth.step_up import WRONG_CODE, require_recent_password
from features.second_factor import codes, crud, enrolment, totp
from features.second_factor.events import FactorRemoved
from features.second_factor.inputs import TotpConfirm
from features.second_factor.models import (
    RecoveryCodes,
    SecondFactorRead,
    TotpEnrolment,
)
from features.second_factor.permissions.changes import begin_change, refuse_last
from features.second_factor.permissions.proofs import guessing
from features.second_factor.permissions.requirement import needs_factor
from features.second_factor.sealing import sealer
from kernel.config import AppSettings
from kernel.errors import ConflictException, NotFoundException, UnprocessableEntityException
from kernel.events import emit
from kernel.schemas import Message
from kernel.web import SessionDep

ALREADY = "An authenticator app is set up already; remove it first."
NOT_BEGUN = "No authenticator app is being set up."
NO_TOTP = "No authenticator app is set up."
NO_FACTOR = "The account has no second factor."

router = APIRouter()


@router.get("/second_factor", response_model=SecondFactorRead)
async def read_second_factor(caller: CurrentSession, db: SessionDep) -> SecondFactorRead:
    """Show which second factors your account has."""
    factors = await crud.factors_of.one(db, user_id=caller.user_id)
    return SecondFactorRead(
        totp=factors is not None and factors.totp,
        passkeys=await crud.passkeys_of(db, caller.user_id),
        recovery_codes_left=await codes.crud_recovery_codes.count(db, user_id=caller.user_id),
        required=needs_factor(db.resources.settings, caller.is_superuser),
    )


@router.post("/second_factor/totp", status_code=201, response_model=TotpEnrolment)
async def write_totp(caller: CurrentSession, request: Request, db: SessionDep) -> TotpEnrolment:
    """Begin to set up an authenticator app. Its secret is shown this once, and counts once a code
    of it is sent to /second_factor/totp/confirm.

    Needs a step-up: POST /step-up, or POST /step-up/factor.
    """
    await begin_change(request, db, caller)
    settings = db.resources.settings
    secret = totp.new_secret()
    sealed = sealer(settings).seal(secret, caller.user_id)
    if not await codes.begin_totp(db, caller.user_id, sealed):
        raise ConflictException(ALREADY)
    address = totp.address_of(secret, caller.username, settings.group(AppSettings).app_name)
    return TotpEnrolment(secret=totp.spelled(secret), uri=address, qr_svg=totp.qr_of(address))


@router.post("/second_factor/totp/confirm", response_model=RecoveryCodes)
async def confirm_totp(
    values: TotpConfirm, caller: CurrentSession, request: Request, db: SessionDep
) -> RecoveryCodes:
    """Set the authenticator app up, by a code that it shows.

    With the first factor come recovery codes, which are shown this once.
    """
    await begin_change(request, db, caller)
    found = await codes.totp_of(db, caller.user_id)
    if found is None or found.confirmed_at is not None:
        raise NotFoundException(NOT_BEGUN)
    opened = sealer(db.resources.settings).open(found.secret, caller.user_id)
    async with guessing(request, caller.user_id) as guess:
        step = opened and totp.step_of(opened[0], values.code.get_secret_value().strip())
        guess.right = bool(step) and await codes.confirm_totp(db, found, step or 0)
    if not guess.right:
        record("factor refused", request, user=caller.user_id, what="code")
        raise UnprocessableEntityException(WRONG_CODE)
    record_after_commit(db, "factor added", request, user=caller.user_id, factor="totp")
    return await enrolment.added(db, caller.user_id, "authenticator app")


@router.delete("/second_factor/totp", response_model=Message)
async def erase_totp(caller: CurrentSession, request: Request, db: SessionDep) -> Message:
    """Remove the authenticator app. Needs a step-up."""
    await begin_change(request, db, caller, removing=True)
    if not await codes.remove_totp(db, caller.user_id):
        raise NotFoundException(NO_TOTP)
    left = await enrolment.removed(db, caller.user_id, "authenticator app")
    refuse_last(db, caller, left)
    record_after_commit(db, "factor removed", request, user=caller.user_id, factor="totp")
    return Message(message="Authenticator app removed")


@router.post("/second_factor/recovery_codes", response_model=RecoveryCodes)
async def renew_recovery_codes(
    caller: CurrentSession, request: Request, db: SessionDep
) -> RecoveryCodes:
    """Get new recovery codes, shown this once; the earlier ones stop working. Needs a step-up."""
    await begin_change(request, db, caller)
    factors = await crud.factors_of.one(db, user_id=caller.user_id)
    if factors is None or not factors.any:
        raise NotFoundException(NO_FACTOR)
    made = await enrolment.renewed_codes(db, caller.user_id)
    record_after_commit(db, "recovery codes renewed", request, user=caller.user_id)
    return RecoveryCodes(recovery_codes=made)


@router.delete("/user/{username}/second_factor", response_model=Message)
async def erase_second_factor(
    username: UsernameInPath,
    session: CurrentSession,
    caller: SuperUser,
    request: Request,
    db: SessionDep,
) -> Message:
    """Remove all second factors of a user who has lost them. The user's sessions end.

    Make sure by another way that it is this user who asks for it. Needs a step-up.
    """
    user_id = await path_user(username, db)
    await require_recent_password(db, caller)
    await crud.lock_account(db, user_id)
    if not await crud.remove_all(db, user_id):
        raise NotFoundException(NO_FACTOR)
    await sessions.end_all(db, user_id, reason="factors removed")
    await emit(db, FactorRemoved(user_id, None))
    record_after_commit(db, "factors reset", request, user=user_id)
    return Message(message="Second factors removed")
