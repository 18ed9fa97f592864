"""`hatch run redis [cache|queue|rate_limit] [COMMAND ...]`: a Redis role's server, by hand.

By valkey-cli or redis-cli where PATH has one, which takes all of its options; else by a prompt of
our own. Without a role it is the cache's.
"""

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

import redis

from infra.local.dev_env import REDIS_ROLES
from infra.local.prompt import ask
from kernel.config.addresses import redis_urls
from kernel.config.groups import RedisSettings
from kernel.config.loader import SettingsError
from kernel.settings import load_settings

PROGRAMS = ("valkey-cli", "redis-cli")


def main(words: Sequence[str] | None = None) -> int:
    """Run the command, or ask for commands; the exit code is 1 when the server refuses one."""
    given = list(sys.argv[1:] if words is None else words)
    role = given.pop(0) if given and given[0].upper() in REDIS_ROLES else "cache"
    try:
        address = load_settings().group(RedisSettings).address(role.lower())  # type: ignore[arg-type]
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    if address is None:
        print(f"There is none: REDIS_{role.upper()}_URL is off.", file=sys.stderr)
        return 1
    url = redis_urls(address)[0]
    program = next((found for name in PROGRAMS if (found := shutil.which(name))), None)
    if program is not None:
        arguments, environment = addressed(url)
        os.execve(program, [program, *arguments, *given], {**os.environ, **environment})  # noqa: S606
    return _by_hand(url, role, given)


def addressed(url: str) -> tuple[list[str], dict[str, str]]:
    """The arguments of a cli that lead there; the password goes by the environment, which other
    users of the machine can't read."""
    parts = urlsplit(url)
    arguments = ["-h", parts.hostname or "localhost", "-p", str(parts.port or 6379)]
    arguments += ["-n", parts.path.strip("/") or "0"]
    arguments += ["--user", unquote(parts.username)] if parts.username else []
    arguments += ["--tls"] if parts.scheme == "rediss" else []
    password = unquote(parts.password or "")
    return arguments, {"REDISCLI_AUTH": password} if password else {}


def _by_hand(url: str, role: str, command: Sequence[str]) -> int:
    options = {"decode_responses": True, "encoding_errors": "backslashreplace"}
    with redis.Redis.from_url(url, **options) as client:
        client.response_callbacks.clear()  # what the server says, not what Python makes of it

        def answer(words: Sequence[str]) -> tuple[str, int]:
            try:
                return written(client.execute_command(*words)), 0
            except redis.RedisError as error:
                return f"(error) {error}", 1

        if command:
            text, code = answer(command)
            print(text)
            return code

        def answer_line(line: str) -> str:
            try:
                return answer(shlex.split(line))[0]
            except ValueError as error:  # a quotation mark without its other
                return f"(error) {error}"

        ask(role, answer_line)
        return 0


def written(value: Any, indent: str = "") -> str:
    """An answer as text: a list has a line for each member."""
    if isinstance(value, dict):
        value = [part for pair in value.items() for part in pair]
    if isinstance(value, list | tuple | set):
        lines = [
            f"{indent}{number}) {written(each, indent + '   ').lstrip()}"
            for number, each in enumerate(value, 1)
        ]
        return "\n".join(lines) or f"{indent}(empty)"
    return f"{indent}(nil)" if value is None else f"{indent}{value}"


if __name__ == "__main__":
    sys.exit(main())
