"""How long a run has computed, whatever else happened meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Clock:
    """Seconds that this run itself computed; the time between two ``next`` calls belongs to others."""

    def __init__(self, seconds: float) -> None:
        self._done = seconds
        self._since: float | None = None

    def start(self) -> None:
        self._since = time.perf_counter()

    def stop(self) -> None:
        self._done, self._since = self.seconds, None

    @contextmanager
    def paused(self) -> Iterator[None]:
        """For what has to be found out about this machine: no part of the training."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    @property
    def seconds(self) -> float:
        return self._done + (time.perf_counter() - self._since if self._since is not None else 0.0)
