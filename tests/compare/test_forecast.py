"""What a plan can show is said before it starts: too few seeds for any winner, or which gaps would be found how often."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from comparisons import aa_test, race, tuning
from stored_runs import ended, launched

from core.compare.forecast import forecast, seen_spread
from core.compare.plan import Plan
from core.config import run_config
from core.runs.store import Store, runs_root

ARCHITECTURES = ("softmax", "mlp", "cnn", "lenet", "tinyvgg")
N = 1437


@pytest.fixture
def store() -> Iterator[Store]:
    opened = Store(runs_root())
    yield opened
    opened.close()


def planned(n: int, seeds: int, dataset: str = "digits", name: str = "") -> Plan:
    contestants = [run_config(architecture, {"dataset": dataset}) for architecture in ARCHITECTURES[:n]]
    return race(contestants, range(seeds), n_images=N, name=name)


def raced(store: Store, accuracies: Sequence[float], name: str, dataset: str = "digits") -> None:
    """A race of two that both read so much, seed by seed."""
    _, run_ids = launched(store, planned(2, len(accuracies), dataset, name))
    for place, run_id in enumerate(run_ids):
        ended(store, run_id, test=accuracies[place // 2])


@pytest.mark.parametrize(("n", "fewest"), [(2, 6), (3, 7), (4, 8), (5, 9)])
def test_a_plan_in_which_nobody_can_win_says_so(store: Store, n: int, fewest: int) -> None:
    (sentence,) = forecast(planned(n, fewest - 1), store)
    assert sentence.startswith(f"With {n} contestants at least {fewest} seeds are needed to tell who is better")
    assert sentence.endswith(f"With {fewest - 1} nobody can win, however large the gaps.")
    assert "nobody can win" not in " ".join(forecast(planned(n, fewest), store))


def test_without_an_earlier_comparison_a_spread_is_assumed_and_it_is_said(store: Store) -> None:
    assert forecast(planned(3, 8, "mnist"), store) == [
        "With 8 seeds and an assumed spread of 0.2 percentage points from seed to seed (no comparison on MNIST has ended here "
        "yet), a gap of 0.5 percentage points is found 9 times in 10, one of 0.3 percentage points 4 times in 10."
    ]
    assert "an assumed spread of 1 percentage point from" in forecast(planned(3, 8), store)[0]


def test_the_spread_is_that_of_the_newest_comparison_on_the_same_images(store: Store) -> None:
    raced(store, [0.5, 0.6, 0.7, 0.8], "Older")
    raced(store, [0.90, 0.91, 0.92], "Newer")
    raced(store, [0.1, 0.9, 0.5], "Other images", "mnist")
    raced(store, [0.90, 0.99], "Two seeds")
    spread = seen_spread(store, "digits")
    assert spread.points == pytest.approx(1.0)
    (sentence,) = forecast(planned(2, 6), store)
    assert sentence.startswith(
        "With 6 seeds and the spread of your last comparison, “Newer” (1.00 points from seed to seed), a gap of "
    )


def test_nothing_is_said_of_what_compares_nobody_over_seeds(store: Store) -> None:
    assert forecast(planned(1, 6), store) == []
    contestants = [run_config("softmax", {"dataset": "digits"})]
    assert forecast(tuning(contestants, 2, 1e-4, 1e-1, n_images=N), store) == []
    assert forecast(aa_test(contestants, range(6), n_images=N), store) == []
    assert "nobody can win" in forecast(aa_test(contestants, range(5), n_images=N), store)[0]
