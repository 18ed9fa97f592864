"""What goes with features/sign_in: accounts of providers of OpenID Connect."""

from infra.init.part import Part

SIGN_IN = Part(
    name="sign_in",
    says="sign-in by a provider of OpenID Connect; everybody has a password then",
    paths=("features/sign_in", "docs/sign-in.md"),
    tables=True,
    rows={
        "mkdocs.yml": ("      - sign-in.md",),
        "docs/contract.md": (
            "| GET /sign-in/providers |",
            "| GET /sign-in/{provider} |",
            "| GET /sign-in/{provider}/callback |",
            "| POST /sign-in/{provider}/link,",
            "| GET /sign-in/identities |",
            "| DELETE /sign-in/identity/{id} |",
            "| SIGN_IN_ISSUER,",
            "| SIGN_IN_NAME,",
            "| SIGN_IN_MORE_PROVIDERS |",
            "| SIGN_IN_IS_ENOUGH,",
            "| SIGN_IN_TIMEOUT,",
        ),
        "docs/tokens.md": ("  An account without a password asks its provider",),
        "SECURITY.md": ("- Sign-ins by others: ",),
    },
    edits={
        "docs/contract.md": (
            (
                "by POST /login, POST /step-up or [a provider](sign-in.md#accounts); for",
                "by POST /login or POST /step-up; for",
            ),
            (
                (
                    ", sign-in refused (with a reason) and confirmed, identity linked and unlinked, identities "
                    "unlinked; each"
                ),
                "; each",
            ),
        ),
    },
)
