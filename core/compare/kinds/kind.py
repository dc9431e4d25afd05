"""What a kind of comparison is: one record, read by the page, the command line and the results alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from core.compare.budget import Speed
from core.compare.conditions import Condition
from core.compare.plan import Plan, Question

if TYPE_CHECKING:
    import pandas as pd

# "networks": several of them · "settings": one network with several values of a setting · "match": of their sizes
# "sizes": numbers of training images · "trials": how many learning rates, and from which range
# "factors": several values of each of two settings
Option = Literal["networks", "settings", "match", "seeds", "sizes", "trials", "factors"]


class Lineup(NamedTuple):
    """Conditions that stand beside each other. n_train: as the plan asks for it, None where a comparison has one lineup"""

    n_train: int | None
    members: Sequence[Condition]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of comparison.

    help: one sentence for whoever chooses · options: what can be asked for; the rest of a question is left alone
    plan: a question, the number of training images before any are held out, and how fast a network trains here (needed for
    seconds, and asked often when sizes are matched in them) -> the plan; raises ConfigError for what can not be planned
    lineups: a stored plan and its conditions -> who stands beside whom
    table: conditions -> the figures to draw and to list, a row each
    view: how results are shown · varies: settings that it sets itself from run to run, beside the seed
    chooses: whether validation images choose one run of each contestant, so that only its test figures are shown
    without_budget: how long a run trains then · curves: a sentence about whose curves are drawn, where it is not all runs
    caveat: a sentence below the verdict
    """

    id: str
    title: str
    help: str
    options: frozenset[Option]
    plan: Callable[[Question, int, Speed | None], Plan]
    lineups: Callable[[Mapping[str, Any], Sequence[Condition]], Sequence[Lineup]]
    table: Callable[[Sequence[Condition]], pd.DataFrame]
    view: Literal["verdict", "sizes", "trials", "grid"] = "verdict"
    varies: tuple[str, ...] = ()
    chooses: bool = False
    without_budget: str = "the epochs below"
    curves: str = ""
    caveat: str = ""


def all_together(_plan: Mapping[str, Any], members: Sequence[Condition]) -> list[Lineup]:
    """One lineup of all conditions with all their runs."""
    return [Lineup(None, members)]
