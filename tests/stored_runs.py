"""Runs of a store with results made up for a test: what each read is chosen, everything else is as the engine writes it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.compare.plan import Plan
from core.engine.evaluate import Evaluation
from core.engine.events import Checkpoint, Diverged, EpochEnd, Event, Finished, Started, Stopped
from core.runs.groups import Group, create_group, group
from core.runs.rows import Run
from core.runs.store import Store

N_VAL, N_TEST = 100, 200


def answers(right: Sequence[bool], sure: float = 5.0) -> Evaluation:
    """An evaluation that reads exactly these images correctly."""
    labels = np.arange(len(right)) % 10
    predicted = np.where(right, labels, (labels + 1) % 10)
    return Evaluation((sure * np.eye(10)[predicted]).astype(np.float32), labels)


def reading(accuracy: float, n: int, sure: float = 5.0) -> Evaluation:
    """An evaluation of ``n`` images that reads as many of the first ones as an accuracy says."""
    return answers([place < round(accuracy * n) for place in range(n)], sure)


def under_way(store: Store, run_id: str, curve: Sequence[float | None] = (0.5,), best: int | None = None) -> None:
    """A run told its epochs.

    curve: validation accuracy after epochs 0, 1, …, None without such images · best: the last epoch that was the best so
    far, by default the last one
    """
    n_train = store.run(run_id).config["data"]["n_train"] or 1157
    events: list[Event] = [
        Started(
            n_params=10, device="cpu", threads=1, n_train=n_train, n_val=N_VAL, steps_per_epoch=10, epochs=len(curve),
            epoch=0, split_hash="s", mean=0.25, std=0.5,
        )
    ]  # fmt: skip
    best = len(curve) - 1 if best is None else best
    for epoch, value in enumerate(curve):
        val = (None, None) if value is None else (2.0 - value, value)
        events.append(EpochEnd(epoch, epoch * 10, 1.0, 0.5, *val, 0.01, 1000.0, float(epoch), 1.0, epoch <= best))
    some = {"weight": np.zeros((10, 4), np.float32)}
    events.append(Checkpoint(best, best * 10, 1.0, best, 0.5, 0, some, some, {}))
    store.commit(run_id, events)


def ended(
    store: Store,
    run_id: str,
    val: float | None = 0.9,
    test: float | None = 0.9,
    *,
    curve: Sequence[float] = (0.1, 0.5),
    best: int | None = None,
    status: str = "finished",
    sure: float = 5.0,
) -> None:
    """A run brought to its end. val, test: accuracies of the kept weights, None for none · sure: the lower, the higher the
    loss of right answers"""
    under_way(store, run_id, [None] * len(curve) if val is None else curve, best)
    last: Event = Finished(len(curve) - 1, 10, 2.0, len(curve) - 1 if best is None else best, "completed")
    evaluations = {}
    if val is not None:
        evaluations["val"] = reading(val, N_VAL, sure)
    if test is not None:
        evaluations["test"] = reading(test, N_TEST)
    if status == "diverged":
        last, evaluations = Diverged(1.0, 10, 2.0, 0, 0.1, None), {}
    elif status == "stopped":
        last = Stopped(1.0, 10, 2.0, 1)
    store.finish(run_id, [last], evaluations)


def launched(store: Store, plan: Plan) -> tuple[str, list[str]]:
    """The group of a plan, its runs waiting: its id and theirs."""
    return create_group(store, plan.runs, name=plan.name, kind=plan.kind, plan=plan.details, request="pause")


def read_back(store: Store, group_id: str) -> tuple[Group, list[Run]]:
    """As a page and the command line read a group."""
    return group(store, group_id), store.runs(group=group_id)
