#!/usr/bin/env bash
# authlib 1.9.6: create_authorization_url takes a code_verifier and sends no challenge of it.
#
# A good guess: who gives a code_verifier gets PKCE (RFC 7636), or an error.
# Seen: without code_challenge_method="S256" at the client the address has no code_challenge, and nothing
# is said. The verifier is sent with the code later, so a provider that doesn't demand PKCE takes the
# code from anybody who has it, and the exchange looks as if it were protected.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check authlib==1.9.6 httpx2==2.16.2
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

from authlib.integrations.httpx_client import OAuth2Client


def challenged(**options: str) -> bool:
    """Whether the address of a sign-in with a verifier has its challenge."""
    client = OAuth2Client("client", "secret", redirect_uri="https://a.example", **options)
    url, _ = client.create_authorization_url("https://b.example/auth", code_verifier="v" * 43)
    return "code_challenge=" in url


print("authlib", version("authlib"))
plain, told = challenged(), challenged(code_challenge_method="S256")
print(f"a challenge with a verifier: {plain}; with a verifier and a method: {told}")
assert (plain, told) == (False, True), "changed: a verifier alone is enough, or refused"
PYTHON
