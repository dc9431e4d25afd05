"""What takes over ten minutes asks first, wherever it is started; the answer is a click."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from core.runs.groups import groups
from pages.shared import long_training, services
from tests.pages.conftest import OpenPage, words


@pytest.fixture(autouse=True)
def _everything_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_training, "ASK_SECONDS", 0.0)


def clicked(at: AppTest, key: str) -> AppTest:
    at.button(key=key).click().run()
    assert not at.exception, at.exception
    return at


def test_a_training_asks_and_starts_with_a_yes(open_page: OpenPage) -> None:
    at = open_page("pages/lab/train/page.py", architecture="softmax", dataset="digits", epochs="1")
    clicked(at, "train")
    assert "On this computer it would train for **" in words(at)
    assert services.store().runs() == []
    clicked(at, "live_asked_not_now")
    assert "it would train for" not in words(at)
    assert services.store().runs() == []
    clicked(clicked(at, "train"), "live_asked_start")
    (run,) = services.store().runs()
    assert run.architecture == "softmax"
    assert at.multiselect(key="live").value == [run.run_id]
    assert "it would train for" not in words(at)


def test_a_ready_made_experiment_asks(open_page: OpenPage) -> None:
    at = open_page("pages/lab/train/page.py")
    at.session_state["ready_made"] = True
    at.run()
    clicked(at, "start_first-look")
    assert services.store().runs() == []
    clicked(at, "live_asked_start")
    assert len(services.store().runs()) == 2


def test_a_race_asks_and_says_what_is_wrong_with_its_name(open_page: OpenPage) -> None:
    at = open_page("pages/lab/race/page.py")
    at.slider(key="race_seeds").set_value(1).run()
    at.text_input(key="race_name").set_value("x" * 81)
    clicked(clicked(at, "race_start"), "race_set_up_asked_start")
    assert "81 characters" in words(at)
    assert not groups(services.store())
    at.text_input(key="race_name").set_value("long")
    clicked(clicked(at, "race_start"), "race_set_up_asked_start")
    (group,) = groups(services.store())
    assert group.name == "long"
    assert at.query_params["group"] == group.group_id
