"""What each network reads in a digit, and what they say together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core import models
from core.charts.probabilities import percent
from core.data.dataset import Images
from core.errors import InputError
from core.machine.faults import faults_as_input_errors
from core.runs.rows import Run
from pages.shared.markdown import sentence
from pages.shared.run_look import run_look
from pages.shared.services import predictor

UNDECIDED_BELOW = 0.8  # probability of the digit that a network reads


class Reading(NamedTuple):
    """probs (10,) fractions that sum to 1, None where the network can not answer · fault: why it can not"""

    run: Run
    probs: NDArray[np.floating] | None
    fault: str = ""

    @property
    def digit(self) -> int | None:
        """The one that it has decided on; None where it is undecided or can not answer."""
        if self.probs is None or not self.probs.max() >= UNDECIDED_BELOW:
            return None
        return int(self.probs.argmax())


def read_by_all(runs: Sequence[Run], image: Images) -> list[Reading]:
    """One forward pass each. image (28, 28) uint8"""
    readings = []
    for run in runs:
        try:
            with faults_as_input_errors():
                probs = predictor(run).probabilities(image[None])[0]
        except InputError as error:
            readings.append(Reading(run, None, f"{_name(run)} can not answer. {sentence(error)}"))
        else:
            readings.append(Reading(run, probs))
    return readings


def waiting_card(run: Run) -> dict[str, Any]:
    """What ``assets/readers.js`` shows of a network that has nothing to read yet."""
    return {
        "name": _name(run),
        "colour": run_look(run).colour,
        "state": "waiting",
        "digits": "",
        "share": 0,
        "words": "",
    }


def card(reading: Reading) -> dict[str, Any]:
    """What it shows of an answer."""
    blank = waiting_card(reading.run)
    if reading.probs is None or not np.isfinite(reading.probs).all():
        return blank | {"state": "fault", "words": "no answer"}
    first, second = (int(digit) for digit in np.argsort(-reading.probs, kind="stable")[:2])
    share = float(reading.probs[first])
    sure = percent(share, as_html=False)
    if reading.digit is None:
        return blank | {
            "state": "undecided", "digits": f"{first} or {second}", "share": share, "words": f"undecided, {sure}",
        }  # fmt: skip
    return blank | {"state": "sure", "digits": str(first), "share": share, "words": f"{sure} sure"}


def summary(readings: Sequence[Reading]) -> str:
    """How many read what: "9 of 11 networks read a 7, 1 reads a 1, 1 is undecided." """
    answering = [reading for reading in readings if reading.probs is not None]
    votes = Counter(reading.digit for reading in answering if reading.digit is not None)
    n, n_undecided = len(answering), len(answering) - votes.total()
    if not n:
        return "No network can answer."
    if len(votes) == 1 and not n_undecided:
        return f"All {n} networks read {_a(next(iter(votes)))}." if n > 1 else f"It reads {_a(next(iter(votes)))}."
    if not votes:
        return f"All {n} networks are undecided." if n > 1 else "It is undecided."
    parts = [f"{count} read{'s' if count == 1 else ''} {_a(digit)}" for digit, count in votes.most_common()]
    if n_undecided:
        parts.append(f"{n_undecided} {'is' if n_undecided == 1 else 'are'} undecided")
    return f"Of {n} networks, {', '.join(parts)}."


def _a(digit: int) -> str:
    return f"an {digit}" if digit == 8 else f"a {digit}"


def _name(run: Run) -> str:
    return models.short_title(run.architecture)
