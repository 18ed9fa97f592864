"""Whether what is shown is one of an account's factors: counted, throttled, and told in no detail.

Codes of six digits can be guessed, so that wrong ones are bounded per account; recovery codes and
passkeys can't, and still get in where a guesser has used that up. All are bounded per network.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from starlette.requests import HTTPConnection

from features.auth.cookies import known_device
from features.auth.security_log import record
from features.auth.settings import AuthSettings
from features.auth.throttle import TENFOLD, Guess, acquire
from features.second_factor import ceremonies, codes, crud, recovery_codes, totp
from features.second_factor.inputs import Assertion, Proof
from features.second_factor.relying_party import relying_party
from features.second_factor.sealing import sealer
from features.second_factor.tickets import Purpose, take_challenge
from kernel.context import context_of
from kernel.db import UnitOfWork
from kernel.rate_limit import Limiter, Quota, Rule, network_of

DAY = 24 * 3600


@asynccontextmanager
async def counting(connection: HTTPConnection, what: str) -> AsyncGenerator[Guess, None]:
    """Count what happens inside for the client's network, unless it was right.

    Raises RateLimitException (429) for a network of which too much was wrong.
    """
    context = context_of(connection)
    settings = context.resources.settings.group(AuthSettings)
    rule = Rule(settings.login_failure_limit * TENFOLD, settings.login_failure_period)
    key, guess = f"{what}:@{network_of(context.address)}", Guess()
    decision = await acquire(connection, Quota(key, rule))
    yield guess
    if guess.right:
        await context.resources.get(Limiter).refund(decision, key)


@asynccontextmanager
async def guessing(connection: HTTPConnection, user_id: int) -> AsyncGenerator[Guess, None]:
    """Count what happens inside as a wrong code of that account, unless it was right.

    As many as wrong passwords, wherever they come from, since who tries codes has the password; and
    ten times as many in a day. A right password gives none of them back. A device that the user has
    logged in on has quotas of its own, which no stranger can use up.
    """
    context = context_of(connection)
    settings = context.resources.settings.group(AuthSettings)
    few = Rule(settings.login_failure_limit, settings.login_failure_period)
    whose = f"{user_id}:{known_device(connection, user_id) or 'strangers'}"
    first = Quota(f"factor:{whose}", few)
    daily = Quota(f"factor a day:{whose}", Rule(few.limit * TENFOLD, DAY))
    decision = await acquire(connection, first, daily, user_id=user_id)
    guess, limiter = Guess(), context.resources.get(Limiter)
    yield guess
    if guess.right:
        await limiter.clear(first.key)
        await limiter.refund(decision, daily.key)


async def is_proof(
    connection: HTTPConnection, unit: UnitOfWork, user_id: int, proof: Proof, purpose: Purpose
) -> bool:
    """Whether that is one of the account's factors; it is used up then.

    A wrong one is told to the security log. Raises RateLimitException (429).
    """
    if proof.passkey is not None:
        return await passkey_owner(connection, unit, proof.passkey, purpose, user_id) is not None
    assert proof.code is not None
    return await is_code(connection, unit, user_id, proof.code.get_secret_value())


async def is_code(connection: HTTPConnection, unit: UnitOfWork, user_id: int, code: str) -> bool:
    """Whether that is a code of the account's app, or one of its recovery codes; it is used up
    then. Raises RateLimitException (429)."""
    given = recovery_codes.normalised(code)
    if recovery_codes.has_form(given):
        hashes = sealer(unit.resources.settings).hashes(given, user_id)
        right, what = await codes.use_recovery_code(unit, user_id, hashes), "recovery code"
        if right:
            record("recovery code used", connection, user=user_id)
    else:
        async with guessing(connection, user_id) as guess:
            guess.right = await _use_totp(unit, user_id, given)
        right, what = guess.right, "code"
    if not right:
        record("factor refused", connection, user=user_id, what=what)
    return right


async def _use_totp(unit: UnitOfWork, user_id: int, code: str) -> bool:
    found = await codes.totp_of(unit, user_id)
    if found is None or found.confirmed_at is None:
        return False
    box = sealer(unit.resources.settings)
    opened = box.open(found.secret, user_id)
    if opened is None:  # by a SECRET_KEY that is in no setting any more
        return False
    secret, is_current = opened
    step = totp.step_of(secret, code)
    if step is None:
        return False
    sealed = found.secret if is_current else box.seal(secret, user_id)
    return await codes.use_step(unit, user_id, step, sealed)


async def passkey_owner(
    connection: HTTPConnection,
    unit: UnitOfWork,
    shown: Assertion,
    purpose: Purpose,
    user_id: int | None,
) -> int | None:
    """Whose passkey is shown: that account's, or anybody's where none is named; None for a wrong
    one. Its challenge is used up either way, once the unit has committed."""
    party, owner = relying_party(unit.resources.settings), None
    challenge = ceremonies.challenge_in(shown)
    if challenge is not None and await take_challenge(unit, purpose, user_id, challenge):
        known = await crud.known_passkey(unit, ceremonies.credential_id_of(shown))
        if known is not None and user_id in (None, known.user_id):
            count = ceremonies.sign_count_of(party, challenge, shown, known)
            if count is not None and await crud.use_passkey(unit, known.credential_id, count):
                owner = known.user_id
    if owner is None:
        record("factor refused", connection, user=user_id, what="passkey")
    return owner
