"""How much a network stands: what a change of it costs, amount by amount, on the same images as before. No torch in here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from core.analysis.statistics import Paired, Right, holm, paired
from core.analysis.verdicts import ALPHA

SMALL_LOSS = 0.005  # of accuracy: half a percentage point


class Change(NamedTuple):
    """A network after one amount against itself before. pair: after minus before, so below zero where it lost · p: its mid-p,
    raised by Holm for everything that is shown with it"""

    amount: float
    pair: Paired
    p: float

    @property
    def is_loss(self) -> bool:
        """Whether it reads fewer images, by more than luck brings up."""
        return self.pair.difference < 0 and self.p < ALPHA


def changes(curves: Sequence[Sequence[tuple[float, Right]]]) -> list[list[Change]]:
    """Of every network, each amount but the first against the first, which changes nothing.

    curves: of networks that are looked at together, the amounts in their order with which images (N,) bool are read then
    """
    pairs = [[(amount, paired(right, curve[0][1])) for amount, right in curve[1:]] for curve in curves]
    raised = iter(holm([pair.mid_p for of_one in pairs for _, pair in of_one]))
    return [[Change(amount, pair, next(raised)) for amount, pair in of_one] for of_one in pairs]


def last_small(of_one: Sequence[Change], small_loss: float = SMALL_LOSS) -> Change | None:
    """The last amount up to which a network never loses as much as ``small_loss``, as a fraction; None when the first one
    already costs more."""
    last = None
    for change in of_one:
        if change.pair.difference <= -small_loss:
            break
        last = change
    return last


def first_loss(of_one: Sequence[Change]) -> Change | None:
    """The first amount that costs more than luck brings up; None when none does."""
    return next((change for change in of_one if change.is_loss), None)
