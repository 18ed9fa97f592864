"""What a call by a key costs over one by a token: `python -m features.api_keys.tests.compare`.

The same route of the same server, loaded in turn with either; CPU per request.
"""

import json
import sys
import urllib.request
from dataclasses import replace

from infra.bench.cases import CASES
from infra.bench.environment import set_up
from infra.bench.measure import ratios, rounds
from infra.bench.process import Server

ROUNDS, SECONDS = 5, 4.0


def key_of(server: Server) -> str:
    """A key of the user who is signed in."""
    body = json.dumps({"name": "Bench", "scopes": ["users:read"]}).encode()
    headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/json"}
    request = urllib.request.Request(server.url + "/api/v1/api_key", body, headers)  # noqa: S310
    with urllib.request.urlopen(request) as answer:  # noqa: S310 - ours
        return str(json.load(answer)["key"])


def main(count: int = ROUNDS) -> None:
    [me] = [case for case in CASES if case.name == "me"]
    with set_up() as stage:
        token = replace(stage.ours, name="token")
        key = replace(stage.ours, name="key", token=key_of(stage.ours))
        figures = rounds(me, [token, key], count, SECONDS)
        header = replace(me, headers={"X-API-Key": key.token}, token=False)
        figures["X-API-Key"] = rounds(header, [key], count, SECONDS)["key"]
    for name, found in figures.items():
        print(name, found.row())
    over = ratios(figures["key"], figures["token"])
    print("key over token, each round:", [round(ratio, 3) for ratio in over])


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
