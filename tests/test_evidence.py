"""Luck is not taken for a difference, and a difference not for luck: real trainings, from the plan to the verdict.

No seed is chosen: A/A test k takes the six from 200 k, and the race those from 0. The A/A tests are those of two settings: the
one that was tried first, and a shorter one, chosen on other seeds so that there is a difference to find, too: after three
epochs softmax regression is far ahead of a small MLP. With the first, six seeds did not tell the two apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from comparisons import aa_test, race
from stored_runs import launched, read_back

from core.compare.conditions import ConditionComparison
from core.compare.plan import Plan
from core.compare.results import rounds
from core.config import RunConfig, run_config
from core.data.dataset import Dataset
from core.runs.store import Store, runs_root
from core.runs.worker import drive

SEEDS, AA_TESTS, APART = 6, 20, 200
SMALL = {"n_train": 300, "epochs": 3, "batch_size": 32}
MLPS = ({"widths": (32,), "epochs": 6}, {"widths": (16,)})


@pytest.fixture
def store() -> Iterator[Store]:
    opened = Store(runs_root())
    yield opened
    opened.close()


def network(architecture: str, **values: Any) -> RunConfig:
    return run_config(architecture, SMALL | values)


def played(store: Store, plan: Plan, dataset: Dataset) -> ConditionComparison:
    group_id, run_ids = launched(store, plan)
    assert {drive(store, run_id, lambda name: dataset).status for run_id in run_ids} == {"finished"}
    (only,) = rounds(*read_back(store, group_id))
    (comparison,) = only.comparisons
    assert comparison.figures is not None
    assert len(comparison.figures.seeds) == SEEDS
    return comparison


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_network_against_its_copy_is_not_distinguishable_in_19_of_20_aa_tests(store: Store, digits: Dataset) -> None:
    comparisons = []
    for values in MLPS:
        for number in range(AA_TESTS):
            seeds = range(APART * number, APART * number + SEEDS)
            plan = aa_test([network("mlp", **values)], seeds, n_images=len(digits.train_images))
            comparisons.append(played(store, plan, digits))
    gaps = [one.figures.difference for one in comparisons if one.figures is not None]
    assert any(gaps), "luck does make gaps"
    undecided = [one.verdict.sentence.startswith("Not distinguishable") for one in comparisons]
    print(
        f"{sum(undecided)} of {len(comparisons)} not distinguishable; p {[round(one.p or 0, 4) for one in comparisons]}"
    )
    assert sum(undecided) >= len(comparisons) * 19 / 20, [one.verdict.sentence for one in comparisons]


@pytest.mark.slow
def test_a_real_difference_is_found_as_well(store: Store, digits: Dataset) -> None:
    plan = race([network("mlp", **MLPS[1]), network("softmax")], range(SEEDS), n_images=len(digits.train_images))
    comparison = played(store, plan, digits)
    print(comparison.verdict.sentence)
    assert comparison.verdict.winner == "b", comparison.verdict.sentence
