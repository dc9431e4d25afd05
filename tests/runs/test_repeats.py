"""What counts as a repetition of an experiment: the visitor's own finished runs that differ in nothing but the seed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from core.config import RunConfig, run_config
from core.runs.repeats import repeats
from core.runs.rows import Run

PLAN = run_config("mlp", {"epochs": 2, "seed": 7})


def listed_run(number: int, seed: int, acc: float, config: RunConfig = PLAN, **changed: Any) -> Run:
    """A run as a store lists it."""
    with_seed = config.model_copy(update={"training": config.training.model_copy(update={"seed": seed})})
    run = Run(
        run_id=f"{number:032x}", number=number, name="", group="", tags=(), notes="",
        architecture=config.architecture, created_utc="",
        config=with_seed.model_dump(mode="json"), manifest={}, status="finished", request="run", reason="",
        queue_position=None, version=1, epoch=2.0, epochs=2, checkpoint_epoch=None, step=0, n_params=None, device="cpu",
        started={}, latest={}, summary={"test_acc": acc},
    )  # fmt: skip
    return replace(run, **changed)


def test_runs_that_differ_in_the_seed_alone_are_found_by_seed() -> None:
    runs = [listed_run(3, 2, 0.9), listed_run(2, 0, 0.8), listed_run(1, 1, 0.7)]
    by_seed = repeats(runs, PLAN)
    assert {seed: run.summary["test_acc"] for seed, run in by_seed.items()} == {0: 0.8, 1: 0.7, 2: 0.9}
    assert list(by_seed) == [0, 1, 2]


def test_what_is_only_kept_of_a_run_makes_no_other_experiment() -> None:
    kept = run_config("mlp", {"epochs": 2, "snapshots": "early"})
    older = listed_run(1, 1, 0.7)
    del older.config["training"]["snapshots"]  # type: ignore[attr-defined] # as a version without that setting wrote it
    assert list(repeats([listed_run(2, 0, 0.9, kept), older], PLAN)) == [0, 1]


def test_of_two_runs_with_one_seed_the_newest_counts() -> None:
    assert repeats([listed_run(2, 0, 0.9), listed_run(1, 0, 0.8)], PLAN)[0].number == 2


def test_any_other_setting_makes_another_experiment() -> None:
    others = [
        run_config("mlp", {"epochs": 3}), run_config("mlp", {"epochs": 2, "lr": 0.002}),
        run_config("mlp", {"epochs": 2, "dropout": 0.1}), run_config("mlp", {"epochs": 2, "split_seed": 1}),
        run_config("mlp", {"epochs": 2, "dataset": "mnist"}), run_config("softmax", {"epochs": 2}),
    ]  # fmt: skip
    assert not repeats([listed_run(n, 0, 0.9, config) for n, config in enumerate(others, start=1)], PLAN)


def test_shipped_unfinished_and_unreadable_runs_do_not_count() -> None:
    unreadable = {"architecture": "mlp", "model": {"no_such_setting": 1}, "data": {}, "training": {}}
    runs = [
        listed_run(-1, 0, 0.9),
        listed_run(1, 1, 0.9, status="stopped"),
        listed_run(2, 2, 0.9, status="diverged", summary={"status": "diverged"}),
        listed_run(3, 3, 0.9, summary={}),
        listed_run(4, 4, 0.9, status="running"),
        replace(listed_run(5, 5, 0.9), config=unreadable),
    ]
    assert repeats(runs, PLAN) == {}


def test_nothing_run_gives_nothing() -> None:
    assert repeats([], PLAN) == {}
