"""The best training found for each architecture, as settings: what the ``best-…``, ``patient-…`` and ``blink-…`` presets run.

Chosen on validation images, from few candidates; those of LeNet-5, GRU, RNN and the networks in Keras are borrowed from their
relatives. ``python -m bench.accuracy`` makes the table of what they reach on the test images.
What they share is old and well tried: varied handwriting, one learning-rate cycle (Smith and Topin 2018), a little label
smoothing (Szegedy et al. 2016).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple


class Recipe(NamedTuple):
    """settings: those that differ from the defaults
    label: what tells it from the architecture's other recipes, in words: a size, or the mark it is to pass
    moved_by: what moves its weights, in words, where the name of its optimizer would mislead
    by_machine: kind of machine (``engine.machine_kind.MachineKind``) -> what differs there, so that it is ready in time
    """

    architecture: str
    settings: Mapping[str, Any]
    label: str = ""
    moved_by: str = ""
    by_machine: Mapping[str, Mapping[str, Any]] = MappingProxyType({})


_COMMON = MappingProxyType({
    "dataset": "mnist", "schedule": "one-cycle", "label_smoothing": 0.05, "batch_size": 128, "optimizer": "adamw",
    "monitor": "last",
})  # fmt: skip
# 5,000 images to choose by; enough to see a curve, few enough to learn from nearly all.
_VARIED = _COMMON | {"val_fraction": 1 / 12, "shift": 2.0, "rotation": 10.0, "zoom": 0.1, "shear": 6.0}
_TOKENS = _COMMON | {"val_fraction": 1 / 12, "shift": 2.0, "rotation": 5.0}

# Learning from the class set: its share of the training images; and what differs in a fine-tuning, of which the weights are
# good already: few images, one pass, small steps. Measured by ``python -m bench.class_set``.
CLASS_SET_SHARE = 0.1
FINE_TUNING: Mapping[str, Any] = MappingProxyType(
    {"n_train": 5_000, "epochs": 1, "optimizer": "adam", "lr": 0.0003, "schedule": "constant", "batch_size": 64}
)

# name of the preset behind "best-": an architecture, or one of its sizes
BEST: Mapping[str, Recipe] = MappingProxyType(
    {
        # Moved digits only blur its templates, and smoothing pulls them together.
        "softmax": Recipe(
            "softmax",
            _COMMON | {"val_fraction": 1 / 12, "label_smoothing": 0.0, "epochs": 40, "lr": 0.002, "batch_size": 256},
        ),
        "mlp": Recipe("mlp", _VARIED | {"epochs": 30, "lr": 0.004}),
        "mlp-large": Recipe(
            "mlp",
            _VARIED | {"widths": (512, 512), "batch_norm": True, "epochs": 16, "lr": 0.003, "batch_size": 256},
            "two layers of 512",
        ),
        "cnn": Recipe("cnn", _VARIED | {"epochs": 5, "lr": 0.01, "optimizer": "muon", "tta_views": 9}),
        "lenet": Recipe("lenet", _VARIED | {"epochs": 12, "lr": 0.02, "optimizer": "muon"}),
        "tinyvgg": Recipe(
            "tinyvgg", _VARIED | {"epochs": 8, "lr": 0.02, "optimizer": "muon"},
            moved_by="AdamW with betas 0.9 and 0.99 (all that Muon does in a network without a larger matrix)",
        ),
        "compact": Recipe(
            "compact", _VARIED | {"epochs": 4, "lr": 0.02, "optimizer": "muon", "tta_views": 9}
        ),
        # For digits that are drawn on the pad: how others write is learned from, too, and takes longer. Chosen on half of
        # the pen drawings of ``bench.pendigits``; docs/benchmarks.md, "Drawn digits".
        "compact-drawn": Recipe(
            "compact", _VARIED | {"habits": 0.5, "epochs": 6, "lr": 0.02, "optimizer": "muon", "tta_views": 9},
            "for drawn digits",
        ),
        "resnet": Recipe(
            "resnet", _VARIED | {"width": 24, "stem_stride": 2, "epochs": 5, "lr": 0.02, "optimizer": "muon"}
        ),
        "rnn": Recipe("rnn", _VARIED | {"epochs": 10, "lr": 0.002, "clip_norm": 1.0}),
        "gru": Recipe("gru", _VARIED | {"epochs": 7, "lr": 0.006}),
        "lstm": Recipe("lstm", _VARIED | {"epochs": 18, "lr": 0.006, "tta_views": 9}),
        "vit": Recipe("vit", _TOKENS | {"epochs": 6, "lr": 0.01, "optimizer": "muon"}),
        "mixer": Recipe("mixer", _TOKENS | {"epochs": 7, "lr": 0.015, "optimizer": "muon"}),
        "keras-dense": Recipe("keras-dense", _VARIED | {"epochs": 30, "lr": 0.004}),
        "keras-cnn": Recipe("keras-cnn", _VARIED | {"epochs": 5, "lr": 0.01, "optimizer": "muon"}),
    }
)  # fmt: skip

# The runs that come with the program are those of BEST, with 32 bits; what is only about time takes whatever is faster.
_FAST = MappingProxyType({"precision": "auto"})

# What would take longer than a minute on the two cores of a processor: what differs there, so that it fits. The runs that come
# with the program are as described above, and so is what a GPU trains.
_SLOW = "32-bit, slow"
IN_A_MINUTE: Mapping[str, Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "mlp": {_SLOW: {"epochs": 26}},
        "cnn": {"16-bit": _FAST, "32-bit": {"epochs": 3}, _SLOW: {"epochs": 1}},
        "lenet": {_SLOW: {"epochs": 6}},
        "compact": {"16-bit": _FAST, "32-bit": {"epochs": 2}, _SLOW: {"epochs": 1, "n_train": 45_000}},
        "compact-drawn": {
            "16-bit": _FAST | {"epochs": 4},
            "32-bit": {"epochs": 2},
            _SLOW: {"epochs": 1, "n_train": 40_000},
        },
        "resnet": {"16-bit": _FAST | {"epochs": 4}, "32-bit": {"epochs": 3}, _SLOW: {"epochs": 1}},
        "rnn": {_SLOW: {"epochs": 6}},
        "gru": {_SLOW: {"epochs": 2}},
        "lstm": {"16-bit": _FAST | {"epochs": 14}, "32-bit": {"epochs": 7}, _SLOW: {"epochs": 3, "n_train": 50_000}},
        "vit": {"16-bit": _FAST | {"epochs": 4}, "32-bit": {"epochs": 4}, _SLOW: {"epochs": 1}},
        "keras-dense": {_SLOW: {"epochs": 16}},
        "keras-cnn": {
            "16-bit": _FAST | {"epochs": 3},
            "32-bit": {"epochs": 2},
            _SLOW: {"epochs": 1, "n_train": 45_000},
        },
        "mixer": {"16-bit": {"epochs": 6}, _SLOW: {"epochs": 2}},
        "tinyvgg": {"32-bit": {"epochs": 6}, _SLOW: {"epochs": 3}},
    }
)

# The same recipes with more patience, at most ten minutes of two cores: what differs from BEST. On 10,000 validation images the
# MLP with 150 epochs read 99.16 %, with batch norm 99.31 % and with five looks more 99.35 % (one seed).
PATIENT: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "softmax": _FAST | {"epochs": 200, "tta_views": 5},
        "mlp": _FAST | {"epochs": 150, "batch_norm": True, "tta_views": 5},
        "mlp-large": _FAST | {"epochs": 150, "tta_views": 9},
        "cnn": _FAST | {"epochs": 16},
        "compact": _FAST | {"epochs": 12},
        "resnet": _FAST | {"epochs": 12, "tta_views": 9},
        "gru": {"epochs": 24, "tta_views": 9},  # 99.24 % of the same images with 32 bits, 99.12 with 16 (one seed)
        "lstm": _FAST | {"epochs": 36},
        "vit": _FAST | {"epochs": 18, "tta_views": 9},
        "mixer": _FAST | {"epochs": 24, "tta_views": 9},
    }
)

_BLINK = _FAST | {
    "dataset": "mnist", "val_fraction": 0.0, "schedule": "one-cycle", "label_smoothing": 0.05, "convs": 1, "head": "flatten",
}  # fmt: skip

_BLINK_MUON = MappingProxyType(_BLINK | {"batch_size": 128, "shift": 1.0, "optimizer": "muon", "lr": 0.02})

# Against the clock: a small training that passes a mark, chosen with a sixth held back, by validation images and the processor
# seconds of one thread. In the end every image may be learned from, so there is none to choose by.
BLINK: Mapping[str, Recipe] = MappingProxyType(
    {
        "blink-99": Recipe(
            "compact",
            _BLINK_MUON | {"width": 16, "n_train": 30_000, "epochs": 1, "batch_size": 64, "shift": 0.0, "tta_views": 5},
            "99.0 %",
            # Half as many channels compute twice as fast there, and only a little faster with 16-bit units.
            by_machine={
                "32-bit": {"width": 8, "n_train": 0, "lr": 0.035},
                _SLOW: {
                    "width": 8, "n_train": 40_000, "batch_size": 128, "lr": 0.05, "momentum": 0.7, "tta_views": 9,
                    "padding": "valid",
                },
            },
        ),
        "blink-99.4": Recipe(
            "compact",
            _BLINK_MUON | {"width": 16, "n_train": 50_000, "epochs": 2, "tta_views": 9},
            "99.4 %",
            by_machine={_SLOW: {"n_train": 43_000, "lr": 0.03, "momentum": 0.8, "padding": "valid"}},
        ),
        "blink-99.5": Recipe(
            "compact",
            _BLINK_MUON | {"width": 16, "epochs": 4, "tta_views": 9},
            "99.5 %",
            by_machine={_SLOW: {"epochs": 3, "lr": 0.03, "momentum": 0.8}},
        ),
    }
)  # fmt: skip
