"""`Depends(rate_limiter)`: limits any route by the caller's tier, else by the default rule."""

import math
from functools import lru_cache
from urllib.parse import quote

import structlog
from fastapi import Request

from kernel.cache.invalidation import forget
from kernel.cache.store import Stores
from kernel.config.groups import LimitSettings
from kernel.context import RequestContext, context_of, identified, template_of
from kernel.db.unit_of_work import UnitOfWork
from kernel.errors import RateLimitException
from kernel.rate_limit.limiter import MICROSECONDS, Limiter
from kernel.rate_limit.networks import network_of
from kernel.rate_limit.rules import Decision, Quota, Rule, RulesOf

log = structlog.get_logger(__name__)

RULES_SECONDS = 3600


async def rate_limiter(request: Request) -> None:
    """Count the call on the caller's quota for this route template.

    Raises RateLimitException (429, with Retry-After). Whatever the answer is, it bears RateLimit
    and RateLimit-Policy by draft-ietf-httpapi-ratelimit-headers-11.
    """
    context = context_of(request)
    principal = await identified(request)
    path = sanitise(template_of(request.scope) or request.url.path)
    who = (
        f"u{principal.user_id}{principal.credential}" if principal else network_of(context.address)
    )
    settings = context.resources.settings.group(LimitSettings)
    default = Rule(settings.default_rate_limit_limit, settings.default_rate_limit_period)
    quota = Quota(f"{who}:{path}", default)
    decision = await _acquire(context, quota, principal.tier_id if principal else None, path)
    wait = max(1, math.ceil(decision.reset))
    _announce(context, decision, wait)
    if not decision.accepted:
        raise RateLimitException(headers={"Retry-After": str(wait)})


def sanitise(path: str) -> str:
    """A path or template as rules store it: `/api/v1/tasks/task` is `api_v1_tasks_task`."""
    return path.strip("/").replace("/", "_")


def rules_key(tier_id: int) -> str:
    """The name under which a tier's rules are kept; forget it when one of them changes."""
    return f"rules:{tier_id}"


def forget_rules(unit: UnitOfWork, tier_id: int) -> None:
    """Make every process look the tier's rules up anew once the unit has committed."""
    forget(unit, rules_key(tier_id), role="rate_limit")


async def _acquire(
    context: RequestContext, quota: Quota, tier_id: int | None, path: str
) -> Decision:
    limiter = context.resources.get(Limiter)
    rules_of: RulesOf | None = context.resources.provider("rules_of")
    if tier_id is None or rules_of is None:
        decision = await limiter.acquire(quota)
    else:
        decision = await limiter.acquire(quota, rules_key=rules_key(tier_id), path=_word(path))
        if decision is None:
            rule = await _load_rule(context, rules_of, tier_id, path)
            decision = await limiter.acquire(Quota(quota.key, rule or quota.rule))
            known = rule is not None
        else:
            known = decision.rule_known
        if not known:
            _log_default_once(tier_id, path)
    assert decision is not None
    return decision


async def _load_rule(
    context: RequestContext, rules_of: RulesOf, tier_id: int, path: str
) -> Rule | None:
    """Load the tier's rules, leave them where the limiter's script reads them, give this path's."""
    key = rules_key(tier_id)

    async def load() -> bytes:
        assert context.unit is not None, "rate_limiter needs a route of kernel.web.router.Router"
        rules = await rules_of(context.unit, tier_id)
        lines = [
            f"{_word(name)} {rule.limit} {round(rule.period * MICROSECONDS)}"
            for name, rule in rules.items()
        ]
        return "\n".join(["", *lines, ""]).encode()

    text = await context.resources.get(Stores)["rate_limit"].fetch(key, [key], load, RULES_SECONDS)
    for line in (text or b"").decode().splitlines():
        name, _, figures = line.partition(" ")
        if figures and name == _word(path):
            limit, period = figures.split()
            return Rule(int(limit), int(period) / MICROSECONDS)
    return None


@lru_cache(maxsize=1024)
def _word(path: str) -> str:
    """A path as one word of a line, whatever an administrator has typed."""
    return quote(path, safe="{}_")


@lru_cache(maxsize=10_000)
def _log_default_once(tier_id: int, path: str) -> None:
    log.info("default rate limit applies", tier_id=tier_id, path=path)


def _announce(context: RequestContext, decision: Decision, wait: int) -> None:
    rule = decision.rule
    policy = f'"default";q={rule.limit};w={math.ceil(rule.period)}'
    limit = f'"default";r={decision.remaining};t={wait}'
    context.headers.append((b"ratelimit-policy", policy.encode()))
    context.headers.append((b"ratelimit", limit.encode()))
