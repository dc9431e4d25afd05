"""Compare: ranks come from validation alone, every run can be found and kept, and curves show what was measured."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.analysis.metrics import accuracy_interval
from core.config import run_config
from core.engine.events import Event, Progress
from core.runs.checksums import seal
from core.runs.rows import Run
from core.runs.worker import drive
from pages.lab.compare.board import TURN
from pages.lab.compare.board_rows import AGAINST, NO_LEARNING, TEST
from pages.shared import axes, baselines, services
from pages.shared.blocks import text_of
from pages.shared.columns import FIRST_COLUMNS, interval_text
from pages.shared.histories import history
from pages.shared.legend_labels import legend_labels
from pages.shared.live_charts import Shape, overlay_charts
from pages.shared.shelf import shelf
from tests.pages.conftest import OpenPage, Train, WithoutResult, moving, words
from tests.runs.run_material import started

PAGE = "pages/lab/compare/page.py"


def listed(at: AppTest) -> pd.DataFrame:
    """The leaderboard as it stands on the page."""
    (table,) = (frame.value for frame in at.dataframe if "rank" in frame.value)
    return table


def with_all_columns(at: AppTest) -> AppTest:
    return run(at.toggle(key="board_all_columns").set_value(True))


def tick(at: AppTest, *names: str, column: str = "") -> AppTest:
    """Tick these rows, and no others, in the table on the page; or click on a heading."""
    rows = [place for place, name in enumerate(listed(at)["name"]) if name in names]
    marked = [column] if column else at.session_state["board_marked"]
    key = f"board_table_{at.session_state[TURN]}"
    at.session_state[key] = {"selection": {"rows": rows, "columns": marked, "cells": []}}
    return run(at)


def run(changed: Any) -> AppTest:
    """Let the page, or a widget on it that was changed, take effect."""
    at: AppTest = changed.run()
    assert not at.exception, at.exception
    return at


def press(at: AppTest, label: str) -> AppTest:
    return run(next(button for button in at.button if button.label == label).click())


@pytest.fixture
def three(train: Train) -> dict[str, Run]:
    """Runs whose order by validation is not their order by test; by name."""
    runs = [
        train("softmax", name="plain", epochs=3), train("mlp", name="small", widths="16", epochs=2),
        train("mlp", name="large", widths="64", epochs=4),
    ]  # fmt: skip
    return {one.name: one for one in runs}


def test_a_run_that_was_stopped_within_an_epoch_is_listed(
    open_page: OpenPage, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    # After every batch, else a fast processor is through with the epoch before it says or asks anything.
    monkeypatch.setattr("core.engine.train.PROGRESS_SECONDS", 0.0)
    monkeypatch.setattr("core.runs.job.ASK_SECONDS", 0.0)
    train("softmax", name="whole", epochs=2)
    store = services.store()
    # Paused, so that the page's own worker leaves it to ``drive``.
    run_id = store.create(run_config("mlp", {"epochs": 3}), name="cut", request="pause")

    def stop(event: Event) -> None:
        if isinstance(event, Progress) and event.epoch > 0:
            store.request(run_id, "stop")

    cut = drive(store, run_id, services.dataset, stop)
    assert cut.status == "stopped"
    assert cut.epoch
    assert cut.epoch % 1
    at = with_all_columns(open_page(PAGE))
    assert dict(zip(listed(at)["name"], listed(at)["epoch"], strict=True))["cut"] == 1, (
        "the epoch that it was stopped in"
    )


def test_without_any_run_the_page_offers_the_step_that_changes_it(open_page: OpenPage) -> None:
    for view in ("board", "curves", "cost", "images", "learned"):
        at = open_page(PAGE, view=view)
        assert "No network has been trained yet." in words(at)
        assert [link.proto.label for link in at.get("page_link")] == ["Train a network"]


def test_ranks_come_from_validation_and_test_stands_beside_them(open_page: OpenPage, three: dict[str, Run]) -> None:
    at = open_page(PAGE)
    first = [*FIRST_COLUMNS, "rank", "validation (%)"]
    assert list(listed(at)) == first, "what one comes for, and no more until it is asked for"
    table = listed(with_all_columns(at))
    assert list(table)[: len(first)] == first
    by_validation = sorted(three.values(), key=lambda stored: (-stored.summary["val_acc"], stored.summary["val_loss"]))
    assert table["name"].tolist() == [one.name for one in by_validation]
    assert table["rank"].tolist() == [1, 2, 3]
    for row, stored in zip(table.to_dict("records"), by_validation, strict=True):
        assert row["validation (%)"] == pytest.approx(100 * stored.summary["val_acc"])
        assert row["test (%)"] == pytest.approx(100 * stored.summary["test_acc"])
        assert row[TEST[1]] == interval_text(*accuracy_interval(stored.summary["test_acc"], 382))
        assert row[TEST[2]] == 382
        assert row["epoch"] == stored.summary["best_epoch"]
        assert row["parameters"] == stored.n_params


def test_a_better_test_figure_moves_nobody_up(open_page: OpenPage, three: dict[str, Run]) -> None:
    before = listed(open_page(PAGE))["name"].tolist()
    with services.store().database.write() as db:
        db.execute(
            "UPDATE summaries SET payload = json_set(payload, '$.test_acc', 1.0) WHERE run_id = ?",
            (three[before[-1]].run_id,),
        )
        seal(db, "summaries", "run_id = ?", three[before[-1]].run_id)
    services.st.cache_data.clear()
    table = listed(open_page(PAGE))
    assert table["name"].tolist() == before
    assert table["test (%)"].iloc[-1] == 100


def test_at_another_epoch_the_test_figures_are_gone(open_page: OpenPage, three: dict[str, Run]) -> None:
    at = with_all_columns(open_page(PAGE))
    run(at.segmented_control(key="board_at").set_value("at"))
    run(at.number_input(key="board_epoch").set_value(3))
    table = listed(at).set_index("name")
    assert not set(TEST) & set(table)
    assert table["epoch"].dropna().tolist() == [3, 3]
    assert pd.isna(table.loc["small", "rank"]), "it has no third epoch"
    assert "not shown here" in words(at)
    run(at.segmented_control(key="board_at").set_value("last"))
    assert listed(at).set_index("name")["epoch"].to_dict() == {"plain": 3, "small": 2, "large": 4}


def test_ranks_are_kept_apart_by_dataset(open_page: OpenPage, three: dict[str, Run]) -> None:
    with services.store().database.write() as db:
        db.execute(
            "UPDATE runs SET config = json_set(config, '$.data.dataset', 'mnist') WHERE run_id = ?",
            (three["plain"].run_id,),
        )
        seal(db, "runs", "run_id = ?", three["plain"].run_id)
    at = open_page(PAGE)
    assert set(listed(at)["name"]) == {"small", "large"}, "that of the newest run"
    run(at.selectbox(key="board_images").set_value("MNIST"))
    assert listed(at)["name"].tolist() == ["plain"]
    assert listed(at)["rank"].tolist() == [1]


FOUND = {
    "perceptron": {"small", "large"}, "MLP lar": {"large"}, "finished": {"plain", "small", "large"}, "hopeful": {"plain"},
    "compare": {"small"}, "embedded plain": {"plain"}, "perceptron plain": set(),
}  # fmt: skip


def test_filter_finds_every_word_wherever_it_stands(open_page: OpenPage, three: dict[str, Run]) -> None:
    services.store().annotate(three["plain"].run_id, tags=["hopeful"])
    services.store().annotate(three["small"].run_id, notes="To compare\nwith later ones")
    at = open_page(PAGE)
    for typed, left in FOUND.items():
        run(at.text_input(key="board_filter").set_value(typed))
        if left:
            assert set(listed(at)["name"]) == left
        else:
            assert "No run has all of these words." in words(at)


def test_only_differences_shows_the_settings_that_differ_and_hides_what_is_shared(
    open_page: OpenPage, three: dict[str, Run]
) -> None:
    at = with_all_columns(open_page(PAGE))
    assert {"device", "seed", "status"} <= set(listed(at))
    run(at.toggle(key="board_differences").set_value(True))
    table = listed(at).set_index("name")
    assert not {"device", "seed", "status", "tags"} & set(table)
    assert table["epochs"].to_dict() == {"plain": "3", "small": "2", "large": "4"}
    assert table["hidden layers"].to_dict() == {"plain": "", "small": "16", "large": "64"}
    few = run(at.toggle(key="board_all_columns").set_value(False))
    assert {"epochs", "hidden layers"} <= set(listed(few)), "they were asked for"


def test_pinned_baseline_stays_on_top_and_the_others_are_measured_against_it(
    open_page: OpenPage, three: dict[str, Run]
) -> None:
    at = open_page(PAGE)
    last = listed(at)["name"].iloc[-1]
    run(at.selectbox(key="board_pinned").set_value(three[last].run_id))
    run(at.text_input(key="board_filter").set_value("no-such-word"))
    assert listed(at)["name"].tolist() == [f"{last} (baseline)"], "a filter does not hide it"
    run(at.text_input(key="board_filter").set_value(""))
    table = listed(at)
    assert table["name"].iloc[0] == f"{last} (baseline)"
    assert table["rank"].tolist() == [3, 1, 2]
    for row in table.iloc[1:].to_dict("records"):
        gap = three[row["name"]].summary["val_acc"] - three[last].summary["val_acc"]
        assert row[AGAINST] == pytest.approx(100 * gap)
    services.store().delete(three[last].run_id)
    assert AGAINST not in listed(run(at)), "a baseline that was deleted is none any more"


def test_seeds_of_one_condition_are_summed_up(open_page: OpenPage, train: Train) -> None:
    values = [100 * train("mlp", seed=seed, widths="16").summary["val_acc"] for seed in (0, 1, 2)]
    train("softmax")
    table = listed(with_all_columns(open_page(PAGE))).set_index("network")
    expected = f"{np.mean(values):.2f} ± {np.std(values, ddof=1):.2f}, 3 seeds"
    assert table.loc["Multilayer perceptron (MLP)", "over seeds (%)"].tolist() == [expected] * 3
    assert table.loc["Softmax regression", "over seeds (%)"] == ""


def test_what_learns_nothing_stands_below_without_a_rank(open_page: OpenPage, three: dict[str, Run]) -> None:
    at = open_page(PAGE)
    assert any("architectures" in link.proto.page for link in at.get("page_link"))
    baselines.measured("digits")["knn"] = baselines.Measured(0.95, 382, 1157, 0.1, 1)
    table = listed(with_all_columns(at))
    row = table.iloc[-1]
    assert (row["network"], row["test (%)"], len(table)) == (NO_LEARNING, 95.0, 4)
    assert pd.isna(row["rank"])
    tick(at, row["name"])
    assert "**Ticked:**" not in words(at), "there is nothing to rename or to delete in it"


def test_ticked_run_is_renamed_tagged_and_annotated(open_page: OpenPage, three: dict[str, Run]) -> None:
    store, run_id = services.store(), three["small"].run_id
    at = tick(with_all_columns(open_page(PAGE)), "small")
    run(at.text_input(key=f"board_name_{run_id}").set_value("tiny"))
    run(at.multiselect(key=f"board_tags_{run_id}").set_value(["first", "cheap"]))
    run(at.text_area(key=f"board_notes_{run_id}").set_value("Half the units,\nalmost as good"))
    stored = store.run(run_id)
    assert (stored.name, stored.tags, stored.notes) == ("tiny", ("first", "cheap"), "Half the units,\nalmost as good")
    table = listed(at).set_index("name")
    assert list(table.loc["tiny", "tags"]) == ["first", "cheap"]
    assert "**Ticked:** tiny" in words(at), "still ticked under its new name"
    run(at.multiselect(key=f"board_tags_{run_id}").set_value(["x" * 25]))
    assert "allowed are at most 24" in words(at)
    assert store.run(run_id).tags == ("first", "cheap")


def test_tags_of_several_runs_leave_their_own_ones_alone(open_page: OpenPage, three: dict[str, Run]) -> None:
    store, ids = services.store(), {name: one.run_id for name, one in three.items()}
    store.annotate(ids["small"], tags=["own", "both"])
    store.annotate(ids["large"], tags=["both"])
    at = tick(open_page(PAGE), "small", "large")
    (field,) = at.multiselect
    assert field.value == ["both"]
    run(field.set_value(["new"]))
    assert store.run(ids["small"]).tags == ("own", "new")
    assert store.run(ids["large"]).tags == ("new",)
    assert store.run(ids["plain"]).tags == ()


def test_deleted_runs_come_back_with_undo(open_page: OpenPage, three: dict[str, Run]) -> None:
    at = press(tick(open_page(PAGE), "small", "plain"), "Delete")
    assert listed(at)["name"].tolist() == ["large"]
    assert "Deleted 2 runs." in words(at)
    press(at, "Undo")
    assert set(listed(at)["name"]) == set(three)


def test_ticks_and_order_survive_new_runs_filters_and_other_sections(
    open_page: OpenPage, three: dict[str, Run], train: Train
) -> None:
    at = tick(open_page(PAGE), "small", "large")
    tick(at, "small", "large", column="name")
    assert listed(at)["name"].tolist() == ["large", "plain", "small"]
    train("softmax", name="another")
    run(at)
    assert listed(at)["name"].tolist() == ["another", "large", "plain", "small"]
    assert "**Ticked:** large, small" in words(at)
    run(at.text_input(key="board_filter").set_value("small"))
    assert "**Ticked:** small\n" in words(at) + "\n", "what can not be seen is not acted on"
    run(at.text_input(key="board_filter").set_value(""))
    run(at.segmented_control(key="compare_view").set_value("curves"))
    run(at.segmented_control(key="compare_view").set_value("board"))
    assert "**Ticked:** large, small" in words(at)
    tick(at, "small", "large", column="parameters")
    sizes = listed(at)["parameters"].tolist()
    assert sizes == sorted(sizes, reverse=True), "numbers fall at the first click"
    key = f"board_table_{at.session_state[TURN]}"
    at.session_state[key] = {
        "selection": {"rows": [], "columns": [], "cells": []}
    }  # a second click takes the mark away
    assert listed(run(at))["parameters"].tolist() == sorted(sizes)


def test_compare_these_draws_the_ticked_runs(open_page: OpenPage, three: dict[str, Run]) -> None:
    at = press(tick(open_page(PAGE), "plain", "large"), "Compare these")
    assert at.segmented_control(key="compare_view").value == "curves"
    assert set(at.multiselect(key="compare_runs").value) == {three["plain"].run_id, three["large"].run_id}
    assert dict(at.query_params)["view"] == "curves"
    assert set(dict(at.query_params)["run"].split(",")) == {three["plain"].run_id, three["large"].run_id}


def charts(at: AppTest) -> dict[str, Any]:
    """Title of the vertical axis -> figure."""
    (part,) = moving(at)
    figures = [chart["figure"] for chart in part["snapshot"]["charts"].values()]
    return {figure["layout"]["yaxis"]["title"]["text"]: figure for figure in figures}


def lines(figure: Any) -> list[Any]:
    return [trace for trace in figure["data"] if trace.get("x") and trace["x"] != [None]]


def test_link_shows_its_runs_and_the_legend_names_what_differs(open_page: OpenPage, three: dict[str, Run]) -> None:
    linked_runs = [three["small"], three["large"]]
    at = open_page(PAGE, run=",".join(one.run_id for one in linked_runs))
    assert at.multiselect(key="compare_runs").value == [one.run_id for one in linked_runs]
    loss = charts(at)["Loss (nats per image)"]
    named = [trace["name"] for trace in lines(loss) if trace["showlegend"]]
    assert named == legend_labels(linked_runs) == ["small", "large"], "a name that somebody gave stays"
    unnamed = legend_labels([replace(run, is_named=False) for run in linked_runs])
    assert [name.split(",")[0] for name in unnamed] == ["hidden layers 16", "hidden layers 64"]
    blocks, _ = overlay_charts(shelf(), linked_runs[::-1], Shape("epoch", log_y=False), "now")
    turned = json.loads(text_of(blocks))["loss"]["figure"]["data"]
    looks = [
        {trace["name"]: (trace["line"]["color"], trace["marker"]["symbol"]) for trace in traces if "line" in trace}
        for traces in (lines(loss), [trace for trace in turned if trace["name"] in named])
    ]
    assert looks[0] == looks[1], "in any order, in any company"
    assert len(set(looks[0].values())) == 2


def test_another_axis_keeps_every_height(open_page: OpenPage, three: dict[str, Run]) -> None:
    at = open_page(PAGE, run=three["large"].run_id)
    before = lines(charts(at)["Accuracy (%)"])
    places = [trace["x"] for trace in before]
    for x in list(axes.AXES)[1:]:
        run(at.segmented_control(key="overlay_x").set_value(x))
        after = lines(charts(at)["Accuracy (%)"])
        assert [trace["y"] for trace in after] == [trace["y"] for trace in before]
        assert [trace["x"] for trace in after] != places


def test_a_link_names_the_axis_and_the_choice_stands_in_the_address(open_page: OpenPage, three: dict[str, Run]) -> None:
    at = open_page(PAGE, run=three["large"].run_id, x="examples")
    assert at.segmented_control(key="overlay_x").value == "examples"
    run(at.segmented_control(key="overlay_x").set_value("seconds"))
    assert at.query_params["x"] == "seconds"
    run(at.segmented_control(key="overlay_x").set_value("epoch"))
    assert "x" not in at.query_params, "what the page begins with is not named"
    unknown = open_page(PAGE, run=three["large"].run_id, x="altitude")
    assert unknown.segmented_control(key="overlay_x").value == "epoch"


def test_smoothing_keeps_what_was_measured_on_the_chart(open_page: OpenPage, three: dict[str, Run]) -> None:
    at = open_page(PAGE, run=three["large"].run_id)
    measured = [trace["y"] for trace in lines(charts(at)["Loss (nats per image)"])]
    assert at.slider(key="overlay_smoothing").value == 0
    run(at.slider(key="overlay_smoothing").set_value(0.9))
    smooth = [trace["y"] for trace in lines(charts(at)["Loss (nats per image)"])]
    assert len(smooth) > len(measured)
    assert all(line in smooth for line in measured)


def test_ten_runs_are_drawn_and_more_are_counted(open_page: OpenPage) -> None:
    store = services.store()
    config = services.parse({**_config(), "training": {"seed": 1}})
    ids = [store.create(config, request="pause") for _ in range(12)]
    for run_id in ids:
        store.claim("somebody", run_id)
        store.commit(run_id, [started()])
    at = open_page(PAGE, run=",".join(ids))
    assert at.multiselect(key="compare_runs").value == ids[:10]
    assert "12 runs were asked for; 10 fit here" in words(at)


def _config() -> dict[str, Any]:
    from core.config import run_config

    return run_config("softmax", {"dataset": "digits"}).model_dump()


def test_table_twin_holds_what_the_store_holds(open_page: OpenPage, three: dict[str, Run]) -> None:
    pair = [three["large"], three["small"]]
    at = open_page(PAGE, run=",".join(trained.run_id for trained in pair))
    at.session_state["overlay_twin"] = True
    (table,) = (frame.value for frame in run(at).dataframe)
    points = pd.concat([history(trained.run_id, trained.version)[1] for trained in pair])
    whole = points[points["whole_epoch"]]
    assert table["accuracy (%)"].tolist() == pytest.approx((100 * whole["accuracy"]).tolist(), abs=0.005)
    assert list(dict.fromkeys(table["in the legend"])) == legend_labels(pair)


def test_cost_draws_the_front_and_measures_reading_time_when_asked(open_page: OpenPage, three: dict[str, Run]) -> None:
    at = open_page(PAGE, view="cost", run=",".join(one.run_id for one in three.values()))
    (chart,) = at.get("plotly_chart")
    assert "Of 3 runs by validation accuracy and parameters" in chart.proto.alt
    run(at.segmented_control(key="pareto_x").set_value("latency_ms"))
    assert "no run has both figures yet" in at.get("plotly_chart")[0].proto.alt
    run(at.button(key="pareto_measure").click())
    assert "Of 3 runs by validation accuracy and milliseconds" in at.get("plotly_chart")[0].proto.alt
    assert "Measured on this machine, cpu with 1 thread" in words(at)


def test_run_without_a_result_has_no_place_among_images(
    open_page: OpenPage, three: dict[str, Run], without_result: WithoutResult
) -> None:
    lost = without_result()["diverged"]
    ids = [lost.run_id, *(one.run_id for one in three.values())]
    for view in ("board", "curves", "cost", "images", "learned"):
        at = open_page(PAGE, view=view, run=",".join(ids))
        assert ("Left out, without a result" in words(at)) == (view in ("images", "learned"))
