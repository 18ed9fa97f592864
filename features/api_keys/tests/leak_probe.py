"""Sends keys, good and bad ones, everywhere: `python -m features.api_keys.tests.leak_probe FILE`.

A process of its own, so that all it writes can be searched. FILE gets the keys, one a line;
settings come from the environment.
"""

import asyncio
import sys
from pathlib import Path

from features.api_keys.last_uses import last_uses
from features.api_keys.tests.factories import make_key
from kernel.app import create_application
from tests.accounts import Person
from tests.application import client_of

ME = "/api/v1/user/me/"


async def main() -> list[str]:
    app = create_application()
    async with app.router.lifespan_context(app), client_of(app, Person) as person:
        await person.register("ada")
        await person.login()
        made = [await make_key(person, "users:read") for _ in range(2)]
        first, second = [one["key"] for one in made]
        bad = first[:-1] + ("a" if first[-1] != "a" else "b")
        async with client_of(app) as client:
            for key in (first, second, bad, "sk_canary"):
                await client.get(ME, headers={"X-API-Key": key})
                await client.get(ME, headers={"Authorization": f"Bearer {key}"})
                await client.post(f"/api/v1/api_key?key={key}", json={"name": key})
            await client.get("/api/v1/api_keys", headers={"X-API-Key": first})
            await person.patch(f"/api/v1/api_key/{made[0]['id']}", json={"name": "New"})
            await person.delete(f"/api/v1/api_key/{made[0]['id']}")
            for _ in range(12):
                await client.get(ME, headers={"X-API-Key": first})
        await person.delete("/api/v1/api_keys")
        await last_uses.write(app.state.resources)
    return [first, second, bad, *[key[18:] for key in (first, second, bad)]]


if __name__ == "__main__":
    Path(sys.argv[1]).write_text("\n".join(asyncio.run(main())))
