"""Where browsers begin to sign in, and where the provider sends them back."""

import re
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from features.auth.cookies import refresh_cookie
from features.emails.link_pages import PAGE
from features.sign_in.attempts import begin, redirect_uri, take
from features.sign_in.id_tokens import BadToken
from features.sign_in.models import Attempt, Purpose
from features.sign_in.permissions import (
    KnownProvider,
    away,
    count_return,
    count_start,
    refuse_elsewhere,
    refused,
)
from features.sign_in.provider import Claims, Provider
from features.sign_in.provider import Request as SignInRequest
from features.sign_in.router.accounts import SignInEnd, confirm, link_account, sign_in
from features.sign_in.router.outcomes import ended, failed, sent
from features.sign_in.transport import ProviderAway
from kernel.context import context_of
from kernel.errors import CustomException
from kernel.web import Access, SessionDep, access, translate

CODE = re.compile(r"[ -~]{1,2048}")  # RFC 6749, appendix A.11
ENDS = {Purpose.SIGN_IN: sign_in, Purpose.LINK: link_account, Purpose.STEP_UP: confirm}

router = APIRouter()
RefreshCookie = Annotated[str | None, Depends(refresh_cookie)]


@router.get("/sign-in/{provider}", dependencies=[Depends(count_start)], **PAGE)
@access(Access.PUBLIC)
async def start_sign_in(
    provider: KnownProvider,
    request: Request,
    db: SessionDep,
    return_to: Annotated[str, Query(alias="next")] = "",
) -> Response:
    """Send a browser to the provider; from there it comes back."""
    try:
        refuse_elsewhere(request, return_to)
        response = sent("")  # it gets its cookie before it is known where to
        url = await begin(request, response, db, provider, Purpose.SIGN_IN, return_to)
        response.headers["Location"] = url
    except ProviderAway as reason:
        return failed(request, "", away(provider, reason))
    except CustomException as refusal:
        return failed(request, "", refusal)
    return response


@router.get("/sign-in/{provider}/callback", dependencies=[Depends(count_return)], **PAGE)
@access(Access.PUBLIC)
async def finish_sign_in(
    provider: KnownProvider,
    request: Request,
    db: SessionDep,
    replaced: RefreshCookie,
    state: str = "",
    code: str = "",
    iss: str = "",
    error: str = "",
) -> Response:
    """Take a browser back from the provider, and send it on."""
    attempt = await take(request, provider.values.name, state)
    return_to = attempt.return_to if attempt else ""
    try:
        if attempt is None:
            raise refused(request, provider, "state or browser")
        claims = await _claims(request, provider, attempt, state, code, iss, error)
        response = ended(attempt)
        end = SignInEnd(request, response, db, provider, attempt, claims, replaced)
        await ENDS[attempt.purpose](end)
    except Exception as raised:
        refusal = translate(raised)
        if not isinstance(refusal, CustomException):
            raise
        db.raised = raised  # for the unit, which is undone, although its browser gets a page
        return failed(request, return_to, refusal)
    return response


async def _claims(
    request: Request,
    provider: Provider,
    attempt: Attempt,
    state: str,
    code: str,
    iss: str,
    error: str,
) -> Claims:
    """What the provider says of the person. Raises BadRequestException (400), and
    ServiceUnavailableException (503)."""
    name = provider.values.name
    sign_in_request = SignInRequest(
        state=state,
        nonce=attempt.nonce,
        verifier=attempt.verifier,
        redirect_uri=redirect_uri(context_of(request).resources, name),
        anew=attempt.purpose is Purpose.STEP_UP,
    )
    try:
        # RFC 9207: the answer may be another provider's, to whom the code isn't to be shown.
        if iss != provider.values.issuer and (iss or await provider.names_itself()):
            raise BadToken("issuer of the answer")
        if error or not CODE.fullmatch(code):
            raise BadToken("no code")
        with_profile = attempt.purpose is Purpose.SIGN_IN
        return await provider.claims(sign_in_request, code, with_profile=with_profile)
    except BadToken as reason:
        raise refused(request, provider, str(reason)) from reason
    except ProviderAway as reason:
        raise away(provider, reason) from reason
