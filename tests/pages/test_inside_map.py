"""The map of digits: the same images on every map, picks with their neighbours, and t-SNE to its end or stopped."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import streamlit as st

from core.data import load
from core.errors import InputError
from core.inspect.activations import Floats
from core.inspect.embedding import embeddings, nearest
from core.inspect.maps import tsne
from core.runs.background import MAX_WAITING, BackgroundJobs
from core.runs.rows import Run
from pages.lab.inside.map_job import MapProgress, map_jobs, start_map
from pages.lab.inside.map_picks import packed as packed_picks
from pages.lab.inside.map_picks import unpacked as unpacked_picks
from pages.lab.inside.map_reading import OnMap, Read, images_on_map, is_own, learned_images, plane_of, read
from pages.shared import services
from pages.shared.carried import packed
from tests.pages.conftest import OpenPage, Train, words

PAGE = "pages/lab/inside/page.py"
VECTORS = np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32)


def until(jobs: BackgroundJobs[Floats], key: object, holds: Callable[[MapProgress], bool]) -> MapProgress:
    deadline = time.monotonic() + 60
    while not holds(progress := jobs.progress(key)):
        assert time.monotonic() < deadline, progress
        time.sleep(0.005)
    return progress


def read_now(run: Run, shown: OnMap) -> Read:
    return read(run, shown.images, shown.key, st.empty())


def broken(*_: object) -> np.ndarray:
    raise OSError("no processes left")


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Until it is set, t-SNE waits after its first steps."""
    event = threading.Event()

    def slow(vectors: np.ndarray, on_step: Callable[[int, int], None], should_stop: Callable[[], bool]) -> np.ndarray:
        on_step(10, 20)
        while not event.is_set() and not should_stop():
            time.sleep(0.005)
        if not should_stop():
            on_step(20, 20)
        return vectors[:, :2]

    monkeypatch.setattr("core.inspect.tsne_process.tsne_apart", slow)
    return event


def test_two_maps_show_the_same_images_and_what_was_picked_on_both(open_page: OpenPage, train: Train) -> None:
    runs = [train("softmax", epochs=1), train("mlp", epochs=1, widths="16")]
    digits, digit = load("digits"), load("digits").test_images[7]
    at = open_page(PAGE, run=",".join(run.run_id for run in runs), digit=packed(digit), view="map")
    assert len(at.get("plotly_chart")) == 2
    shown, network = images_on_map(runs[0]), services.predictor(runs[1])
    answers = network.logits(shown.images).argmax(1)
    assert np.bincount(shown.labels).min() > 0
    np.testing.assert_array_equal(digits.test_labels[shown.chosen], shown.labels)
    assert f"{len(shown.images):,} images, each drawn as its true digit; {(answers != shown.labels).sum():,}" in words(
        at
    )
    assert "These two of 16 directions hold" in words(at)
    assert "The picked digits" not in [part.value for part in at.subheader]

    at.button(key="inside_map_near").click().run()
    assert [part.value for part in at.subheader] == ["The picked digits"]
    picks = at.session_state["inside_map_picks"][1]
    assert np.array_equal(shown.images[picks[0]], digit), "the digit itself is a test image"
    for chart in at.get("plotly_chart"):
        assert '"name":"picked"' in chart.proto.spec.replace(" ", "")
    (menu,) = [menu for menu in at.selectbox if menu.key == "inside_map_chosen"]
    assert menu.options[0] == f"picked digit 1, a {shown.labels[picks[0]]} (test image {shown.chosen[picks[0]]:,})"
    images, labels = learned_images(runs[1])
    assert len(images) == 300, "what it learned from, and nothing held out"
    vectors, query = (embeddings(network.module, each, network.mean, network.std) for each in (images, digit[None]))
    near = labels[nearest(vectors, query, 8)[0][0]]
    assert f"{(near == near[0]).sum()} labelled {near[0]}" in words(at)
    assert at.query_params["picked"] == f"digits:{','.join(map(str, picks))}"
    at.session_state["inside_map_table"] = True
    at.run()
    by_pick, _, by_digit = (table.value for table in at.table)
    assert list(by_pick["True digit"]) == [str(label) for label in shown.labels[picks]]
    assert list(by_pick[f"{runs[1].label} reads"]) == [str(answer) for answer in answers[picks]]
    misread = [cell.split(",")[0] for cell in by_digit["Misread"]]
    wrong = np.bincount(shown.labels[answers != shown.labels], minlength=10)
    assert misread == [str(n) if n else "none" for n in wrong]
    at.button(key="inside_map_none").click().run()
    assert not at.subheader
    assert "picked" not in at.query_params
    at.query_params["picked"], at.query_params["neighbours"] = "digits:5,3", "3"
    at.run()
    assert at.session_state["inside_map_picks"][1] == [5, 3]
    assert at.session_state["inside_map_chosen"] == 3
    whole = [json.loads(chart.proto.spec)["layout"]["xaxis"].get("range") for chart in at.get("plotly_chart")]
    at.segmented_control(key="inside_map_part").set_value("picked").run()
    assert whole == [None, None]
    for chart, run in zip(at.get("plotly_chart"), runs, strict=True):
        spec = json.loads(chart.proto.spec)
        (left, right), xs = (
            spec["layout"]["xaxis"]["range"],
            plane_of(run, read_now(run, shown), shown.key).points[[5, 3], 0],
        )
        assert left < xs.min() <= xs.max() < right, "both maps show what was picked"
    assert at.query_params["part"] == "picked"


def test_what_was_picked_fits_into_an_address(train: Train) -> None:
    shown = images_on_map(train("softmax", epochs=1, max_steps=1))
    for picks in ([], [7, 3], list(range(0, len(shown.images), 2))):
        text = packed_picks(picks, shown)
        assert unpacked_picks(text, shown) == picks
        assert len(text) < 400
    assert unpacked_picks("digits:5,x,-1,99999,²,8", shown) == [5, 8]
    for text in ("mnist:5", "5", "", "digits:~é", "digits:~A"):
        assert unpacked_picks(text, shown) == []


def test_a_map_by_tsne_is_made_beside_the_page_and_stopped(
    open_page: OpenPage, train: Train, held: threading.Event
) -> None:
    run = train("mlp", epochs=1, widths="16")
    at = open_page(PAGE, run=run.run_id, view="map")
    at.segmented_control(key="inside_map_way").set_value("tsne").run()
    assert "Until then you see the map of PCA" in words(at)
    at.button(key="inside_map_start").click().run()
    key = (run.run_id, run.version, images_on_map(run).key)
    until(map_jobs(), key, lambda progress: progress.done == 10)
    at.run()
    assert [bar.proto.text for bar in at.get("progress")] == [f"{run.label}: Step 10 of 20"]
    at.button(key="inside_map_stop").click().run()
    until(map_jobs(), key, lambda progress: progress.state == "stopped")
    at.run()
    assert "Stopped after step 10 of 20: the map so far" in words(at)
    held.set()
    at.button(key="inside_map_start").click().run()
    until(map_jobs(), key, lambda progress: progress.state == "ended")
    at.run()
    assert not [button for button in at.button if button.key in ("inside_map_start", "inside_map_stop")]
    assert "it was not among those arranged" in words(at)
    assert not at.exception


def test_the_real_one_is_what_tsne_gives_and_is_kept() -> None:
    jobs = BackgroundJobs[Floats]()
    start_map(jobs, "a", VECTORS)
    progress = until(jobs, "a", lambda progress: not progress.goes_on)
    assert (progress.state, progress.share) == ("ended", 1.0)
    np.testing.assert_allclose(progress.results[0], tsne(VECTORS), atol=1e-3)
    start_map(jobs, "a", VECTORS)
    assert jobs.progress("a").results[0] is progress.results[0], "it is kept"


def test_one_map_at_a_time_and_a_short_queue(held: threading.Event) -> None:
    jobs = BackgroundJobs[Floats]("maps")
    for key in range(MAX_WAITING + 1):
        start_map(jobs, key, VECTORS)
        until(jobs, 0, lambda progress: progress.state == "running")
    assert [jobs.progress(key).place for key in range(1, MAX_WAITING + 1)] == [1, 2, 3, 4]
    with pytest.raises(InputError, match="4 other maps wait"):
        start_map(jobs, "more", VECTORS)
    jobs.stop(1)
    assert (jobs.progress(1).state, jobs.progress(2).place) == ("stopped", 1)
    for job in jobs._jobs.values():
        job.abandoned_seconds = 0.0
    deadline = time.monotonic() + 60
    while jobs._thread is not None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert {job.state for job in jobs._jobs.values()} == {"stopped"}, "nobody asks for them any more"


def test_a_fault_is_one_sentence_and_may_be_tried_again(held: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = BackgroundJobs[Floats]()
    held.set()
    with monkeypatch.context() as patch:
        patch.setattr("core.inspect.tsne_process.tsne_apart", broken)
        start_map(jobs, "a", VECTORS)
        progress = until(jobs, "a", lambda progress: not progress.goes_on)
    assert (progress.state, progress.reason) == (
        "failed",
        "This computer could not compute it (OSError: no processes left)",
    )
    start_map(jobs, "a", VECTORS)
    assert until(jobs, "a", lambda progress: not progress.goes_on).state == "ended"


def test_images_that_are_not_here_are_said(open_page: OpenPage, train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    run = train("mlp", epochs=1, widths="16")
    shown = images_on_map(run)
    assert is_own(run, shown)
    assert not is_own(replace(run, manifest={**run.manifest, "dataset_hashes": {"images": "others"}}), shown)
    monkeypatch.setattr("pages.lab.inside.map_reading.present_names", lambda: ())
    monkeypatch.setattr("pages.lab.inside.map.is_own", lambda *_: False)
    at = open_page(PAGE, run=run.run_id, view="map")
    assert "learned from other images than these" in words(at)
    assert len(at.get("plotly_chart")) == 1, "the embedded digits are always here"
    at.button(key="inside_map_near").click().run()
    assert "Its training images can not be shown. The images that it learned from are not here." in words(at)
    assert not at.error
