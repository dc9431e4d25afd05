"""What the address of a page may choose there, and what each of these is called: what a link can lock or hide.

Train and Race have all the settings of their forms beside these. No name: how things are drawn (axes on Train and Race, the
columns of a table, pages of a gallery, folds), what only measures this computer, files, names and notes, the search on Words,
and how somebody draws, by pointer or by keyboard.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from core.data.config import DataConfig
from core.fields import settings

# The settings of training that Data shows at work, and amounts that are enough to see something.
VARIATIONS: Mapping[str, float] = MappingProxyType({
    "shift": 2.0, "rotation": 15.0, "zoom": 0.1, "shear": 10.0, "elastic": 0.0, "thickness": 0.0, "habits": 0.0,
    "drawn_ones": 0.0, "inverted": 0.0,
})  # fmt: skip
RACE: Mapping[str, str] = MappingProxyType({
    "kind": "Kind of comparison", "quick": "How thorough", "architecture": "Networks", "vary": "What varies, and its values",
    "seeds": "Seeds", "first_seed": "First seed", "budget": "Budget of each run", "match": "Sizes of the networks",
    "sizes": "Training images", "trials": "Trials", "lr_range": "Range of learning rates",
})  # fmt: skip
NAMES: Mapping[str, dict[str, str]] = MappingProxyType({
    "train": {"architecture": "Networks"},
    "race": dict(RACE),
    "mistakes": {
        "run": "Runs", "view": "View", "split": "Judged on", "shares": "Percent of each true digit",
        "truth": "True digit", "read_as": "Read as", "bins": "Groups", "threshold": "“I do not know” below",
        "temperature": "With the temperature", "least_sure": "At least this sure",
    },
    "compare": {
        "run": "Runs", "view": "Section", "trained_on": "Trained on", "after": "Judged after", "epoch": "Epoch",
        "filter": "Filter", "baseline": "Baseline", "differences": "Only differences", "x": "Horizontal axis",
        "smoothing": "Smoothing", "cost": "Cost", "quality": "Quality", "split": "Judged on", "a": "A", "b": "B",
        "right": "Images read correctly by", "voters": "Who votes", "measure": "What makes a digit hard",
        "network": "Run", "images": "Validation images",
    },
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
    "draw": {
        "run": "Runs", "source": "Your digit", "sample": "Digit from the data", "turn": "Which image of it",
        "pixels": "Which pixels speak for it", "crop": "Crop and scale", "centre": "Centre the ink",
        "ours": "View of our digits",
    },
    "data": {
        "dataset": "Dataset", "part": "Part", "split": "From", "digits": "Digits", "rows": "Rows", "labels": "Labels",
        "seed": "Choice", "digit": "Digit that is varied", "variant": "Which variants",
        **{setting.name: setting.title for setting in settings(DataConfig) if setting.name in VARIATIONS},
    },
    "architectures": {"architectures": "Networks", "part": "Part"},
})  # page -> name in the address -> title  # fmt: skip
