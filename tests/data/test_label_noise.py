"""Training labels that are drawn anew: which, how many, and what the run says of them."""

from __future__ import annotations

import numpy as np
import pytest

from core.analysis.history import frame
from core.charts.curves import Line, curve_part
from core.charts.looks import look
from core.config import run_config
from core.data.config import DataConfig
from core.data.dataset import Dataset
from core.data.label_noise import given_labels
from core.engine.evaluate import evaluate
from core.engine.events import Checkpoint, EpochEnd, Started, to_json
from core.engine.train import train
from core.runs.manifest import describe


def test_the_share_is_drawn_anew_from_all_ten_digits_by_the_split_seed(digits: Dataset) -> None:
    true = digits.train_labels
    half, all_anew, other = (
        given_labels(digits, DataConfig(label_noise=share, split_seed=seed)) for share, seed in ((0.5, 0), (1, 0), (0.5, 1))
    )  # fmt: skip
    assert given_labels(digits, DataConfig()) is true
    assert (half != true).mean() == pytest.approx(0.45, abs=0.04), "one in ten is right by luck"
    assert (all_anew == true).mean() == pytest.approx(0.1, abs=0.03)
    assert set(all_anew) == set(range(10))
    assert (half != other).any()
    assert (half == given_labels(digits, DataConfig(label_noise=0.5, n_train=100, shift=2))).all()
    hit = half != true
    assert (half[hit] == all_anew[hit]).all(), "a larger share hits the same ones in the same way"


def test_a_run_learns_wrong_labels_by_heart_and_shows_it(tiny: Dataset) -> None:
    config = run_config("mlp", {"label_noise": 0.5, "epochs": 60, "batch_size": 32, "lr": 0.003, "monitor": "last"})
    events = list(train(config, tiny, checkpoint_every=0))
    started, ends = events[0], [event for event in events if isinstance(event, EpochEnd)]
    assert isinstance(started, Started)
    assert 0.35 * started.n_train < started.n_wrong_labels < 0.55 * started.n_train
    assert describe(config, tiny, started)["n_wrong_labels"] == started.n_wrong_labels
    last = ends[-1]
    assert last.sample_acc is not None
    assert last.true_acc is not None
    assert last.sample_acc > 0.95, "what it was told"
    assert last.true_acc < 0.75, "and not what is true"
    assert max(end.true_acc or 0 for end in ends) > last.true_acc, (
        "before it knew them by heart, it read more of them right"
    )
    history = frame(map(to_json, events))
    assert len(history[history["split"] == "true"]) == len(ends)
    part = curve_part(Line("", look("orange", 0, 0), history), metric="accuracy")
    assert part.kinds >= {"train", "val", "true"}
    weights = [event for event in events if isinstance(event, Checkpoint)][-1].best_weights
    for split, labels in (("train", tiny.train_labels), ("test", tiny.test_labels)):
        judged = evaluate(config, weights, tiny, split)
        assert judged is not None
        assert np.isin(judged.labels, labels).all()
        assert (judged.labels == labels[: len(judged.labels)]).all(), "judged by true labels"


def test_a_run_that_is_told_the_truth_says_nothing_of_it(tiny: Dataset) -> None:
    config = run_config("softmax", {"epochs": 1})
    events = list(train(config, tiny))
    assert all(event.true_acc is None for event in events if isinstance(event, EpochEnd))
    assert "n_wrong_labels" not in describe(config, tiny, next(e for e in events if isinstance(e, Started)))
