"""A race is one foldable row in every list and menu; what has no result is nobody's default and stands apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from comparisons import race
from stored_runs import ended
from streamlit.testing.v1 import AppTest

from core.config import run_config
from core.runs.groups import create_group
from pages.shared import services
from pages.shared.races import Race, one_of_each, races, rows
from tests.pages.conftest import OpenPage, words

TRAIN, COMPARE = "pages/lab/train/page.py", "pages/lab/compare/page.py"
MISTAKES, DRAW = "pages/lab/mistakes/page.py", "pages/lab/draw/page.py"
SMALL = {"dataset": "digits", "n_train": 100, "epochs": 1}


@dataclass
class Stored:
    """A single run, then a race of two networks with two seeds, then a race that was stopped, then a run that diverged."""

    single: str
    group: str
    raced: list[str]  # softmax, mlp, softmax, mlp
    lost: list[str]


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Stored:
    monkeypatch.setenv("DIGIT_LAB_REFERENCE_RUNS", str(tmp_path_factory.mktemp("none")))  # none came with the program
    services.store.clear()
    store = services.store()
    single = store.create(run_config("cnn", SMALL), name="alone", request="pause")
    ended(store, single, 0.80, 0.79)
    plan = race([run_config(name, SMALL) for name in ("softmax", "mlp")], range(2), n_images=1437)
    group, raced = create_group(store, plan.runs, name="Two", kind=plan.kind, plan=plan.kept, request="pause")
    for run_id, val in zip(raced, (0.70, 0.90, 0.75, 0.85), strict=True):
        ended(store, run_id, val, val - 0.01)
    stopped = race([run_config(name, SMALL) for name in ("softmax", "mlp")], range(3), n_images=1437)
    _, lost = create_group(store, stopped.runs, name="Lost", kind=stopped.kind, plan=stopped.kept, request="pause")
    for run_id in lost:
        store.request(run_id, "stop")
    diverged = store.create(run_config("mlp", SMALL), name="burst", request="pause")
    ended(store, diverged, status="diverged")
    return Stored(single, group, raced, [*lost, diverged])


def looked(at: Any) -> AppTest:
    """The page after a look, or after what was done to a widget."""
    page: AppTest = at.run()
    assert not page.exception, page.exception
    return page


def test_a_race_is_one_row_and_its_best_run_is_the_best_on_validation_images(stored: Stored) -> None:
    runs = [run for run in services.store().runs() if run.run_id not in stored.lost]
    (two,) = races(runs).values()
    assert two.label == "Two (race, 4 runs)"
    assert [run.run_id for run in one_of_each(two.runs)] == [stored.raced[2], stored.raced[1]]
    folded = [row.label for row in rows(runs)]
    assert folded == ["Two (race, 4 runs)", "alone"]
    assert len(rows(runs, [stored.group])) == 5
    assert not any(isinstance(row, Race) for row in rows(runs[:1])), "one run alone is no race"


def test_a_menu_unfolds_the_race_that_is_chosen(open_page: OpenPage, stored: Stored) -> None:
    at = open_page(MISTAKES)
    menu = at.selectbox(key="mistakes_run")
    assert menu.value == stored.raced[1], "the newest that finished, and of a race the best on validation images"
    assert len(menu.options) == 5
    looked(menu.set_value(stored.single))
    assert at.selectbox(key="mistakes_run").options[0] == "Two (race, 4 runs)"
    assert len(at.selectbox(key="mistakes_run").options) == 2
    looked(at.selectbox(key="mistakes_run").set_value(stored.group))
    assert at.selectbox(key="mistakes_run").value == stored.raced[1]
    assert at.query_params["run"] == stored.raced[1]


def test_the_first_choice_of_every_page_has_a_result(open_page: OpenPage, stored: Stored) -> None:
    best = [stored.raced[1], stored.raced[2]]
    for page, key in ((TRAIN, "live"), (DRAW, "draw_runs"), (COMPARE, "compare_runs")):
        at = open_page(page, **({"view": "cost"} if page == COMPARE else {}))
        menu = at.multiselect(key=key)
        assert menu.value == best, page
        assert not any("burst" in option for option in menu.options), page
        looked(menu.set_value([stored.single]))
        assert at.multiselect(key=key).options == ["Two (race, 4 runs)", "alone: 79.00 % of 200 test images"], page
        looked(at.multiselect(key=key).set_value([stored.single, stored.group]))
        assert sorted(at.multiselect(key=key).value) == sorted([stored.single, *best]), page
    assert open_page("pages/lab/race/page.py").selectbox(key="race_group").value == stored.group
    assert "MLP, 100 images, 1 epoch, seed 1: 84.00 %" in words(open_page())
    at = open_page(TRAIN, run=stored.lost[-1])
    assert at.multiselect(key="live").value == [stored.lost[-1]], "a link still finds it"


def test_the_table_of_all_runs_folds_and_unfolds(open_page: OpenPage, stored: Stored) -> None:
    at = open_page(TRAIN)
    (table,) = (frame.value for frame in at.dataframe if "status" in frame.value)
    assert table["name"].tolist() == ["Two (race, 4 runs)", "alone"]
    assert table["status"].tolist() == ["4 of 4 finished", "finished"]
    assert table["test (%)"].tolist() == pytest.approx([89.0, 79.0])
    assert [one.label for one in at.expander if "Without" in one.label] == ["Without a result (7)"]
    newest = stored.raced[-1]
    at.session_state[f"table_{newest}_2"] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    looked(at)
    looked(at.button(key="table_unfold").click())
    (table,) = (frame.value for frame in at.dataframe if "status" in frame.value)
    assert len(table) == 5
    looked(at.button(key="table_fold").click())
    at.session_state["table_without"] = True
    looked(at)
    lost = next(frame.value for frame in at.dataframe if "burst" in frame.value["name"].tolist())
    assert len(lost) == 7
    at.session_state[f"table_rest_{stored.lost[-1]}_7"] = {
        "selection": {"rows": list(range(7)), "columns": [], "cells": []}
    }
    looked(at)
    looked(at.button(key="table_rest_delete").click())
    assert len(services.store().runs()) == 5
    looked(at.button(key="table_undo").click())
    assert len(services.store().runs()) == 12


def test_the_leaderboard_ranks_what_has_a_result_and_one_row_of_each_race(open_page: OpenPage, stored: Stored) -> None:
    at = open_page(COMPARE)
    table = next(frame.value for frame in at.dataframe if "rank" in frame.value)
    assert table["name"].tolist() == ["MLP, 100 images, 1 epoch, best of Two (race, 4 runs)", "alone"]
    assert table["rank"].tolist() == [1, 3]
    assert "5 of 5 runs on Embedded digits" in words(at)
    assert [one.label for one in at.expander if "Without" in one.label] == ["Without a result (7)"]
    assert at.selectbox(key="board_pinned").options == ["MLP, 100 images, 1 epoch", "alone"]
    at.session_state["board_ticked"] = [stored.raced[1]]
    at.session_state["board_table_1"] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    looked(at)
    looked(at.button(key="board_unfold").click())
    table = next(frame.value for frame in at.dataframe if "rank" in frame.value)
    assert table["rank"].tolist() == [1, 2, 3, 4, 5]
    looked(at.text_input(key="board_filter").set_value("softmax"))
    table = next(frame.value for frame in at.dataframe if "rank" in frame.value)
    assert len(table) == 2


def test_what_was_stopped_before_it_began_goes_away_when_the_worker_starts(stored: Stored) -> None:
    store = services.store()
    store.annotate(stored.lost[0], notes="try this again")
    store.purge()
    left = {run.run_id for run in store.runs()}
    assert left == {stored.single, *stored.raced, stored.lost[0], stored.lost[-1]}
    store.restore(stored.lost[1])
    assert store.run(stored.lost[1]).never_began
