"""What goes with features/second_factor: codes of authenticator apps, and passkeys."""

from infra.init.part import Part

SECOND_FACTOR = Part(
    name="second_factor",
    says="codes of authenticator apps, passkeys, recovery codes; every password is enough then",
    paths=("features/second_factor", "docs/second-factor.md"),
    tables=True,
    rows={
        "mkdocs.yml": ("      - second-factor.md",),
        "docs/contract.md": (
            "| POST /login | - | as before, of an account with a second factor |",
            "| POST /login/factor |",
            "| POST /login/factor/options,",
            "| POST /login/passkey |",
            "| POST /step-up | user, of an account with a second factor |",
            "| POST /step-up/factor |",
            "| GET /second_factor |",
            "| POST /second_factor/totp; DELETE |",
            "| POST /second_factor/totp/confirm |",
            "| POST /second_factor/passkey_options,",
            "| POST /second_factor/recovery_codes |",
            "| DELETE /user/{username}/second_factor |",
            "| any that asks who is calling | a user who must have a second factor,",
            "| SECOND_FACTOR_REQUIRED |",
            "| LOGIN_TICKET_SECONDS,",
            "| MAX_PASSKEYS |",
            "| PASSKEY_ORIGIN,",
        ),
        "docs/tokens.md": ("  An account with a [second factor]",),
        "SECURITY.md": ("- Second factors: ",),
    },
    edits={
        "docs/contract.md": (
            (
                (
                    "factor asked for, factor refused, factor confirmed, factor added, factor removed, "
                    "factors reset, recovery code used, recovery codes renewed, "
                ),
                "",
            ),
        ),
        "docs/splitting.md": (
            (
                (
                    "a package of that name, whose `__init__.py` joins them "
                    "(`features/second_factor/router`)"
                ),
                "a package of that name, whose `__init__.py` joins them",
            ),
        ),
        "docs/running/going-live.md": (
            (
                (
                    " Set\n   SECOND_FACTOR_REQUIRED=superusers and give it a "
                    "[second factor](../second-factor.md)."
                ),
                "",
            ),
        ),
    },
)
