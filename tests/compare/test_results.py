"""What came of a comparison: conditions are found again, pairs are judged together, and nobody wins without evidence."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pytest
from comparisons import aa_test, data_efficiency, race, tuning
from stored_runs import N_TEST, N_VAL, ended, launched, read_back, under_way

from core.analysis.statistics import holm, mcnemar, mean_sd, over_seeds, sign_flip
from core.compare.budget import Budget
from core.compare.conditions import (
    Condition,
    ConditionComparison,
    compare_conditions,
    condition_table,
    conditions,
    judged_split,
)
from core.compare.kinds import data_efficiency as by_size
from core.compare.kinds import tuning as by_trial
from core.compare.plan import Plan
from core.compare.results import as_values, compare_leaders, rounds
from core.config import RunConfig, run_config
from core.engine.evaluate import Evaluation
from core.errors import RunError
from core.runs.rows import Run
from core.runs.store import Store, runs_root

N = 1415


@pytest.fixture
def store() -> Iterator[Store]:
    opened = Store(runs_root())
    yield opened
    opened.close()


def config(architecture: str = "mlp", **values: Any) -> RunConfig:
    return run_config(architecture, values)


def play(store: Store, plan: Plan, accuracy: Callable[[Run], float | str | None]) -> str:
    """A launched group whose runs end with a test accuracy each, end otherwise ("diverged", "stopped"), or wait (None)."""
    group_id, run_ids = launched(store, plan)
    for run in map(store.run, run_ids):
        outcome = accuracy(run)
        if isinstance(outcome, str):
            ended(store, run.run_id, status=outcome)
        elif outcome is not None:
            ended(store, run.run_id, val=0.5, test=outcome)
    return group_id


def members_of(store: Store, group_id: str) -> list[Condition]:
    return conditions(*read_back(store, group_id))


def seed_of(run: Run) -> int:
    seed: int = run.config["training"]["seed"]
    return seed


def by_rule(mean: Mapping[str, float]) -> Callable[[Run], float]:
    """An accuracy around a mean by architecture, which the seed moves a little."""
    return lambda run: mean[run.architecture] + 0.01 * (seed_of(run) % 3)


PLANS = [
    race([config("softmax"), config("mlp"), config("mlp", lr=0.1)], range(2), n_images=N),
    race([config("mlp"), config("mlp", widths=(45, 45))], range(2), match="parameters", n_images=N),
    race([config("mlp")], range(3), n_images=N),
    aa_test([config("mlp")], range(3), n_images=N),
    data_efficiency([config("softmax"), config("mlp")], range(2), (100, 300, 0), n_images=N),
    data_efficiency([config("mlp"), config("mlp", widths=(45, 45))], [0], (100, 0), match="parameters", n_images=N),
    tuning([config("softmax"), config("mlp")], 3, 1e-4, 1e-1, n_images=N),
    tuning([config("mlp"), config("mlp", widths=(45, 45))], 3, 1e-4, 1e-1, match="parameters", n_images=N),
    tuning([config("mlp"), config("mlp", batch_size=32)], 3, 1e-4, 1e-1, budget=Budget("steps", 9), n_images=N),
]  # fmt: skip


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.name)
def test_the_conditions_of_a_group_are_found_again_also_after_a_deletion(store: Store, plan: Plan) -> None:
    group_id, run_ids = launched(store, plan)
    members = members_of(store, group_id)
    contestants = plan.details["contestants"]
    n = len(contestants)
    assert [(one.label, one.number, one.seeds) for one in members] == [
        (one["label"], number, tuple(one["seeds"])) for number, one in enumerate(contestants)
    ]
    # Plans put the contestants side by side.
    assert [[run.run_id for run in one.runs] for one in members] == [run_ids[place::n] for place in range(n)]
    store.delete(run_ids[n])
    left = [[run.run_id for run in one.runs] for one in members_of(store, group_id)]
    assert left == [[one for one in run_ids[place::n] if one != run_ids[n]] for place in range(n)]


def test_a_run_that_does_not_belong_is_left_out(store: Store) -> None:
    plan = PLANS[0]
    group_id, _ = launched(store, plan)
    store.create(config("softmax", seed=77), group=group_id)
    store.create(config("softmax", epochs=9), group=group_id)
    assert sum(len(one.runs) for one in members_of(store, group_id)) == len(plan.configs)


def test_the_table_gives_mean_deviation_and_interval_over_seeds(store: Store) -> None:
    plan = race([config("softmax"), config("mlp")], range(3), n_images=N)
    group_id = play(store, plan, by_rule({"softmax": 0.8, "mlp": 0.9}))
    rows = condition_table(members_of(store, group_id)).to_dict("records")
    for row, values in zip(rows, ([0.80, 0.81, 0.82], [0.90, 0.91, 0.92]), strict=True):
        expected = mean_sd(values)
        figures = [row[f"test_{name}"] for name in ("mean", "sd", "low", "high")]
        assert figures == pytest.approx([expected.mean, expected.sd, expected.low, expected.high])
        assert (row["runs"], row["finished"], row["n_val"], row["n_test"]) == (3, 3, N_VAL, N_TEST)
        assert (row["val_mean"], row["val_sd"], row["seconds"]) == (0.5, 0.0, 2.0)
    assert rows[0]["multiply_adds"] == 7840


def test_the_test_images_judge_unless_a_finished_run_had_none(store: Store) -> None:
    plan = race([config("softmax"), config("mlp")], [0], n_images=N)
    group_id, (first, second) = launched(store, plan)
    ended(store, first, val=0.9, test=0.8)
    assert judged_split(members_of(store, group_id)) == "test"
    ended(store, second, val=0.7, test=None)
    members = members_of(store, group_id)
    assert judged_split(members) == "val"
    (comparison,) = compare_conditions(members)
    assert comparison.figures is not None
    assert comparison.figures.difference == pytest.approx(0.2)
    assert "validation accuracy" in comparison.verdict.sentence


def test_a_clear_gap_over_six_seeds_has_a_winner_whoever_is_named_first(store: Store) -> None:
    for order, winner in ((("softmax", "mlp"), "b"), (("mlp", "softmax"), "a")):
        plan = race([config(name) for name in order], range(6), n_images=N)
        group_id = play(store, plan, by_rule({"softmax": 0.8, "mlp": 0.9}))
        (comparison,) = compare_conditions(members_of(store, group_id))
        assert comparison.verdict.winner == winner
        assert comparison.verdict.sentence.startswith(
            "MLP wins more often than Softmax regression on these 200 test images: "
        )
        assert comparison.p == sign_flip([0.1] * 6)


def test_five_seeds_are_too_few_however_large_the_gap(store: Store) -> None:
    plan = race([config("softmax"), config("mlp")], range(6), n_images=N)
    rule = by_rule({"softmax": 0.1, "mlp": 0.9})
    group_id = play(store, plan, lambda run: None if (run.architecture, seed_of(run)) == ("mlp", 3) else rule(run))
    (comparison,) = compare_conditions(members_of(store, group_id))
    assert comparison.figures is not None
    assert comparison.figures.seeds == (0, 1, 2, 4, 5)
    assert comparison.verdict.winner == "none"
    assert "5 seeds are too few" in comparison.verdict.sentence


def test_p_values_are_raised_for_all_pairs_of_a_group(store: Store) -> None:
    plan = race([config("softmax"), config("mlp"), config("cnn")], range(7), n_images=N)
    group_id = play(store, plan, by_rule({"softmax": 0.7, "mlp": 0.8, "cnn": 0.9}))
    comparisons = compare_conditions(members_of(store, group_id))
    assert [(one.a, one.b) for one in comparisons] == [
        ("Softmax regression", "MLP"), ("Softmax regression", "CNN"), ("MLP", "CNN"),
    ]  # fmt: skip
    raw = [one.figures.p for one in comparisons if one.figures is not None]
    assert raw == [2 / 2**7] * 3
    assert [one.p for one in comparisons] == holm(raw) == [3 * 2 / 2**7] * 3
    assert all("counting all pairs compared" in one.verdict.sentence for one in comparisons)
    assert {one.verdict.winner for one in comparisons} == {"b"}
    six = race(plan.configs[:3], range(6), n_images=N)
    only_six = play(store, six, by_rule({"softmax": 0.7, "mlp": 0.8, "cnn": 0.9}))
    assert {one.verdict.winner for one in compare_conditions(members_of(store, only_six))} == {"none"}


def test_two_things_that_differ_are_named_instead_of_a_winner(store: Store) -> None:
    plan = race([config("softmax", batch_size=32), config("mlp", epochs=9)], range(6), n_images=N)
    group_id = play(store, plan, by_rule({"softmax": 0.1, "mlp": 0.9}))
    (comparison,) = compare_conditions(members_of(store, group_id), plan.details["exempt"])
    assert comparison.verdict.winner == "none"
    assert comparison.verdict.sentence.startswith(
        "Confounded: Softmax regression and MLP differ in more than one thing"
    )
    assert comparison.confounders == ("epochs 5 against 9", "batch size 32 against 64")
    assert all(one in comparison.verdict.sentence for one in comparison.confounders)


def test_what_the_rules_set_confounds_nothing(store: Store) -> None:
    contestants = [config("softmax", batch_size=32), config("softmax", batch_size=64)]
    plan = race(contestants, range(6), Budget("examples", 5_000), n_images=N)
    assert len({one.training.epochs * 10_000 + one.training.max_steps for one in plan.configs}) == 2
    group_id = play(store, plan, lambda run: 0.9 if run.config["training"]["batch_size"] == 64 else 0.8)
    members = members_of(store, group_id)
    assert compare_conditions(members, plan.details["exempt"])[0].verdict.winner == "b"
    assert compare_conditions(members)[0].verdict.winner == "none"


def test_runs_of_different_seeds_are_not_paired(store: Store) -> None:
    plan = race([config("softmax"), config("mlp")], range(2), n_images=N)
    there = {("softmax", 0), ("mlp", 1)}
    group_id = play(store, plan, lambda run: 0.9 if (run.architecture, seed_of(run)) in there else None)
    (comparison,) = compare_conditions(members_of(store, group_id))
    assert comparison.figures is comparison.p is None
    assert comparison.verdict.sentence == "Softmax regression against MLP: no seed has finished with both yet."


def test_an_aa_test_pairs_by_the_place_of_the_seed_in_the_plan(store: Store) -> None:
    plan = aa_test([config("mlp")], (3, 4, 5), n_images=N)
    accuracy = {3: 0.5, 4: 0.6, 5: 0.7, 103: 0.4, 104: None, 105: 0.9}
    group_id = play(store, plan, lambda run: accuracy[seed_of(run)])
    (comparison,) = compare_conditions(members_of(store, group_id))
    assert comparison.figures == over_seeds({0: 0.5, 2: 0.7}, {0: 0.4, 2: 0.9})


def test_a_run_that_diverged_is_lost_and_one_that_was_stopped_is_missing_and_it_is_said(store: Store) -> None:
    plan = race([config("softmax"), config("mlp")], range(8), n_images=N)
    odd = {("mlp", 0): "diverged", ("mlp", 1): "stopped", ("softmax", 1): "diverged"}
    rule = by_rule({"softmax": 0.8, "mlp": 0.9})
    group_id = play(store, plan, lambda run: odd.get((run.architecture, seed_of(run))) or rule(run))
    (comparison,) = compare_conditions(members_of(store, group_id))
    assert comparison.figures is not None
    assert comparison.figures.seeds == (0, 2, 3, 4, 5, 6, 7)
    assert (comparison.figures.diverged_a, comparison.figures.diverged_b) == ((), (0,))
    assert comparison.verdict.winner == "none"
    assert comparison.verdict.sentence.endswith(
        " Diverged: 1 run of Softmax regression and 1 run of MLP; such a run loses against every one that finished. Missing, "
        "because stopped, failed or deleted: 1 run of MLP; what is missing counts against whoever is ahead."
    )


@pytest.mark.parametrize("lost", ["diverged", "deleted"])
def test_nobody_wins_by_its_survivors(store: Store, lost: str) -> None:
    """The MLP is the better one with 7 of 12 seeds; with the other five it diverged, or somebody deleted them."""
    plan = race([config("softmax"), config("mlp")], range(12), n_images=N)
    rule = by_rule({"softmax": 0.8, "mlp": 0.9})
    bad = [("mlp", seed) for seed in range(5)]
    group_id = play(store, plan, lambda run: "diverged" if (run.architecture, seed_of(run)) in bad else rule(run))
    if lost == "deleted":
        for run in store.runs(group=group_id):
            if run.status == "diverged":
                store.delete(run.run_id)
    (comparison,) = compare_conditions(members_of(store, group_id))
    assert comparison.verdict.winner == "none"
    assert "MLP is ahead of Softmax regression, on average 10.00" in comparison.verdict.sentence


def test_who_diverges_with_every_seed_loses_whichever_is_named_first(store: Store) -> None:
    for order, winner in ((("softmax", "mlp"), "a"), (("mlp", "softmax"), "b")):
        plan = race([config(name) for name in order], range(6), n_images=N)
        group_id = play(store, plan, lambda run: "diverged" if run.architecture == "mlp" else 0.8)
        (comparison,) = compare_conditions(members_of(store, group_id))
        assert comparison.verdict.winner == winner
        assert "Softmax regression wins more often than MLP on these" in comparison.verdict.sentence
        assert comparison.verdict.sentence.endswith(
            "Diverged: 6 runs of MLP; such a run loses against every one that finished."
        )
    plan = race([config("softmax"), config("mlp")], range(6), n_images=N)
    (comparison,) = compare_conditions(members_of(store, play(store, plan, lambda run: "diverged")))
    assert comparison.verdict.sentence.startswith("Softmax regression against MLP: no seed has finished with both. Div")


def test_nobody_wins_before_all_runs_of_the_pair_have_ended(store: Store) -> None:
    """Otherwise whoever watches long enough sees a winner by luck."""
    plan = race([config("softmax"), config("mlp"), config("cnn")], range(9), n_images=N)
    rule = by_rule({"softmax": 0.7, "mlp": 0.9, "cnn": 0.95})
    group_id = play(store, plan, lambda run: None if (run.architecture, seed_of(run)) == ("cnn", 8) else rule(run))
    comparisons = compare_conditions(members_of(store, group_id))
    assert [one.verdict.winner for one in comparisons] == ["b", "none", "none"]
    assert comparisons[1].verdict.sentence.startswith(
        "Too early to tell: CNN is ahead of Softmax regression, on average 25.00"
    )
    assert "1 run has not ended yet" in comparisons[1].verdict.sentence
    (open_run,) = [run for run in store.runs(group=group_id) if not run.has_ended]
    ended(store, open_run.run_id, val=0.5, test=0.95)
    assert {one.verdict.winner for one in compare_conditions(members_of(store, group_id))} == {"b"}


def test_a_contestant_without_results_still_counts_among_the_pairs(store: Store) -> None:
    plan = race([config("softmax"), config("mlp"), config("cnn")], range(6), n_images=N)
    rule = by_rule({"softmax": 0.7, "mlp": 0.9})
    group_id = play(store, plan, lambda run: "diverged" if run.architecture == "cnn" else rule(run))

    def judged() -> tuple[float | None, str]:
        first = compare_conditions(members_of(store, group_id))[0]
        return first.p, first.verdict.winner

    assert judged() == (3 * 2 / 2**6, "none")
    for run in store.runs(group=group_id):
        if run.architecture == "cnn":
            store.delete(run.run_id)
    assert judged() == (3 * 2 / 2**6, "none")


def test_runs_that_were_deleted_are_missing_and_it_is_said(store: Store) -> None:
    plan = race([config("softmax"), config("mlp")], range(12), n_images=N)
    group_id = play(store, plan, by_rule({"softmax": 0.8, "mlp": 0.9}))

    def delete(*runs: tuple[str, int]) -> ConditionComparison:
        for run in store.runs(group=group_id):
            if (run.architecture, seed_of(run)) in runs:
                store.delete(run.run_id)
        (comparison,) = compare_conditions(members_of(store, group_id))
        assert comparison.figures is not None
        return comparison

    missing_one = delete(("softmax", 5))
    assert missing_one.verdict.winner == "b", "even if the missing run had been the better one"
    assert missing_one.verdict.sentence.endswith(
        " Missing, because stopped, failed or deleted: 1 run of Softmax regression; what is missing counts against whoever is "
        "ahead."
    )
    missing_two = delete(("mlp", 0))
    assert missing_two.figures is not None
    assert missing_two.figures.seeds == (1, 2, 3, 4, 6, 7, 8, 9, 10, 11)
    assert missing_two.verdict.winner == "none"
    assert missing_two.verdict.sentence.startswith("No winner: MLP is ahead of Softmax regression")


def test_other_test_images_are_asked_with_the_answers_that_are_kept(store: Store) -> None:
    plan = race([config("softmax"), config("mlp"), config("cnn")], range(7), n_images=N)
    means = {"softmax": 0.8, "mlp": 0.85, "cnn": 0.95}
    group_id = play(store, plan, lambda run: means[run.architecture])
    shown, runs = read_back(store, group_id)
    (only,) = rounds(shown, runs, store.evaluation)
    for pair, gap in zip(only.comparisons, (0.05, 0.15, 0.1), strict=True):
        assert pair.figures is not None
        assert pair.wide is not None
        assert (pair.figures.low, pair.figures.high) == pytest.approx((-gap, -gap)), "all seeds agree"
        # Seven pairs alike read the same further images, so what moves the gap is which images are drawn.
        sd = (gap * (1 - gap) / N_TEST) ** 0.5
        assert pair.wide == pytest.approx((-gap - 1.96 * sd, -gap + 1.96 * sd), abs=0.4 * sd)  # in steps of one image
        assert "with other test images, too)." in pair.verdict.sentence
    values = as_values(shown, runs, store.evaluation)["comparisons"]
    assert [(pair["wide_low"], pair["wide_high"]) for pair in values] == [pair.wide for pair in only.comparisons]
    assert "wide_low" not in as_values(shown, runs)["comparisons"][0]
    first = runs[0].run_id
    (without,) = rounds(shown, runs, lambda run_id, split: None if run_id == first else store.evaluation(run_id, split))
    assert {pair.wide for pair in without.comparisons} == {None}, "one run has no answers"


def test_data_efficiency_is_judged_at_each_number_of_images(store: Store) -> None:
    plan = data_efficiency([config("softmax"), config("mlp")], range(6), (100, 0), n_images=N)

    def accuracy(run: Run) -> float:
        few = run.config["data"]["n_train"] == 100
        return (0.8 if few == (run.architecture == "softmax") else 0.6) + 0.01 * seed_of(run)

    group_id = play(store, plan, accuracy)
    small, large = rounds(*read_back(store, group_id))
    assert (small.n_train, large.n_train) == (100, 1157)
    assert [small.comparisons[0].verdict.winner, large.comparisons[0].verdict.winner] == ["a", "b"]
    assert [len(one.runs) for one in (*small.members, *large.members)] == [6] * 4
    rows = by_size.table(members_of(store, group_id))
    assert rows[["label", "n_train"]].drop_duplicates().to_numpy().tolist() == [
        ["Softmax regression", 100], ["Softmax regression", 1157], ["MLP", 100], ["MLP", 1157],
    ]  # fmt: skip
    assert rows["accuracy"].tolist()[:6] == pytest.approx([0.8, 0.81, 0.82, 0.83, 0.84, 0.85])


def test_a_tuning_chooses_on_validation_and_shows_the_test_images_to_the_chosen_trial_only(store: Store) -> None:
    plan = tuning([config("softmax"), config("mlp")], 4, 1e-4, 1e-1, n_images=N)
    group_id, run_ids = launched(store, plan)
    for place, run_id in enumerate(run_ids[::2]):
        if place == 3:
            ended(store, run_id, status="diverged")
        else:
            ended(store, run_id, val=(0.7, 0.9, 0.9)[place], test=(0.99, 0.6, 0.8)[place], sure=(5.0, 1.0, 9.0)[place])
    rows = by_trial.table(members_of(store, group_id))
    assert rows["trial"].tolist() == [1, 2, 3, 4]
    assert rows["val_acc"].tolist() == [0.7, 0.9, 0.9, 0.0]
    assert rows["chosen"].tolist() == [False, False, True, False], "of equal accuracies the smaller loss"
    assert rows["test_acc"].isna().tolist() == [True, True, False, True]
    assert rows["lr"].tolist() == plan.details["lrs"]
    (only,) = rounds(*read_back(store, group_id))
    assert [[run.run_id for run in one.runs] for one in only.members] == [[run_ids[4]], []]
    assert only.members[0].values("test") == {0: 0.8}


def test_nothing_is_chosen_when_every_trial_diverged(store: Store) -> None:
    plan = tuning([config("softmax")], 2, 1e-4, 1e-1, n_images=N)
    group_id = play(store, plan, lambda run: "diverged")
    assert by_trial.table(members_of(store, group_id))["chosen"].tolist() == [False, False]
    assert by_trial.table([]).columns.tolist()[:3] == ["label", "number", "trial"]


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.name)
def test_the_values_of_a_group_can_be_written_as_json_at_every_moment(store: Store, plan: Plan) -> None:
    group_id, run_ids = launched(store, plan)

    def values() -> dict[str, Any]:
        written: dict[str, Any] = json.loads(json.dumps(as_values(*read_back(store, group_id)), allow_nan=False))
        return written

    before = values()
    under_way(store, run_ids[0])
    ended(store, run_ids[-1], val=0.5, test=0.5)
    values()
    for run_id in run_ids[1:-1]:
        ended(store, run_id, val=0.5, test=0.5)
    after = values()
    assert len(before["conditions"]) == len(after["conditions"])
    assert {one["winner"] for one in (*before["comparisons"], *after["comparisons"])} <= {"none"}
    members = members_of(store, group_id)
    if plan.kind in ("race", "aa_test"):
        assert [one["test_mean"] for one in after["conditions"]] == condition_table(members)["test_mean"].tolist()
        comparisons = compare_conditions(members, plan.details["exempt"])
        assert [one["verdict"] for one in after["comparisons"]] == [one.verdict.sentence for one in comparisons]


def test_the_leader_stands_beside_the_next_one_and_many_pairs_are_many_chances() -> None:
    def answers(wrong: slice) -> Evaluation:
        labels = np.zeros(200, np.int64)
        logits = np.eye(10, dtype=np.float32)[labels]
        logits[wrong, 1] = 2
        return Evaluation(logits, labels)

    best, middle = answers(slice(0, 10)), answers(slice(8, 28))
    p = mcnemar(18, 8)[1]
    two = compare_leaders({"middle": middle, "best": best}).verdict
    assert two.finding == "best read 10 more of 200 test images than middle; that could be luck."
    assert p > 0.05
    clear = answers(slice(0, 6))
    pair = compare_leaders({"middle": middle, "clear": clear}).verdict
    assert pair.finding == "clear read 14 more of 200 test images than middle; luck alone would hardly do that."
    assert mcnemar(14, 5)[1] < 0.05 < 2 * mcnemar(14, 5)[1]
    three = compare_leaders({"c": answers(slice(8, 29)), "b": middle, "a": answers(slice(22, 33))}).verdict
    assert three.finding == "a read 9 more of 200 test images than b; that could be luck."
    assert three.figures.endswith("times in 100, counting all pairs compared.")
    with pytest.raises(RunError, match="did not read the same images"):
        compare_leaders({"a": best, "b": Evaluation(best.logits[:9], best.labels[:9])})
