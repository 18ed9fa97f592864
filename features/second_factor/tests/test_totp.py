"""Codes by RFC 6238, and how the secrets behind them are kept."""

import pytest

from features.second_factor import recovery_codes, totp
from features.second_factor.sealing import Sealer

SECRET = b"12345678901234567890"  # RFC 6238, appendix B
OLD, NEW = b"an earlier key " * 3, b"the key of today " * 3


@pytest.mark.parametrize(
    ("moment", "code"),
    [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ],
)
def test_codes_are_those_of_the_standard(moment: float, code: str) -> None:
    assert totp.step_of(SECRET, code, moment) == moment // 30


@pytest.mark.parametrize(
    ("off", "taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)]
)
def test_a_clock_may_be_off_by_one_step(off: int, taken: bool) -> None:
    moment = 1_234_567_890 + 30 * off

    assert (totp.step_of(SECRET, "005924", moment) is not None) is taken


def test_a_secret_is_as_long_as_the_hash_and_told_in_an_address() -> None:
    secret = totp.new_secret()

    address = totp.address_of(secret, "ada", "The Zoo: & more")

    assert len(secret) == 20
    assert address.startswith("otpauth://totp/The%20Zoo")
    assert f"secret={totp.spelled(secret)}" in address
    assert totp.qr_of(address).startswith("<svg ")


def test_a_secret_is_not_kept_as_it_is_and_never_twice_alike() -> None:
    box = Sealer((NEW,))

    sealed = [box.seal(SECRET, 7) for _ in range(2)]

    assert sealed[0] != sealed[1]
    assert SECRET not in sealed[0]
    assert box.open(sealed[0], 7) == (SECRET, True)


def test_a_secret_opens_by_an_earlier_key_and_by_no_other() -> None:
    sealed = Sealer((OLD,)).seal(SECRET, 7)

    assert Sealer((NEW, OLD)).open(sealed, 7) == (SECRET, False)
    assert Sealer((NEW,)).open(sealed, 7) is None


def test_a_secret_is_no_good_for_another_account_or_when_it_was_altered() -> None:
    box = Sealer((NEW,))
    sealed = box.seal(SECRET, 7)

    assert box.open(sealed, 8) is None
    assert box.open(sealed[:-1] + bytes([sealed[-1] ^ 1]), 7) is None
    assert box.open(b"", 7) is None


def test_recovery_codes_are_hashed_for_their_account_by_each_key() -> None:
    code = recovery_codes.normalised(recovery_codes.new_codes()[0])
    today, earlier = Sealer((NEW, OLD)).hashes(code, 7)

    assert today == Sealer((NEW,)).hashes(code, 7)[0]
    assert earlier == Sealer((OLD,)).hashes(code, 7)[0]
    assert today != Sealer((NEW,)).hashes(code, 8)[0]


def test_letters_that_look_alike_are_taken_for_what_they_mean() -> None:
    assert recovery_codes.normalised(" O0iI-lL1a ") == "0011111a"
    assert not recovery_codes.has_form("123456")
