"""Routes of second factors: setting them up, and showing them at logins and step-ups."""

from fastapi import APIRouter

from features.second_factor.router import factors, logins, page, passkeys, step_ups

router = APIRouter(tags=["second factor"])
for part in (factors, passkeys, logins, step_ups, page):
    router.include_router(part.router)
