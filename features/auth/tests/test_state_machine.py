"""Whatever people, thieves and a failing Redis do, in any order: no dead token gets in."""

from features.auth.tests.environment import Environment
from features.auth.tests.model import run_machine
from features.auth.tests.state_machine import Accounts


def test_no_dead_token_ever_gets_in(killable_redis: Environment) -> None:
    run_machine(Accounts, killable_redis, examples=9, steps=25)
