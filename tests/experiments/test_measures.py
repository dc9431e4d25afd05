"""What a lesson reads of a run and of settings, beside the same counted by hand."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from core.config import run_config
from core.data.config import DataConfig
from core.data.dataset import Dataset
from core.data.label_noise import given_labels
from core.data.split import split
from core.errors import RunError
from core.experiments.measures import MEASURES, Asked, Reading, shown
from core.runs import reading
from core.runs.robustness import predictor
from core.runs.rows import Run
from core.runs.store import Store
from core.runs.worker import drive


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny: Dataset) -> Iterator[tuple[Store, Run]]:
    """A run that was told wrong labels, with its store."""
    store = Store(tmp_path_factory.mktemp("measures"))
    config = run_config(
        "softmax", {"epochs": 3, "label_noise": 0.5, "val_fraction": 0.25, "lr": 0.01, "monitor": "last"}
    )
    yield store, drive(store, store.create(config), lambda name: tiny)
    store.close()


def test_figures_of_a_run_are_those_of_its_events(trained: tuple[Store, Run], tiny: Dataset) -> None:
    store, run = trained

    def read(name: str, **how: object) -> Reading:
        of_run = MEASURES[name].of_run
        assert of_run is not None
        return of_run(store, run, Asked(id=name, **how), lambda _: tiny)  # type: ignore[arg-type]

    epochs = reading.epoch_ends(store, [run.run_id])[run.run_id]
    assert read("test_acc") == (100 * run.summary["test_acc"], 60, "test")
    assert read("val_loss") == (run.summary["val_loss"], run.summary["n_val"], "val")
    assert read("train_acc") == (100 * epochs[3]["sample_acc"], 100, "train")
    assert read("true_train_acc").value == 100 * epochs[3]["true_acc"]
    assert read("first_val_acc").value == 100 * epochs[1]["val_acc"]
    assert read("acc_gap").value == pytest.approx(read("train_acc").value - 100 * epochs[3]["val_acc"])
    assert read("seconds_per_epoch").value == pytest.approx(run.summary["seconds"] / 3)

    plain = read("distorted_acc", distortion="shift", strength=0.0, images=0)
    assert plain == (pytest.approx(100 * run.summary["test_acc"]), 60, "test")
    moved = read("distorted_acc", distortion="shift", strength=6.0, images=30)
    assert moved.n == 30
    assert moved.value < plain.value

    train = split(tiny, run.run_config().data).train
    given, true = given_labels(tiny, run.run_config().data)[train], tiny.train_labels[train]
    answers = predictor(store, run).answers(tiny.train_images[train])
    wrong = given != true
    expected = 100 * float((answers == given)[wrong].mean())
    assert read("label_memory") == (pytest.approx(expected), int(wrong.sum()), "train")
    assert 0 < expected < 100
    assert read("wrong_labels") == (pytest.approx(100 * wrong.mean()), len(wrong), "train")
    n_misread = 60 - round(60 * run.summary["test_acc"])
    assert n_misread > 0
    assert read("least_loss") == (pytest.approx(0.693147 * n_misread / 60, rel=1e-5), 60, "test")
    assert read("least_loss").value < run.summary["test_loss"]
    batch_size = run.config["training"]["batch_size"]
    assert read("loss_over_batch") == (pytest.approx(run.summary["test_loss"] / batch_size), 60, "test")
    with store.database.write() as db:
        assert db.execute("SELECT COUNT(*) FROM measurements").fetchone()[0] == 3, "kept, and not measured again"


def test_training_is_looked_at_where_validation_fell_most(
    trained: tuple[Store, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, run = trained
    of_run = MEASURES["train_change"].of_run
    assert of_run is not None
    asked = Asked(id="train_change")
    val, sample = (0.1, 0.5, 0.7, 0.4, 0.3), (0.9, 0.5, 0.8, 0.55, 0.2)  # the first one is the untrained network
    epochs = [{"val_acc": a, "sample_acc": b} for a, b in zip(val, sample, strict=True)]
    monkeypatch.setattr(reading, "epoch_ends", lambda *_: {run.run_id: epochs})
    assert of_run(store, run, asked, lambda _: None) == (pytest.approx(-25.0), 100, "train")  # type: ignore[arg-type]
    monkeypatch.setattr(reading, "epoch_ends", lambda *_: {run.run_id: epochs[:2]})
    with pytest.raises(RunError, match="no two epochs"):
        of_run(store, run, asked, lambda _: None)  # type: ignore[arg-type]


def test_what_a_run_does_not_have_is_said(trained: tuple[Store, Run], tiny: Dataset) -> None:
    store, _ = trained
    run = drive(store, store.create(run_config("softmax", {"epochs": 1, "val_fraction": 0.0})), lambda name: tiny)
    for name, sentence in (("val_acc", "no val images"), ("acc_gap", "no val_acc"), ("label_memory", "no wrong label")):
        of_run = MEASURES[name].of_run
        assert of_run is not None
        with pytest.raises(RunError, match=sentence):
            of_run(store, run, Asked(id=name), lambda _: tiny)


def test_settings_and_baselines_are_measured_without_training(tiny: Dataset) -> None:
    config = run_config("mlp", {"widths": [16]})
    counted = {
        name: MEASURES[name].of_settings for name in ("n_params", "multiply_adds", "images_per_s", "learned_per_s")
    }
    values = {name: measure(config).value for name, measure in counted.items() if measure}
    assert (values["n_params"], values["multiply_adds"]) == (785 * 16 + 17 * 10, 784 * 16 + 16 * 10)
    assert values["images_per_s"] > values["learned_per_s"] > 0
    data = DataConfig(n_train=100)
    on_stored, on_new = (MEASURES[f"knn_{split}_acc"].of_baseline for split in ("train", "test"))
    assert on_stored is not None
    assert on_new is not None
    assert on_stored("knn", data, lambda _: tiny) == (100.0, 100, "train")
    seen = on_new("knn", data, lambda _: tiny)
    assert (seen.n, seen.split) == (60, "test")
    assert 50 < seen.value < 100


def test_numbers_are_shown_with_their_unit() -> None:
    assert shown(97.444, "%", 2) == "97.44 %"
    assert shown(-0.001, "points", 2) == "0.00 percentage points"
    assert shown(12_345.6, "weights", 0) == "12,346 weights"
    assert shown(2.345, "", 3) == "2.345"
    assert shown(np.float64(1.5), "times", 1) == "1.5 times"
