"""What comes with a factor that is added or removed: recovery codes, and the news of it."""

from features.second_factor import codes, crud
from features.second_factor.events import Factor, FactorAdded, FactorRemoved
from features.second_factor.models import Factors, RecoveryCodes
from features.second_factor.recovery_codes import new_codes, normalised
from features.second_factor.sealing import sealer
from kernel.db import UnitOfWork
from kernel.events import emit


async def renewed_codes(unit: UnitOfWork, user_id: int) -> list[str]:
    """New recovery codes, in place of all that the account had."""
    box, made = sealer(unit.resources.settings), new_codes()
    hashes = [box.hashes(normalised(code), user_id)[0] for code in made]
    await codes.keep_recovery_codes(unit, user_id, hashes)
    return made


async def added(unit: UnitOfWork, user_id: int, factor: Factor) -> RecoveryCodes:
    """After a factor was added: recovery codes, where the account has none."""
    crud.forget_factors(unit, user_id)
    await emit(unit, FactorAdded(user_id, factor))
    has = await crud.factors_of.one(unit, user_id=user_id)
    made = [] if has and has.recovery_code else await renewed_codes(unit, user_id)
    return RecoveryCodes(recovery_codes=made)


async def removed(unit: UnitOfWork, user_id: int, factor: Factor) -> Factors | None:
    """After a factor was removed: with the last one go the recovery codes. Returns what is left."""
    crud.forget_factors(unit, user_id)
    await emit(unit, FactorRemoved(user_id, factor))
    has = await crud.factors_of.one(unit, user_id=user_id)
    if has is not None and not has.any:
        await codes.remove_recovery_codes(unit, user_id)
    return has
