"""Tests of how a verb's command and its terminal get on."""

from infra.local.dev_env import REDIS_ROLES
from infra.local.tests.terminal import Terminal

ELSEWHERE = {f"REDIS_{role}_URL": "off" for role in REDIS_ROLES} | {
    "DATABASE_URL": "postgresql://u@db.example/app"
}
# As a prompt does: an interrupt ends the line, and not the prompt.
PROMPT = """
import time
try:
    print("ready", flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    print("interrupted", flush=True)
time.sleep(0.5)
print("goes on", flush=True)
"""


def test_an_interrupt_is_the_commands_own() -> None:
    terminal = Terminal("-m", "infra.local.run", "python", "-c", PROMPT, **ELSEWHERE)
    terminal.wait_for("ready")

    terminal.type("\x03")  # Ctrl-C

    terminal.wait_for("interrupted")
    terminal.wait_for("goes on")
    assert terminal.process.wait(10) == 0
    terminal.close()
