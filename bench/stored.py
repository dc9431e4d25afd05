"""A store with a past: runs that have ended, made up at once, so that reading all of them costs what it costs a class."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime

from core.config import run_config
from core.engine.events import EpochEnd, Event, Finished, Progress, Started
from core.runs import writing
from core.runs.store import Store

ARCHITECTURES = ("softmax", "mlp", "cnn", "lenet")
EPOCHS, INSIDE, STEPS, SECONDS = 20, 12, 100, 4.0  # epochs of a run, points inside each, steps and seconds of each


def fill(store: Store, n: int) -> list[str]:
    """n runs of twenty epochs, in one transaction; returns their ids."""
    chance, now = random.Random(0), datetime.now(UTC).isoformat()
    run_ids = []
    with store.database.write() as db:
        for number in range(n):
            config = run_config(ARCHITECTURES[number % len(ARCHITECTURES)], {"epochs": EPOCHS, "seed": number})
            run_id = writing.create(db, config, "", "", None, "pause", now, "")
            events = list(_events(chance))
            writing.append(db, store.root, run_id, events)
            writing.end(db, run_id, events[-1], {})
            run_ids.append(run_id)
    return run_ids


def _events(chance: random.Random) -> Iterator[Event]:
    yield Started(10_000, "cpu", 1, 54_000, 6_000, STEPS, EPOCHS, 0, "", 0.13, 0.31)
    for epoch in range(EPOCHS + 1):
        loss, seconds = 2 / (epoch + 1) + 0.05 * chance.random(), SECONDS * epoch
        yield EpochEnd(
            epoch, STEPS * epoch, loss, 1 - loss / 3, 0.9 * loss, 1 - loss / 4, 0.1, 14_000.0, seconds, SECONDS, True,
            0.8 * loss, 1 - loss / 5,
        )  # fmt: skip
        for point in range(1, INSIDE + 1) if epoch < EPOCHS else ():
            at = epoch + point / (INSIDE + 1)
            loss = 2 / (at + 1) + 0.2 * chance.random()
            yield Progress(at, round(STEPS * at), loss, 1 - loss / 3, 0.1, chance.random(), 14_000.0, SECONDS * at)
    yield Finished(EPOCHS, STEPS * EPOCHS, SECONDS * EPOCHS, EPOCHS, "completed")
