"""Draw: a digit in, answers of every chosen run out, and a sentence for whatever is not a digit."""

from __future__ import annotations

import base64
import io
import json
import sys
from dataclasses import replace
from importlib.abc import MetaPathFinder
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from streamlit.testing.v1 import AppTest

from core.data import load
from core.data.drawn import MAX_UPLOAD_BYTES, PAD_SIDE_PIXELS, Drawn, from_rgba, from_upload
from core.data.strokes import rasterise
from core.runs.rows import Run
from pages.shared import services
from pages.shared.strange import judge
from pages.shared.uploads import one_at_a_time
from tests.pages.conftest import OpenPage, Train, WithoutResult, words

PAGE = "pages/lab/draw/page.py"
ASSETS = Path(__file__).parents[2] / "assets" / "reference_runs"
SEVEN = [[[0, 0], [10, 0], [4, 16]]]
TRIANGLE = [[[0, 0], [10, 0], [5, 9], [0, 0]]]


def png(pixels: NDArray[np.uint8], kind: str = "PNG") -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind)
    return stream.getvalue()


def canvas(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.stack([grey, grey, grey, np.full_like(grey, 255)], axis=-1)


def draw(at: AppTest, content: bytes) -> AppTest:
    """What the pad sends after a stroke."""
    url = "data:image/png;base64," + base64.b64encode(content).decode()
    at.session_state["draw_pad_0"] = {"drawing": {"raw": {"objects": [{}]}, "data": url}, "backgroundFit": None}
    at.run()
    assert not at.exception, at.exception
    return at


def expected(run: Run, grey: NDArray[np.uint8], **steps: bool) -> str:
    image = from_rgba(canvas(grey), **steps).image
    return str(services.predictor(run).probabilities(image[None])[0].argmax())


def test_without_a_run_the_page_offers_to_train_one(open_page: OpenPage) -> None:
    assert "No network has been trained yet." in open_page(PAGE).info[0].value


def test_blank_pad_says_so(open_page: OpenPage, train: Train) -> None:
    train()
    at = open_page(PAGE)
    assert at.info[0].value == "Nothing drawn yet. Draw a digit into the black square."
    draw(at, png(canvas(np.zeros((PAD_SIDE_PIXELS, PAD_SIDE_PIXELS), np.uint8))))
    assert at.info[0].value == "Nothing drawn yet. Draw a digit into the black square."
    assert not at.metric


def test_every_chosen_run_answers_in_words_and_bars(open_page: OpenPage, train: Train) -> None:
    runs = [train("mlp", name="first"), train("softmax", name="second")]
    grey = rasterise(SEVEN)
    at = draw(open_page(PAGE, run=",".join(run.run_id for run in runs)), png(canvas(grey)))
    assert {one.label: one.value for one in at.metric} == {f"{run.name} reads": expected(run, grey) for run in runs}
    bars = [one.proto.body for one in at.get("html")]
    assert len(bars) == 2
    assert all("The network reads" in one for one in bars)
    assert "The 28 × 28 pixels that go into the networks" in [one.proto.imgs[0].alt for one in at.get("image")]


def test_after_a_race_of_many_seeds_every_kind_of_network_stands_there(open_page: OpenPage, train: Train) -> None:
    raced = [train(name, seed=seed, group="a race") for name in ("mlp", "softmax") for seed in range(4)]
    at = open_page(PAGE)
    selected_runs = [run for run in raced if run.run_id in at.multiselect(key="draw_runs").value]
    assert len(selected_runs) == 2, "the best of each"
    assert {run.architecture for run in selected_runs} == {"mlp", "softmax"}
    assert not [one.value for one in at.info if "asked for" in one.value], "nobody asked"


def test_names_of_runs_are_never_rendered(open_page: OpenPage, train: Train) -> None:
    train(name="![x](http://a.b)")
    at = draw(open_page(PAGE), png(canvas(rasterise(SEVEN))))
    assert at.metric[0].label.startswith("\\!\\[x")


def test_switching_the_steps_off_changes_what_the_network_sees(open_page: OpenPage, train: Train) -> None:
    train()
    grey = np.zeros((PAD_SIDE_PIXELS, PAD_SIDE_PIXELS), np.uint8)
    grey[10:100, 10:60] = rasterise(SEVEN)[::3, ::5][:90, :50]
    at = draw(open_page(PAGE), png(canvas(grey)))
    seen = at.get("image")[0].proto.imgs[0].url
    at.toggle(key="draw_crop").set_value(False).run()
    assert not at.exception
    uncropped = at.get("image")[0].proto.imgs[0].url
    at.toggle(key="draw_centre").set_value(False).run()
    assert len({seen, uncropped, at.get("image")[0].proto.imgs[0].url}) == 3


def test_a_drawing_is_there_again_when_one_comes_back(open_page: OpenPage, train: Train) -> None:
    train()
    at = draw(open_page(PAGE), png(canvas(rasterise(SEVEN))))
    read = at.metric[0].value
    at.switch_page("pages/learn/home/page.py").run()
    assert not at.metric
    at.switch_page(PAGE).run()
    assert at.metric[0].value == read
    at.toggle(key="draw_pad_by_keyboard").set_value(True).run()
    assert at.metric[0].value == read, "the other pad goes on from there"
    (pad,) = (part.proto for part in at.get("bidi_component") if part.proto.component_name == "pad")
    assert json.loads(pad.json)["picture"].startswith("data:image/png;base64,"), (
        "for the browser, which has another pad now"
    )
    at.button(key="draw_pad_clear").click().run()
    (pad,) = (part.proto for part in at.get("bidi_component") if part.proto.component_name == "pad")
    assert not json.loads(pad.json)["picture"]


@pytest.mark.parametrize(
    "fault", [ModuleNotFoundError("no such package"), RuntimeError("too old"), OSError("half installed")]
)
def test_without_the_library_of_the_pad_another_pad_uploads_and_samples_work(
    fault: Exception, open_page: OpenPage, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(MetaPathFinder):
        def find_spec(self, fullname: str, *_: object) -> None:
            if fullname == "streamlit_drawable_canvas":
                raise fault

    monkeypatch.delitem(sys.modules, "streamlit_drawable_canvas", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    train()
    at = open_page(PAGE)
    assert "can not be loaded on this server" in words(at)
    assert [part.proto.component_name for part in at.get("bidi_component")].count("pad") == 1
    at.button_group(key="draw_source").set_value("sample").run()
    assert at.metric
    at.button_group(key="draw_source").set_value("file").run()
    at.file_uploader[0].upload("seven.png", png(255 - rasterise(SEVEN))).run()
    assert at.metric
    assert not at.exception
    assert not at.error


def test_pictures_are_unpacked_one_at_a_time(
    open_page: OpenPage, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    unpacked: list[bool] = []

    def unpack(*content: bytes, **steps: bool) -> Drawn:
        unpacked.append(one_at_a_time().locked())
        return from_upload(*content, **steps)

    monkeypatch.setattr("pages.lab.draw.digit.from_upload", unpack)
    train()
    at = open_page(PAGE)
    at.button_group(key="draw_source").set_value("file").run()
    at.file_uploader[0].upload("seven.png", png(255 - rasterise(SEVEN))).run()
    assert unpacked == [True]
    assert not one_at_a_time().locked()


def test_clear_gives_an_empty_pad(open_page: OpenPage, train: Train) -> None:
    train()
    at = draw(open_page(PAGE), png(canvas(rasterise(SEVEN))))
    at.button(key="draw_pad_clear").click().run()
    assert not at.exception
    assert not at.metric
    assert "Nothing drawn yet" in at.info[0].value


@pytest.mark.parametrize(
    "content", [b"no picture", png(np.zeros((2000, 2000), np.uint8)), png(canvas(rasterise(SEVEN)))[:500]]
)
def test_a_pad_that_sends_nonsense_gets_one_sentence(open_page: OpenPage, train: Train, content: bytes) -> None:
    train()
    at = draw(open_page(PAGE), content)
    assert len(at.error) == 1
    assert at.error[0].value.startswith("The pad's picture")
    assert not at.metric


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_an_uploaded_picture_is_read(open_page: OpenPage, train: Train, kind: str) -> None:
    train()
    at = open_page(PAGE)
    at.button_group(key="draw_source").set_value("file").run()
    assert "No picture yet" in at.info[0].value
    at.file_uploader[0].upload(f"seven.{kind.lower()}", png(255 - rasterise(SEVEN), kind)).run()
    assert not at.exception
    assert len(at.metric) == 1


def test_two_digits_are_doubted_and_a_thin_pens_step_is_shown(open_page: OpenPage, train: Train) -> None:
    train()
    at = open_page(PAGE)
    thin = 255 - rasterise(SEVEN, width=2)
    at.button_group(key="draw_source").set_value("file").run()
    at.file_uploader[0].upload("thin.png", png(thin)).run()
    assert not at.warning
    assert "Step 2: thin strokes widened" in [caption.value for caption in at.caption]
    assert "Step 5: ink centred" in [caption.value for caption in at.caption]
    at.file_uploader[0].upload("two.png", png(np.hstack([thin, thin]))).run()
    assert at.warning[0].value.startswith("This may be two digits.")


@pytest.mark.parametrize(("content", "says"), [(b"\x89PNG broken", "not a whole PNG or JPEG"), (b"", "not a whole")])
def test_a_broken_picture_gets_one_sentence(open_page: OpenPage, train: Train, content: bytes, says: str) -> None:
    train()
    at = open_page(PAGE)
    at.button_group(key="draw_source").set_value("file").run()
    at.file_uploader[0].upload("broken.png", content).run()
    assert not at.exception
    assert len(at.error) == 1
    assert says in at.error[0].value
    assert not at.metric
    assert not at.info, "a broken picture is not a missing one"


def test_an_empty_sheet_of_paper_says_so(open_page: OpenPage, train: Train) -> None:
    train()
    at = open_page(PAGE)
    at.button_group(key="draw_source").set_value("file").run()
    at.file_uploader[0].upload("paper.png", png(np.full((100, 100), 250, np.uint8))).run()
    assert "looks empty" in at.info[0].value
    assert not at.metric


def test_a_sample_comes_with_its_label_and_another_one_is_another(open_page: OpenPage, train: Train) -> None:
    train()
    at = open_page(PAGE)
    at.button_group(key="draw_source").set_value("sample").run()
    at.button_group(key="draw_digit").set_value(4).run()
    assert not at.exception
    first = next(one.value for one in at.caption if "Its label says" in one.value)
    assert first.endswith("Its label says 4.")
    next(one for one in at.button if one.label == "Another one").click().run()
    assert next(one.value for one in at.caption if "Its label says" in one.value) != first
    assert any(word in at.metric[0].delta for word in ("right", "wrong: it is 4"))


def test_a_digit_that_no_test_image_shows_is_said(
    open_page: OpenPage, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    train()
    monkeypatch.setattr("pages.lab.draw.digit.sample", lambda *_: np.empty(0, np.int64))
    at = open_page(PAGE)
    at.button_group(key="draw_source").set_value("sample").run()
    at.button_group(key="draw_digit").set_value(4).run()
    assert not at.exception
    assert "There is no 4 among the test images" in at.error[0].value
    assert not at.info, "one sentence is enough"


def test_any_digit_is_one_that_there_is(open_page: OpenPage, train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    train()
    few = replace(load("digits"), test_images=load("digits").test_images[:2], test_labels=np.array([3, 8]))
    monkeypatch.setattr("pages.lab.draw.digit.dataset", lambda _name: few)
    at = open_page(PAGE)
    at.button_group(key="draw_source").set_value("sample").run()
    for label in (3, 8, 3):
        assert not at.error
        assert any(caption.value.endswith(f"Its label says {label}.") for caption in at.caption)
        next(one for one in at.button if one.label == "Another one").click().run()
    at.button_group(key="draw_digit").set_value(4).run()
    assert "There is no 4 among the test images" in at.error[0].value


def test_unknown_run_in_the_link_gives_a_notice(open_page: OpenPage, train: Train) -> None:
    train()
    at = open_page(PAGE, run="ffffffffffff")
    assert "not here" in at.warning[0].value


def test_only_runs_with_a_result_are_offered(open_page: OpenPage, train: Train, without_result: WithoutResult) -> None:
    judged = train()
    without_result()
    menu = open_page(PAGE).multiselect(key="draw_runs")
    assert menu.value == [judged.run_id]
    assert len(menu.options) == 1


@pytest.mark.parametrize(
    ("status", "says"),
    [("stopped", "without a result"), ("diverged", "without a result"), ("queued", "no result yet")],
)
def test_a_link_to_a_run_without_a_result_says_so_and_falls_back(
    open_page: OpenPage, train: Train, without_result: WithoutResult, status: str, says: str
) -> None:
    run = without_result()[status]
    at = open_page(PAGE, run=run.run_id)
    assert says in at.warning[0].value
    assert at.info[0].value == "No run has a result yet."
    judged = train()
    at = open_page(PAGE, run=run.run_id)
    assert says in at.warning[0].value
    assert at.multiselect(key="draw_runs").value == [judged.run_id]


def test_the_field_takes_exactly_what_the_reader_takes(open_page: OpenPage, train: Train) -> None:
    train()
    at = open_page(PAGE)
    at.button_group(key="draw_source").set_value("file").run()
    assert at.file_uploader[0].proto.max_upload_size_mb * 2**20 == MAX_UPLOAD_BYTES


def test_what_looks_like_no_digit_is_said_once_and_how_sure_each_run_is_is_not(
    open_page: OpenPage, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [train("mlp", name="first"), train("softmax", name="second")]
    query = {"run": ",".join(run.run_id for run in runs)}
    at = draw(open_page(PAGE, **query), png(canvas(rasterise(TRIANGLE))))
    assert not at.warning, "without the judge nothing is said"
    monkeypatch.setenv("DIGIT_LAB_REFERENCE_RUNS", str(ASSETS))
    judge.clear()
    at = draw(at, png(canvas(rasterise(TRIANGLE))))
    assert [warning.value.partition(".")[0] for warning in at.warning] == ["This does not look like a digit"]
    assert not any(metric.delta for metric in at.metric)
    assert len(at.get("html")) == 2, "the bars stay"
    (how,) = (caption.value for caption in at.caption if "scribbles, shapes and pairs" in caption.value)
    assert "55,000 training images of MNIST" in how
    assert "99.4 of 100 real digits pass (2,500 validation images" in how
    at = draw(at, png(canvas(rasterise(SEVEN))))
    assert not at.warning
    assert all(metric.delta.endswith("sure") for metric in at.metric)
    at.toggle(key="draw_crop").set_value(False).run()
    assert not at.warning, "the judge sees the drawing prepared, whatever is switched off"
    at.toggle(key="draw_crop").set_value(True).run()
    at.button_group(key="draw_source").set_value("sample").run()
    assert at.metric[0].delta.partition(", ")[2] in ("right", *(f"wrong: it is {digit}" for digit in range(10)))
    at.button_group(key="draw_source").set_value("file").run()
    at.file_uploader[0].upload("two.png", png(255 - np.hstack([rasterise(SEVEN, width=4)] * 2))).run()
    assert not any(metric.delta for metric in at.metric), "the form says that it may be two digits"
    assert len(at.warning) == 1


def test_pixels_that_speak_for_the_answers_are_shown_on_demand(open_page: OpenPage, train: Train) -> None:
    runs = [train("mlp", name="first"), train("softmax", name="second")]
    query = {"run": ",".join(run.run_id for run in runs)}
    at = draw(open_page(PAGE, **query), png(canvas(rasterise(SEVEN))))
    n_images = len(at.get("image"))
    at.toggle(key="draw_pixels").set_value(True).run()
    assert not at.exception
    assert at.query_params["pixels"] == "1"
    assert len(at.get("image")) == n_images + 2
    captions = [caption.value for caption in at.caption]
    assert sum(caption.startswith("What speaks for a ") for caption in captions) == 2
    assert any(caption.startswith("Integrated gradients: ") and "the same for all" in caption for caption in captions)
    at.toggle(key="draw_pixels").set_value(False).run()
    assert "pixels" not in at.query_params
    assert at.toggle(key="draw_pixels").value is False
    linked = draw(open_page(PAGE, **query, pixels="1"), png(canvas(rasterise(SEVEN))))
    assert linked.toggle(key="draw_pixels").value is True
