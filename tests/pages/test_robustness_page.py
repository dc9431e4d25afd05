"""Robustness: the same distorted test images for every run, measured beside the page, kept, and shown at once the next time."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Generator
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.data import load
from core.data.own_digits import own_digits
from core.inspect import robustness as sweeping
from core.inspect.corruptions import CORRUPTIONS
from core.inspect.distortions import DISTORTIONS, moved
from core.inspect.robustness import Measured, Point
from core.runs.robustness import measured_before
from pages.lab.robustness.measuring import jobs
from pages.lab.robustness.one_digit import REACH
from pages.shared import services
from pages.shared.carried import packed
from pages.shared.legend_labels import legend_labels
from tests.pages.conftest import OpenPage, Train, words

PAGE = "pages/lab/robustness/page.py"
SHIFTS = [Point("shift", strength) for strength in DISTORTIONS["shift"].strengths[1:]]


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Until it is set, a measurement waits after its first six results."""
    event, sweep = threading.Event(), sweeping.sweep

    def slow(*args: Any, **options: Any) -> Generator[Measured, None, None]:
        for number, row in enumerate(sweep(*args, **options)):
            while number == 6 and not event.is_set() and not options["should_stop"]():
                time.sleep(0.005)
            yield row

    monkeypatch.setattr(sweeping, "sweep", slow)
    return event


def judged_script(run_ids: list[str]) -> None:
    """Which of these runs are left on a page of its own, when the images of the last one have changed since."""
    from dataclasses import replace

    import streamlit as st

    from pages.lab.robustness.judged import judged
    from pages.shared.services import store

    *runs, last = [store().run(run_id) for run_id in run_ids]
    members = judged([*runs, replace(last, manifest={**last.manifest, "dataset_hashes": {"images": "others"}})])
    assert members is not None
    st.text(" ".join(run.run_id for run in members.runs))


def wait_for(at: AppTest, n_results: int) -> None:
    """Until so many results are there, or the measurement has ended; then the page is drawn once more."""
    deadline = time.monotonic() + 30
    while any(job.state == "running" and len(job.results) < n_results for job in jobs()._jobs.values()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    at.run()
    assert not at.exception, at.exception


def lines(at: AppTest) -> dict[str, list[float]]:
    """Name -> heights of each run's line on the one chart."""
    (chart,) = at.get("plotly_chart")
    traces = json.loads(chart.proto.spec)["data"]
    return {trace["name"]: plain(trace["y"]) for trace in traces if "name" in trace}


def plain(values: Any) -> list[float]:
    """Numbers as Plotly writes them: a list, or their bytes."""
    return (
        values
        if isinstance(values, list)
        else np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"]).tolist()
    )


def test_a_measurement_shows_how_far_it_is_can_be_stopped_and_is_kept(
    open_page: OpenPage, train: Train, held: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = {name: DISTORTIONS[name] for name in ("shift", "rotation")}
    monkeypatch.setattr("pages.lab.robustness.strengths.DISTORTIONS", some)
    runs = [train(name, epochs=2) for name in ("softmax", "mlp")]
    link = {"run": ",".join(run.run_id for run in runs)}
    at = open_page(PAGE, **link)
    n_test = len(load("digits").test_labels)
    assert f"only the results on the {n_test} undistorted test images of the embedded digits" in words(at)
    names = dict(zip(legend_labels(runs), runs, strict=True))
    undistorted = {name: [100 * run.summary["test_acc"]] for name, run in names.items()}
    assert lines(at) == undistorted, "what is known without measuring"
    assert at.button(key="robustness_start").label == f"Measure on all {n_test} images"
    at.button(key="robustness_start").click().run()
    wait_for(at, 6)
    (bar,) = at.get("progress")
    assert f"all {n_test} images: point 7 of 22" in bar.proto.text
    assert f"On all {n_test} test images of the embedded digits" in words(at), "what has come out already is drawn"
    at.button(key="robustness_stop").click().run()
    wait_for(at, 100)
    assert "Stopped. What has been measured so far is kept." in words(at)
    assert "Where each run reads least of what has been measured so far. On all" in words(at)
    kept = measured_before(services.store(), runs, [Point("none", 0.0), *SHIFTS], 0)
    assert len(kept) >= 6
    assert [row.n_right / row.n for row in kept[:2]] == [run.summary["test_acc"] for run in runs]

    held.set()
    assert at.button(key="robustness_start").label == f"Go on with all {n_test} images"
    at.button(key="robustness_start").click().run()
    wait_for(at, 1_000)
    assert "robustness_start" not in [button.key for button in at.button], "there is nothing left to measure"
    kept = measured_before(services.store(), runs, SHIFTS, 0)
    assert len(kept) == 2 * len(SHIFTS)
    for name, run in names.items():
        expected = [run.summary["test_acc"], *(row.n_right / row.n for row in kept if row.run_id == run.run_id)]
        np.testing.assert_allclose(lines(at)[name], 100 * np.array(expected))
        assert f"down to {100 * min(expected):.2f} %" in words(at)
        assert at.dataframe[0].value.loc["Shift", name].startswith(f"{100 * min(expected):.2f} % at ")
    assert "Where each run reads least. On all" in words(at)
    assert "Here, at 4 pixels: " in words(at).replace("**", "")

    again = open_page(PAGE, distortion="rotation", **link)
    assert again.pills(key="robustness_distortion").value == "rotation"
    assert "degrees" in words(again)
    assert not again.get("progress")
    again.pills(key="robustness_distortion").set_value("shift").run()
    assert "distortion" not in again.query_params
    assert lines(again) == lines(at), "kept in the store"


def test_corruptions_are_named_by_pictures_and_measured_as_bars(
    open_page: OpenPage, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = train("mlp", epochs=2)
    at = open_page(PAGE, run=run.run_id, view="corruptions")
    assert len(at.get("image")) == 2
    at.button(key="robustness_start").click().run()
    wait_for(at, 1_000)
    (row,) = measured_before(services.store(), [run], [Point("corruption:fog", 1.0)], 0)
    (chart,) = at.get("plotly_chart")
    (bars,) = json.loads(chart.proto.spec)["data"]
    assert len(bars["y"]) == 1 + len(CORRUPTIONS)
    assert plain(bars["x"])[bars["y"].index("Fog")] == pytest.approx(100 * row.accuracy)
    assert "Mean accuracy over the corruptions" in words(at)


def test_images_that_are_not_here_are_said_and_other_images_are_not_mixed(
    open_page: OpenPage, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, other = train("mlp", epochs=1), train("softmax", epochs=1)
    at = AppTest.from_function(judged_script, args=([run.run_id, other.run_id],)).run()
    assert "Softmax regression can not be measured. The images of Embedded digits are not those" in words(at)
    assert at.text[0].value == run.run_id
    monkeypatch.setattr("pages.lab.robustness.judged.present_names", lambda: ())
    at = open_page(PAGE, run=run.run_id)
    assert "The test images of MLP are not here any more" in words(at)
    assert not at.get("plotly_chart")


def test_a_digit_is_read_at_every_place_by_every_run(open_page: OpenPage, train: Train) -> None:
    runs = [train(name, epochs=2) for name in ("softmax", "mlp")]
    seven = next(digit for digit in own_digits() if digit.label == 7)
    link = {"run": ",".join(run.run_id for run in runs), "view": "one_digit"}
    at = open_page(PAGE, digit=packed(seven.image), **link)
    assert len(at.get("plotly_chart")) == 2
    side = 2 * REACH + 1
    for run in runs:
        answers = services.predictor(run).logits(moved(seven.image, REACH).reshape(-1, 28, 28)).argmax(1)
        assert f"Reads 7 at {(answers == 7).sum()} of {side * side} places" in words(at)
    assert "Filled squares are wrong" in words(at)

    at = open_page(PAGE, digit=packed(load("digits").test_images[0]), **link)
    assert "Nobody has said which digit this is" in words(at)
    at.button[0].click().run()  # another test image, whose label is known
    assert "Filled squares are wrong" in words(at)
    twin = next(part for part in at.expander if part.label == "The same as a table")
    assert twin is not None


def test_without_a_run_it_offers_to_train_one(open_page: OpenPage) -> None:
    at = open_page(PAGE)
    assert "No network has been trained yet." in words(at)
    assert not at.segmented_control
