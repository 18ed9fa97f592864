"""How processes that hatch has started end with it."""

import os
import signal
import threading
import time


def exit_with_parent() -> None:
    """Ask this process to stop once hatch, which started it, is gone: hatch passes no signal on."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.3)
        os.kill(os.getpid(), signal.SIGTERM)

    if "HATCH_ENV_ACTIVE" in os.environ:
        threading.Thread(target=watch, daemon=True).start()
