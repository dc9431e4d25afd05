"""The leaderboard: validation ranks, the test images only report, and only for the weights that a run itself chose."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from stored_runs import N_TEST, N_VAL, ended, under_way

from core.analysis.metrics import wilson
from core.compare.leaderboard import At, leaderboard
from core.config import run_config, without_seed
from core.runs.repeats import repeats
from core.runs.store import Store, runs_root


@pytest.fixture
def store() -> Iterator[Store]:
    opened = Store(runs_root())
    yield opened
    opened.close()


def create_run(store: Store, architecture: str = "softmax", **values: Any) -> str:
    return store.create(run_config(architecture, values), request="pause")


def listed(store: Store, at: At = "best") -> pd.DataFrame:
    return leaderboard(store, store.runs(), at)


def test_validation_ranks_even_where_the_test_images_say_otherwise(store: Store) -> None:
    modest, lucky = create_run(store), create_run(store)
    ended(store, modest, val=0.95, test=0.80)
    ended(store, lucky, val=0.90, test=0.99)
    table = listed(store)
    assert table["run_id"].tolist() == [modest, lucky]
    assert table["rank"].tolist() == [1, 2]
    assert table["test_acc"].tolist() == [0.80, 0.99]


def test_the_test_figure_is_that_of_the_kept_weights_with_its_interval_and_n(store: Store) -> None:
    ended(store, create_run(store), val=0.9, test=0.85)
    (row,) = listed(store).to_dict("records")
    assert (row["test_acc"], row["n_test"], row["n_val"]) == (0.85, N_TEST, N_VAL)
    assert (row["test_low"], row["test_high"]) == wilson(170, N_TEST)


@pytest.mark.parametrize(("at", "epoch", "accuracy"), [("last", 3, 0.4), (1, 1, 0.6), (2, 2, 0.7), ("best", 2, 0.7)])
def test_another_epoch_has_its_validation_figure_and_no_test_figure(
    store: Store, at: At, epoch: int, accuracy: float
) -> None:
    ended(store, create_run(store), val=0.7, test=0.99, curve=(0.1, 0.6, 0.7, 0.4), best=2)
    (row,) = listed(store, at).to_dict("records")
    assert (row["epoch"], row["val_acc"]) == (epoch, accuracy)
    shown = [not pd.isna(row[name]) for name in ("test_acc", "test_low", "test_high", "n_test")]
    assert shown == [at == "best"] * 4


def test_an_epoch_that_a_run_never_had_gives_no_rank(store: Store) -> None:
    short, long = create_run(store), create_run(store)
    ended(store, short, curve=(0.1, 0.9))
    ended(store, long, curve=(0.1, 0.2, 0.3))
    table = listed(store, 2)
    assert table["run_id"].tolist() == [long, short]
    assert table["rank"].tolist() == [1, pd.NA]


def test_the_untrained_network_never_counts(store: Store) -> None:
    under_way(store, create_run(store), curve=(0.99,))
    under_way(store, create_run(store), curve=(0.99, 0.2), best=1)
    assert listed(store)["val_acc"].tolist()[0] == 0.2
    assert pd.isna(listed(store)["val_acc"].tolist()[1])


def test_equal_accuracies_are_ranked_by_their_loss(store: Store) -> None:
    hesitant, sure = create_run(store), create_run(store)
    ended(store, hesitant, val=1.0, test=1.0, sure=1.0)
    ended(store, sure, val=1.0, test=0.5, sure=9.0)
    assert listed(store)["run_id"].tolist() == [sure, hesitant]


def test_what_has_no_validation_figure_comes_last_without_a_rank(store: Store) -> None:
    waiting, blind, poor = create_run(store), create_run(store, val_fraction=0.0), create_run(store)
    ended(store, blind, val=None, test=0.99)
    ended(store, poor, val=0.2, test=0.2)
    table = listed(store)
    assert table["run_id"].tolist()[0] == poor
    assert set(table["run_id"][1:]) == {waiting, blind}
    assert table["rank"].tolist() == [1, pd.NA, pd.NA]


def test_each_dataset_has_its_own_ranks(store: Store) -> None:
    for dataset, val in (("digits", 0.9), ("mnist", 0.8), ("digits", 0.7), ("mnist", 0.6)):
        ended(store, create_run(store, dataset=dataset), val=val)
    assert listed(store)[["dataset", "rank"]].to_numpy().tolist() == [
        ["digits", 1], ["mnist", 1], ["digits", 2], ["mnist", 2],
    ]  # fmt: skip


def test_mean_and_deviation_are_over_finished_runs_that_differ_in_the_seed_alone(store: Store) -> None:
    values = [0.90, 0.94, 0.92]
    for seed, val in enumerate(values):
        ended(store, create_run(store, seed=seed), val=val)
    ended(store, create_run(store, seed=2), val=0.92)  # a repetition is no further seed
    ended(store, create_run(store, seed=3), val=0.10, status="stopped")
    under_way(store, create_run(store, seed=4), curve=(0.1, 0.2))
    ended(store, create_run(store, seed=0, lr=0.1), val=0.5)
    table = listed(store)
    repeated = table[(table["val_acc"] >= 0.9)]
    assert repeated["seeds"].tolist() == [3] * 4
    assert repeated["seeds_mean"].tolist() == pytest.approx([statistics.mean(values)] * 4)
    assert repeated["seeds_sd"].tolist() == pytest.approx([statistics.stdev(values)] * 4)
    (other,) = table[table["val_acc"] == 0.5].to_dict("records")
    assert (other["seeds"], other["seeds_mean"]) == (1, 0.5)
    assert pd.isna(other["seeds_sd"])
    assert table[table["val_acc"] < 0.5]["seeds"].isna().all()


@pytest.mark.parametrize(
    ("section", "setting", "other"),
    [("model", "dropout", 0.5), ("data", "thickness", 0.5), ("data", "shear", 5.0), ("training", "max_steps", 7)],
)
def test_a_setting_that_an_older_run_does_not_know_had_its_default(
    store: Store, section: str, setting: str, other: float
) -> None:
    new = store.run(create_run(store, "mlp", seed=5))
    config = {**new.config, "training": new.config["training"] | {"seed": 6}}
    config[section] = {name: value for name, value in config[section].items() if name != setting}
    old = replace(new, config=config)
    assert without_seed(old.config) == without_seed(new.config)
    assert without_seed(store.run(create_run(store, "mlp", **{setting: other})).config) != without_seed(new.config)
    assert list(repeats([replace(old, status="finished", summary={"test_acc": 0.5})], new.run_config())) == [6]


def test_a_row_tells_what_a_run_is_and_what_it_costs(store: Store) -> None:
    run_id = create_run(store)
    store.annotate(run_id, name="Mine", tags=["class 7b"], notes="A note.")
    ended(store, run_id, curve=(0.1, 0.25, 0.5))
    (row,) = listed(store).to_dict("records")
    assert (row["name"], row["tags"], row["notes"], row["status"]) == ("Mine", ["class 7b"], "A note.", "finished")
    assert (row["multiply_adds"], row["n_params"], row["seconds"]) == (7840, 10, 2.0)
    assert row["curve"] == [10, 25, 50]
    files = [path.stat().st_size for path in runs_root().rglob("*") if path.is_file()]
    assert row["bytes"] in files


def test_no_run_gives_an_empty_table_with_all_columns(store: Store) -> None:
    assert {"rank", "val_acc", "test_acc", "seeds_sd"} <= set(listed(store).columns)
