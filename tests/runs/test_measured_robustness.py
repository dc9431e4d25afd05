"""Robustness of stored runs: without distortion it is the stored test accuracy, nothing is measured twice, and nothing is
measured of images that are not a run's own."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core import models
from core.config import run_config
from core.data.dataset import Dataset
from core.errors import DataError, InputError, RunError
from core.inspect.robustness import UNDISTORTED, Measured, Point, points, spread
from core.machine.precision import can_use_bf16
from core.runs import measurements, robustness, worker
from core.runs.rows import Run
from core.runs.store import Store

PLAN = points(("shift", "corruption:fog"))[:4]


def trained(store: Store, dataset: Dataset, architecture: str, **values: Any) -> Run:
    """A run that has ended, after a training of a moment."""
    defaults = {"epochs": 1, "batch_size": 32, "dataset": "digits"}
    config = run_config(architecture, {**defaults, **models.get(architecture).tiny, **values})
    return worker.drive(store, store.create(config), lambda name: dataset)


def test_without_distortion_every_architecture_is_as_right_as_its_training_ended(store: Store, tiny: Dataset) -> None:
    special: dict[str, dict[str, Any]] = {"cnn": {"tta_views": 9}, "lstm": {"tta_views": 5}}
    if can_use_bf16("mlp", run_config("mlp", {}).model, "cpu"):
        special["mlp"] = {"precision": "bf16"}
    runs = [trained(store, tiny, name, **special.get(name, {})) for name in models.TABLE]
    assert all(run.status == "finished" for run in runs)
    rows = list(robustness.measure(store, runs, (UNDISTORTED, Point("shift", 4)), lambda name: tiny, 0))
    undistorted, shifted = rows[: len(runs)], rows[len(runs) :]
    assert [row.run_id for row in undistorted] == [run.run_id for run in runs]
    for run, row in zip(runs, undistorted, strict=True):
        assert (row.accuracy, row.n) == (run.summary["test_acc"], 60), run.name
    assert len({row.accuracy for row in undistorted}) > 3
    assert sum(row.n_right for row in shifted) < sum(row.n_right for row in undistorted)


@pytest.fixture
def runs(store: Store, tiny: Dataset) -> list[Run]:
    return [trained(store, tiny, "softmax", seed=seed, epochs=2) for seed in (0, 1)]


def test_nothing_is_measured_twice(store: Store, tiny: Dataset, runs: list[Run]) -> None:
    loaded: list[str] = []

    def load(name: str) -> Dataset:
        loaded.append(name)
        return tiny

    assert robustness.measured_before(store, runs, PLAN, 20) == []
    first = robustness.measure(store, runs, PLAN, load, 20)
    begun = list(islice(first, 3))
    first.close()
    assert robustness.measured_before(store, runs, PLAN, 20) == begun, "each is kept at once"
    rest = list(robustness.measure(store, runs, PLAN, load, 20))
    assert [(row.run_id, row.distortion, row.strength) for row in begun + rest] == [
        (run.run_id, *point) for point in PLAN for run in runs
    ]
    assert robustness.measured_before(store, runs, PLAN, 20) == begun + rest
    loaded.clear()
    assert list(robustness.results(store, runs, PLAN, load, 20)) == begun + rest
    assert not loaded, "nor are the images looked at"

    assert robustness.measured_before(store, runs[::-1], PLAN[:1], 20) == begun[1::-1]
    more = list(robustness.results(store, runs, (*PLAN, Point("shift", 2)), load, 20))
    assert more[:-2] == begun + rest
    assert [row.strength for row in more[-2:]] == [2, 2]
    assert (
        robustness.measured_before(store, runs, PLAN, 0)
        == robustness.measured_before(store, runs, PLAN, 20, seed=1)
        == []
    )


def test_a_quick_look_takes_images_from_everywhere(store: Store, tiny: Dataset, runs: list[Run]) -> None:
    (row, _) = robustness.measure(store, runs, [UNDISTORTED], lambda name: tiny, 20)
    evaluation = store.evaluation(runs[0].run_id, "test")
    assert evaluation is not None
    where = spread(60, 20)
    assert where.tolist() == list(range(0, 60, 3))
    assert row.n_right == (evaluation.logits.argmax(1) == evaluation.labels)[where].sum()
    assert row.n == 20


def test_as_many_images_as_there_are_is_all_of_them(store: Store, tiny: Dataset, runs: list[Run]) -> None:
    rows = list(robustness.measure(store, runs, PLAN[:2], lambda name: tiny, 0))
    for n_images in (60, 10**20):
        assert robustness.measured_before(store, runs, PLAN[:2], n_images) == rows
    assert robustness.measured_before(store, runs, PLAN[:2], 59) == []


def test_other_weights_or_other_code_are_measured_anew(
    store: Store, tiny: Dataset, runs: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = list(robustness.measure(store, runs, PLAN, lambda name: tiny))
    assert len(made) == 8
    with monkeypatch.context() as patched:
        patched.setattr("core.inspect.distortions.VERSION", 99)
        assert robustness.measured_before(store, runs, PLAN, robustness.QUICK_IMAGES) == []
    with monkeypatch.context() as patched:
        patched.setattr(measurements, "weights_hash", lambda store, run_id: "others")
        assert robustness.measured_before(store, runs, PLAN, robustness.QUICK_IMAGES) == []
    assert robustness.measured_before(store, runs, PLAN, robustness.QUICK_IMAGES) == made


def test_what_can_not_stand_side_by_side_is_refused(store: Store, tiny: Dataset, runs: list[Run]) -> None:
    waiting = store.run(store.create(run_config("softmax", {})))
    with pytest.raises(RunError, match="has not ended; its test images stay closed"):
        list(robustness.measure(store, [runs[0], waiting], PLAN, lambda name: tiny))
    with pytest.raises(RunError, match="ended without a result"):
        robustness.check([replace(runs[0], summary={"status": "diverged"})])
    other = replace(tiny, test_images=255 - tiny.test_images, hashes={"images": "other"})
    others = trained(store, other, "softmax")
    with pytest.raises(InputError, match="different test images"):
        list(robustness.results(store, [runs[0], others], PLAN, lambda name: tiny))
    with pytest.raises(DataError, match="not those that this run began with"):
        list(robustness.measure(store, [others], PLAN, lambda name: tiny))
    assert list(robustness.measure(store, [], PLAN, lambda name: tiny)) == []


def test_a_store_that_can_only_be_read_still_gets_its_figures(
    store: Store, root: Path, tiny: Dataset, runs: list[Run]
) -> None:
    expected = list(robustness.measure(store, runs, PLAN[:2], lambda name: tiny, 10))
    with store.database.write() as db:
        db.execute("DELETE FROM measurements")
        db.execute("CREATE TRIGGER full BEFORE INSERT ON measurements BEGIN SELECT RAISE(ABORT, 'full'); END")
    assert list(robustness.measure(store, runs, PLAN[:2], lambda name: tiny, 10)) == expected
    assert robustness.measured_before(store, runs, PLAN[:2], 10) == []
    assert np.all([isinstance(row, Measured) for row in expected])
