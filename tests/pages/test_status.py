"""What is said of a run's way and end, in sentences without fractions of an epoch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core.config import run_config
from core.runs.rows import Run
from pages.shared import services
from pages.shared.axes import end_near_top
from pages.shared.status import ended_sentence, status_sentence
from tests.stored_runs import ended


@pytest.fixture
def finished() -> Run:
    """A run of one epoch, to be changed."""
    store = services.store()
    run_id = store.create(run_config("mlp", {"epochs": 1}), request="pause")
    ended(store, run_id)
    return store.run(run_id)


def test_the_end_of_a_run_is_a_sentence(finished: Run) -> None:
    def sentence(status: str, reason: str, epoch: float, epochs: float, max_steps: int = 0, step: int = 95) -> str:
        training = {**finished.config["training"], "max_steps": max_steps}
        values: dict[str, Any] = {"status": status, "reason": reason, "epoch": epoch, "epochs": epochs, "step": step}
        return ended_sentence(replace(finished, config={**finished.config, "training": training}, **values))

    assert sentence("finished", "completed", 1.0, 1) == "Finished after 1 epoch"
    assert sentence("finished", "completed", 40.0, 40) == "Finished after 40 epochs"
    steps = "it was to end after 95 steps"
    assert sentence("finished", steps, 5.94, 5.94, 95) == "Finished after 95 steps, as planned (5.9 epochs)"
    early = "stopped early: 3 epochs without a better one"
    assert sentence("finished", early, 4.0, 10) == f"Finished after 4 of 10 epochs, {early}"
    assert sentence("stopped", "", 0.047, 3).endswith("(in epoch 1 of 3)")
    assert sentence("stopped", "", 2.0, 3).endswith("(after 2 of 3 epochs)")
    assert sentence("diverged", "", 1.3, 5.94, 95).endswith("(in epoch 2 of 6)")
    assert sentence("diverged", "", 0.0, 3) == "Diverged: the loss is no longer a number"


def test_a_number_of_steps_that_ends_within_an_epoch_is_said_beside_whole_epochs(finished: Run) -> None:
    training = {**finished.config["training"], "max_steps": 95}
    running = replace(
        finished, status="running", epoch=5.2, epochs=5.94, config={**finished.config, "training": training}
    )
    assert status_sentence(running) == "Epoch 6 of 6 (95 steps)"


def test_a_run_that_waits_says_its_place_in_the_queue(finished: Run) -> None:
    waiting = replace(finished, status="queued", queue_position=3, queue_length=12)
    assert status_sentence(waiting) == "Waits to start, place 3 of 12"
    assert status_sentence(replace(waiting, queue_position=1)) == "Waits to start"


def test_small_differences_are_spread_by_themselves_where_all_curves_end_near_the_top(finished: Run) -> None:
    high = replace(finished, summary={**finished.summary, "val_acc": 0.985})
    assert end_near_top([high, high])
    assert end_near_top([high, replace(high, latest={}, summary={})]), "one that never began has no curve"
    assert not end_near_top([high, finished])
    assert not end_near_top([high, replace(high, summary={})]), "one that goes on may end anywhere"
    assert not end_near_top([])
