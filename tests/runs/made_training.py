"""A training loop made of sleeps, and how to wait for what it leads to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from run_material import checkpoint, epoch_end, finished, progress, started

from core.config import RunConfig, run_config
from core.data.dataset import Dataset
from core.engine.events import Event, Stopped
from core.runs.store import Store

BATCH = 0.004  # seconds


class MadeTraining:
    """A stand-in for ``train``: ten batches an epoch; what a run does is chosen by its seed."""

    def __init__(self) -> None:
        self.batches: dict[int, int] = {}  # seed -> batches done
        self.stop_asked_at: dict[int, int] = {}  # seed -> batches done when should_stop said yes
        self.threads: set[str] = set()
        self.misbehave: dict[int, Callable[[int], Any]] = {}  # seed -> called with the number of the batch

    def __call__(
        self,
        config: RunConfig,
        dataset: Dataset,
        *,
        should_stop: Callable[[], bool],
        resume: Any,
        start: Any,
        checkpoint_every: float,
    ) -> Iterator[Event]:
        seed, epochs = config.training.seed, config.training.epochs
        first = int(resume.epoch) if resume else 0
        yield started(first, epochs=epochs)
        if resume is not None and resume.epoch != first:
            yield Stopped(resume.epoch, 0, 1.0, resume.best_epoch)
            return
        if resume is None:
            yield epoch_end(0)
        for epoch in range(first, epochs):
            for batch in range(10):
                self.threads.add(threading.current_thread().name)
                if should_stop():
                    self.stop_asked_at[seed] = self.batches.get(seed, 0)
                    yield checkpoint(epoch + batch / 10)
                    yield Stopped(epoch + batch / 10, 0, 1.0, epoch)
                    return
                time.sleep(BATCH)
                self.batches[seed] = self.batches.get(seed, 0) + 1
                terminal = self.misbehave[seed](self.batches[seed]) if seed in self.misbehave else None
                if terminal is not None:
                    yield checkpoint(epoch + batch / 10)
                    yield terminal
                    return
                yield progress(epoch + (batch + 1) / 10)
            yield epoch_end(epoch + 1)
            yield checkpoint(epoch + 1)
        yield finished(epochs)


def asked(seed: int = 0, epochs: int = 2) -> RunConfig:
    return run_config("softmax", {"epochs": epochs, "seed": seed})


def wait_for(condition: Callable[[], Any], seconds: float = 20.0) -> None:
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, "waited too long"
        time.sleep(0.002)


def ended(store: Store, *runs: str) -> Callable[[], bool]:
    return lambda: all(store.run(run_id).has_ended for run_id in runs)


def kinds(store: Store, run_id: str) -> list[str]:
    return [event["event"] for _, event in store.history(run_id)]
