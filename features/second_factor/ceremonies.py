"""Web Authentication: what an authenticator is asked for, and whether its answer is right.

By W3C's Web Authentication, Level 3. The user must be verified (by a finger, a face or a PIN), so
that a passkey alone is two factors: the device, and what unlocks it. Which make the device is, is
not asked for.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from features.second_factor.inputs import Assertion, Attestation
from features.second_factor.models import MAX_CREDENTIAL_ID, MAX_PUBLIC_KEY
from features.second_factor.relying_party import RelyingParty

# `webauthn` is imported where it is used: it takes 0.16 s, and most processes never need it.


class NewCredential(NamedTuple):
    """What is kept of a passkey that was made."""

    credential_id: bytes
    public_key: bytes
    sign_count: int


class KnownCredential(NamedTuple):
    """What is known of a passkey that is shown."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    user_id: int


def handle_of(user_id: int) -> bytes:
    """What an authenticator calls the account: its id, which is public, and never a name."""
    return str(user_id).encode()


def creation_options(
    party: RelyingParty, challenge: bytes, user_id: int, username: str, known: Sequence[bytes]
) -> dict[str, Any]:
    """What `navigator.credentials.create()` takes: a discoverable passkey, on no authenticator that
    has one of `known`."""
    from webauthn import generate_registration_options
    from webauthn.helpers import options_to_json_dict
    from webauthn.helpers.structs import (
        AuthenticatorSelectionCriteria,
        PublicKeyCredentialDescriptor,
        ResidentKeyRequirement,
        UserVerificationRequirement,
    )

    options = generate_registration_options(
        rp_id=party.id,
        rp_name=party.name,
        user_id=handle_of(user_id),
        user_name=username,
        challenge=challenge,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=one) for one in known],
    )
    return options_to_json_dict(options)


def request_options(
    party: RelyingParty, challenge: bytes, known: Sequence[bytes] = ()
) -> dict[str, Any]:
    """What `navigator.credentials.get()` takes: one of `known`, or whichever the user picks."""
    from webauthn import generate_authentication_options
    from webauthn.helpers import options_to_json_dict
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor, UserVerificationRequirement

    options = generate_authentication_options(
        rp_id=party.id,
        challenge=challenge,
        allow_credentials=[PublicKeyCredentialDescriptor(id=one) for one in known],
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json_dict(options)


def challenge_in(given: Assertion | Attestation) -> bytes | None:
    """The challenge that was answered; None where none can be read."""
    from webauthn.helpers import base64url_to_bytes, parse_client_data_json

    try:
        client_data = parse_client_data_json(base64url_to_bytes(given.response.clientDataJSON))
    except Exception:  # noqa: BLE001 - bytes of a stranger's, in a parser that names no errors
        return None
    # A page of another origin may have this one in a frame.
    return None if client_data.cross_origin else client_data.challenge


def new_credential(
    party: RelyingParty, challenge: bytes, given: Attestation
) -> NewCredential | None:
    """The passkey that was made for that challenge; None for any other answer."""
    from webauthn import verify_registration_response
    from webauthn.helpers import base64url_to_bytes

    try:
        shown_id = base64url_to_bytes(given.id)
        made = verify_registration_response(
            credential=given.model_dump(),
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
        )
    except Exception:  # noqa: BLE001 - CBOR and certificates of a stranger's: any error is a no
        return None
    # What is kept is the authenticator's, not the `id` that is sent beside it: by the standard it
    # is the same, and the library bounds neither.
    named, key = made.credential_id, made.credential_public_key
    fits = len(named) <= MAX_CREDENTIAL_ID and len(key) <= MAX_PUBLIC_KEY
    return NewCredential(named, key, made.sign_count) if fits and named == shown_id else None


def credential_id_of(given: Assertion) -> bytes:
    """Which passkey is shown."""
    from webauthn.helpers import base64url_to_bytes

    try:
        return base64url_to_bytes(given.id)
    except ValueError:
        return b""


def sign_count_of(
    party: RelyingParty, challenge: bytes, given: Assertion, known: KnownCredential
) -> int | None:
    """How often the passkey says that it was used, this time included; None where it isn't this
    passkey's answer to that challenge, on this origin, with its user verified."""
    from webauthn import verify_authentication_response
    from webauthn.helpers import base64url_to_bytes

    try:
        shown = verify_authentication_response(
            credential=given.model_dump(exclude_none=True),
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=known.public_key,
            credential_current_sign_count=known.sign_count,
            require_user_verification=True,
        )
        handle = given.response.userHandle
        owns = handle is None or base64url_to_bytes(handle) == handle_of(known.user_id)
    except Exception:  # noqa: BLE001 - as above
        return None
    return shown.new_sign_count if owns else None
