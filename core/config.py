"""``RunConfig``: what the data, the model and the training need, in one frozen value."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Literal, Self

from pydantic import BaseModel, SerializeAsAny, ValidationError, field_validator, model_validator

from core import models
from core.data.config import DataConfig
from core.data.split import part_sizes
from core.errors import ConfigError
from core.fields import Config, RunId, Setting, config_error, present_values, setting, settings

Optimizer = Literal["sgd", "momentum", "nesterov", "adam", "adamw", "rmsprop", "muon"]
Precision = Literal["fp32", "bf16"]  # with which numbers a network learns or answers
Init = Literal[
    "default", "he", "glorot", "orthogonal", "small", "large", "zeros"
]  # what the weights are before the first step
Schedule = Literal["constant", "step", "cosine", "one-cycle", "warm-up"]

# Settings that only say what is kept of a run: they change nothing about it, so no two runs differ in them.
RECORDS = frozenset({"snapshots"})


class TrainingConfig(Config):
    """How the weights are found. Every field acts on every architecture."""

    epochs: int = setting(
        5, "Epochs", "How many times the network sees every training image.",
        low=1, high=1000, step=1, unit="epochs", basic=True,
    )  # fmt: skip
    max_steps: int = setting(
        0, "Steps at most", "Ends the training after this many weight updates, within an epoch if need be.",
        low=0, high=10_000_000, step=100, unit="steps", zero="no limit",
    )  # fmt: skip
    batch_size: int = setting(
        64, "Batch size", "How many images are looked at before the weights move once. With all of them, a step is an epoch.",
        low=1, high=60_000, step=1, scale="log", unit="images", basic=True,
    )  # fmt: skip
    optimizer: Optimizer = setting(
        "adam", "Optimizer", "The rule that turns slopes into weight changes. Muon moves matrices with more than 10 rows and "
        "columns, and AdamW the other weights beside it.", basic=True,
        labels={"sgd": "SGD", "momentum": "SGD with momentum", "nesterov": "SGD with Nesterov momentum",
                "adam": "Adam", "adamw": "AdamW", "rmsprop": "RMSprop", "muon": "Muon"}, old_names=("optimiser",),
    )  # fmt: skip
    lr: float = setting(
        0.001, "Learning rate", "How far each step moves the weights. Too high: it jumps about. Too low: it crawls.",
        low=1e-5, high=10.0, scale="log", basic=True,
    )  # fmt: skip
    schedule: Schedule = setting(
        "constant", "Schedule", "How the learning rate changes during training.",
        labels={"constant": "constant", "step": "step (a tenth after 1/2, a hundredth after 3/4)",
                "cosine": "cosine, down to 0", "one-cycle": "one-cycle (up for a quarter, then down to 0)",
                "warm-up": "warm-up (over the first tenth), then constant"},
    )  # fmt: skip
    momentum: float = setting(
        0.9, "Momentum", "How much of the earlier slopes still counts in a step (first beta of Adam and AdamW). With Muon, "
        "only in the matrices that Muon moves itself.",
        low=0.0, high=0.99, step=0.01,
        applies_when={"optimizer": ("momentum", "nesterov", "adam", "adamw", "muon")},
    )  # fmt: skip
    weight_decay: float = setting(
        0.0, "Weight decay (L2)", "Pulls every weight towards zero a little each step, so that none grows for nothing; "
        "biases and the scales of norms, too. SGD, Adam and RMSprop add it to the gradient (coupled), AdamW and Muon keep it "
        "apart (decoupled). The losses that are shown leave it out.",
        low=0.0, high=1.0, step=0.0001,
    )  # fmt: skip
    l1: float = setting(
        0.0, "L1 penalty", "Charges for the size of every weight but biases and the scales of norms. Those that help "
        "little end close to zero, though hardly ever at zero itself. The losses that are shown leave it out.",
        low=0.0, high=0.1, step=0.00001,
    )  # fmt: skip
    label_smoothing: float = setting(
        0.0, "Label smoothing", "Asks for a little less than full certainty, which keeps a network from overclaiming. The "
        "losses that are shown leave it out.",
        low=0.0, high=0.5, step=0.01,
    )  # fmt: skip
    clip_norm: float = setting(
        0.0, "Gradient clipping", "Longest gradient allowed (norm over all weights). SGD's step gets shorter by it. Adam, "
        "AdamW and RMSprop divide a gradient by its usual size, and Muon by its length, so with them it only tames a gradient "
        "that is much longer than those before.",
        low=0.0, high=100.0, step=0.1, zero="off",
    )  # fmt: skip
    init: Init = setting(
        "default", "Starting weights", "What the weights are before the first step. Drawn at random, units begin different and "
        "can learn different things; how large they are decides whether a signal gets through many layers. The norms stay.",
        labels={"default": "as the library draws them", "he": "He", "glorot": "Glorot", "orthogonal": "orthogonal",
                "small": "too small (a hundredth of He)", "large": "too large (ten times He)", "zeros": "zeros"},
    )  # fmt: skip
    shuffle: bool = setting(True, "Shuffle", "A new order of the training images in every epoch.")
    monitor: Literal["val_loss", "val_acc", "last"] = setting(
        "val_loss", "Best epoch by", "Which validation figure decides which weights are the best; those are kept.",
        labels={"val_loss": "validation loss", "val_acc": "validation accuracy", "last": "none: the last epoch counts"},
    )  # fmt: skip
    patience: int = setting(
        0, "Early stopping", "Stop after this many epochs without a better one.",
        low=0, high=100, step=1, unit="epochs", zero="off", applies_when={"monitor": ("val_loss", "val_acc")},
    )  # fmt: skip
    min_delta: float = setting(
        0.0, "Smallest improvement", "An epoch counts as better only if it improves by more than this.",
        low=0.0, high=1.0, step=0.0001, applies_when={"monitor": ("val_loss", "val_acc")},
    )  # fmt: skip
    seed: int = setting(
        0, "Seed", "Fixes every random choice of the training: starting weights, order, dropout, variation. Same seed, "
        "same run, on the same machine. Which images are held out is decided by the split seed.",
        low=0, high=2**31 - 1, step=1, basic=True,
    )  # fmt: skip
    start_from: RunId = setting(
        "", "Start from", "Goes on learning with the weights of a run that has ended (fine-tuning): put its id here. It has to "
        "be the same network with the same settings of its own. From scratch, the weights are drawn at random.", zero="scratch",
    )  # fmt: skip
    device: Literal["auto", "cpu", "cuda", "mps"] = setting(
        "auto", "Device", "Where the arithmetic happens; auto takes a GPU when there is one.",
        labels={"auto": "automatic", "cpu": "CPU", "cuda": "NVIDIA GPU (cuda)", "mps": "Apple GPU (mps)"},
    )  # fmt: skip
    tta_views: Literal[1, 5, 9] = setting(
        1, "Test-time augmentation", "The finished network reads each image this often, once as it is and then moved by a "
        "pixel in other directions, and averages its answers.",
        labels={1: "off (one view)", 5: "five views (also up, down, left, right)", 9: "nine views (also the corners)"},
        old_names=("looks",),
    )  # fmt: skip
    precision: Literal["fp32", "bf16", "auto"] = setting(
        "fp32", "Precision", "16-bit numbers have half as many bits, so less has to be moved and multiplied: faster where the "
        "processor knows them, slower elsewhere, rarely less accurate. Automatic tries both for a moment before the first run "
        "of a network on this machine, learns with the faster ones, and answers with 32 bits.",
        labels={"fp32": "32-bit (fp32)", "bf16": "16-bit (bf16)", "auto": "automatic: the faster one"},
    )  # fmt: skip
    snapshots: Literal["none", "few", "epochs", "early"] = setting(
        "none", "Weights kept on the way", "Keeps the network's weights while it learns, so that you can go back later and see "
        "what it had learned by then. It changes nothing about the training. Each time takes two bytes per weight on the disk. "
        "A few are those of steps 4, 16, 64, … of the first epoch, and of epochs 1, 2, 4, 8, … The first steps are 1, 2, 4, "
        "8, … of the first epoch; of a long training every second or third epoch is kept.",
        labels={"none": "only the best", "few": "a few, ever further apart", "epochs": "after every epoch",
                "early": "first steps and every epoch"},
    )  # fmt: skip


class RunConfig(BaseModel):
    """Everything that decides a run's outcome on a given machine."""

    model_config = Config.model_config

    architecture: str
    model: SerializeAsAny[Config]
    data: DataConfig
    training: TrainingConfig

    @field_validator("architecture")
    @classmethod
    def _architecture_exists(cls, name: str) -> str:
        models.title(name)
        return name

    @model_validator(mode="before")
    @classmethod
    def _model_class(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and isinstance(values.get("model"), Mapping):
            config_class = models.get(str(values.get("architecture"))).config
            return {**values, "model": config_class.model_validate(values["model"])}
        return values

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.training.batch_size == 1 and models.get(self.architecture).needs_batch_statistics(self.model):
            raise ValueError("batch_size is 1, but batch normalisation needs at least 2 images to average over")
        if self.training.patience and not self.data.val_fraction:
            raise ValueError("patience needs validation images, but val_fraction is 0")
        if self.training.patience and self.training.monitor == "last":
            raise ValueError("patience needs a figure to wait for, but monitor is last")
        return self

    def check_images(self, n_images: int) -> None:
        """Raises ConfigError where a dataset of so many training images, before any are held out, leaves too few for what the
        settings ask."""
        n_train, n_val = part_sizes(n_images, self.data)
        if n_train == 1 and models.get(self.architecture).needs_batch_statistics(self.model):
            raise ConfigError(
                f"n_train is {self.data.n_train} and val_fraction {self.data.val_fraction:g}, which leaves 1 of the "
                f"{n_images:,} training images to train on, but batch normalisation needs at least 2 to average over",
                ("n_train", "val_fraction"),
            )
        if self.training.patience and not n_val:
            raise ConfigError(
                f"patience needs validation images, but val_fraction is {self.data.val_fraction:g}, which is none of the "
                f"{n_images:,} training images",
                ("patience", "val_fraction"),
            )

    def flat(self, mode: Literal["python", "json"] = "python") -> dict[str, Any]:
        """Every setting by its name, the three sections side by side; names never collide. mode: "json" for plain values"""
        return {
            name: value
            for part in (self.model, self.data, self.training)
            for name, value in part.model_dump(mode=mode).items()
        }

    def without_seed(self) -> Self:
        """The same run with seed 0 and the default of what does nothing: runs that differ in the seed alone, and perhaps in
        what is kept of them, are equal then."""
        update = {**_idle_defaults(self.flat()), "seed": 0}
        return self.model_copy(update={"training": self.training.model_copy(update=update)})

    def link(self) -> dict[str, str]:
        """The settings that differ from their defaults and act, as a link carries them."""
        values = self.flat()
        return {"architecture": self.architecture} | {
            setting.name: setting.text(values[setting.name])
            for setting in all_settings(self.architecture)
            if values[setting.name] != setting.default and setting.applies(values)
        }

    def idle_sentences(self, names: Collection[str]) -> list[str]:
        """A sentence for each of these settings that does nothing beside the others."""
        values, by_name = self.flat(), {setting.name: setting for setting in all_settings(self.architecture)}

        def reason(idle: Setting) -> str:
            others = (by_name[name] for name in idle.applies_when)
            return " and ".join(
                f"{other.title} ({other.name}) is {other.label(values[other.name])}" for other in others
            )

        return [
            f"{setting.title} ({setting.name}) does nothing while {reason(setting)}."
            for setting in by_name.values()
            if setting.name in names and not setting.applies(values)
        ]


def sections(architecture: str) -> dict[str, type[Config]]:
    """The config classes that together describe a run of an architecture, by their name in ``RunConfig``."""
    return {"model": models.get(architecture).config, "data": DataConfig, "training": TrainingConfig}


def all_settings(architecture: str) -> tuple[Setting, ...]:
    """Every setting a run of an architecture has: model, then data, then training."""
    return tuple(setting for section in sections(architecture).values() for setting in settings(section))


def run_config(architecture: str, values: Mapping[str, Any]) -> RunConfig:
    """A run's config from values by setting name; what is not given takes its default.

    Raises ConfigError naming each setting, its value and what is allowed, or each name that is no setting here.
    """
    parts: dict[str, dict[str, Any]] = {name: {} for name in sections(architecture)}
    owner = {setting.name: name for name, section in sections(architecture).items() for setting in settings(section)}
    values = flat_present_values(architecture, values)
    strangers = tuple(name for name in values if name not in owner)
    if strangers:
        raise ConfigError(f"{', '.join(strangers)}: not a setting of {architecture}", strangers)
    for name, value in values.items():
        parts[owner[name]][name] = value
    return parse({"architecture": architecture, **parts})


def flat_present_values(architecture: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of all sections side by side, with the names and types that their settings have now; nothing is checked."""
    for section in sections(architecture).values():
        values = present_values(section, values)
    return dict(values)


def with_present_values(stored: Mapping[str, Any]) -> dict[str, Any]:
    """A stored config (section -> values), with the names and types that its settings have now; nothing is checked. Also of a
    stored contestant, whose settings stand side by side."""
    return {name: _present_stored(values) if isinstance(values, Mapping) else values for name, values in stored.items()}


def present_shared_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by setting name, those of data and training with the names and types that their settings have now."""
    return present_values(TrainingConfig, present_values(DataConfig, values))


def _present_stored(values: Mapping[str, Any]) -> dict[str, Any]:
    # The file of a network loads torch, for which no list of runs should wait. No setting of a network has an old name, so all
    # that can be old about one is a number that was written as text; no setting takes such a text any more.
    return {
        name: int(value) if isinstance(value, str) and value.isdigit() else value
        for name, value in present_shared_values(values).items()
    }


def without_seed(stored: Mapping[str, Any]) -> str:
    """A text that stored configs (section -> values, by present names) share exactly when they differ in the seed alone, and
    perhaps in what is kept of them.

    A setting that an older run does not know had the value that is now its default. Nothing is checked. Needs the file behind
    the architecture, for what its network declares.
    """
    parts = dict(stored)
    for name, section in sections(stored["architecture"]).items() if stored["architecture"] in models.TABLE else ():
        parts[name] = {**_defaults(section), **parts[name]}
    training = {**parts["training"], **_idle_defaults(parts["training"]), "seed": 0}
    return json.dumps({**parts, "training": training}, sort_keys=True)


def _idle_defaults(values: Mapping[str, Any]) -> dict[str, Any]:
    """The default of each training setting that does nothing beside these values, or never does anything to a run."""
    return {
        setting.name: setting.default
        for setting in settings(TrainingConfig)
        if setting.name in values and (setting.name in RECORDS or not setting.applies(values))
    }


@cache
def _defaults(section: type[Config]) -> Mapping[str, Any]:
    return MappingProxyType(section().model_dump(mode="json"))


def parse(values: Mapping[str, Any]) -> RunConfig:
    """A run's config from its nested form (a stored run, an uploaded file). Raises ConfigError."""
    try:
        return RunConfig.model_validate(dict(values))
    except ValidationError as error:
        raise config_error(error, all_settings(str(values.get("architecture")))) from None
