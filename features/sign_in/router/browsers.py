"""Where browsers begin to sign in, and where the provider sends them back."""

import re
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from features.auth.cookies import refresh_cookie
from features.emails.link_pages import PAGE
from features.sign_in.attempts import redirect_uri, take
from features.sign_in.id_tokens import BadToken
from features.sign_in.models import Attempt, Purpose
from features.sign_in.permissions import (
    away,
    count_return,
    count_start,
    known_provider,
    refused,
)
from features.sign_in.provider import Claims, Provider
from features.sign_in.provider import Request as SignInRequest
from features.sign_in.router.accounts import SignInEnd, confirm, link_account, sign_in
from features.sign_in.router.outcomes import ended, failed, sent
from features.sign_in.router.starting import begun
from features.sign_in.transport import ProviderAway
from kernel.context import context_of
from kernel.errors import CustomException
from kernel.schemas import CleanText
from kernel.web import Access, SessionDep, access, translate

CODE = re.compile(r"[ -~]{1,2048}")  # RFC 6749, appendix A.11
ENDS = {Purpose.SIGN_IN: sign_in, Purpose.LINK: link_account, Purpose.STEP_UP: confirm}

router = APIRouter()
RefreshCookie = Annotated[str | None, Depends(refresh_cookie)]


@router.get("/sign-in/{provider}", **PAGE)
@access(Access.PUBLIC)
async def start_sign_in(
    provider: CleanText,
    request: Request,
    db: SessionDep,
    return_to: Annotated[str, Query(alias="next")] = "",
) -> Response:
    """Send a browser to the provider; from there it comes back."""
    response = sent("")  # it gets its cookie before it is known where to
    try:
        await count_start(request)
        known = await known_provider(provider, request)
        url = await begun(request, response, db, known, Purpose.SIGN_IN, return_to)
    except CustomException as refusal:
        return failed(request, "", refusal)
    response.headers["Location"] = url
    return response


@router.get("/sign-in/{provider}/callback", **PAGE)
@access(Access.PUBLIC)
async def finish_sign_in(
    provider: CleanText,
    request: Request,
    db: SessionDep,
    replaced: RefreshCookie,
    state: str = "",
    code: str = "",
    iss: str = "",
    error: str = "",
) -> Response:
    """Take a browser back from the provider, and send it on."""
    return_to = ""
    try:
        await count_return(request)
        known = await known_provider(provider, request)
        attempt = await take(request, provider, state)
        if attempt is None:
            raise refused(request, known, "state or browser")
        return_to = attempt.return_to
        claims = await _claims(request, known, attempt, state, code, iss, error)
        response = ended(attempt)
        end = SignInEnd(request, response, db, known, attempt, claims, replaced)
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
