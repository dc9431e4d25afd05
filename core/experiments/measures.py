"""What a lesson reads of a run, or of settings alone: each measure a function with its unit. No torch at import time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, NamedTuple

from pydantic import Field, model_validator

from core import models
from core.config import RunConfig
from core.data.config import DataConfig
from core.data.dataset import Dataset
from core.errors import RunError
from core.fields import Frozen, SplitName
from core.runs import reading
from core.runs.rows import Run
from core.runs.store import Store

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
        return self

    @property
    def measure(self) -> Measure:
        """What the id stands for."""
        return MEASURES[self.id]


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


def _training_figure(metric: str) -> OfRun:
    """Of the network after its last epoch, on a fixed sample of the images it learned from, with the labels it was given."""

    def read(store: Store, run: Run, _asked: Asked, _load: LoadDataset) -> Reading:
        value = _last_epoch(store, run).get(f"sample_{metric}")
        if value is None:
            raise RunError(f"{run.label} has no figures on its training images after an epoch")
        return Reading((100 if metric == "acc" else 1) * value, _n_sample(run), "train")

    return read


def _last_epoch(store: Store, run: Run) -> Mapping[str, float | None]:
    epochs = reading.epoch_ends(store, [run.run_id])[run.run_id]
    if not epochs:
        raise RunError(f"{run.label} has finished no epoch")
    return epochs[-1]


def _n_sample(run: Run) -> int:
    from core.engine.batches import sample_size  # loads torch

    return sample_size(run.started["n_train"])


def _n_params(config: RunConfig) -> Reading:
    return Reading(models.get(config.architecture).n_params(config.model))


MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        "test_acc": Measure("accuracy on test images", "%", True, 2, _figure("test", "acc")),
        "val_acc": Measure("accuracy on validation images", "%", True, 2, _figure("val", "acc")),
        "train_acc": Measure("accuracy on images it learned from", "%", True, 2, _training_figure("acc")),
        "test_loss": Measure("loss on test images", "", False, 3, _figure("test", "loss")),
        "train_loss": Measure("loss on images it learned from", "", False, 3, _training_figure("loss")),
        "n_params": Measure("number of weights", "weights", None, 0, of_settings=_n_params, exact=True),
    }
)  # fmt: skip
