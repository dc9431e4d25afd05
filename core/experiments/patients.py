"""Patients: networks whose training had one mistake each, to be found by looking at what they do.

They come with the program like the reference runs, in a folder of their own, and are no page's first choice. What was wrong
stands in the manifest of each, for a lesson to tell after its reveal.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from core.config import RunConfig, run_config
from core.runs.manifest import DIAGNOSIS, PATIENT


class Patient(NamedTuple):
    """letter: what it is called by · settings: those that differ from the defaults · diagnosis: the mistake, as a sentence"""

    letter: str
    settings: Mapping[str, Any]
    diagnosis: str

    @property
    def name(self) -> str:
        """Of its run and files."""
        return f"patient-{self.letter.lower()}"

    def config(self) -> RunConfig:
        """Its settings, all of them. Raises ConfigError."""
        return run_config("mlp", {**_COMMON, **self.settings})

    def manifest(self) -> dict[str, str]:
        """What its run says of it beside what any run says."""
        return {PATIENT: self.letter, DIAGNOSIS: self.diagnosis}


# Small networks of one kind, so that it is not the network in which they differ; chosen by what they do on validation images.
# A and D see moved digits, so that of them and E only E breaks when a digit moves.
_COMMON = MappingProxyType({"dataset": "mnist", "monitor": "last", "widths": (64,)})

PATIENTS = (
    Patient(
        "A", {"widths": (64, 64), "epochs": 3, "lr": 0.03, "shift": 2.0},
        "Most of its ReLU units are dead: its learning rate was far too high, and now they answer 0 to every digit.",
    ),
    Patient(
        "B", {"n_train": 1_000, "epochs": 100, "batch_size": 32},
        "It knows its training images by heart: there were only 1,000 of them, and it saw each a hundred times.",
    ),
    Patient(
        "C", {"inverted": 1.0, "epochs": 8, "lr": 0.003, "schedule": "one-cycle"},
        "It learned from inverted digits, dark ink on light paper, and is asked about light ink on a dark ground.",
    ),
    Patient(
        "D", {"label_noise": 0.5, "epochs": 8, "shift": 2.0},
        "Half of its training labels were drawn at random, so it was told a wrong digit nearly every second time.",
    ),
    Patient(
        "E", {"epochs": 10, "lr": 0.003, "schedule": "one-cycle"},
        "It never saw a digit that was moved: its training images were not varied, and all of them stand in the middle.",
    ),
)  # fmt: skip
