"""Race: what the form says is what runs, under rules that are shown before the start; the verdict never says too much."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl

import pytest
import streamlit as st
from comparisons import LENGTHS, data_efficiency, race
from stored_runs import ended
from streamlit.testing.v1 import AppTest

from core import data, models
from core.analysis.statistics import expected_best, holm
from core.cli import race as race_command
from core.compare import kinds
from core.compare.budget import Budget
from core.compare.conditions import conditions as conditions_of
from core.compare.plan import Factor, Plan, Question
from core.compare.results import rounds
from core.compare.size_match import MAX_COST_RATIO
from core.config import RunConfig, run_config
from core.errors import ConfigError
from core.runs import worker
from core.runs.groups import Group, create_group, group, groups
from core.runs.rows import Run
from pages.lab.race import speeds
from pages.lab.race.plan import competing_configs
from pages.shared import services
from pages.shared.run_look import run_look
from tests.pages.conftest import OpenPage, moving, settle, words

PAGE = "pages/lab/race/page.py"
SMALL = {"dataset": "digits", "n_train": 100, "epochs": 1, "batch_size": 50}
N = len(data.load("digits").train_images)


def setting_up(
    open_page: OpenPage, networks: Sequence[str] = ("softmax", "mlp"), seeds: int = 2, n_train: int | str = 100
) -> AppTest:
    """The form for a small race of these networks, with all its fields. n_train: a text where it was typed"""
    at = open_page()
    at.session_state["race_data_n_train"] = n_train
    ran(at.switch_page(PAGE))
    ran(at.button_group(key="race_length").set_value("full"))
    for family in ("linear", "dense", "convolutional"):
        own = [name for name in networks if models.TABLE[name].family == family]
        at.pills(key=f"race_networks_{family}").set_value(own)
    at.slider(key="race_seeds").set_value(seeds)
    at.session_state["race_more"] = True
    ran(at)
    at.number_input(key="race_training_epochs").set_value(1)
    return ran(at)


def ran(at: Any) -> AppTest:
    """The page after a look, or after what was done to a widget."""
    page: AppTest = at.run()
    assert not page.exception, page.exception
    return page


def start(at: AppTest) -> Group:
    """Press the button; the group that it made."""
    assert not at.button(key="race_start").disabled, words(at)
    ran(at.button(key="race_start").click())
    return groups(services.store())[0]


def driven(plan: Plan) -> tuple[Group, list[Run]]:
    """A group that has been trained to its end here and now."""
    store = services.store()
    group_id, ids = create_group(
        store,
        plan.runs,
        name=plan.name,
        kind=plan.kind,
        plan=plan.kept,
        request="pause",
    )
    return group(store, group_id), [worker.drive(store, run_id, load_dataset=data.load) for run_id in ids]


def dialog(group_id: str) -> None:
    """What the dialog that takes a comparison along shows."""
    from pages.lab.race.take_group import choose_form

    choose_form(group_id)


def label(at: AppTest) -> str:
    return at.button(key="race_start").label


def alts(at: AppTest) -> list[str]:
    return [chart.proto.alt for chart in at.get("plotly_chart")]


def table(at: AppTest, column: str) -> Any:
    """The table that has this column."""
    return next(one.value for one in at.dataframe if column in one.value.columns)


def softmax(**values: Any) -> RunConfig:
    return run_config("softmax", SMALL | values)


# ---- a race from the form


def test_an_empty_page_offers_a_race_of_six_seeds(open_page: OpenPage) -> None:
    at = open_page(PAGE)
    assert at.title[0].value == "Race"
    assert label(at) == "Start the race (12 runs)"
    assert "**MLP**: hidden layers 128-64, 109,386 parameters, 109,184 multiply-adds per image, 300 steps" in words(at)
    assert "race_training_epochs" not in {one.key for one in at.number_input}, "a quick race decides how long"
    assert "Quick: 3,000 training images (all where there are fewer), 300 steps a run, at most 1,000" in words(at)
    assert not alts(at)
    assert "seeds are needed" not in words(at)
    assert "With 6 seeds and an assumed spread of " in words(at)
    assert "With 2 contestants 6 are the fewest that can tell" in at.slider(key="race_seeds").help
    ran(at.pills(key="race_networks_linear").set_value(["softmax"]))
    assert "With 3 contestants at least 7 seeds are needed to tell who is better" in words(at)
    assert "With 6 nobody can win, however large the gaps." in words(at)
    assert "With 3 contestants 7 are the fewest that can tell" in at.slider(key="race_seeds").help


def test_two_networks_with_two_seeds_run_on_the_same_images_and_nothing_is_claimed(open_page: OpenPage) -> None:
    at = setting_up(open_page)
    assert label(at) == "Start the race (4 runs)"
    started = start(at)
    settle(at)
    runs = sorted(services.store().runs(group=started.group_id), key=lambda run: run.number)
    assert [(run.architecture, run.config["training"]["seed"]) for run in runs] == [
        ("softmax", 0), ("mlp", 0), ("softmax", 1), ("mlp", 1)
    ]  # fmt: skip
    assert {run.status for run in runs} == {"finished"}
    assert len({run.started["split_hash"] for run in runs}) == 1
    assert at.query_params["group"] == started.group_id
    assert "4 of 4 runs finished" in words(at)
    assert all("Softmax regression" in alt and "MLP" in alt and "over 2 seeds" in alt for alt in alts(at))
    assert "2 seeds are too few" in words(at)
    assert "before luck can be ruled out" in words(at)
    assert "wins more often than" not in words(at)
    assert table(at, "contestant")["contestant"].tolist() == ["Softmax regression", "MLP"]
    assert not at.expander[0].proto.expanded, "the form is folded away"


def test_a_double_click_makes_one_group(open_page: OpenPage) -> None:
    at = setting_up(open_page, seeds=1)
    at.button(key="race_start").click().run()
    at.session_state["race_set_up"] = True
    ran(at)
    ran(at.button(key="race_start").click())
    assert len(groups(services.store())) == 1
    assert len(services.store().runs()) == 2


def test_what_else_differs_is_named_before_the_start_and_instead_of_a_winner(open_page: OpenPage) -> None:
    at = setting_up(open_page, seeds=1)
    assert "race_mlp_differs" not in [one.key for one in at.multiselect], "what is folded is not drawn"
    at.session_state["race_own"] = True
    ran(at)
    at.session_state["race_training_snapshots"] = "epochs"
    assert "Weights kept on the way" not in at.multiselect(key="race_mlp_differs").options, "that is no difference"
    at.multiselect(key="race_mlp_differs").set_value(["lr"]).run()
    assert "Keeps weights " in words(at)
    at.selectbox(key="race_mlp_learning_lr").set_value(0.01)
    for unfolded in (True, False):
        at.session_state["race_own"] = unfolded
        ran(at)
        assert ("race_mlp_differs" in [one.key for one in at.multiselect]) is unfolded
        (warning,) = at.warning
        assert "These also differ: learning rate 0.001 against 0.01" in warning.value.replace("\\", "")
    start(at)
    settle(at)
    assert "Confounded: " in words(at)
    assert "learning rate 0.001 against 0.01" in words(at)
    assert "wins more often than" not in words(at)


def test_equal_parameters_agree_within_five_percent_and_are_shown(open_page: OpenPage) -> None:
    at = setting_up(open_page, networks=("mlp", "cnn"), seeds=1)
    (match,) = [one for one in at.get("button_group") if one.key == "race_match"]
    ran(match.set_value("parameters"))
    lines = [element.value.replace("\\", "") for element in at.markdown if "parameters" in element.value]
    sizes = [int(re.search(r"([\d,]+) parameters", line)[1].replace(",", "")) for line in lines]  # type: ignore[index]
    assert len(sizes) == 2
    assert max(sizes) / min(sizes) <= MAX_COST_RATIO
    assert "convolution blocks 16-32 instead of 32-64" in words(at)
    assert "Of 1,415 training images, 258 are held out for validation." in words(at)
    ran(at.selectbox(key="race_lead").set_value("cnn"))
    assert "**CNN**: convolution blocks 32-64, dense layers 128-64, 429,258 parameters" in words(at)


def test_a_budget_is_converted_and_said(open_page: OpenPage) -> None:
    at = setting_up(open_page)
    ran(at.selectbox(key="race_budget").set_value("examples"))
    assert "race_training_epochs" not in {one.key for one in at.number_input}, "the budget decides how long"
    ran(at.number_input(key="race_amount_examples").set_value(400))
    assert "Budget 400 examples: Softmax regression 4.0 epochs" in words(at)
    started = start(at)
    assert started.plan["budget"] == {"kind": "examples", "amount": 400}
    assert {run.config["training"]["epochs"] for run in services.store().runs()} == {4}


def test_a_network_races_against_its_copy(open_page: OpenPage) -> None:
    at = setting_up(open_page)
    (kind,) = [one for one in at.get("button_group") if one.key == "race_kind"]
    ran(kind.set_value("aa_test"))
    assert "whatever gap comes out is luck" in words(at)
    ran(at.selectbox(key="race_network").set_value("softmax"))
    started = start(at)
    assert started.kind == "aa_test"
    assert [one["label"] for one in started.plan["contestants"]] == ["Softmax regression", "Softmax regression (copy)"]
    settle(at)
    assert "Softmax regression (copy)" in alts(at)[0]
    assert "too few" in words(at)


def test_a_further_kind_is_offered_checked_started_and_judged_by_its_record_alone(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kinds, "KINDS", {**kinds.KINDS, LENGTHS.id: LENGTHS})
    at = setting_up(open_page)
    (kind,) = [one for one in at.get("button_group") if one.key == "race_kind"]
    assert "Lengths" in kind.options
    ran(kind.set_value("lengths"))
    assert LENGTHS.help in words(at)
    assert label(at) == "Start the race (4 runs)"
    assert "race_training_epochs" not in {one.key for one in at.number_input}, "the kind sets it"
    with monkeypatch.context() as small_machine:

        def preflight(config: RunConfig, n_images: int | None = None) -> int:
            if config.training.epochs > 1:
                raise ConfigError("two epochs do not fit", ("epochs",))
            return 0

        small_machine.setattr("core.machine.device.preflight", preflight)
        assert "Two epochs do not fit" in words(ran(at)), "every run is checked, not only the first of each"
        assert at.button(key="race_start").disabled
    started = start(ran(at))
    assert (started.kind, started.plan["lengths"]) == ("lengths", [1, 2])
    settle(at)
    runs = services.store().runs(group=started.group_id)
    assert sorted(run.config["training"]["epochs"] for run in runs) == [1, 1, 2, 2]
    accuracies = [100 * run.summary["test_acc"] for run in runs if run.config["training"]["epochs"] == 2]
    rows = table(at, "contestant")
    assert rows["contestant"].tolist() == ["Softmax regression", "MLP"]
    assert rows["finished"].tolist() == ["1 of 1", "1 of 1"]
    assert sorted(rows["test (%)"]) == pytest.approx(sorted(accuracies))
    (only,) = rounds(started, runs, services.store().evaluation)
    assert only.comparisons[0].verdict.sentence in words(at)


def test_one_network_with_several_settings(open_page: OpenPage) -> None:
    at = setting_up(open_page, seeds=1)
    (who,) = [one for one in at.get("button_group") if one.key == "race_who_race"]
    ran(who.set_value("settings"))
    ran(at.selectbox(key="race_network").set_value("softmax"))
    ran(at.text_input(key="race_values_batch_size").set_value("20, 50 100"))
    assert label(at) == "Start the race (3 runs)"
    started = start(at)
    assert [one["label"] for one in started.plan["contestants"]] == ["batch size 20", "batch size 50", "batch size 100"]


@pytest.mark.parametrize(
    ("kind", "networks", "flags"),
    [
        ("race", ("softmax", "mlp"), ["--seeds", "2", "--set", "n_train=100", "epochs=1"]),
        ("data_efficiency", ("softmax", "mlp"), ["--kind", "data-efficiency", "--seeds", "2", "--set", "epochs=1"]),
        ("tuning", ("softmax", "mlp"), ["--kind", "tuning", "--trials", "2", "--set", "n_train=100", "epochs=1"]),
        ("aa_test", ("softmax",), ["--kind", "aa-test", "--seeds", "2", "--set", "n_train=100", "epochs=1"]),
        ("grid", ("mlp",), ["--kind", "grid", "--seeds", "2", "--set", "n_train=100", "epochs=1", "--vary", "dropout=0,0.3",
                            "--vary", "optimizer=sgd,adam,muon"]),
    ],
)  # fmt: skip
def test_page_and_command_line_plan_the_same_comparison(
    open_page: OpenPage, kind: str, networks: tuple[str, ...], flags: list[str]
) -> None:
    at = setting_up(open_page)
    typed = {
        "race_factor_1_mlp": "optimizer",
        "race_values_optimizer": ["sgd", "adam", "muon"],
        "race_values_dropout": "0.3, 0",
    }
    for key, value in typed.items() if kind == "grid" else ():
        at.session_state[key] = value
    (control,) = [one for one in at.get("button_group") if one.key == "race_kind"]
    ran(control.set_value(kind))
    if kind == "aa_test":
        ran(at.selectbox(key="race_network").set_value(networks[0]))
    if kind == "tuning":
        ran(at.number_input(key="race_trials").set_value(2))
    if kind == "grid":
        assert label(at) == "Start the race (12 runs)"
        assert "With 2 blocks of neighbouring values 7 are the fewest that can tell" in at.slider(key="race_seeds").help
        assert "In this grid at least 7 seeds are needed to tell whether two effects add up" in words(at)
    started = start(at)
    parser = argparse.ArgumentParser()
    race_command.add_race_flags(parser)
    question = race_command.question_of(
        parser.parse_args(["--architectures", ",".join(networks), "--dataset", "digits", *flags])
    )
    plan = kinds.plan(question, n_images=N)
    assert (started.name, started.kind, started.plan) == (plan.name, plan.kind, plan.kept)
    runs = sorted(services.store().runs(group=started.group_id), key=lambda run: run.number)
    assert [(run.run_config(), run.contestant) for run in runs] == [tuple(run) for run in plan.runs]


@pytest.mark.parametrize(
    ("setting", "values", "sentence"),
    [
        ("batch_size", "32", "1 values to compare, allowed are 2 to 6"),
        ("batch_size", "1 2 3 4 5 6 7", "7 values to compare"),
        ("batch_size", "32, many", "Batch size (batch_size) is 'many'"),
        ("lr", "0.1 11", "allowed is 0.00001 to 10"),
        ("batch_size", "32 032", "Two of the networks are equal"),
    ],
)
def test_bad_values_are_sentences_and_nothing_typed_is_lost(
    open_page: OpenPage, setting: str, values: str, sentence: str
) -> None:
    at = setting_up(open_page, seeds=1)
    (who,) = [one for one in at.get("button_group") if one.key == "race_who_race"]
    ran(who.set_value("settings"))
    ran(at.selectbox(key="race_setting_mlp").set_value(setting))
    ran(at.text_input(key=f"race_values_{setting}").set_value(values))
    assert sentence in at.error[0].value.replace("\\", "")
    assert at.button(key="race_start").disabled
    assert at.text_input(key=f"race_values_{setting}").value == values


def test_a_setting_that_would_do_nothing_can_not_be_compared(open_page: OpenPage) -> None:
    at = setting_up(open_page, seeds=1)
    (who,) = [one for one in at.get("button_group") if one.key == "race_who_race"]
    ran(who.set_value("settings"))
    ran(at.selectbox(key="race_setting_mlp").set_value("momentum"))
    assert "Epochs" in at.selectbox(key="race_setting_mlp").options
    ran(at.selectbox(key="race_budget").set_value("steps"))
    ran(at.selectbox(key="race_training_optimizer").set_value("sgd"))
    assert not {"Epochs", "Momentum"} & set(at.selectbox(key="race_setting_mlp").options)
    assert at.selectbox(key="race_setting_mlp").value == "batch_size"


def test_too_few_images_for_a_network_are_a_sentence(open_page: OpenPage) -> None:
    at = setting_up(open_page, networks=("mlp", "compact"), n_train="1")
    assert "batch normalisation needs at least 2" in at.error[0].value
    assert at.button(key="race_start").disabled


def test_nobody_and_no_budget_are_sentences(open_page: OpenPage) -> None:
    at = setting_up(open_page, networks=())
    assert "There is no network to run" in at.error[0].value
    at.pills(key="race_networks_linear").set_value(["softmax"])
    ran(at.selectbox(key="race_budget").set_value("steps"))
    ran(at.number_input(key="race_amount_steps").set_value(0.0))
    assert "allowed is a number above 0" in words(at)
    ran(at.number_input(key="race_amount_steps").set_value(3.0))
    at.text_input(key="race_name").set_value("x" * 81)
    ran(at.button(key="race_start").click())
    assert "81 characters" in words(at)
    assert not groups(services.store())


def test_data_that_is_not_here_is_said_with_the_way_to_it(open_page: OpenPage) -> None:
    at = setting_up(open_page)
    ran(at.selectbox(key="race_data_dataset").set_value("mnist"))
    assert "MNIST is not on this computer yet." in words(at)
    assert at.button(key="race_start").disabled


# ---- seconds


def test_seconds_are_measured_first_and_sizes_then_agree(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a clock that can be calculated: a moment, and the network's multiply-adds, half as many for the second network."""

    def speed(config: RunConfig, seconds: float = 0.3) -> float:
        work = models.get(config.architecture).multiply_adds(config.model)
        return 1 / (1e-5 + work * (1e-9 if config.architecture == "mlp" else 5e-10))

    monkeypatch.setattr("core.engine.speed.learning_speed", speed)
    at = setting_up(open_page, networks=("mlp", "cnn"), seeds=1)
    (match,) = [one for one in at.get("button_group") if one.key == "race_match"]
    ran(match.set_value("seconds"))
    assert "Seconds have to be measured first" in words(at)
    assert at.button(key="race_start").disabled
    ran(at.button(key="race_measure").click())
    ran(at)
    assert not at.button(key="race_start").disabled, words(at)
    assert "Equal seconds: the gap between the largest and the smallest is" in words(at)
    apart = re.search(r"The fastest and the slowest are ([\d.]+) % apart", words(at))
    assert apart is not None, words(at)
    assert float(apart[1]) <= 5
    started = start(at)
    configs = [run.run_config() for run in services.store().runs(group=started.group_id)]
    times = [speed(config) for config in configs]
    assert max(times) / min(times) <= MAX_COST_RATIO


def test_between_two_measured_sizes_the_speed_lies_on_a_line_between_their_logarithms() -> None:
    configs = [run_config("mlp", {"widths": str(width)}) for width in (10, 40, 160)]
    work = [models.get("mlp").multiply_adds(config.model) for config in configs]
    for config, multiply_adds in zip(configs[::2], work[::2], strict=True):
        speeds._measured_speeds().setdefault(speeds._key(config), {})[multiply_adds] = 1e9 / multiply_adds
    assert speeds.images_per_s(configs[1]) == pytest.approx(1e9 / work[1])
    assert speeds.images_per_s(run_config("mlp", {"widths": "640"})) == pytest.approx(
        1e9 / models.get("mlp").multiply_adds(run_config("mlp", {"widths": "640"}).model)
    )


def test_measuring_waits_for_a_training(open_page: OpenPage) -> None:
    at = setting_up(open_page)
    ran(at.selectbox(key="race_budget").set_value("seconds"))
    assert not at.button(key="race_measure").disabled
    services.store().create(softmax())
    ran(at)
    assert at.button(key="race_measure").disabled
    assert "Measuring has to wait" in words(at)


# ---- data efficiency and tuning


def test_data_efficiency_from_the_form_to_the_chart(open_page: OpenPage) -> None:
    at = setting_up(open_page, seeds=1)
    (kind,) = [one for one in at.get("button_group") if one.key == "race_kind"]
    ran(kind.set_value("data_efficiency"))
    ran(at.pills(key="race_sizes").set_value([100, 300]))
    assert label(at) == "Start the race (4 runs)"
    assert "race_data_n_train" not in {one.key for one in at.selectbox}
    started = start(at)
    settle(at)
    assert started.kind == "data_efficiency"
    assert any(alt.startswith("Mean test accuracy by number of training images") for alt in alts(at))
    assert table(at, "training images")["training images"].tolist() == [100, 300, 100, 300]
    assert "one run each says nothing" in words(at)


def test_the_verdict_of_data_efficiency_is_one_per_number_of_images(open_page: OpenPage) -> None:
    contestants = [softmax(), softmax(lr=0.00001)]
    shown, runs = driven(data_efficiency(contestants, range(2), (60, 120), Budget("steps", 20), n_images=N))
    expected = {
        one.n_train: one.comparisons[0].verdict.sentence for one in rounds(shown, runs, services.store().evaluation)
    }
    at = open_page(PAGE, group=shown.group_id)
    assert expected[120] in words(at)
    (link,) = [link for link in at.get("page_link") if link.proto.label == "Compare its runs"]
    of_most_images = [run.run_id for run in runs if run.config["data"]["n_train"] == 120]
    assert set(link.proto.query_string.removeprefix("run=").replace("%2C", ",").split(",")) == set(of_most_images)
    (size,) = [one for one in at.get("button_group") if one.key == f"race_at_{shown.group_id}"]
    ran(size.set_value(60))
    assert expected[60] in words(at)
    assert expected[120] not in words(at)


def test_tuning_chooses_by_validation_and_reports_the_test_of_the_chosen_only(open_page: OpenPage) -> None:
    at = setting_up(open_page)
    (kind,) = [one for one in at.get("button_group") if one.key == "race_kind"]
    ran(kind.set_value("tuning"))
    ran(at.number_input(key="race_trials").set_value(3))
    assert label(at) == "Start the race (6 runs)"
    assert "race_training_lr" not in {one.key for one in at.selectbox}
    started = start(at)
    settle(at)
    runs = services.store().runs(group=started.group_id)
    shown = table(at, "learning rate")
    for title, architecture in (("Softmax regression", "softmax"), ("MLP", "mlp")):
        own = [run for run in runs if run.architecture == architecture]
        best = max(own, key=lambda run: (run.summary["val_acc"], -run.summary["val_loss"]))
        (row,) = shown[shown["contestant"] == title].to_dict("records")
        assert row["learning rate"] == best.config["training"]["lr"]
        assert row["test (%)"] == pytest.approx(100 * best.summary["test_acc"])
        assert row["trials"] == 3
    whole = kinds.get("tuning").table(conditions_of(started, runs))
    top = max(expected_best(whole[whole["number"] == 0]["val_acc"].tolist()))
    assert any(f"Softmax regression {100 * top:.2f} % for the best of 3" in alt for alt in alts(at))
    assert "names no winner" in words(at)


# ---- a group that stands there


def test_page_and_core_share_every_number(open_page: OpenPage) -> None:
    judged_group, runs = driven(race([softmax(epochs=9, lr=lr) for lr in (0.03, 0.00001, 0.01)], range(7), n_images=N))
    (only,) = rounds(judged_group, runs, services.store().evaluation)
    at = open_page(PAGE, group=judged_group.group_id)
    for pair in only.comparisons:
        assert pair.verdict.sentence in words(at)
    assert "wins more often than" in words(at), "a learning rate of almost nothing loses"
    assert "too few" not in words(at)
    shown = table(at, "contestant")
    for member, (_, row) in zip(only.members, shown.iterrows(), strict=True):
        values = list(member.values("test").values())
        assert row["contestant"] == member.label
        assert row["test (%)"] == pytest.approx(100 * sum(values) / 7)
        assert row["finished"] == "7 of 7"
    at.session_state[f"race_pairs_{only.comparisons[0].a}"] = True
    ran(at)
    pairs = table(at, "p, all pairs")
    assert pairs["p, all pairs"].tolist() == pytest.approx(holm(pairs["p"].tolist()))
    wide = [pair.wide for pair in only.comparisons if pair.wide]
    assert pairs["95 %, other images"].tolist() == [f"{100 * low:+.2f} to {100 * high:+.2f}" for low, high in wide]
    assert "the wider one that with other seeds and other images" in words(at)


def test_a_group_is_renamed_deleted_and_brought_back(open_page: OpenPage) -> None:
    shown, _ = driven(race([softmax(), softmax(lr=0.01)], [0], n_images=N))
    at = open_page(PAGE)
    ran(at.text_input(key=f"race_rename_{shown.group_id}").set_value("Fast <b>or</b> slow"))
    assert groups(services.store())[0].name == "Fast <b>or</b> slow"
    assert at.selectbox(key="race_group").options[0].startswith("Fast <b>or</b> slow: race, 2 runs")
    assert "bundle" not in words(at)
    ran(at.button(key=f"race_take_{shown.group_id}").click())
    assert "the verdict about every two of them" in words(at), "the dialog is open"
    taken = ran(AppTest.from_function(dialog, args=(shown.group_id,), default_timeout=60))
    assert "**Fast <b>or</b> slow**" in words(taken)
    ran(taken.button(key="take_make").click())
    assert "2 runs of 2 contestants, 1 verdict about two of them" in words(taken)
    assert "Save race-1-csv.zip" in str(taken.get("download_button")[0].proto)
    at = open_page(PAGE)
    ran(at.button(key="race_delete").click())
    assert not services.store().runs()
    assert "race_group" not in {one.key for one in at.selectbox}
    ran(at.button(key="race_undo").click())
    assert len(services.store().runs()) == 2
    assert at.selectbox(key="race_group").value == shown.group_id


def test_all_are_stopped_with_one_press_and_those_that_never_began_go_away(open_page: OpenPage) -> None:
    plan = race([softmax(epochs=1000), softmax(epochs=1000, lr=0.01)], range(2), n_images=N)
    store = services.store()
    group_id, run_ids = create_group(store, plan.runs, name="Long", kind=plan.kind, plan=plan.details)
    ended(store, run_ids[0], status="stopped")
    at = open_page(PAGE)
    (together,) = moving(at)
    (card,) = together["snapshot"]["cards"].values()
    assert card["status"] == "0 of 4 runs finished, 1 ended early"
    assert set(together["snapshot"]["statuses"]) == set(run_ids)
    ran(at.button(key="race_stop").click())
    assert [run.run_id for run in store.runs()] == run_ids[:1]
    assert "Not begun, taken out of the queue: 3." in words(at)
    ran(at.button(key="race_queue_undo").click())
    assert {run.run_id for run in store.runs(group=group_id)} == set(run_ids)
    assert all(run.status in ("queued", "running") for run in store.runs() if run.run_id != run_ids[0])


def test_a_comparison_of_a_kind_that_a_later_version_made_is_said(open_page: OpenPage) -> None:
    plan = race([softmax(), softmax(lr=0.01)], [0], n_images=N)
    create_group(services.store(), plan.runs, name="From later", kind="dance", plan=plan.kept, request="pause")
    at = open_page(PAGE)
    assert at.selectbox(key="race_group").options[0].startswith("From later: dance, 2 runs")
    assert "Kind of comparison (kind) is 'dance', allowed is one of race" in words(at)


def test_a_link_to_a_race_that_is_gone_is_said(open_page: OpenPage) -> None:
    at = open_page(PAGE, group="0" * 32)
    assert "The link asks for a race that is not here." in words(at)


def test_conditions_keep_the_colour_of_their_first_run(open_page: OpenPage) -> None:
    driven(race([softmax(), softmax(lr=0.01)], [0], n_images=N))
    shown, runs = driven(race([softmax(), softmax(lr=0.01)], range(2), n_images=N))
    at = open_page(PAGE, group=shown.group_id)
    firsts = [run_look(run).colour for run in sorted(runs, key=lambda run: run.number)[:2]]
    assert firsts[0] != firsts[1], "two of one architecture have different shades"
    for chart in at.get("plotly_chart"):
        assert all(colour in chart.proto.spec for colour in firsts)
        axes = [json.loads(chart.proto.spec)["layout"][axis] for axis in ("xaxis", "yaxis")]
        assert {axis["tickfont"]["color"] for axis in axes} == {st.get_option("theme.light.textColor")}, (
            "the page's own text, which all charts share"
        )


# ---- a grid of two settings


def test_a_grid_is_shown_as_a_map_with_its_verdict_and_a_link_that_sets_it_up_again(open_page: OpenPage) -> None:
    factors = (Factor("dropout", (0, 0.3)), Factor("widths", ("16", "16,8")))
    network = run_config("mlp", SMALL | {"lr": 0.01})
    question = Question("grid", (network,), (3, 4), Budget("steps", 4), factors=factors)
    started, _ = driven(kinds.plan(question, n_images=N))
    at = open_page(PAGE)
    assert "Dropout and hidden layers: whether their " in words(at)
    assert "2 seeds are too few: at least 6 are needed to tell." in words(at)
    (alt,) = [alt for alt in alts(at) if "in 4 cells" in alt]
    assert alt.startswith("Mean test accuracy over 2 seeds on 382 images")
    assert table(at, "finished")[["dropout", "hidden layers"]].to_numpy().tolist() == [
        ["0", "16"], ["0", "16-8"], ["0.3", "16"], ["0.3", "16-8"],
    ]  # fmt: skip
    at.session_state["race_blocks"] = True
    assert table(ran(at), "left over")["effects"].tolist() == ["can not be told"]
    (link,) = [link for link in at.get("page_link") if link.proto.label == "Set up a grid like this"]
    other = open_page(PAGE, **dict(parse_qsl(link.proto.query_string)))
    assert label(other) == "Start the race (8 runs)"
    assert other.text_input(key="race_values_widths").value == "16; 16,8"
    again = start(other)
    assert {name: value for name, value in again.plan.items() if name != "notes"} == {
        name: value for name, value in started.plan.items() if name != "notes"
    }


def test_every_cell_of_a_grid_is_measured_where_seconds_count() -> None:
    factors = (Factor("dropout", (0, 0.3)), Factor("batch_size", (32, 64)))
    question = Question("grid", (run_config("mlp", SMALL),), (0,), Budget("seconds", 1), factors=factors)
    assert [(config.model.dropout, config.training.batch_size) for config in competing_configs(question)] == [  # type: ignore[attr-defined]
        (0, 32), (0, 64), (0.3, 32), (0.3, 64),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"vary": "dropout=0,0.3~seed=1,2"}, "to vary two of its settings"),
        ({"vary": "dropout=0,0.3~lr=1,2", "architecture": "../x"}, "to vary two of its settings"),
        (
            {"vary": "dropout=0,0.3~optimizer=sgd,<b>", "seeds": "99", "first_seed": "-1", "budget": "hours:1"},
            "Optimizer is '<b>', allowed is",
        ),
    ],
)
def test_a_link_to_a_grid_that_can_not_be_used_is_said(
    open_page: OpenPage, query: dict[str, str], sentence: str
) -> None:
    at = open_page(PAGE, **query)
    assert sentence in words(at)
    if "seeds" in query:
        assert "'99' seeds, allowed are 1 to 12" in words(at)
        assert "budget can not be used: 'hours:1'" in words(at)
        assert "'-1' as first seed" in words(at)
