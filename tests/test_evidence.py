"""Luck is not taken for a difference, and a difference not for luck: real trainings, from the plan to the verdict.

No seed is chosen: rematch k takes the six from 200 k, and the race those from 0. The rematches are those of two settings: the
one that was tried first, and a shorter one, chosen on other seeds so that there is a difference to find, too: after three
epochs softmax regression is far ahead of a small MLP. With the first, six seeds did not tell the two apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from stored_runs import launched, read_back

from core.compare import plan as races
from core.compare.plan import Plan
from core.compare.results import Comparison, rounds
from core.config import RunConfig, run_config
from core.data.dataset import Dataset
from core.runs.store import Store, runs_root
from core.runs.worker import drive

SEEDS, REMATCHES, APART = 6, 20, 200
SMALL = {"n_train": 300, "epochs": 3, "batch_size": 32}
MLPS = ({"widths": (32,), "epochs": 6}, {"widths": (16,)})


@pytest.fixture
def store() -> Iterator[Store]:
    opened = Store(runs_root())
    yield opened
    opened.close()


def network(architecture: str, **values: Any) -> RunConfig:
    return run_config(architecture, SMALL | values)


def played(store: Store, plan: Plan, dataset: Dataset) -> Comparison:
    group_id, run_ids = launched(store, plan)
    assert {drive(store, run_id, lambda name: dataset).status for run_id in run_ids} == {"finished"}
    (only,) = rounds(*read_back(store, group_id))
    (told,) = only.comparisons
    assert told.found is not None
    assert len(told.found.seeds) == SEEDS
    return told


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_network_against_its_copy_is_not_distinguishable_in_19_of_20_rematches(store: Store, digits: Dataset) -> None:
    told = []
    for values in MLPS:
        for number in range(REMATCHES):
            seeds = range(APART * number, APART * number + SEEDS)
            plan = races.race([network("mlp", **values)], seeds, rematch=True, n_images=len(digits.train_images))
            told.append(played(store, plan, digits))
    gaps = [one.found.difference for one in told if one.found is not None]
    assert any(gaps), "luck does make gaps"
    undecided = [one.verdict.sentence.startswith("Not distinguishable") for one in told]
    print(f"{sum(undecided)} of {len(told)} not distinguishable; p {[round(one.p or 0, 4) for one in told]}")
    assert sum(undecided) >= len(told) * 19 / 20, [one.verdict.sentence for one in told]


@pytest.mark.slow
def test_a_real_difference_is_found_as_well(store: Store, digits: Dataset) -> None:
    plan = races.race([network("mlp", **MLPS[1]), network("softmax")], range(SEEDS), n_images=len(digits.train_images))
    told = played(store, plan, digits)
    print(told.verdict.sentence)
    assert told.verdict.winner == "b", told.verdict.sentence
