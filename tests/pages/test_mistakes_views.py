"""Mistakes of several runs: how sure they are, and what all of them misread."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.analysis.calibration import abstaining, answers_of, calibration, fit_temperature
from core.analysis.suspects import misread_by_all, readings
from core.data import label_errors
from core.data.idx import payload_sha256
from core.engine.evaluate import Evaluation
from core.fields import SplitName
from core.runs import measurements
from core.runs.rows import Run
from core.runs.schema import StorageError
from pages.lab.mistakes.suspects import suspects_table
from pages.shared import services
from pages.shared.answered import RunAnswers
from tests.pages.conftest import OpenPage, Train, words

PAGE = "pages/lab/mistakes/page.py"


def answers(run: Run, split: SplitName = "test") -> Evaluation:
    evaluation = services.evaluation(run, split)
    assert evaluation is not None
    return evaluation


def table(at: AppTest, column: str) -> pd.DataFrame:
    return next(one.value for one in at.dataframe if column in one.value)


def charts(at: AppTest) -> list[str]:
    return [one.proto.alt for one in at.get("plotly_chart")]


def test_how_sure_runs_are_stands_beside_what_luck_makes_of_it(open_page: OpenPage, train: Train) -> None:
    mlp, softmax, unjudged = train("mlp"), train("softmax"), train("softmax", val_fraction=0.0)
    at = open_page(PAGE, view="sure", run=f"{mlp.run_id},{softmax.run_id},{unjudged.run_id}")
    assert at.multiselect(key="mistakes_runs").proto.wrap, "each of them is seen, none has to be scrolled to"
    figures = calibration(answers(mlp).logits, answers(mlp).labels)
    row = table(at, "ECE").iloc[0]
    assert row["ECE"] == pytest.approx(100 * figures.ece)
    np.testing.assert_allclose([row["by luck"], row["95 % below"]], [100 * error for error in figures.floor])
    np.testing.assert_allclose([row["Loss (nats)"], row["Brier"]], [figures.loss, figures.brier])
    assert row["Loss (nats)"] == pytest.approx(mlp.summary["test_loss"])
    assert ("not distinguishable" in row["Verdict"]) == figures.is_within_floor
    assert "n = 382 test images" in words(at)
    assert len(charts(at)) == 3

    at.select_slider(key="mistakes_threshold").set_value(50.0).run()
    row, silent = table(at, "Coverage").iloc[0], abstaining(answers_of(answers(mlp).logits, answers(mlp).labels), 0.5)
    assert (row["Answered"], row["Mistakes left"]) == (silent.answered, silent.wrong)
    assert (row["Held back, wrong"], row["Held back, right"]) == (silent.held_back_wrong, silent.held_back_right)

    at.toggle(key="mistakes_temperature").set_value(True).run()
    assert not at.exception
    fitted = fit_temperature(answers(mlp, "val").logits, answers(mlp, "val").labels)
    after = calibration(answers(mlp).logits, answers(mlp).labels, temperature=fitted or 1.0)
    assert table(at, "Temperature")["Temperature"].tolist()[:2] == [1.0, pytest.approx(fitted)]
    assert table(at, "Temperature")["Loss (nats)"][1] == pytest.approx(after.loss)
    assert len(table(at, "Temperature")) == 5, "whose run held nothing out has none"
    assert "held no images out" in words(at)

    at.button_group(key="mistakes_bins").set_value("count").run()
    equal = calibration(answers(mlp).logits, answers(mlp).labels, "count")
    assert table(at, "Sure on average").iloc[0]["ECE"] == pytest.approx(100 * equal.ece)
    at.button_group(key="mistakes_on").set_value("val").run()
    assert not at.exception
    assert f"n = {mlp.summary['n_val']} validation images" in words(at)
    assert "had no validation images to answer" in words(at)
    assert "so it flatters here" in words(at)


def test_a_temperature_that_can_not_be_kept_is_shown_and_one_that_can_not_be_fitted_is_explained(
    open_page: OpenPage, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StorageError("The disk is full.")

    run = train()
    monkeypatch.setattr(measurements, "write", full)
    at = open_page(PAGE, view="sure", run=run.run_id)
    at.toggle(key="mistakes_temperature").set_value(True).run()
    assert not at.error
    assert len(table(at, "Temperature")) == 2
    monkeypatch.setattr(measurements, "read", lambda *_: {"temperature": None, "n": 5})
    at.run()
    assert "misreads none of its 5 validation images" in words(at)
    assert not any("Temperature" in one.value for one in at.dataframe)


def test_without_a_run_each_view_offers_to_train_one(open_page: OpenPage) -> None:
    at = open_page(PAGE, view="suspects")
    assert "No network has been trained yet." in at.info[0].value
    at.button_group(key="mistakes_view").set_value("sure").run()
    assert "No network has been trained yet." in at.info[0].value


def test_what_all_misread_comes_with_what_each_read_and_the_least_believed_label_first(
    open_page: OpenPage, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [train("mlp"), train("softmax")]
    labels = answers(runs[0]).labels
    read = readings([answers(run).logits for run in runs], labels)
    suspects = misread_by_all(read, labels)
    assert len(suspects) > 1
    first, other = (int(index) for index in suspects["index"][:2])
    wrong = frozenset((first, int(np.flatnonzero(read.answers[0] == labels)[0])))
    monkeypatch.setattr(label_errors, "KNOWN", {payload_sha256(labels.astype(np.uint8)): wrong})
    at = open_page(PAGE, view="suspects", run=",".join(run.run_id for run in runs))
    at.slider(key="mistakes_least_sure").set_value(0).run()
    assert f"{len(suspects)} are misread by all 2 networks" in words(at)
    shown = at.get("image")[0].proto.imgs[0].alt.removeprefix("Images: ").split("; ")
    mlp, softmax = read.answers[:, first]
    sure = 100 * read.confidence[:, first]
    says = f"MLP: {mlp}, {sure[0]:.0f} % Softmax regression: {softmax}, {sure[1]:.0f} %"
    letters = says.replace("MLP", "A").replace("Softmax regression", "B")
    assert shown[0] == f"label {labels[first]} #{first}* {letters}"
    assert shown[1].startswith(f"label {labels[other]} #{other} ")
    assert "A: " in words(at)

    assert "See inside" in [link.proto.label for link in at.get("page_link")]
    both = table(at, "Without them").iloc[0]
    right = read.answers[0] == labels
    assert both["As labelled"] == pytest.approx(100 * runs[0].summary["test_acc"])
    assert both["Without them"] == pytest.approx(100 * (right.sum() - 1) / 380)
    assert both["Agrees with wrong label"] == 1
    assert "A gap of at most 2 mistakes" in words(at)

    at.button_group(key="mistakes_on").set_value("val").run()
    assert not at.exception
    assert "none is marked" in words(at), "the list is about the test images"


def test_the_table_of_suspects_keeps_its_columns_whatever_a_run_is_called(train: Train) -> None:
    run = train("softmax", name="Label")
    evaluation = answers(run)
    read = readings([evaluation.logits], evaluation.labels)
    suspects = misread_by_all(read, evaluation.labels)
    member = RunAnswers(run, run.name, evaluation, read.answers[0] == evaluation.labels)
    rows = suspects_table(suspects, [member], read)
    assert list(rows) == ["Number", "Label", "Belief in label", "Label, reads", "Label, sure"]
    assert (rows["Label"] == evaluation.labels[rows["Number"]]).all()
    assert (rows["Label, reads"] == read.answers[0][rows["Number"]]).all()
    assert rows["Belief in label"].is_monotonic_increasing


def test_the_others_of_a_race_stand_beside_its_best_run(open_page: OpenPage, train: Train) -> None:
    alone = train("softmax")
    racers = [train(name, group="race", seed=seed) for name in ("mlp", "softmax") for seed in (0, 1)]
    at = open_page(PAGE)
    first = at.selectbox(key="mistakes_run").value
    at.button_group(key="mistakes_view").set_value("suspects").run()
    beside = at.multiselect(key="mistakes_runs").value
    assert beside[0] == first
    by_id = {run.run_id: run.architecture for run in racers}
    assert sorted(by_id[run_id] for run_id in beside) == ["mlp", "softmax"]
    assert alone.run_id not in beside


def test_a_link_to_a_run_shows_that_run_alone_and_another_view_keeps_to_it(open_page: OpenPage, train: Train) -> None:
    older, newer = train("softmax"), train("mlp")
    at = open_page(PAGE, run=older.run_id)
    assert at.selectbox(key="mistakes_run").value == older.run_id
    at.button_group(key="mistakes_view").set_value("sure").run()
    assert not at.exception
    assert at.multiselect(key="mistakes_runs").value == [older.run_id, newer.run_id]
    assert at.query_params["view"] == "sure"
    at.multiselect(key="mistakes_runs").set_value([newer.run_id]).run()
    at.button_group(key="mistakes_view").set_value("suspects").run()
    assert at.multiselect(key="mistakes_runs").value == [newer.run_id]
    at.button_group(key="mistakes_view").set_value("one_network").run()
    assert at.selectbox(key="mistakes_run").value == older.run_id
    assert "view" not in at.query_params
    at.button_group(key="mistakes_view").set_value("sure").run()
    del at.query_params["view"]
    at.query_params["run"] = newer.run_id
    at.run()
    assert at.selectbox(key="mistakes_run").value == newer.run_id, "such links were made before there were views"
