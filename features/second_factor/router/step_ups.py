"""Routes of a step-up by a factor, in place of the password."""

from fastapi import APIRouter, Depends, Request

from features.auth.cross_site import refuse_cross_site
from features.auth.permissions import CurrentSession
from features.auth.security_log import record_after_commit
from features.auth.step_up import WRONG_CODE, note_password
from features.second_factor import ceremonies, crud, tickets
from features.second_factor.inputs import Proof
from features.second_factor.models import PasskeyOptions
from features.second_factor.permissions.proofs import counting, is_proof
from features.second_factor.relying_party import relying_party
from features.users.crud import account_by_id
from kernel.errors import (
    NotFoundException,
    ServiceUnavailableException,
    UnprocessableEntityException,
)
from kernel.schemas import Message
from kernel.web import SessionDep, unauthenticated

NO_FACTOR = "The account has no second factor."
CHANGING = "The account is being changed; try again shortly."

router = APIRouter(dependencies=[Depends(refuse_cross_site)])


@router.post("/step-up/factor", response_model=Message)
async def step_up_by_factor(
    values: Proof, request: Request, caller: CurrentSession, db: SessionDep
) -> Message:
    """Show a second factor again, which the acts that matter most need: a code of the authenticator
    app, a recovery code, or a passkey that has signed what POST /step-up/factor/options gave."""
    account = await account_by_id.one(db, user_id=caller.user_id)
    if account is None:
        raise unauthenticated(request)
    factors = await crud.factors_of.one(db, user_id=caller.user_id)
    if factors is None or not factors.any:
        raise NotFoundException(NO_FACTOR)
    async with counting(request, "step-up") as guess:
        guess.right = await is_proof(request, db, caller.user_id, values, "step-up")
    if not guess.right:
        # Commits, since a challenge is used up.
        raise UnprocessableEntityException(WRONG_CODE, commits=True)
    if not await note_password(db, caller, account.version):
        raise ServiceUnavailableException(CHANGING)
    record_after_commit(db, "factor confirmed", request, user=caller.user_id)
    return Message(message="Second factor confirmed")


@router.post("/step-up/factor/options", response_model=PasskeyOptions)
async def begin_step_up_by_factor(caller: CurrentSession, db: SessionDep) -> PasskeyOptions:
    """Get what `navigator.credentials.get()` takes, for a step-up by one of your passkeys."""
    known = await crud.credential_ids(db, caller.user_id)
    if not known:
        raise NotFoundException(NO_FACTOR)
    challenge = await tickets.new_challenge(db, "step-up", caller.user_id)
    party = relying_party(db.resources.settings)
    return PasskeyOptions(publicKey=ceremonies.request_options(party, challenge, known))
