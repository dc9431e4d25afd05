"""Home: it opens at once, a digit is read by every shipped network, and its one button starts the first experiment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core import models
from core.errors import RunError
from core.experiments.lessons import lessons
from core.experiments.reference_runs import ZOO
from core.runs.rows import Run
from pages.learn.home.readings import Reading, card, summary
from pages.shared import services
from pages.shared.component import ASSETS
from tests.pages.conftest import APP, OpenPage, Train

PAGES = ["learn/home", "learn/data", "lab/train", "lab/mistakes", "lab/draw"]


def test_empty_home_says_what_to_try_first(open_page: OpenPage) -> None:
    at = open_page()
    assert at.title[0].value == "Digit Lab"
    assert at.button(key="first").label == "Start the first experiment"
    assert not [part for part in at.get("bidi_component") if part.proto.component_name in ("pad", "readers")]
    assert not any(button.proto.shortcut for button in at.button), "no key starts a training by surprise"
    assert "Nothing has been trained here yet." in [caption.value for caption in at.caption]


def cards(at: AppTest) -> dict[str, dict[str, Any]]:
    """What stands beside the pad, by the networks' names."""
    (part,) = (part.proto for part in at.get("bidi_component") if part.proto.component_name == "readers")
    return {entry["name"]: entry for entry in json.loads(part.json)["cards"]}


def press(at: AppTest, label: str) -> AppTest:
    next(button for button in at.button if button.label == label).click().run()
    assert not at.exception, at.exception
    return at


def test_every_shipped_network_reads_a_sample_and_the_pad_can_be_cleared(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIGIT_LAB_REFERENCE_RUNS", str(ASSETS / "reference_runs"))
    at = open_page()
    names = [models.short_title(name) for name in models.TABLE if name in ZOO]
    assert list(cards(at)) == names, "one of each architecture, and no patient"
    assert {entry["state"] for entry in cards(at).values()} == {"waiting"}
    link = next(link.proto for link in at.get("page_link") if link.proto.label.startswith("First lesson"))
    assert link.query_string.endswith(f"lesson={next(iter(lessons()))}")

    read = cards(press(at, "7"))
    assert [(entry["state"], entry["digits"]) for entry in read.values()] == [("sure", "7")] * len(names)
    star = cards(press(at, "A star"))
    assert {entry["state"] for entry in star.values()} == {"sure", "undecided"}
    assert all(("undecided, " in entry["words"]) == (" or " in entry["digits"]) for entry in star.values())
    assert at.warning, "a star is no digit"
    assert not at.error
    assert {entry["state"] for entry in cards(press(at, "Clear")).values()} == {"waiting"}


def test_what_networks_say_together_is_counted(train: Train) -> None:
    run = train("softmax")

    def reading(*shares: float) -> Reading:
        return Reading(run, np.array([*shares, *[(1 - sum(shares)) / (10 - len(shares))] * (10 - len(shares))]))

    zero, one, either = reading(0.9), reading(0.05, 0.9), reading(0.45, 0.5)
    assert summary([zero, zero]) == "All 2 networks read a 0."
    assert summary([zero, one, zero, either]) == "Of 4 networks, 2 read a 0, 1 reads a 1, 1 is undecided."
    assert summary([zero, Reading(run, None, "damaged")]) == "It reads a 0."
    assert summary([either, either]) == "All 2 networks are undecided."
    assert card(either)["digits"] == "1 or 0"
    assert card(Reading(run, np.full(10, np.nan)))["state"] == "fault"


def test_a_network_that_can_not_answer_is_named_and_the_others_answer(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIGIT_LAB_REFERENCE_RUNS", str(ASSETS / "reference_runs"))
    whole = services.predictor

    def predictor(run: Run) -> object:
        if run.architecture == "gru":
            raise RunError("Its weights are damaged.")
        return whole(run)

    monkeypatch.setattr("pages.learn.home.readings.predictor", predictor)
    at = press(open_page(), "3")
    assert [error.value for error in at.error] == ["GRU can not answer. Its weights are damaged."]
    assert {name for name, entry in cards(at).items() if entry["state"] == "fault"} == {"GRU"}
    assert cards(at)["CNN"]["digits"] == "3"


def test_first_experiment_queues_two_networks_and_shows_them_on_the_train_page(open_page: OpenPage) -> None:
    at = open_page()
    at.button(key="first").click().run()
    assert not at.exception
    assert at.title[0].value == "Train"
    assert sorted(run.architecture for run in services.store().runs()) == ["cnn", "mlp"]
    assert set(at.multiselect(key="live").value) == {run.run_id for run in services.store().runs()}


def test_home_tells_the_newest_result(open_page: OpenPage, train: Train) -> None:
    run = train(name="my net")
    at = open_page()
    assert f"my net: {100 * run.summary['test_acc']:.2f} % of 382 test images" in [text.value for text in at.text]


def test_home_does_not_wait_for_torch() -> None:
    code = (
        "import sys; from streamlit.testing.v1 import AppTest; from pages.shared import services;"
        "services.warm_up = lambda: None; at = AppTest.from_file('streamlit_app.py', default_timeout=60).run();"
        "assert not at.exception, at.exception; assert any(b.label == 'A star' for b in at.button);"
        "sys.exit(' '.join({'torch', 'scipy'} & set(sys.modules)) or 0)"
    )
    env = {**os.environ, "DIGIT_LAB_REFERENCE_RUNS": str(ASSETS / "reference_runs")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stderr[-500:]


@pytest.mark.parametrize("page", PAGES)
def test_what_is_amiss_with_the_store_is_said_once_on_every_page_and_never_as_markup(
    open_page: OpenPage, page: str
) -> None:
    services.store().notice = "Training is not possible here: ![x](http://example.org/x.png)"
    warnings = [one.value for one in open_page(f"pages/{page}/page.py").warning]
    assert len([one for one in warnings if one.startswith("Training is not possible here")]) == 1
    assert not any("](http" in one for one in warnings)


def test_store_that_can_not_be_opened_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def newer() -> None:
        raise RunError("The runs were stored by a newer version.")

    monkeypatch.setattr(services, "store", newer)
    at = AppTest.from_file(str(APP), default_timeout=60).run()
    assert not at.exception
    assert at.error[0].value == "The runs were stored by a newer version."
