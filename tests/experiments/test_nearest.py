"""Baselines without gradients: they answer exactly as scikit-learn does, and like any other evaluation."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid

from bench.reliability.laws import check
from core import data
from core.cli.app import main
from core.data.config import DataConfig
from core.data.dataset import Dataset
from core.data.split import split
from core.errors import ConfigError
from core.experiments.baselines import BASELINES, NEIGHBOURS, baseline

TEXTS = Path(__file__).parents[2] / "assets" / "architectures"
NAMES = list(BASELINES)


def from_scikit_learn(name: str, dataset: Dataset, config: DataConfig, asked: slice) -> Any:
    """scikit-learn's own predictions for some of the test images, on pixels scaled here in double precision."""
    parts = split(dataset, config)
    train_images, images = dataset.train_images[parts.train], dataset.test_images[asked]
    scaled = [(one.reshape(len(one), -1) / 255 - parts.mean) / parts.std for one in (train_images, images)]
    classifier = (
        KNeighborsClassifier(NEIGHBOURS, weights="distance", algorithm="brute")
        if name == "knn"
        else NearestCentroid(metric="euclidean")
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pixels that are always background have no deviation; nothing divides by it
        return classifier.fit(scaled[0], dataset.train_labels[parts.train]).predict(scaled[1])


@pytest.mark.parametrize("normalisation", ["standard", "unit"])
@pytest.mark.parametrize("name", NAMES)
def test_predictions_are_those_of_scikit_learn(name: str, normalisation: Any, digits: Dataset) -> None:
    config = DataConfig(normalisation=normalisation)
    evaluation = baseline(name, digits, config, "test")
    expected = from_scikit_learn(name, digits, config, slice(None))
    assert np.array_equal(evaluation.logits.argmax(axis=1), expected)
    assert evaluation.score.accuracy == np.mean(expected == digits.test_labels)


@pytest.mark.parametrize("on", ["val", "test"])
@pytest.mark.parametrize("name", NAMES)
def test_answers_obey_the_laws_of_an_evaluation(name: str, on: Any, digits: Dataset) -> None:
    evaluation = baseline(name, digits, DataConfig(), on)
    check(evaluation.logits, evaluation.labels, loss=evaluation.score.loss, acc=evaluation.score.accuracy)
    assert evaluation.logits.dtype == np.float32
    assert len(evaluation.labels) == (382 if on == "test" else 258)
    assert evaluation.score.loss < np.log(10), "better than guessing"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n_train", [1, 2, 15])
def test_a_handful_of_images_is_enough_to_answer(name: str, n_train: int, digits: Dataset) -> None:
    evaluation = baseline(name, digits, DataConfig(n_train=n_train), "test")
    check(evaluation.logits, evaluation.labels)
    train_labels = digits.train_labels[split(digits, DataConfig(n_train=n_train)).train]
    assert set(evaluation.logits.argmax(axis=1)) <= set(train_labels), "no digit that it never saw"


@pytest.mark.parametrize("name", NAMES)
def test_the_test_labels_change_nothing_in_the_answers(name: str, digits: Dataset) -> None:
    other = replace(digits, test_labels=np.roll(digits.test_labels, 1))
    logits = [baseline(name, one, DataConfig(), "test").logits for one in (digits, other)]
    assert np.array_equal(*logits)


def test_unknown_names_and_empty_splits_are_refused_in_words(digits: Dataset) -> None:
    with pytest.raises(ConfigError, match="allowed is one of knn, class-mean"):
        baseline("oracle", digits, DataConfig(), "test")
    with pytest.raises(ConfigError, match="val_fraction is 0"):
        baseline("knn", digits, DataConfig(val_fraction=0.0), "val")


@pytest.mark.parametrize("name", NAMES)
def test_a_text_with_the_same_title_exists(name: str) -> None:
    text = (TEXTS / f"{name}.md").read_text(encoding="utf-8")
    assert text.splitlines()[0] == f"# {BASELINES[name].title}"
    prose = "\n".join(line for line in text.splitlines() if not line.startswith("- ["))  # without what can be tried
    assert 100 < len(prose.split()) < 220


def test_the_command_line_lists_them_with_their_figures(capsys: pytest.CaptureFixture[str], digits: Dataset) -> None:
    assert main(["baselines", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["id"] for row in rows] == NAMES
    for row in rows:
        score = baseline(row["id"], digits, DataConfig(), "test").score
        assert (row["n"], row["acc"]) == (382, score.accuracy)
        assert row["loss"] == pytest.approx(score.loss)
        assert row["seconds"] > 0
    assert main(["baselines", "--dataset", "mnist"]) == 2
    assert "MNIST" in capsys.readouterr().err


@pytest.mark.mnist
@pytest.mark.parametrize(("name", "low", "high"), [("knn", 0.965, 0.975), ("class-mean", 0.815, 0.825)])
def test_mnist_is_read_as_well_as_comparing_can(name: str, low: float, high: float) -> None:
    dataset, config = data.load("mnist"), DataConfig(dataset="mnist")
    evaluation = baseline(name, dataset, config, "test")
    assert len(split(dataset, config).train) == 50_000
    check(evaluation.logits, evaluation.labels)
    print(f"{name}: {evaluation.score.accuracy:.2%} of {evaluation.score.n:,}, loss {evaluation.score.loss:.4f} nats")
    assert low <= evaluation.score.accuracy <= high
    some = slice(0, 10_000, 20)
    assert np.array_equal(evaluation.logits[some].argmax(axis=1), from_scikit_learn(name, dataset, config, some))
