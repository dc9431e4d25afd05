"""The registry: which architectures there are. A new one is one file beside this one, one line here, one text in assets.

The table is light on purpose: a page can list architectures without waiting for torch; ``get`` loads the file behind
a name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from core.errors import ConfigError
from core.fields import Config

if TYPE_CHECKING:
    from torch import nn

# Learning from an image takes its way forward and about twice as much for the gradients: of a layer's input and of its
# weights, each as many multiply-adds as the way forward.
TRAINING_COST = 3


def _never(_config: Any) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Architecture:
    """One architecture of the zoo.

    build: config -> module that maps images (N, 1, 28, 28) float to logits (N, 10)
    tiny: settings of a small version that learns something within seconds, of the network and of its training
    sizes: the settings that make it larger, to be scaled by one factor; none: it has one size
    needs_batch_statistics: config -> whether it averages over a batch while it learns, which takes two images or more
    counterpart: the architecture whose layers it repeats in another library; "" for none
    n_params_formula, multiply_adds_formula, activations_formula: config -> what ``n_params``, ``multiply_adds`` and
    ``activations`` count, by hand; it answers at once, before torch has built anything, and the tests hold it against the
    count. All are optional
    """

    id: str
    config: type[Config]
    build: Callable[[Any], nn.Module]
    tiny: Mapping[str, Any]
    sizes: tuple[str, ...] = ()
    needs_batch_statistics: Callable[[Any], bool] = _never
    counterpart: str = ""
    n_params_formula: Callable[[Any], int] | None = None
    multiply_adds_formula: Callable[[Any], int] | None = None
    activations_formula: Callable[[Any], int] | None = None

    def n_params(self, config: Config) -> int:
        """Number of weights."""
        if self.n_params_formula:
            return self.n_params_formula(config)
        from core.models.counting import count_params  # loads torch

        return count_params(self.build, config)

    def multiply_adds(self, config: Config) -> int:
        """Multiplications with an addition that one image takes in matrix products, convolutions and attention (biases, norms
        and activations left out)."""
        if self.multiply_adds_formula:
            return self.multiply_adds_formula(config)
        from core.models.counting import count_multiply_adds  # loads torch

        return count_multiply_adds(self.build, config)

    def activations(self, config: Config) -> int:
        """How many numbers the layers of a network hand to each other for one image."""
        if self.activations_formula:
            return self.activations_formula(config)
        from core.models.counting import count_activations  # loads torch

        return count_activations(self.build, config)


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the table: what a menu shows, and the file that holds the rest (attribute ``ARCHITECTURES``)."""

    title: str
    family: str
    module: str


TABLE: Mapping[str, Entry] = MappingProxyType(
    {
        "softmax": Entry("Softmax regression", "linear", "core.models.softmax"),
        "mlp": Entry("Multilayer perceptron (MLP)", "dense", "core.models.mlp"),
        "cnn": Entry("Convolutional network (CNN)", "convolutional", "core.models.cnn"),
        "lenet": Entry("LeNet-5", "convolutional", "core.models.lenet"),
        "tinyvgg": Entry("Tiny VGG", "convolutional", "core.models.tinyvgg"),
        "compact": Entry("Compact CNN", "convolutional", "core.models.compact"),
        "resnet": Entry("Residual network (ResNet)", "convolutional", "core.models.resnet"),
        "tcn": Entry("Temporal convolutional network (TCN)", "convolutional", "core.models.tcn"),
        "rnn": Entry("Recurrent network (RNN)", "recurrent", "core.models.recurrent"),
        "gru": Entry("Gated recurrent unit (GRU)", "recurrent", "core.models.recurrent"),
        "lstm": Entry("Long short-term memory (LSTM)", "recurrent", "core.models.recurrent"),
        "vit": Entry("Vision Transformer (ViT)", "attention", "core.models.vit"),
        "mixer": Entry("MLP-Mixer", "dense", "core.models.mixer"),
        "keras-dense": Entry("Dense network in Keras", "Keras", "core.models.keras.dense"),
        "keras-cnn": Entry("CNN in Keras", "Keras", "core.models.keras.cnn"),
    }
)

# The hue of each family on every chart; the colours themselves stand in ``core.charts.looks``.
HUES: Mapping[str, str] = MappingProxyType(
    {
        "linear": "violet", "dense": "orange", "convolutional": "blue", "recurrent": "green", "attention": "red",
        "Keras": "brown",
    }
)  # fmt: skip
OTHER_HUE = "grey"  # of a family without one, and of an architecture that this version does not know

RECOMMENDED = "compact"  # what a form suggests to whoever has no other wish


def _entry(name: str) -> Entry:
    if name not in TABLE:
        raise ConfigError(f"architecture is {name!r}, allowed is one of {', '.join(TABLE)}", ("architecture",))
    return TABLE[name]


def title(name: str) -> str:
    """What people call the architecture. Raises ConfigError for an unknown name."""
    return _entry(name).title


def short_title(name: str) -> str:
    """The abbreviation in an architecture's title, such as "CNN"; the whole title where there is none. Raises ConfigError."""
    abbreviation = re.search(r"\((\w+)\)$", title(name))
    return abbreviation[1] if abbreviation else title(name)


def hue_and_place(name: str) -> tuple[str, int]:
    """Which hue an architecture has on charts, and its place in the table among those of this hue, from 0.

    So a new line at the end of the table takes the next colour of its family by itself.
    """
    hues = [HUES.get(entry.family, OTHER_HUE) for entry in TABLE.values()]
    if name not in TABLE:
        return OTHER_HUE, hues.count(OTHER_HUE)
    number = list(TABLE).index(name)
    return hues[number], hues[:number].count(hues[number])


def get(name: str) -> Architecture:
    """The architecture behind a name; loads its file. Raises ConfigError for an unknown name."""
    loaded: Architecture = import_module(_entry(name).module).ARCHITECTURES[name]
    return loaded
