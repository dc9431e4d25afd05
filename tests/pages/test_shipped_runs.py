"""The first visit: trained networks are there, marked, and never mistaken for the visitor's own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core import models
from core.config import run_config
from core.data import EMBEDDED, mnist
from core.data.strokes import rasterise
from core.engine.events import Finished, Started
from core.experiments.patients import PATIENTS
from core.runs import shipped
from core.runs.rows import Run
from pages.shared import estimate, services
from pages.shared.legend_labels import legend_labels
from pages.shared.reading import reading_bar
from tests.pages.conftest import OpenPage, Train, words
from tests.pages.test_draw import SEVEN, canvas, draw, png

ASSETS = Path(__file__).parents[2] / "assets" / "reference_runs"
DRAW, MISTAKES, TRAIN = "pages/lab/draw/page.py", "pages/lab/mistakes/page.py", "pages/lab/train/page.py"
INSIDE, COMPARE, CURVES = "pages/lab/inside/page.py", "pages/lab/compare/page.py", {"view": "curves"}


@pytest.fixture(autouse=True)
def _shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a visitor finds in a fresh copy of the program."""
    monkeypatch.setenv("DIGIT_LAB_REFERENCE_RUNS", str(ASSETS))


@pytest.fixture
def of_mnist(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """A further reference run, of MNIST, which is not on this computer; returns its id."""
    folder = tmp_path / "shipped"
    shutil.copytree(ASSETS, folder)
    started = Started(
        n_params=7850, device="cpu", threads=1, n_train=60_000, n_val=0, steps_per_epoch=10, epochs=1, epoch=0,
        split_hash="", mean=0.13, std=0.31,
    )  # fmt: skip
    shipped.write(
        folder, "far", created_utc="2026-01-01T00:00:00+00:00", config=run_config("softmax", {"dataset": "mnist"}),
        manifest={"dataset_hashes": {name: payload.sha256 for name, payload in mnist.FILES.items()}},
        events=[started, Finished(1, 10, 1.0, 1, "completed")],
        figures={"test_acc": 1.0, "test_loss": 0.1, "n_test": 10_000, "seconds": 1.0, "best_epoch": 1},
        weights={"head.weight": np.zeros((10, 784), np.float16), "head.bias": np.zeros(10, np.float16)},
    )  # fmt: skip
    monkeypatch.setenv("DIGIT_LAB_REFERENCE_RUNS", str(folder))
    return shipped.read(folder, "far").run_id


def test_home_says_that_networks_came_with_it_and_that_nothing_was_trained_yet(open_page: OpenPage) -> None:
    at = open_page()
    assert "networks, each built in another way, came with Digit Lab" in words(at)
    assert "Nothing has been trained here yet." in words(at)


def test_a_drawing_is_answered_before_anything_was_trained(open_page: OpenPage) -> None:
    at = draw(open_page(DRAW), png(canvas(rasterise(SEVEN))))
    assert 2 <= len(at.metric) <= 3
    assert all("(shipped) reads" in one.label.replace("\\", "") for one in at.metric)
    assert all(one.value in "0123456789" for one in at.metric)


def test_an_image_of_the_data_is_there_even_for_a_network_of_other_images(open_page: OpenPage, of_mnist: str) -> None:
    at = open_page(DRAW, run=of_mnist)
    at.button_group(key="draw_source").set_value("sample").run()
    assert not at.exception
    assert not at.error
    assert "of Embedded digits. Its label says" in words(at)
    assert len(at.metric) == 1


def test_mistakes_open_before_anything_was_trained_and_the_answers_are_kept(open_page: OpenPage) -> None:
    at = open_page(MISTAKES)
    run = services.store().run(str(at.selectbox(key="mistakes_run").value))
    assert run.shipped
    figures = {one.label: one.value for one in at.metric}
    assert figures["Accuracy"] == f"{100 * run.summary['test_acc']:.2f} %"
    assert figures["Loss"] == f"{run.summary['test_loss']:.4f} nats"
    assert services.store().evaluation(run.run_id, "test") is not None
    at.button_group(key="mistakes_on").set_value("val").run()
    assert {one.label: one.value for one in at.metric}["Accuracy"] == f"{100 * run.summary['val_acc']:.2f} %"


def test_who_asks_first_sees_how_far_a_network_is_that_reads() -> None:
    class Place:
        def progress(self, share: float, words: str) -> None:
            drawn.append((share, words))

    drawn: list[tuple[float, str]] = []
    run = next(run for run in services.store().runs() if run.config["data"]["dataset"] == EMBEDDED)
    n = run.summary["n_test"]
    first, again = (reading_bar(Place(), n, number=2, n_runs=4) for _ in range(2))  # type: ignore[arg-type]
    answers = services.evaluation(run, "test", first)
    assert drawn[-1] == (0.5, f"Network 2 of 4: {n:,} of {n:,} images")
    drawn.clear()
    assert services.evaluation(run, "test", again) is answers
    assert not drawn, "it has read them"


def test_without_its_images_a_network_says_where_to_get_them_and_who_has_some(
    open_page: OpenPage, of_mnist: str
) -> None:
    assert open_page(MISTAKES).metric, "begins with a network whose images are here"
    at = open_page(MISTAKES, run=of_mnist)
    assert "the images of MNIST did not" in at.info[0].value
    assert not at.metric
    assert [one.proto.label for one in at.get("page_link")] == ["Get MNIST on the Data page"]
    offered = [one for one in at.button if "(shipped)" in one.label.replace("\\", "")]
    assert len(offered) == 2
    offered[0].click().run()
    assert not at.exception
    assert at.metric
    assert services.store().run(str(at.selectbox(key="mistakes_run").value)).label == offered[0].label.replace("\\", "")


def test_layers_of_a_network_of_other_images_are_not_looked_at_and_why_is_said(
    open_page: OpenPage, of_mnist: str
) -> None:
    at = open_page(TRAIN, run=of_mnist)
    at.session_state[f"live_layers_{of_mnist}"] = True
    at.run()
    assert not at.exception, at.exception
    assert "the images of MNIST did not" in at.info[0].value
    assert "Get MNIST on the Data page" in [link.proto.label for link in at.get("page_link")]


def test_own_runs_come_first_and_are_chosen_first(open_page: OpenPage, train: Train) -> None:
    own = train(name="my net")
    for page, key in ((MISTAKES, "mistakes_run"), (TRAIN, "live")):
        at = open_page(page)
        menu = at.selectbox(key=key) if page == MISTAKES else at.multiselect(key=key)
        assert menu.value == (own.run_id if page == MISTAKES else [own.run_id])
        assert menu.options[0].startswith("my net")
        assert all("(shipped)" in option for option in menu.options[1:])
    at = open_page()
    assert next(text.value for text in at.text).startswith("my net: ")


def test_a_newcomer_draws_for_the_newest_run_beside_good_networks_of_different_families(
    open_page: OpenPage, train: Train
) -> None:
    beside = _drawn_for_first(open_page(DRAW))
    assert len(beside) == 3
    assert sorted(accuracies := [run.summary["val_acc"] for run in beside], reverse=True) == accuracies, "by validation"
    pair = [train(name, seed=seed, group="first look") for seed in (0, 1) for name in ("mlp", "cnn")]
    train("mlp", n_train=100, group="first look")
    shown = _drawn_for_first(open_page(DRAW))
    assert {run.architecture for run in shown[:2]} == {"mlp", "cnn"}, "one of each kind"
    assert {run.run_id for run in shown[:2]} < {run.run_id for run in pair}, "none of few images"
    assert [run.run_id for run in shown[2:]] == [run.run_id for run in beside]
    assert {run.config["data"]["dataset"] for run in beside} == {"mnist"}
    assert len({models.TABLE[run.architecture].family for run in beside}) == len(beside)
    assert open_page(MISTAKES).selectbox(key="mistakes_run").value == shown[0].run_id, "not the network of few images"


def _drawn_for_first(at: AppTest) -> list[Run]:
    return [services.store().run(run_id) for run_id in at.multiselect(key="draw_runs").value]


def test_curves_of_shipped_runs_are_marked_until_there_are_own_ones(open_page: OpenPage, train: Train) -> None:
    at = open_page(TRAIN)
    assert "Your own curves appear here" in words(at)
    assert "of another machine (Intel(R) Xeon(R) Processor @ 2.80GHz, 1 thread)" in words(at)
    assert all("(shipped)" in chart.proto.alt for chart in at.get("plotly_chart"))
    (table,) = (frame.value for frame in at.dataframe if "name" in frame.value)
    assert all(name.endswith("(shipped)") for name in table["name"])
    train()
    assert "Your own curves appear here" not in words(open_page(TRAIN))


def test_the_seconds_of_another_machine_say_nothing_about_this_one() -> None:
    runs = services.store().runs()
    for run in runs:
        guess = estimate.estimate_runs([run.run_config()], runs)
        assert guess is None or guess.source != "from your earlier runs"


def test_deleted_ones_do_not_come_back_with_the_next_start(open_page: OpenPage) -> None:
    for run in services.store().runs():
        services.store().delete(run.run_id)
    services.store.clear()
    assert services.store().runs() == []
    assert "networks came with Digit Lab" not in words(open_page())
    assert "No network has been trained yet." in words(open_page(MISTAKES))


def test_a_damaged_one_is_a_notice_and_the_page_works(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shutil.copytree(ASSETS, tmp_path / "shipped")
    (tmp_path / "shipped" / "digits-mlp.safetensors").write_bytes(b"something else")
    monkeypatch.setenv("DIGIT_LAB_REFERENCE_RUNS", str(tmp_path / "shipped"))
    at = open_page(DRAW)
    assert "The reference run digits" in at.warning[0].value
    assert at.multiselect(key="draw_runs").value


def test_home_with_shipped_runs_does_not_wait_for_torch() -> None:
    code = (
        "import sys; from streamlit.testing.v1 import AppTest; from pages.shared import services;"
        "services.warm_up = lambda: None; at = AppTest.from_file('streamlit_app.py', default_timeout=60).run();"
        "assert not at.exception, at.exception; assert services.store().runs(); sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-500:]


@pytest.mark.mnist
def test_mistakes_of_a_network_of_mnist_open_where_mnist_is(open_page: OpenPage) -> None:
    of_mnist = [run for run in services.store().runs() if run.config["data"]["dataset"] == "mnist"]
    if not of_mnist:
        pytest.skip("no reference run of MNIST is shipped yet")
    at = open_page(MISTAKES)
    assert at.selectbox(key="mistakes_run").value == of_mnist[0].run_id
    assert {one.label: one.value for one in at.metric}["Accuracy"] == f"{100 * of_mnist[0].summary['test_acc']:.2f} %"


@pytest.mark.parametrize("name", ["digits-mlp", "digits-cnn"])
def test_how_sure_they_are_begins_with_answers_that_need_not_be_waited_for(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "shipped"
    shutil.copytree(ASSETS, folder, ignore=lambda _, files: {file for file in files if not file.startswith("digits-")})
    monkeypatch.setenv("DIGIT_LAB_REFERENCE_RUNS", str(folder))
    (folder / f"{name}.answers").touch()  # empty, so that it is read anew
    at = open_page(MISTAKES, view="sure")
    assert not at.exception
    assert at.multiselect(key="mistakes_runs").value[0] == shipped.read(ASSETS, name).run_id


def test_patients_wait_below_all_others_until_somebody_asks_for_one(open_page: OpenPage) -> None:
    patients = sorted((run for run in services.store().runs() if run.patient), key=lambda run: run.patient)
    assert len(patients) == len(PATIENTS)
    for page, key, view in ((DRAW, "draw_runs", {}), (INSIDE, "inside_runs", {}), (COMPARE, "compare_runs", CURVES)):
        at = open_page(page, **view)
        assert not at.exception, at.exception
        menu = at.multiselect(key=key)
        assert menu.value
        assert not any(services.store().run(run_id).patient for run_id in menu.value), page
        assert [option.partition(" (")[0] for option in menu.options[-len(patients) :]] == [
            f"Patient {run.patient}" for run in patients
        ]
    board = [frame.value for frame in open_page(COMPARE).dataframe]
    assert board
    assert "Patient" not in str(board)
    two = [run.run_id for run in patients[:2]]
    asked = open_page(COMPARE, run=",".join(two), **CURVES)
    assert asked.multiselect(key="compare_runs").value == two
    assert not asked.exception, asked.exception
    assert legend_labels(patients) == [run.label for run in patients], "not the settings that tell what is wrong"


def test_a_view_begins_with_networks_that_it_can_show_and_leads_away_from_others(
    open_page: OpenPage, of_mnist: str
) -> None:
    def of_dataset(at: AppTest, key: str) -> set[str]:
        return {services.store().run(run_id).config["data"]["dataset"] for run_id in at.session_state[key]}

    at = open_page(INSIDE)
    assert of_dataset(at, "inside_runs") == {"mnist"}, "layers need no images of its own"
    at.session_state["inside_view"] = "step"
    at.run()
    assert not at.error
    assert of_dataset(at, "inside_runs") == {"digits"}, "a network that nobody chose gives way to one with images"
    assert at.table, "its step in numbers"
    at = open_page(INSIDE, run=of_mnist, view="step")
    assert at.session_state["inside_runs"] == [of_mnist], "what a link asks for stays"
    assert "are not here" in at.info[0].value
    assert len([link for link in at.get("page_link") if link.proto.label.startswith("One step of")]) == 1
    at = open_page(COMPARE, view="images")
    assert of_dataset(at, "compare_runs") == {"digits"}
