"""What the address of a page may choose there, and what each of these is called: what a link can lock or hide.

Train and Race have all the settings of their forms beside these.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

RACE: Mapping[str, str] = MappingProxyType({
    "kind": "Kind of comparison", "quick": "How thorough", "architecture": "Networks", "vary": "What varies, and its values",
    "seeds": "Seeds", "first_seed": "First seed", "budget": "Budget of each run", "match": "Sizes of the networks",
    "sizes": "Training images", "trials": "Trials", "lr_range": "Range of learning rates",
})  # fmt: skip
NAMES: Mapping[str, dict[str, str]] = MappingProxyType({
    "train": {"architecture": "Networks"},
    "race": dict(RACE),
    "mistakes": {"run": "Runs", "view": "View"},
    "compare": {"run": "Runs", "view": "Section", "a": "A", "b": "B"},
    "inside": {
        "run": "Networks", "digit": "Digit", "view": "View",
        "show": "What of a layer is shown", "range": "Strongest colour", "all": "Show all units",
        "input": "Input of the kernels", "patch": "Patch",
        "network": "Network", "layer": "Layer", "unit": "Unit", "row": "Row", "column": "Column", "number": "Number",
        "pixel": "Pixel", "of_input": "Of which input",
        "method": "Method", "for": "What speaks for", "redrawn": "Weights drawn anew", "common": "One range for all",
        "nearest": "Nearest", "change": "Smallest change", "dream": "Dream",
        "by": "Map by", "part": "Part of the map", "picked": "Picked digits", "neighbours": "Nearest training images",
        "batch": "Batch", "moment": "Moment of the training",
    },
    "robustness": {
        "run": "Runs", "digit": "Digit", "view": "View", "distortion": "Distortion", "damage": "Damage",
        "draw": "Draw (seed)", "more": "More validation images", "amount": "How much", "network": "Look at the digits of",
    },
    "draw": {"run": "Runs", "pixels": "Which pixels speak for it"},
    "data": {"dataset": "Dataset"},
    "architectures": {"architectures": "Networks", "part": "Part"},
})  # page -> name in the address -> title  # fmt: skip
