"""Routes of one's own passkeys."""

from fastapi import APIRouter, Request

from features.auth.permissions import CurrentSession
from features.auth.security_log import record, record_after_commit
from features.second_factor import ceremonies, crud, enrolment
from features.second_factor.inputs import PasskeyCreate
from features.second_factor.models import PasskeyAdded, PasskeyOptions
from features.second_factor.permissions.changes import begin_change, refuse_last
from features.second_factor.relying_party import relying_party
from features.second_factor.settings import SecondFactorSettings
from features.second_factor.tickets import new_challenge, take_challenge
from kernel.errors import ConflictException, NotFoundException, UnprocessableEntityException
from kernel.schemas import Message, PathId
from kernel.web import SessionDep

PASSKEY_NOT_FOUND = "Passkey not found"
NO_PASSKEY_BEGUN = "No passkey is being added, or no longer: begin anew."
BAD_PASSKEY = "This passkey can't be added."
TOO_MANY = "The account has as many passkeys as it may have."

router = APIRouter()


@router.post("/second_factor/passkey_options", response_model=PasskeyOptions)
async def begin_passkey(caller: CurrentSession, request: Request, db: SessionDep) -> PasskeyOptions:
    """Begin to add a passkey: what `navigator.credentials.create()` takes. Needs a step-up."""
    await begin_change(request, db, caller)
    known = await crud.credential_ids(db, caller.user_id)
    if len(known) >= db.resources.settings.group(SecondFactorSettings).max_passkeys:
        raise ConflictException(TOO_MANY)
    challenge = await new_challenge(db, "passkey", caller.user_id)
    party = relying_party(db.resources.settings)
    options = ceremonies.creation_options(party, challenge, caller.user_id, caller.username, known)
    return PasskeyOptions(publicKey=options)


@router.post("/second_factor/passkey", status_code=201, response_model=PasskeyAdded)
async def write_passkey(
    values: PasskeyCreate, caller: CurrentSession, request: Request, db: SessionDep
) -> PasskeyAdded:
    """Add a passkey that was made for those options. Needs a step-up.

    With the first factor come recovery codes, which are shown this once.
    """
    await begin_change(request, db, caller)
    challenge = ceremonies.challenge_in(values.credential)
    if not challenge or not await take_challenge(db, "passkey", caller.user_id, challenge):
        raise NotFoundException(NO_PASSKEY_BEGUN)
    settings = db.resources.settings
    made = ceremonies.new_credential(relying_party(settings), challenge, values.credential)
    most = settings.group(SecondFactorSettings).max_passkeys
    if len(await crud.credential_ids(db, caller.user_id)) >= most:
        raise ConflictException(TOO_MANY)
    kept = made and await crud.add_passkey(db, caller.user_id, values.name, made)
    if not kept:
        record("factor refused", request, user=caller.user_id, what="new passkey")
        # Commits, since the challenge is used up.
        raise UnprocessableEntityException(BAD_PASSKEY, commits=True)
    record_after_commit(db, "factor added", request, user=caller.user_id, passkey=kept.id)
    codes = await enrolment.added(db, caller.user_id, "passkey")
    return PasskeyAdded(**kept.model_dump(), **codes.model_dump())


@router.delete("/second_factor/passkey/{id}", response_model=Message)
async def erase_passkey(
    id: PathId, caller: CurrentSession, request: Request, db: SessionDep
) -> Message:
    """Remove one of your passkeys. Needs a step-up."""
    await begin_change(request, db, caller, removing=True)
    if not await crud.remove_passkey(db, caller.user_id, id):
        raise NotFoundException(PASSKEY_NOT_FOUND)
    left = await enrolment.removed(db, caller.user_id, "passkey")
    refuse_last(db, caller, left)
    record_after_commit(db, "factor removed", request, user=caller.user_id, passkey=id)
    return Message(message="Passkey removed")
