"""Experiments with a name: settings that somebody has tried before, one click or one flag away.

A preset is data. Several runs in one preset share split, order and seed, so that only what it compares differs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from core.config import RunConfig, run_config
from core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Preset:
    """id: on the command line · title, sentence: on screen · runs: (architecture, settings that differ from the defaults)"""

    id: str
    title: str
    sentence: str
    runs: tuple[tuple[str, Mapping[str, Any]], ...]

    def configs(self, **overrides: Any) -> list[RunConfig]:
        """One config per run. ``overrides`` (such as seed=3) apply to every run. Raises ConfigError."""
        return [run_config(architecture, {**values, **overrides}) for architecture, values in self.runs]


_BASELINE = {"dataset": "mnist", "val_fraction": 0.0, "epochs": 5, "batch_size": 64, "lr": 0.001, "optimiser": "adam"}
_DIGITS = {"dataset": "digits", "epochs": 20, "batch_size": 32, "lr": 0.001, "shift": 1.5, "rotation": 8.0, "zoom": 0.1}
_SOFTMAX = {"dataset": "mnist", "val_fraction": 1 / 6, "batch_size": 128, "optimiser": "sgd", "lr": 0.1, "epochs": 5,
            "normalisation": "unit"}  # fmt: skip

_ALL = (
    Preset(
        "first-look", "First look: MLP against CNN, embedded digits",
        "Two networks, the same 1,197 images, about half a minute. Which one reads your own handwriting?",
        (("mlp", _DIGITS), ("cnn", _DIGITS)),
    ),
    Preset(
        "fc-baseline", "Fully connected baseline 784-128-64-10",
        "Adam at 0.001, batches of 64, five epochs on all of MNIST. A learner's single run reached 97.42 %.",
        (("mlp", _BASELINE | {"widths": (128, 64)}),),
    ),
    Preset(
        "cnn-baseline", "CNN baseline conv32-conv64-fc128-fc64",
        "The same training as the fully connected baseline. A learner's single run reached 98.88 %.",
        (("cnn", _BASELINE | {"channels": (32, 64), "widths": (128, 64)}),),
    ),
    Preset(
        "softmax-vs-hidden", "Softmax regression against one hidden layer",
        "Plain SGD, batches of 128, 50,000 images to learn from and 10,000 to watch: what does one hidden layer buy?",
        (
            ("softmax", _SOFTMAX),
            ("mlp", _SOFTMAX | {"widths": (32,)}),
            ("mlp", _SOFTMAX | {"widths": (64,)}),
        ),
    ),
)  # fmt: skip

PRESETS: Mapping[str, Preset] = MappingProxyType({preset.id: preset for preset in _ALL})


def get(name: str) -> Preset:
    """The preset behind an id. Raises ConfigError for an unknown one."""
    if name not in PRESETS:
        raise ConfigError(f"preset is {name!r}, allowed is one of {', '.join(PRESETS)}", ("preset",))
    return PRESETS[name]
