"""What the tests of agents share: a run with all in it that could go wrong, and what may not depend on who computes it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from core.config import RunConfig, run_config
from core.data.dataset import Dataset
from core.engine.events import Checkpoint, EpochEnd, Event, Finished, Started
from core.runs.agents import Agent, Assignment, Computation, Ended
from core.runs.store import Store

DEADLINE_SECONDS = 120.0


def wait_for(condition: Callable[[], Any]) -> Any:
    began = time.monotonic()
    while not (value := condition()):
        assert time.monotonic() - began < DEADLINE_SECONDS, "waited too long"
        time.sleep(0.005)
    return value


def demanding(architecture: str = "mlp", **values: Any) -> RunConfig:
    """Momentum, a schedule and augmentation, which a change of processes could get wrong."""
    settings = {"optimizer": "momentum", "schedule": "one-cycle", "lr": 0.02, "shift": 2.0, "batch_size": 16, "seed": 3}
    return run_config(architecture, {**settings, "epochs": 3, "n_train": 200, **values})


def assigned(config: RunConfig, dataset: Dataset, resume: Checkpoint | None = None) -> Assignment:
    return Assignment(config, dataset, resume, None, threads=1, checkpoint_every=0.0)


def told(agent: Agent, assignment: Assignment) -> list[Event | Ended]:
    """Everything that an agent tells."""
    return rest(agent.begin(assignment, lambda: False))


def rest(computation: Computation) -> list[Event | Ended]:
    events: list[Event | Ended] = []
    while not (events and isinstance(events[-1], Ended)):
        events.append(wait_for(computation.take))
    computation.close()
    return events


def bits(events: list[Event | Ended]) -> dict[str, Any]:
    """All that may not depend on who computes: figures, weights, the optimizer's numbers, and the answers."""
    values: dict[str, Any] = {}
    for event in events:
        if isinstance(event, EpochEnd):
            values[f"epoch {event.epoch}"] = (event.train_loss, event.val_loss, event.val_acc, event.sample_loss)
        elif isinstance(event, Checkpoint):
            for name in ("weights", "best_weights", "optimizer"):
                arrays = {key: (array.dtype.str, array.tobytes()) for key, array in getattr(event, name).items()}
                values[f"{name} {event.epoch} {event.next}"] = arrays
        elif isinstance(event, Started):
            values[f"started {event.epoch}"] = (event.threads, event.split_hash, event.mean, event.precision)
        elif isinstance(event, Ended):
            assert isinstance(event.event, Finished)
            values["answers"] = {
                split: (e.logits.tobytes(), e.labels.tobytes()) for split, e in event.evaluations.items()
            }
    assert len(values["answers"]) == 2
    return values


def is_quiet(computation: Computation, held: list[Event | Ended]) -> bool:
    """Whether nothing has come for a while. held: gets what comes"""
    time.sleep(0.5)
    late = computation.pause()
    held += late
    return not late


def outcome(store: Store, run_id: str) -> dict[str, Any]:
    kept = store.checkpoint(run_id)
    assert kept is not None
    epochs = [event for _, event in store.history(run_id) if event["event"] == "epoch"]
    assert [event["epoch"] for event in epochs] == list(range(store.run(run_id).epochs + 1)), "every epoch once"
    values: dict[str, Any] = {f"epoch {event['epoch']}": event["val_loss"] for event in epochs}
    return values | {name: array.tobytes() for name, array in kept.weights.items()}
