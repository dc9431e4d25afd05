"""The ready-made experiments on the Train page: grouped, started with one click, the visitor's figure beside the published."""

from __future__ import annotations

from statistics import fmean

import pytest
from streamlit.testing.v1 import AppTest

from core.config import run_config
from core.experiments.presets import KINDS, PRESETS
from pages.lab.train.experiments import _config_label
from pages.shared import services
from tests.pages.conftest import OpenPage, Train

PAGE = "pages/lab/train/page.py"


def opened(at: AppTest, kind: str = "start") -> AppTest:
    """The page with a group of experiments unfolded."""
    at.session_state["ready_made"] = True
    at.session_state["experiments_kind"] = kind
    at.run()
    assert not at.exception, at.exception
    return at


def page_text(at: AppTest) -> str:
    return "\n".join(element.value for kind in (at.markdown, at.caption) for element in kind)


def started(at: AppTest) -> list[str]:
    """The presets that can be started here and now."""
    return [button.key.removeprefix("start_") for button in at.button if (button.key or "").startswith("start_")]


def test_folded_experiments_cost_nothing(open_page: OpenPage) -> None:
    assert not started(open_page(PAGE))


@pytest.mark.parametrize("kind", sorted({preset.kind for preset in PRESETS.values()}))
def test_a_group_shows_its_presets_and_no_others(open_page: OpenPage, kind: str) -> None:
    at = opened(open_page(PAGE), kind)
    shown = page_text(at)
    assert [one.id for one in PRESETS.values() if f"**{one.title}**" in shown] == [
        one.id for one in PRESETS.values() if one.kind == kind
    ]
    assert at.pills(key="experiments_kind").options == [
        KINDS[one] for one in KINDS if any(preset.kind == one for preset in PRESETS.values())
    ]


def test_a_preset_fills_the_form_and_unfolds_it(open_page: OpenPage) -> None:
    at = opened(open_page(PAGE))
    at.session_state["settings"] = False
    at.button(key="fill_first-look").click().run()
    assert at.pills(key="train_networks_dense").value == ["mlp"]
    assert at.pills(key="train_networks_convolutional").value == ["cnn"]
    assert at.number_input(key="train_training_epochs").value == 20
    assert at.session_state["settings"]


def test_a_click_starts_all_runs_of_a_preset_and_folds_it_away(open_page: OpenPage) -> None:
    at = opened(open_page(PAGE))
    at.button(key="start_first-look").click().run()
    assert not at.exception, at.exception
    runs = services.store().runs()
    assert {run.run_config() for run in runs} == set(PRESETS["first-look"].configs())
    assert len({run.group for run in runs}) == 1
    assert not at.session_state["ready_made"]
    assert set(at.multiselect(key="live").value) == {run.run_id for run in runs}


def test_a_dataset_that_is_not_here_is_named_and_the_data_page_linked(open_page: OpenPage) -> None:
    at = opened(open_page(PAGE), "replay")
    assert not started(at), "neither MNIST nor Kaggle's files are here"
    assert "Needs MNIST, which is not on this computer yet." in page_text(at)
    assert "Needs Kaggle Digit Recognizer, which is not on this computer yet." in page_text(at)
    links = [link for link in at.get("page_link") if link.proto.label == "Get it on the Data page"]
    assert len(links) == sum(preset.kind == "replay" for preset in PRESETS.values())


def test_the_published_figure_stands_beside_ours(open_page: OpenPage) -> None:
    shown = page_text(opened(open_page(PAGE), "replay"))
    for preset in (PRESETS["fc-baseline"], PRESETS["cnn-baseline"]):
        assert f"**Published:** {preset.published}." in shown
        assert preset.difference in shown
    assert "97.42 %" in PRESETS["fc-baseline"].published
    assert "98.88 %" in PRESETS["cnn-baseline"].published
    assert "**Yours:** not run yet." in shown


def test_ours_is_the_mean_over_the_seeds_that_were_run(
    open_page: OpenPage, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    preset = PRESETS["first-look"]
    quick = {"n_train": 100, "epochs": 1, "batch_size": 32}
    monkeypatch.setattr("pages.lab.train.experiments.PRESETS", {"first-look": _quick(quick)})
    runs = [train("mlp", **dict(preset.runs[0][1]) | quick, seed=seed) for seed in (0, 1)]
    train("mlp", **dict(preset.runs[0][1]) | quick | {"batch_size": 16}, seed=2)  # not the same settings
    at = opened(open_page(PAGE))
    mean = 100 * fmean(run.summary["test_acc"] for run in runs)
    assert f"- Multilayer perceptron (MLP): {mean:.2f} % over 2 seeds, " in page_text(at)
    assert "- Convolutional network (CNN): not run yet" in page_text(at)
    assert at.button(key="start_first-look").label == "Start", "the CNN still lacks the first seed"
    train("cnn", **dict(preset.runs[1][1]) | quick, seed=0)
    at.run()
    assert at.button(key="start_first-look").label == "Start with seed 1"
    at.button(key="start_first-look").click().run()
    assert {run.config["training"]["seed"] for run in services.store().runs()[:2]} == {1}


def test_a_card_says_what_its_preset_is_on_this_machine_and_starts_that(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    monkeypatch.setattr("core.engine.machine_kind.machine_kind", lambda: "32-bit")
    first = replace(PRESETS["first-look"], by_machine={"32-bit": {"epochs": 7}})
    monkeypatch.setattr("pages.lab.train.experiments.PRESETS", {"first-look": first})
    at = opened(open_page(PAGE))
    assert "On this machine, without 16-bit units: 7 epochs instead of 20, to be ready in time." in page_text(at)
    at.button(key="fill_first-look").click().run()
    assert at.number_input(key="train_training_epochs").value == 7
    at.button(key="start_first-look").click().run()
    assert {run.config["training"]["epochs"] for run in services.store().runs()} == {7}


def _quick(values: dict[str, int]) -> object:
    from dataclasses import replace

    first = PRESETS["first-look"]
    return replace(first, runs=tuple((name, {**given, **values}) for name, given in first.runs))


def test_two_runs_of_one_network_are_told_apart_by_what_differs() -> None:
    configs = PRESETS["softmax-vs-hidden"].configs()
    assert [_config_label(config, configs) for config in configs] == [
        "Softmax regression",
        "Multilayer perceptron (MLP), hidden layers 32",
        "Multilayer perceptron (MLP), hidden layers 64",
    ]
    assert _config_label(run_config("mlp", {}), [run_config("mlp", {})]) == "Multilayer perceptron (MLP)"
