"""The command line of comparisons: a race from its plan to its verdict, and two runs image by image."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from stored_runs import answers, read_back
from test_cli import ROOT, lines, trained

from core.analysis.statistics import Paired
from core.cli.app import main
from core.cli.race import add_race_flags, question_of
from core.compare import quick
from core.compare.results import as_values, compare_runs
from core.config import run_config
from core.errors import ConfigError, RunError
from core.fields import SplitName
from core.runs import worker
from core.runs.agents import short_runs
from core.runs.rows import Run
from core.runs.store import Store, runs_root

RACE = ["race", "--architectures", "mlp,softmax", "--dataset", "digits", "--set", "widths=16", "n-train=200"]


def raced(
    capsys: pytest.CaptureFixture[str], *more: str
) -> tuple[dict[str, Any], list[dict[str, Any]], dict[str, Any]]:
    """What a race says first, of its runs, and last."""
    assert main([*RACE, "--json", *more]) == 0
    first, *results, last = lines(capsys)
    return first, results, last


def values_of(last: dict[str, Any]) -> dict[str, Any]:
    """What a page reads of the same group, as it comes out of JSON."""
    store = Store(runs_root())
    values: dict[str, Any] = json.loads(json.dumps(as_values(*read_back(store, last["group"]), store.evaluation)))
    store.close()
    return values


def test_a_race_prints_one_object_per_run_and_the_outcome_last(capsys: pytest.CaptureFixture[str]) -> None:
    first, results, last = raced(capsys, "--seeds", "2", "--budget", "steps:9", "--name", "Nine steps")
    assert (first["name"], first["kind"], last["group"]) == ("Nine steps", "race", first["group"])
    assert [one["run_id"] for one in results] == first["runs"]
    assert [(one["architecture"], one["status"]) for one in results] == [
        ("mlp", "finished"),
        ("softmax", "finished"),
    ] * 2
    assert any("9 steps" in note for note in first["notes"])
    assert first["forecast"] == [
        "With 2 contestants at least 6 seeds are needed to tell who is better. With 2 nobody can win, however large the gaps."
    ]
    assert {name: last[name] for name in ("judged_on", "conditions", "comparisons")} == values_of(last)
    assert [one["label"] for one in last["conditions"]] == ["MLP", "Softmax regression"]
    means = [sum(one["test_acc"] for one in results[place::2]) / 2 for place in (0, 1)]
    assert [one["test_mean"] for one in last["conditions"]] == pytest.approx(means)
    (pair,) = last["comparisons"]
    assert pair["difference"] == pytest.approx(means[0] - means[1])
    assert (pair["winner"], pair["seeds"]) == ("none", [0, 1])
    assert "2 seeds are too few" in pair["verdict"]
    assert pair["wide_low"] <= pair["low"] < pair["high"] <= pair["wide_high"]
    store = Store(runs_root())
    assert {store.run(one["run_id"]).step for one in results} == {9}


def test_a_race_tells_a_person_the_conditions_and_the_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*RACE, "--seeds", "2", "--budget", "epochs:1", "--match", "parameters"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "MLP against Softmax regression: 4 runs"
    assert sum("nobody can win, however large" in line for line in printed) == 1
    assert sum(" finished, test accuracy " in line for line in printed) == 4
    assert [line.split(":")[0] for line in printed[-3:]] == ["MLP", "Softmax regression", "Not distinguishable"]
    assert all("2 of 2 runs finished, validation accuracy " in line for line in printed[-3:-1])
    assert all("% on 382 images, " in line for line in printed[-3:-1])


@pytest.mark.parametrize(
    ("names", "seeds"), [("mlp,softmax", 6), ("mlp,softmax,lenet", 7), ("mlp,softmax,lenet,cnn", 8)]
)
def test_without_a_number_of_seeds_it_takes_the_fewest_that_can_tell(names: str, seeds: int) -> None:
    parser = argparse.ArgumentParser()
    add_race_flags(parser)
    assert len(question_of(parser.parse_args(["--architectures", names])).seeds) == seeds
    assert "6 for 2 networks, 7 for 3, 8 for 4, 9 for 5" in " ".join(parser.format_help().split())


def test_a_quick_race_plans_what_the_page_plans() -> None:
    parser = argparse.ArgumentParser()
    add_race_flags(parser)
    question = question_of(parser.parse_args(["--architectures", "mlp,softmax", "--quick"]))
    assert question.budget == quick.budget()
    held_out = quick.val_fraction(1_415)
    assert {(each.data.n_train, each.data.val_fraction) for each in question.contestants} == {(0, held_out)}
    with pytest.raises(ConfigError, match="--quick sets this itself"):
        question_of(parser.parse_args(["--architectures", "mlp,softmax", "--quick", "--set", "epochs=3"]))


def test_only_a_verbose_race_tells_what_happens_within_its_runs(capsys: pytest.CaptureFixture[str]) -> None:
    _, results, _ = raced(capsys, "--seeds", "1", "--budget", "steps:4", "--verbose")
    assert [one["event"] for one in results if "event" in one and one["event"] != "progress"] == [
        "started", "epoch", "epoch", "finished",
    ] * 2  # fmt: skip


def test_a_rematch_is_one_network_with_two_sets_of_seeds(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["race", "--architectures", "mlp", "--rematch", "--seeds", "2", "--json", "--budget", "steps:4"]
    assert main([*command, "--set", "widths=16"]) == 0
    first, *_, last = lines(capsys)
    assert first["kind"] == last["kind"] == "aa_test"
    assert [one["label"] for one in last["conditions"]] == ["MLP", "MLP (copy)"]
    store = Store(runs_root())
    assert [store.run(run_id).config["training"]["seed"] for run_id in first["runs"]] == [0, 100, 1, 101]


def test_a_grid_crosses_two_settings_and_says_whether_they_add_up(capsys: pytest.CaptureFixture[str]) -> None:
    command = [
        "race",
        "--kind",
        "grid",
        "--vary",
        "dropout=0,0.3",
        "--vary",
        "optimiser=sgd,adam",
        "--dataset",
        "digits",
    ]
    small = ["--seeds", "2", "--budget", "steps:4", "--set", "widths=16", "n_train=100"]
    assert main([*command, *small, "--json"]) == 0
    first, *results, last = lines(capsys)
    assert (first["name"], last["kind"], len(results)) == ("Dropout and optimizer: MLP", "grid", 8)
    assert first["forecast"][0].endswith("With 2 nothing will be claimed, however clear it looks.")
    assert [(row["dropout"], row["optimizer"]) for row in last["conditions"]] == [
        ("0", "SGD"), ("0", "Adam"), ("0.3", "SGD"), ("0.3", "Adam"),
    ]  # fmt: skip
    assert (last["outcome"], last["comparisons"]) == ("unknown", [])
    assert {name: last[name] for name in ("conditions", "blocks", "verdict")} == {
        name: value for name, value in values_of(last).items() if name in ("conditions", "blocks", "verdict")
    }
    assert main([*command, "--seeds", "1", *small[2:]]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("Dropout and optimizer: whether their ")
    by_rate_and_size = [
        "race",
        "--kind",
        "grid",
        "--vary",
        "lr=0.01,0.1",
        "--vary",
        "n_train=50,100",
        "--dataset",
        "digits",
    ]
    assert main([*by_rate_and_size, "--seeds", "1", "--budget", "steps:4", "--set", "widths=16"]) == 0
    assert capsys.readouterr().out.count("1 of 1 runs finished") == 4, "a setting that other kinds carry as a number"
    parser = argparse.ArgumentParser()
    add_race_flags(parser)
    question = question_of(parser.parse_args([*command[1:5], "--vary", "lr=0.001,0.01,0.1"]))
    assert (len(question.seeds), question.contestants[0].architecture) == (7, "mlp"), "the fewest that can tell"
    assert question.factors[1] == ("lr", ("0.001", "0.01", "0.1"))


def test_data_efficiency_gives_an_outcome_for_each_number_of_images(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["race", "--architectures", "softmax,mlp", "--kind", "hunger", "--seeds", "1", "--json"]
    assert main([*command, "--budget", "steps:3", "--set", "widths=16"]) == 0
    *_, last = lines(capsys)
    assert last["kind"] == "data_efficiency"
    assert [one["n_train"] for one in last["comparisons"]] == [100, 300, 1_000, 1_157]
    assert [one["n_train"] for one in last["conditions"]] == [100, 100, 300, 300, 1_000, 1_000, 1_157, 1_157]
    assert {name: last[name] for name in ("judged_on", "conditions", "comparisons")} == values_of(last)


def test_a_tuning_shows_the_test_images_to_the_chosen_trials_only(capsys: pytest.CaptureFixture[str]) -> None:
    _, results, last = raced(
        capsys, "--kind", "tuning", "--trials", "3", "--lr-range", "0.001:0.01", "--budget", "steps:9"
    )
    assert len(results) == 6
    assert all(result["test_acc"] is None and result["val_acc"] > 0 for result in results)
    for place, row in enumerate(last["conditions"]):
        assert row["val_mean"] == max(result["val_acc"] for result in results[place::2])
        assert (row["trials"], row["n_test"]) == (3, 382)
        assert 0.001 <= row["lr"] <= 0.01
    assert main([*RACE, "--kind", "tuning", "--trials", "2", "--budget", "steps:2"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert sum(": finished, validation accuracy " in line for line in printed) == 4
    assert (
        sum(": best of 2 trials, validation accuracy " in line and ", test accuracy " in line for line in printed) == 2
    )


def test_seconds_become_steps_by_a_measurement(capsys: pytest.CaptureFixture[str]) -> None:
    first, _, _ = raced(capsys, "--seeds", "1", "--budget", "seconds:0.02")
    assert any("measured here" in note for note in first["notes"])


def test_a_run_deleted_during_a_race_costs_the_others_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, driven = worker.drive, []

    def drive(store: Store, run_id: str, *rest: Any, **more: Any) -> Run:
        driven.append(run_id)
        if len(driven) == 2:
            store.delete(run_id)  # somebody on the dashboard
        return real(store, run_id, *rest, **more)

    monkeypatch.setattr(worker, "drive", drive)
    assert main([*RACE, "--seeds", "2", "--budget", "steps:4", "--json"]) == 1
    captured = capsys.readouterr()
    assert driven[1] in captured.err
    assert "deleted" in captured.err
    ended = [one for one in map(json.loads, captured.out.splitlines()) if one.get("status") == "finished"]
    assert [one["run_id"] for one in ended] == [driven[0], *driven[2:]]


def test_a_race_with_a_run_that_diverged_exits_with_1_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    wild = ["--seeds", "1", "--json", "--set", "optimizer=sgd", "lr=10", "weight_decay=1", "epochs=20"]
    assert main(["race", "--architectures", "mlp,softmax", *wild]) == 1
    *_, last = lines(capsys)
    assert last["conditions"][0]["finished"] == 0
    assert last["conditions"][0]["test_mean"] is None
    assert "Diverged: 1 run of MLP" in last["comparisons"][0]["verdict"]


@pytest.mark.alone
@pytest.mark.slow
def test_sigterm_ends_a_race_and_still_gives_its_outcome() -> None:
    command = [sys.executable, "-m", "core", *RACE, "--seeds", "2", "--set", "epochs=1000", "--verbose", "--json"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=os.environ)
    assert process.stdout is not None
    while json.loads(process.stdout.readline()).get("epoch") != 1:
        pass
    process.send_signal(signal.SIGTERM)
    rest = [json.loads(line) for line in process.stdout.read().splitlines()]
    assert process.wait(timeout=10) == 0
    assert [one["status"] for one in rest if "status" in one] == ["stopped"] * 4
    assert [one["finished"] for one in rest[-1]["conditions"]] == [0, 0]
    assert "no seed has finished with both." in rest[-1]["comparisons"][0]["verdict"]


@pytest.mark.slow
def test_a_race_trains_several_runs_at_a_time_and_each_line_names_its_run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIGIT_LAB_THREADS", "1")
    monkeypatch.setattr(short_runs, "START_SECONDS", 0.0)
    command = [*RACE, "--seeds", "2", "--set", "epochs=40", "batch_size=8"]
    assert main([*command, "--json", "--processes", "1"]) == 0
    _, *in_turn, _ = lines(capsys)
    assert main([*command, "--json", "--processes", "2"]) == 0
    first, *at_a_time, last = lines(capsys)
    assert {values["run_id"] for values in at_a_time} == set(first["runs"])
    assert [set(values) for values in at_a_time] == [set(values) for values in in_turn]
    assert {(values["architecture"], values["test_loss"]) for values in at_a_time} == {
        (values["architecture"], values["test_loss"]) for values in in_turn
    }
    assert [condition["finished"] for condition in last["conditions"]] == [2, 2]

    assert main([*command, "--verbose", "--processes", "2"]) == 0
    epoch_lines = [line for line in capsys.readouterr().out.splitlines() if ": epoch " in line]
    assert len({line.split(": epoch ")[0] for line in epoch_lines}) == 4


@pytest.mark.parametrize(("split", "n"), [("test", 382), ("val", 258)])
def test_two_runs_are_compared_by_the_answers_that_are_kept(
    split: SplitName, n: int, capsys: pytest.CaptureFixture[str]
) -> None:
    run, other = trained(capsys)[-1], trained(capsys, "--seed", "7")[-1]
    assert main(["compare", run["run_id"], other["run_id"][:14], "--on", split, "--json"]) == 0
    (values,) = lines(capsys)
    assert list(values) == [
        "run_a", "run_b", "name_a", "name_b", "on", "n", "both", "only_a", "only_b", "neither", "difference", "low", "high",
        "exact", "mid_p", "winner", "verdict",
    ]  # fmt: skip
    assert (values["run_a"], values["run_b"], values["on"], values["n"]) == (run["run_id"], other["run_id"], split, n)
    assert values["both"] + values["only_a"] + values["only_b"] + values["neither"] == n
    assert values["difference"] == pytest.approx(run[f"{split}_acc"] - other[f"{split}_acc"])
    store = Store(runs_root())
    kept = [store.evaluation(run_id, split) for run_id in (values["run_a"], values["run_b"])]
    shown = compare_runs(values["name_a"], values["name_b"], *[each for each in kept if each is not None], split)
    assert {name: values[name] for name in asdict(shown.figures)} == asdict(shown.figures)
    assert (values["winner"], values["verdict"]) == (shown.verdict.winner, shown.verdict.sentence)
    assert main(["compare", run["run_id"], other["run_id"], "--on", split]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[1].startswith(
        f"read by both {values['both']}, only a {values['only_a']}, only b {values['only_b']}, neither"
    )
    assert printed[-1] == values["verdict"]


def test_a_run_without_answers_can_not_be_compared(capsys: pytest.CaptureFixture[str]) -> None:
    there = trained(capsys, "--val-fraction", "0")[-1]["run_id"]
    store = Store(runs_root())
    waiting = store.create(run_config("mlp", {}), request="pause")
    other_images = trained(capsys, "--val-fraction", "0.4")[-1]["run_id"]
    held_out = trained(capsys)[-1]["run_id"]
    for arguments, words in (
        ((there, waiting), f"{store.run(waiting).name} has not ended; its test images stay closed until then"),
        ((there, held_out, "--on", "val"), f"{store.run(there).name} (finished) has no answers to validation images"),
        ((other_images, held_out, "--on", "val"), "did not read the same images"),
    ):
        assert main(["compare", *arguments]) == 2
        assert words in capsys.readouterr().err


def test_the_four_cells_of_a_pair_add_up() -> None:
    random = np.random.default_rng(0)
    right_a, right_b = random.random((2, 300)) < [[0.9], [0.8]]
    comparison = compare_runs("A", "B", answers(list(right_a)), answers(list(right_b)))
    assert isinstance(comparison.figures, Paired)
    cells = (comparison.figures.both, comparison.figures.only_a, comparison.figures.only_b, comparison.figures.neither)
    assert sum(cells) == comparison.figures.n == 300
    assert cells == (
        (right_a & right_b).sum(), (right_a & ~right_b).sum(), (~right_a & right_b).sum(), (~right_a & ~right_b).sum(),
    )  # fmt: skip
    assert comparison.figures.difference == pytest.approx(right_a.mean() - right_b.mean())
    assert "test images" in comparison.verdict.sentence
    assert (
        "validation images"
        in compare_runs("A", "B", answers(list(right_a)), answers(list(right_b)), "val").verdict.sentence
    )


def test_a_pair_may_be_judged_by_a_raised_p_value() -> None:
    first, other = answers([True] * 20), answers([True] * 10 + [False] * 10)
    assert compare_runs("A", "B", first, other).verdict.winner == "a"
    assert compare_runs("B", "A", other, first).verdict.winner == "b"
    assert compare_runs("A", "B", first, other, p=0.06).verdict.winner == "none"
    assert compare_runs("A", "A", first, first).verdict.winner == "none"


def test_other_images_can_not_be_compared() -> None:
    with pytest.raises(RunError, match="A and B did not read the same images"):
        compare_runs("A", "B", answers([True] * 20), answers([True] * 21))
    shifted = answers([True] * 21)
    with pytest.raises(RunError, match="same images"):
        compare_runs("A", "B", answers([True] * 20), type(shifted)(shifted.logits[1:], shifted.labels[1:]))


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_answers_that_are_not_numbers_can_not_be_compared(wrong: float) -> None:
    diverged = answers([True] * 20)
    diverged.logits[3, 4] = wrong
    with pytest.raises(RunError, match="answers of B are not numbers"):
        compare_runs("A", "B", answers([True] * 20), diverged)
