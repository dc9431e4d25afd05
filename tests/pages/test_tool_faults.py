"""Whatever torch fails with, a tool on a page shows one sentence, and the rest of the page stands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from streamlit.testing.v1 import AppTest

from core.engine.evaluate import Predictor
from core.engine.learner import Learner
from core.errors import DataError, InputError
from core.machine.faults import faults_as_input_errors
from pages.shared import services
from tests.pages.conftest import OpenPage, Train, words
from tests.pages.test_draw import SEVEN, canvas, draw, png, rasterise

FAULT = "could not create a primitive"
WORDS = f"This computer could not compute it (RuntimeError: {FAULT})."


def broken(*_args: Any, **_kwargs: Any) -> Any:
    """A kernel that is missing here; libraries say more than a line."""
    raise RuntimeError(f"{FAULT}\n  at aten/src/kernel.cpp:12")


def ran(at: Any) -> AppTest:
    page: AppTest = at.run()
    assert not page.exception, page.exception
    return page


def errors(at: AppTest) -> list[str]:
    return [error.value.replace("\\", "") for error in at.error]


def small(open_page: OpenPage, **query: str) -> AppTest:
    return open_page("pages/lab/train/page.py", architecture="mlp", widths="16", n_train="300", **query)


@pytest.mark.parametrize("first_step", [0, 3])
def test_the_finder(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch, first_step: int) -> None:
    at = small(open_page)
    at.session_state["finder"] = True
    ran(at)
    learn, steps = Learner.learn, iter(range(100))
    with monkeypatch.context() as patch:
        patch.setattr(
            Learner, "learn", lambda self, *batch: broken() if next(steps) >= first_step else learn(self, *batch)
        )
        ran(at.button(key="finder_find").click())
    assert errors(at) == [WORDS]
    assert not at.get("progress")
    assert not at.get("plotly_chart")
    ran(at.button(key="finder_find").click())
    assert not at.error
    assert at.get("plotly_chart")


def test_a_network_that_can_not_be_built_is_a_fault_of_the_form(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.machine.device.preflight", broken)
    at = small(open_page)
    assert errors(at) == [WORDS.removesuffix(".")]
    assert at.button(key="train").disabled


def test_a_network_that_can_not_be_timed_has_no_estimate(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.engine.speed.run_speeds", broken)
    at = small(open_page)
    assert "time unknown until the first run" in words(at)
    assert not at.button(key="train").disabled


def test_the_speeds_of_a_race(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.engine.speed.learning_speed", broken)
    at = open_page("pages/lab/race/page.py")
    (match,) = [group for group in at.get("button_group") if group.key == "race_match"]
    ran(match.set_value("seconds"))
    ran(at.button(key="race_measure").click())
    assert WORDS in errors(at)
    assert at.button(key="race_start").disabled


def test_the_plan_of_a_race(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.machine.device.preflight", broken)
    at = ran(open_page("pages/lab/race/page.py"))
    assert errors(at) == [WORDS]
    assert at.button(key="race_start").disabled


def test_the_costs_of_architectures(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.engine.speed.measure", broken)
    monkeypatch.setattr("core.machine.device.preflight", broken)  # their memory has no figure then
    at = open_page("pages/learn/architectures/page.py", architectures="softmax")
    ran(at.button_group(key="costs_which").set_value("those chosen above"))
    ran(at.button(key="costs_measure").click())
    assert errors(at) == [f"Softmax regression: {WORDS}"]
    ran(at.toggle(key="costs_all_columns").set_value(True))
    assert at.dataframe[0].value["Step (MB)"].isna().all()


def test_the_layers_of_architectures(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pages.learn.architectures.layers._layers", broken)
    assert WORDS in errors(ran(open_page("pages/learn/architectures/page.py", architectures="softmax")))


def test_the_baselines(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pages.shared.baselines.baseline", broken)
    at = open_page("pages/learn/architectures/page.py")
    ran(at.button(key="baselines_measure").click())
    assert WORDS in errors(at)


def test_the_reading_times_of_compare(open_page: OpenPage, train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [train("softmax", name="plain"), train("mlp", name="small", widths="16")]
    at = open_page("pages/lab/compare/page.py", view="cost", run=",".join(run.run_id for run in runs))
    ran(at.segmented_control(key="pareto_x").set_value("latency_ms"))
    monkeypatch.setattr("core.engine.speed.answer_seconds", broken)
    ran(at.button(key="pareto_measure").click())
    assert [warning.value.replace("\\", "") for warning in at.warning] == [f"plain: {WORDS}", f"small: {WORDS}"]
    assert "Nothing was measured yet." in words(at)


def test_the_answers_to_a_drawn_digit(open_page: OpenPage, train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    train(name="mine")
    at = open_page("pages/lab/draw/page.py")
    monkeypatch.setattr(Predictor, "probabilities", broken)
    draw(at, png(canvas(rasterise(SEVEN))))
    assert errors(at) == [f"mine can not answer. {WORDS}"]


@pytest.mark.parametrize("page", ["pages/lab/mistakes/page.py", "pages/lab/compare/page.py"])
def test_the_answers_to_a_dataset(
    page: str, open_page: OpenPage, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [train("softmax"), train("mlp", widths="16")]
    monkeypatch.setattr("core.runs.shipped.evaluation", broken)
    at = open_page(page, view="images", run=",".join(run.run_id for run in runs))
    assert not at.exception, at.exception
    assert errors(at)
    assert all(error.endswith(WORDS) for error in errors(at))


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ValueError("Expected 2 values\n"), "This computer could not compute it (ValueError: Expected 2 values)"),
        (AssertionError(), "This computer could not compute it (AssertionError)"),
        (torch.OutOfMemoryError("CUDA out of memory"), "There is not enough memory"),
        (MemoryError(), "There is not enough memory"),
        (DataError("train.csv is empty"), "train.csv is empty"),
    ],
)  # fmt: skip
def test_every_fault_is_one_sentence(error: Exception, sentence: str) -> None:
    def fail() -> None:
        raise error

    def attempt(work: Callable[[], None]) -> None:
        with faults_as_input_errors():
            work()

    with pytest.raises(InputError) as caught:
        attempt(fail)
    assert str(caught.value).startswith(sentence)
    assert (caught.value is error) == isinstance(error, InputError), "what is a sentence already stays as it is"


def test_a_fault_is_kept_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(InputError), faults_as_input_errors():
        broken()
    assert "kernel.cpp" in caplog.text
    assert services.store().runs() == []
