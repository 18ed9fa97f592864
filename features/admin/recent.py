"""Requests of the last hour, by the minute: of this process."""

import time

MINUTES = 60


class RecentRequests:
    """Counts what is answered; told of each request by the kernel's outermost layer."""

    def __init__(self) -> None:
        self._minutes: dict[int, list[int]] = {}

    def note(self, method: str, template: str | None, status: int, seconds: float) -> None:
        """Count a request."""
        minute = int(time.time() // 60)
        counted = self._minutes.get(minute)
        if counted is None:
            counted = self._minutes[minute] = [0, 0]
            for old in [one for one in self._minutes if one <= minute - MINUTES]:
                del self._minutes[old]
        counted[0] += 1
        if status >= 500:
            counted[1] += 1

    def last_hour(self) -> tuple[list[int], list[int]]:
        """How many requests there were in each minute, and how many of them were answered 5xx."""
        first = int(time.time() // 60) - MINUTES + 1
        counted = [self._minutes.get(first + place, [0, 0]) for place in range(MINUTES)]
        return [one[0] for one in counted], [one[1] for one in counted]
