"""Find a learning rate on the Train page: one press, a curve, a suggestion that one more press puts into the form."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.config import run_config
from core.data import load
from core.engine import lr_finder
from core.engine.lr_finder import find_lr, suggest
from pages.lab.train import finder
from pages.shared import measuring, services
from tests.pages.conftest import OpenPage, words

PAGE = "pages/lab/train/page.py"
SMALL = {"architecture": "mlp", "widths": "16", "n_train": "300"}


def opened(open_page: OpenPage, **query: str) -> AppTest:
    """The Train page with the finder unfolded."""
    at = open_page(PAGE, **(query or SMALL))
    at.session_state["finder"] = True
    at.run()
    assert not at.exception, at.exception
    return at


def find(at: AppTest) -> AppTest:
    at.button(key="finder_find").click().run()
    assert not at.exception, at.exception
    return at


def keys(at: AppTest) -> set[str | None]:
    return {button.key for button in at.button}


def expected(**values: object) -> lr_finder.Suggestion:
    suggestion = suggest(list(find_lr(run_config("mlp", {"widths": "16", "n_train": 300} | values), load("digits"))))
    assert suggestion is not None
    return suggestion


def test_a_folded_finder_draws_nothing(open_page: OpenPage) -> None:
    at = open_page(PAGE, **SMALL)
    assert "Find a learning rate" in [one.label for one in at.expander]
    assert "finder_find" not in keys(at)


def test_one_press_shows_the_curve_and_the_suggestion_in_words_and_makes_no_run(open_page: OpenPage) -> None:
    at = opened(open_page)
    assert not at.get("plotly_chart")
    find(at)
    (chart,) = at.get("plotly_chart")
    suggestion = expected()
    assert f"suggested is {suggestion.lr:.2g}" in chart.proto.alt
    assert suggestion.sentence in words(at)
    assert not at.get("progress"), "the bar has gone"
    assert services.store().runs() == []


def test_the_suggestion_goes_into_the_form_with_one_press_and_the_curve_stays(open_page: OpenPage) -> None:
    at = find(opened(open_page))
    at.session_state["settings"] = False
    at.button(key="finder_use").click().run()
    assert not at.exception, at.exception
    suggestion = expected()
    assert float(at.selectbox(key="train_training_lr").value) == suggestion.lr
    assert at.session_state["settings"], "the form is unfolded"
    assert suggestion.sentence in words(at)
    assert "The form has this learning rate." in words(at)
    assert "finder_use" not in keys(at)


def test_the_result_belongs_to_the_settings_it_was_found_with(open_page: OpenPage) -> None:
    at = find(opened(open_page))
    at.number_input(key="train_training_epochs").set_value(7).run()
    assert expected().sentence in words(at), "the number of epochs makes no difference"
    at.text_input(key="train_mlp_widths").set_value("24").run()
    assert not at.get("plotly_chart")
    at.text_input(key="train_mlp_widths").set_value("16").run()
    assert expected().sentence in words(at)


def test_another_visitor_has_results_of_their_own(open_page: OpenPage) -> None:
    find(opened(open_page))
    assert not opened(open_page).get("plotly_chart")


def test_with_several_networks_one_is_chosen_and_what_they_share_is_said(open_page: OpenPage) -> None:
    at = opened(open_page, architecture="softmax,mlp", widths="16", n_train="300")
    (network_buttons,) = [one for one in at.get("button_group") if one.key and one.key.startswith("finder_network")]
    assert network_buttons.options == ["Softmax regression", "Multilayer perceptron (MLP)"]
    network_buttons.set_value("mlp").run()
    find(at)
    assert expected().sentence in words(at)
    assert "The 2 networks of the form share one learning rate. This one was found with Multilayer" in words(at)
    at.pills(key="train_networks_dense").set_value([]).run()
    assert not at.exception, at.exception
    assert not at.get("plotly_chart"), "only softmax regression is left, and it was not searched for"


def test_the_curve_grows_while_it_goes_on(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[tuple[int, float | None]] = []
    draw = finder._draw

    def counted(points: list[lr_finder.Point], suggested: float | None, *place: Any, **key: Any) -> None:
        drawn.append((len(points), suggested))
        draw(points, suggested, *place, **key)

    monkeypatch.setattr(finder, "DRAW_SECONDS", 0.0)
    monkeypatch.setattr(finder, "_draw", counted)
    find(opened(open_page))
    *growing, (n, suggested) = drawn
    assert growing == [(k + 1, None) for k in range(n)]
    assert suggested == expected().lr


def test_it_waits_for_a_training(open_page: OpenPage) -> None:
    run_id = services.store().create(run_config("mlp", {}))
    at = opened(open_page)
    assert at.button(key="finder_find").disabled
    assert "a network is being trained" in words(at)
    services.store().request(run_id, "stop")
    at.run()
    assert not at.button(key="finder_find").disabled


def test_a_training_that_begins_meanwhile_ends_it_and_half_a_curve_is_not_kept(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = opened(open_page)
    monkeypatch.setattr(finder, "CHECK_SECONDS", 0.0)
    looks: list[bool] = []

    def look() -> bool:
        looks.append(True)
        if len(looks) == 5:
            services.store().create(run_config("mlp", {}))
        return measuring.training_started()

    monkeypatch.setattr(finder, "training_started", look)
    find(at)
    assert len(looks) == 5
    assert "A training has begun" in words(at)
    assert finder.POINTS not in at.session_state


def test_two_visitors_do_not_search_at_once(open_page: OpenPage) -> None:
    at = opened(open_page)
    with measuring.benchmark_lock() as mine:
        assert mine
        find(at)
    assert "Somebody else is measuring at the moment." in words(at)
    assert not at.get("plotly_chart")
    assert find(at).get("plotly_chart")


def test_missing_data_is_said_in_a_sentence(open_page: OpenPage) -> None:
    at = find(opened(open_page, architecture="mlp", dataset="mnist"))
    assert any("missing" in error.value for error in at.error)
    assert not at.get("plotly_chart")


def test_settings_that_can_not_be_trained_are_not_searched_with(open_page: OpenPage) -> None:
    at = opened(open_page)
    at.text_input(key="train_mlp_widths").set_value("9999").run()
    assert not at.exception, at.exception
    assert "First choose networks and settings that can be trained." in words(at)
    assert "finder_find" not in keys(at)


def test_a_loss_that_never_falls_gives_a_sentence_and_no_button(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The curve after the last step is then the very chart that stays: both are in one script.
    monkeypatch.setattr(finder, "DRAW_SECONDS", 0.0)
    at = find(opened(open_page, **SMALL, optimizer="sgd", clip_norm="0.0001"))
    assert lr_finder.NOTHING_FOUND in words(at)
    assert len(at.get("plotly_chart")) == 1
    assert "finder_use" not in keys(at)
