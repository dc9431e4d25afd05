"""What a lesson reads of a run, or of settings alone: each measure a function with its unit. No torch at import time."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, NamedTuple

from pydantic import Field, model_validator

from core import models
from core.config import RunConfig
from core.data.config import DataConfig
from core.data.dataset import Dataset
from core.data.label_noise import given_labels
from core.data.split import split
from core.engine.batches import sample_size
from core.errors import ConfigError, RunError
from core.experiments.baselines import baseline
from core.fields import Frozen, SplitName
from core.runs import measurements, reading
from core.runs.manifest import own_images
from core.runs.robustness import predictor
from core.runs.rows import Run
from core.runs.schema import StorageError
from core.runs.store import Store

MEMORY = "share of the wrong labels that were learned"  # the question that its measurement answers

Unit = Literal["%", "points", "seconds", "weights", "multiply-adds", "images per second", "times", ""]

LoadDataset = Callable[[str], Dataset]


def shown(value: float, unit: Unit, decimals: int) -> str:
    """A number with its unit: "97.44 %", "1.52 percentage points", "12,345 weights"."""
    number = f"{value:,.{decimals}f}"
    number = number.removeprefix("-") if not float(number.replace(",", "")) else number
    return f"{number} {'percentage points' if unit == 'points' else unit}".strip()


class Reading(NamedTuple):
    """value: in the unit that is shown, percent for an accuracy; None of a run that diverged
    n: images it was measured on, 0 where no image is asked · split: of which they are, None without images"""

    value: float | None
    n: int = 0
    split: SplitName | None = None


class Asked(Frozen):
    """Which measure, and how: ``distortion``, ``strength`` and ``images`` (0: all) are of ``distorted_acc``."""

    id: str
    distortion: str = ""
    strength: float = 0.0
    images: int = Field(1_000, ge=0)

    @model_validator(mode="after")
    def _is_known(self) -> Asked:
        if self.id not in MEASURES:
            raise ValueError(f"id is {self.id!r}, allowed is one of {', '.join(MEASURES)}")
        if (self.id == "distorted_acc") != bool(self.distortion):
            raise ValueError(f"distortion is {self.distortion!r}, but distorted_acc has one and no other measure")
        return self

    @property
    def measure(self) -> Measure:
        """What the id stands for."""
        return MEASURES[self.id]

    def check(self) -> None:
        """Raises InputError for a distortion or a strength that there is not. It loads torch, so a list leaves it out."""
        if not self.distortion:
            return
        from core.inspect.distortions import DISTORTIONS
        from core.inspect.robustness import points

        points([self.distortion])
        strengths = DISTORTIONS[self.distortion].strengths if self.distortion in DISTORTIONS else (1.0,)
        if not min(strengths) <= self.strength <= max(strengths):
            raise ConfigError(
                f"strength of {self.distortion} is {self.strength:g}, allowed is {min(strengths):g} to {max(strengths):g}"
            )


OfRun = Callable[[Store, Run, Asked, LoadDataset], Reading]
OfSettings = Callable[[RunConfig], Reading]
OfBaseline = Callable[[str, DataConfig, LoadDataset], Reading]


@dataclass(frozen=True, slots=True)
class Measure:
    """title: within a sentence, "accuracy on test images" · higher_is_better: None where neither is

    of_run, of_settings, of_baseline: reads it of a finished run, of settings alone, of a baseline; one of them is there
    exact: whether it is the same each time, so that any difference is one
    """

    title: str
    unit: Unit
    higher_is_better: bool | None
    decimals: int
    of_run: OfRun | None = None
    of_settings: OfSettings | None = None
    of_baseline: OfBaseline | None = None
    exact: bool = False

    @property
    def is_accuracy(self) -> bool:
        """Whether it is a share of images."""
        return self.unit == "%"

    @property
    def heading(self) -> str:
        """The title as a sentence begins."""
        return self.title[0].upper() + self.title[1:]


def _figure(split: SplitName, metric: str) -> OfRun:
    """A figure of the summary: of the weights that were kept."""

    def read(_store: Store, run: Run, _asked: Asked, _load: LoadDataset) -> Reading:
        value = run.summary.get(f"{split}_{metric}")
        if f"n_{split}" not in run.summary:
            raise RunError(f"{run.label} has no {split} images that it was judged by")
        factor = 100 if metric == "acc" else 1
        return Reading(None if value is None else factor * value, run.summary[f"n_{split}"], split)

    return read


def _sample_figure(name: str) -> OfRun:
    """Of the network after its last epoch, on a fixed sample of the images it learned from."""

    def read(store: Store, run: Run, _asked: Asked, _load: LoadDataset) -> Reading:
        value = _of_epoch(store, run, -1, name)
        return Reading((100 if name.endswith("acc") else 1) * value, sample_size(run.started["n_train"]), "train")

    return read


def _acc_gap(store: Store, run: Run, _asked: Asked, _load: LoadDataset) -> Reading:
    gap = _of_epoch(store, run, -1, "sample_acc") - _of_epoch(store, run, -1, "val_acc")
    return Reading(100 * gap, run.started["n_val"], "val")


def _first_val_acc(store: Store, run: Run, _asked: Asked, _load: LoadDataset) -> Reading:
    return Reading(100 * _of_epoch(store, run, 1, "val_acc"), run.started["n_val"], "val")


def _train_change(store: Store, run: Run, _asked: Asked, _load: LoadDataset) -> Reading:
    """Over-fitting makes it rise where validation falls; where both fall, the network itself got worse."""
    epochs = reading.epoch_ends(store, [run.run_id])[run.run_id][1:]  # without the untrained network
    if len(epochs) < 2 or any(epoch.get(name) is None for epoch in epochs for name in ("val_acc", "sample_acc")):
        raise RunError(f"{run.label} has no two epochs with figures on both validation and training images")
    worst = min(range(1, len(epochs)), key=lambda place: epochs[place]["val_acc"] - epochs[place - 1]["val_acc"])
    change = epochs[worst]["sample_acc"] - epochs[worst - 1]["sample_acc"]
    return Reading(100 * change, sample_size(run.started["n_train"]), "train")


def _of_epoch(store: Store, run: Run, place: int, name: str) -> float:
    """A figure of an epoch: 1 is the first, -1 the last. Raises RunError where there is none."""
    epochs = reading.epoch_ends(store, [run.run_id])[run.run_id]
    value = epochs[place].get(name) if len(epochs) > 1 else None  # the first one is the untrained network
    if value is None:
        raise RunError(f"{run.label} measured no {name} after that epoch")
    return float(value)


def _seconds_per_epoch(_store: Store, run: Run, _asked: Asked, _load: LoadDataset) -> Reading:
    return Reading(run.summary["seconds"] / run.summary["epoch"])


def _distorted_acc(store: Store, run: Run, asked: Asked, load_dataset: LoadDataset) -> Reading:
    from core.inspect.robustness import Point
    from core.runs.robustness import results

    point = Point(asked.distortion, asked.strength)
    measured = next(iter(results(store, [run], [point], load_dataset, asked.images)))
    return Reading(100 * measured.accuracy, measured.n, "test")


def _label_memory(store: Store, run: Run, _asked: Asked, load_dataset: LoadDataset) -> Reading:
    """On every training image that was given a wrong label, by the weights that were kept."""
    config = run.run_config()
    key = measurements.key(MEMORY, weights=measurements.weights_hash(store, run.run_id), images=run.images)
    content = measurements.read(store, run.run_id, key)
    if content is None:
        dataset = own_images(run.manifest, load_dataset(config.data.dataset))
        train = split(dataset, config.data).train
        noisy_labels = given_labels(dataset, config.data)[train]
        is_wrong = noisy_labels != dataset.train_labels[train]
        if not is_wrong.any():
            raise RunError(f"{run.label} was given no wrong label (label_noise) that it could have learned")
        answers = predictor(store, run).answers(dataset.train_images[train][is_wrong])
        content = {"n_learned": int((answers == noisy_labels[is_wrong]).sum()), "n": int(is_wrong.sum())}
        with contextlib.suppress(StorageError):  # where nothing can be written, it is measured again next time
            measurements.write(store, run.run_id, key, content)
    return Reading(100 * content["n_learned"] / content["n"], content["n"], "train")


def _wrong_labels(_store: Store, run: Run, _asked: Asked, _load: LoadDataset) -> Reading:
    n_train = run.started["n_train"]
    return Reading(100 * run.manifest.get("n_wrong_labels", 0) / n_train, n_train, "train")


def _least_loss(store: Store, run: Run, asked: Asked, load: LoadDataset) -> Reading:
    """Of an image that is misread, the true digit has a probability of a half at most, so each costs ln 2 nats or more."""
    accuracy = _figure("test", "acc")(store, run, asked, load)
    return accuracy._replace(value=None if accuracy.value is None else math.log(2) * (1 - accuracy.value / 100))


def _loss_over_batch(store: Store, run: Run, asked: Asked, load: LoadDataset) -> Reading:
    """What comes out when the means of batches are added up and divided by the number of images."""
    loss = _figure("test", "loss")(store, run, asked, load)
    return loss._replace(value=None if loss.value is None else loss.value / run.config["training"]["batch_size"])


def _n_params(config: RunConfig) -> Reading:
    return Reading(models.get(config.architecture).n_params(config.model))


def _multiply_adds(config: RunConfig) -> Reading:
    return Reading(models.get(config.architecture).multiply_adds(config.model))


def _speed(place: int) -> OfSettings:
    """Of learning (0) or answering (1), on this machine, with as many threads as the calling thread may use."""

    def measure(config: RunConfig) -> Reading:
        from core.engine.speed import run_speeds

        return Reading(run_speeds(config)[place])

    return measure


def _baseline_acc(on: SplitName) -> OfBaseline:
    def ask(name: str, config: DataConfig, load_dataset: LoadDataset) -> Reading:
        score = baseline(name, load_dataset(config.dataset), config, on).score
        return Reading(100 * score.accuracy, score.n, on)

    return ask


MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        "test_acc": Measure("accuracy on test images", "%", True, 2, _figure("test", "acc")),
        "val_acc": Measure("accuracy on validation images", "%", True, 2, _figure("val", "acc")),
        "test_loss": Measure("loss on test images", "", False, 3, _figure("test", "loss")),
        "val_loss": Measure("loss on validation images", "", False, 3, _figure("val", "loss")),
        "train_acc": Measure("accuracy on images it learned from", "%", True, 2, _sample_figure("sample_acc")),
        "train_loss": Measure("loss on images it learned from", "", False, 3, _sample_figure("sample_loss")),
        "true_train_acc": Measure(
            "accuracy on images it learned from, by true labels", "%", True, 2, _sample_figure("true_acc")
        ),
        "acc_gap": Measure(
            "accuracy on images it learned from minus that on validation images", "points", False, 2, _acc_gap
        ),
        "first_val_acc": Measure("accuracy on validation images after one epoch", "%", True, 2, _first_val_acc),
        "train_change": Measure(
            "change of training accuracy where validation accuracy fell most", "points", None, 2, _train_change
        ),
        "distorted_acc": Measure("accuracy on distorted test images", "%", True, 2, _distorted_acc),
        "label_memory": Measure("share of the wrong labels that it learned", "%", None, 2, _label_memory),
        "wrong_labels": Measure(
            "share of wrong labels among those it was given", "%", None, 2, _wrong_labels, exact=True
        ),
        "least_loss": Measure("least loss that its mistakes allow", "", False, 3, _least_loss),
        "loss_over_batch": Measure("loss divided by the batch size once more", "", False, 3, _loss_over_batch),
        "seconds_per_epoch": Measure("seconds of training an epoch", "seconds", False, 2, _seconds_per_epoch),
        "n_params": Measure("number of weights", "weights", None, 0, of_settings=_n_params, exact=True),
        "multiply_adds": Measure(
            "multiply-adds for one image", "multiply-adds", False, 0, of_settings=_multiply_adds, exact=True
        ),
        "images_per_s": Measure("images read per second", "images per second", True, 0, of_settings=_speed(1)),
        "learned_per_s": Measure("images learned from per second", "images per second", True, 0, of_settings=_speed(0)),
        "knn_test_acc": Measure("accuracy on test images", "%", True, 2, of_baseline=_baseline_acc("test"), exact=True),
        "knn_train_acc": Measure(
            "accuracy on the images it has stored", "%", True, 2, of_baseline=_baseline_acc("train"), exact=True
        ),
    }
)
