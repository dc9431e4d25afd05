"""Experiments with a name: settings that somebody has tried before, one click or one flag away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal

from core import models
from core.config import RunConfig, TrainingConfig, all_settings, run_config
from core.errors import ConfigError
from core.experiments.recipes import BEST, BLINK, IN_A_MINUTE, PATIENT, Recipe
from core.fields import Setting, settings

Kind = Literal["start", "replay", "best", "patient", "blink"]

# What the groups are called on screen, in this order.
KINDS: Mapping[Kind, str] = MappingProxyType(
    {
        "start": "First steps",
        "replay": "Replays of learners' projects",
        "best": "Best of each",
        "patient": "With patience",
        "blink": "Against the clock",
    }
)

# Kinds of machine (``engine.machine_kind.MachineKind``), behind "a machine".
_MACHINES: Mapping[str, str] = MappingProxyType(
    {
        "gpu": "with a GPU",
        "16-bit": "with 16-bit units",
        "32-bit": "without 16-bit units",
        "32-bit, slow": "with a slow processor without 16-bit units",
    }
)


@dataclass(frozen=True, slots=True)
class Preset:
    """id: on the command line · title, sentence: on screen · runs: (architecture, settings that differ from the defaults)

    kind: the group it belongs to · published: the figure that somebody else reported, as a part of a sentence, "" for none
    difference: one sentence why ours may differ from it, "" without a figure
    by_machine: kind of machine -> what differs there, so that it is ready in time · here: once that is decided, what differs on
    this machine, as a sentence
    Several runs in one preset share split, order and seed, so that only what it compares differs.
    """

    id: str
    title: str
    sentence: str
    runs: tuple[tuple[str, Mapping[str, Any]], ...]
    kind: Kind = "start"
    published: str = ""
    difference: str = ""
    by_machine: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    here: str = ""

    def on_this_machine(self) -> Preset:
        """The same experiment as it is run here; ``here`` says how. The first call on a machine measures which kind it is."""
        if not self.by_machine:
            return self
        from core.engine.machine_kind import machine_kind  # loads torch

        kind = machine_kind()
        changes = self.by_machine.get(kind, {})
        words = f"{_changes(self.runs, changes)}, to be ready in time" if changes else "as described"
        runs = tuple((architecture, {**values, **changes}) for architecture, values in self.runs)
        here = f"On this machine, {_MACHINES[kind]}: {words}."
        return replace(self, runs=runs, by_machine={}, here=here)

    def elsewhere(self) -> list[str]:
        """A sentence for each kind of machine on which it is another, with the flags that would ask for that. No torch."""
        return [
            f"On a machine {_MACHINES[kind]}: "
            + " ".join(f"--{name.replace('_', '-')} {value}" for name, value in changes.items())
            for kind, changes in self.by_machine.items()
        ]

    def configs(self, **overrides: Any) -> list[RunConfig]:
        """One config per run. ``overrides`` (such as seed=3) apply to every run. Raises ConfigError."""
        return [run_config(architecture, {**values, **overrides}) for architecture, values in self.runs]


# The embedded digits were written large and came in 8 x 8 cells: thick strokes, and ones with a base. Whoever draws here writes
# thinner and otherwise, so the strokes vary, and some ones are drawn by rule. A few of the weights on the way are kept, so that
# there is something to go back through from the first experiment on.
_DIGITS = MappingProxyType({
    "dataset": "digits", "epochs": 20, "batch_size": 32, "lr": 0.001, "shift": 1.5, "rotation": 8.0, "zoom": 0.1, "shear": 15.0,
    "elastic": 1.5, "thickness": 0.6, "drawn_ones": 0.5, "snapshots": "few",
})  # fmt: skip
_BASELINE = MappingProxyType(
    {
        "dataset": "mnist",
        "val_fraction": 0.0,
        "epochs": 5,
        "batch_size": 64,
        "lr": 0.001,
        "optimizer": "adam",
    }
)
_SOFTMAX = MappingProxyType({
    "dataset": "mnist", "val_fraction": 1 / 6, "batch_size": 128, "optimizer": "sgd", "lr": 0.1, "epochs": 5,
    "normalisation": "unit",
})  # fmt: skip
_KAGGLE = MappingProxyType(
    {
        "dataset": "kaggle",
        "val_fraction": 0.2,
        "optimizer": "adam",
        "lr": 0.001,
        "batch_size": 64,
        "epochs": 10,
    }
)
_DENSE = _KAGGLE | {"normalisation": "unit", "widths": (128, 64)}
_BLOG = MappingProxyType({"dataset": "mnist", "optimizer": "adam", "lr": 0.001, "batch_size": 64, "epochs": 5})

_ONE_RUN = (
    "The published figure is one run: another seed moves it, and so do another framework version's starting weights."
)

_FIRST_STEPS = (
    Preset(
        "first-look", "First look: MLP against CNN, embedded digits",
        "Two networks, the same 1,157 images, about half a minute. Which one reads your own handwriting?",
        (("mlp", _DIGITS), ("cnn", _DIGITS)),
    ),
)  # fmt: skip

# What a project did not tell is chosen here, and its sentence says so.
_REPLAYS = (
    Preset(
        "fc-baseline", "Fully connected baseline 784-128-64-10",
        "Adam at 0.001, batches of 64, five epochs on all of MNIST, no image held back.",
        (("mlp", _BASELINE | {"widths": (128, 64)}),),
        "replay", "97.42 % on the 10,000 test images, one run", _ONE_RUN,
    ),
    Preset(
        "cnn-baseline", "CNN baseline conv32-conv64-fc128-fc64",
        "The same training as the fully connected baseline: what do sliding detectors add?",
        (("cnn", _BASELINE | {"channels": (32, 64), "widths": (128, 64)}),),
        "replay", "98.88 % on the 10,000 test images, one run", _ONE_RUN,
    ),
    Preset(
        "softmax-vs-hidden", "Softmax regression against one hidden layer",
        "Plain SGD, batches of 128, 50,000 images to learn from and 10,000 to watch: what does one hidden layer buy?",
        (
            ("softmax", _SOFTMAX),
            ("mlp", _SOFTMAX | {"widths": (32,)}),
            ("mlp", _SOFTMAX | {"widths": (64,)}),
        ),
        "replay",
    ),
    Preset(
        "keras-dense", "Dense network in Keras, 80 epochs",
        "Kaggle's digits scaled to 0..1, a fifth held back, batches of 80 for 80 epochs. Layers of 128 and 64 units and "
        "Adam at 0.001 are our choice.",
        (("keras-dense", _DENSE | {"batch_size": 80, "epochs": 80}),),
        "replay",
    ),
    Preset(
        "torch-dense", "Dense network in PyTorch, never shuffled",
        "The same digits, scaling and split; batches of 20, in every epoch in the order of the file. Layers of 128 and 64 "
        "units, Adam at 0.001 and ten epochs are our choice.",
        (("mlp", _DENSE | {"batch_size": 20, "shuffle": False}),),
        "replay",
    ),
    Preset(
        "kaggle-ann", "Kaggle's digits: plain network (ANN)",
        "The first of three networks that one learner compared on Kaggle's 42,000 labelled images (28,000 more have no "
        "labels). The settings are ours, and equal for the first two.",
        (("mlp", _KAGGLE),),
        "replay",
    ),
    Preset(
        "kaggle-cnn", "Kaggle's digits: convolutional network (CNN)",
        "The second of the three, trained exactly like the plain network.",
        (("cnn", _KAGGLE),),
        "replay",
    ),
    Preset(
        "kaggle-rnn", "Kaggle's digits: recurrent network (RNN)",
        "The third, which its author called unstable and over-fitted. Its learning rate of 0.01 is our choice, and high on "
        "purpose: when the accuracy falls, look whether the training curve falls too.",
        (("rnn", _KAGGLE | {"lr": 0.01}),),
        "replay",
    ),
    Preset(
        "fc-vs-tinyvgg", "784-16-16-10 against Tiny VGG",
        "The network of 3Blue1Brown's film, flattened pixels and two layers of 16 units, against a small convolutional one. "
        "Compare the accuracy, then the seconds per epoch. The training settings are our choice.",
        (("mlp", _BLOG | {"widths": (16, 16)}), ("tinyvgg", _BLOG)),
        "replay",
    ),
)  # fmt: skip


def _changes(runs: Sequence[tuple[str, Mapping[str, Any]]], changes: Mapping[str, Any]) -> str:
    """What these settings change, such as "3 epochs instead of 5". Asking a network for its settings loads torch."""
    architecture, values = runs[0]
    before, after = run_config(architecture, values).flat(), run_config(architecture, {**values, **changes}).flat()

    def words(setting: Setting) -> str:
        value, usual = after[setting.name], before[setting.name]
        if not setting.unit:
            return f"{setting.title.lower()} {setting.label(value)}"
        return f"{setting.label(value)} instead of {setting.label(usual, unit=False)}"

    return ", ".join(
        words(setting) for setting in all_settings(architecture) if after[setting.name] != before[setting.name]
    )


# What a patient network has that the best of its kind has not, in words: asking its own settings would load torch.
_SHAPE = MappingProxyType({"batch_norm": "batch normalisation"})


def _labels(values: Mapping[str, Any]) -> dict[str, str]:
    """The training settings among these, in words."""
    return {
        setting.name: setting.label(values[setting.name])
        for setting in settings(TrainingConfig)
        if setting.name in values
    }


def _title(name: str, recipe: Recipe) -> str:
    return models.title(recipe.architecture) + ("" if name == recipe.architecture else f" ({recipe.label})")


def _best(name: str, recipe: Recipe) -> Preset:
    labels = _labels(recipe.settings)
    return Preset(
        f"best-{name}", f"{_title(name, recipe)} at its best",
        f"The best recipe so far: {labels['epochs']}, {recipe.moved_by or labels['optimizer']}, learning rate "
        f"{labels['lr']} in one cycle.",
        ((recipe.architecture, recipe.settings),), "best", by_machine=IN_A_MINUTE.get(name, {}),
    )  # fmt: skip


def _patient(name: str, more: Mapping[str, Any]) -> Preset:
    recipe = BEST[name]
    values = {**recipe.settings, **more}
    labels = _labels(values)
    views = values.get("tta_views", 1)
    tta = "" if views == 1 else f"; the finished network sees each image {views} times, moved by a pixel"
    other = "".join(f", with {_SHAPE[key]}" for key in more if key not in TrainingConfig.model_fields)
    return Preset(
        f"patient-{name}", f"{_title(name, recipe)} with patience",
        f"The best recipe for {labels['epochs']} instead of {recipe.settings['epochs']}{other}{tta}. How much is left to gain?",
        ((recipe.architecture, values),), "patient",
    )  # fmt: skip


def _blink(name: str, recipe: Recipe) -> Preset:
    return Preset(
        name, f"{recipe.label} before you blink",
        f"How little training reads {recipe.label} of MNIST's test images? A compact CNN of width {recipe.settings['width']}, "
        "one cycle of a high learning rate, and the clock.",
        ((recipe.architecture, recipe.settings),), "blink", by_machine=recipe.by_machine,
    )  # fmt: skip


_ALL = (
    *_FIRST_STEPS,
    *_REPLAYS,
    *(_best(name, recipe) for name, recipe in BEST.items()),
    *(_patient(name, more) for name, more in PATIENT.items()),
    *(_blink(name, recipe) for name, recipe in BLINK.items()),
)
PRESETS: Mapping[str, Preset] = MappingProxyType({preset.id: preset for preset in _ALL})


def get(name: str) -> Preset:
    """The preset behind an id. Raises ConfigError for an unknown one."""
    if name not in PRESETS:
        raise ConfigError(f"preset is {name!r}, allowed is one of {', '.join(PRESETS)}", ("preset",))
    return PRESETS[name]
