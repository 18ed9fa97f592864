"""Routes by which a sign-in at a provider is begun for an account that is logged in to."""

from fastapi import APIRouter, Depends, Request, Response

from features.auth.cross_site import refuse_cross_site
from features.auth.further_step import open_before_step
from features.auth.permissions import CurrentSession
from features.auth.step_up import require_recent_password
from features.sign_in.attempts import begin
from features.sign_in.models import Purpose, SignInStart, SignInUrl
from features.sign_in.permissions import KnownProvider, away, count_start, refuse_elsewhere
from features.sign_in.provider import Provider
from features.sign_in.transport import ProviderAway
from kernel.db import UnitOfWork
from kernel.web import SessionDep

router = APIRouter(dependencies=[Depends(refuse_cross_site), Depends(count_start)])


@router.post("/sign-in/{provider}/link", response_model=SignInUrl)
async def link_identity(
    provider: KnownProvider,
    values: SignInStart,
    caller: CurrentSession,
    request: Request,
    response: Response,
    db: SessionDep,
) -> SignInUrl:
    """Link an account at the provider to yours: by a sign-in there, at the address answered here.

    Needs a password that was entered lately (POST /step-up, or POST /sign-in/{provider}/step-up).
    """
    await require_recent_password(db, caller)
    url = await begun(request, response, db, provider, Purpose.LINK, values.next, caller.session_id)
    return SignInUrl(url=url)


@router.post("/sign-in/{provider}/step-up", response_model=SignInUrl)
@open_before_step  # an account without a password has no other step-up, to set a factor up
async def step_up_by_provider(
    provider: KnownProvider,
    values: SignInStart,
    caller: CurrentSession,
    request: Request,
    response: Response,
    db: SessionDep,
) -> SignInUrl:
    """Show the provider anew who you are, in place of entering a password, at the address answered
    here.

    It counts for STEP_UP_MINUTES, as POST /step-up does.
    """
    url = await begun(
        request, response, db, provider, Purpose.STEP_UP, values.next, caller.session_id
    )
    return SignInUrl(url=url)


async def begun(
    request: Request,
    response: Response,
    db: UnitOfWork,
    provider: Provider,
    purpose: Purpose,
    return_to: str,
    session_id: int | None = None,
) -> str:
    """The address at the provider, to which the browser is sent with a cookie for its way back.

    Raises UnprocessableEntityException (422), and ServiceUnavailableException (503).
    """
    refuse_elsewhere(request, return_to)
    try:
        return await begin(request, response, db, provider, purpose, return_to, session_id)
    except ProviderAway as reason:
        raise away(provider, reason) from reason
