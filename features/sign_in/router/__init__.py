"""Routes of sign-in by others: of programs, and of browsers on their way to a provider and back."""

from fastapi import APIRouter

from features.sign_in.router import browsers, identities, starting

router = APIRouter(tags=["sign-in"])
for part in (identities, starting, browsers):
    router.include_router(part.router)
