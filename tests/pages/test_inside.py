"""Inside: a digit goes in, drawn, by a link, ready-made or from the test images, and every layer of the chosen networks is
shown."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core import models
from core.data import load
from core.data.drawn import to_digit
from core.data.own_digits import own_digits
from core.data.strokes import rasterise
from core.errors import DataError
from core.inspect.arithmetic import Gate, RecurrentStep
from core.inspect.layer_pictures import layer_pictures
from pages.lab.inside import mind, step
from pages.lab.inside.layer_words import layer_sentence
from pages.lab.inside.network import layers
from pages.lab.inside.unit import in_numbers
from pages.lab.inside.views import VIEWS
from pages.shared import services
from pages.shared.carried import packed, unpacked
from pages.shared.digit_choice import FIRST_DIGIT
from tests.pages.conftest import OpenPage, Train, words
from tests.pages.test_draw import SEVEN, canvas, draw, png

ROOT = Path(__file__).parents[2]
PAGE, DRAW = "pages/lab/inside/page.py", "pages/lab/draw/page.py"
READY_MADE = {digit.label: packed(digit.image) for digit in own_digits()}
# As the server runs it, but for the warm-up that loads torch beside the first page.
FIRST_PAINT = """
import sys
from streamlit.testing.v1 import AppTest
from pages.shared import services
services.warm_up = lambda: None
at = AppTest.from_file("streamlit_app.py", default_timeout=60).run()
at.switch_page("pages/lab/inside/page.py").run()
assert not at.exception, at.exception
print(len(at.get("image")), at.metric[0].label, at.metric[0].value, "torch" in sys.modules, sep="|")
"""


@pytest.mark.parametrize("image", [np.zeros((28, 28), np.uint8), load("digits").test_images[3],
                                   np.random.default_rng(0).integers(0, 256, (28, 28)).astype(np.uint8)])  # fmt: skip
def test_a_digit_in_an_address_is_the_same_digit(image: np.ndarray) -> None:
    assert np.array_equal(unpacked(packed(image)), image)


@pytest.mark.parametrize(
    "text",
    ["", "x", "é", "A" * 5_000, packed(load("digits").test_images[0])[:-9], packed(np.zeros((28, 28), np.uint8)) + "AA",
     packed(np.zeros((9_000, 28), np.uint8)), packed(np.zeros((2, 28), np.uint8))],
)  # fmt: skip
def test_what_is_no_digit_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="can not be read"):
        unpacked(text)


def test_the_first_picture_of_a_shipped_network_needs_no_torch(tmp_path: Path) -> None:
    env = os.environ | {
        "DIGIT_LAB_RUNS": str(tmp_path), "DIGIT_LAB_REFERENCE_RUNS": str(ROOT / "assets" / "reference_runs"),
        "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    shown = subprocess.run(
        [sys.executable, "-c", FIRST_PAINT], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.strip().replace("\\", "") == "8|Compact CNN (shipped) reads|3|False", "the middle is folded"


def test_it_opens_on_a_digit_and_a_network_and_shows_every_layer(open_page: OpenPage, train: Train) -> None:
    run, digit = train("cnn", epochs=1, max_steps=2, n_train=64, tta_views=5), load("digits").test_images[7]
    at = open_page(PAGE, run=run.run_id, digit=packed(digit))
    assert "**2. Max pooling 2 × 2, ReLU**: 32 × 14 × 14, the first 16 of 32. Of each small square" in words(at)
    assert len(at.get("image")) == 8  # the digit, and a picture for each layer
    probs = services.predictor(run).probabilities(digit[None])[0]
    assert (at.metric[0].label, at.metric[0].value) == (f"{run.label} reads", str(probs.argmax()))
    assert f"{100 * probs.max():.1f} % sure" in at.metric[0].delta
    assert f"{100 * probs.max():.1f} %" in at.get("html")[-1].proto.body
    assert "It looks 5 times, each time with the digit moved a little" in words(at)
    at.toggle(key="inside_all").set_value(True).run()
    assert "the first 16" not in words(at)
    assert at.query_params["digit"] == packed(digit)
    at.segmented_control(key="inside_shown").set_value("numbers").run()
    tables = [table.value for table in at.table]
    assert [table.shape for table in tables] == [(10, 3), (32, 5), (16, 5)]
    assert list(tables[0]["Digit"]) == [str(i) for i in range(10)]
    assert f"{tables[1].iloc[0, 1]}" in (text := f"{layers(run, digit)[4].values[0]:.3g}") or text == "0"
    assert "**7. Dense**: the ten scores" in words(at), "counted as in the other views"
    assert "too many for a table: 1. Convolution 3 × 3: 32 × 28 × 28" in words(at)


def test_the_digit_is_the_drawn_one_a_ready_made_one_or_a_test_image(open_page: OpenPage, train: Train) -> None:
    train("softmax", epochs=1)
    at = open_page(PAGE)
    assert at.query_params["digit"] == READY_MADE[FIRST_DIGIT]
    at.pills(key="inside_own").set_value(7).run()
    assert at.query_params["digit"] == READY_MADE[7]
    assert "A 7 that came with Digit Lab." in words(at)
    at.button[0].click().run()  # another one
    assert at.query_params["digit"] not in READY_MADE.values()
    assert "Test image" in words(at)
    at.switch_page(DRAW).run()
    draw(at, png(canvas(rasterise(SEVEN))))
    at.switch_page(PAGE).run()
    drawn = packed(to_digit(rasterise(SEVEN)).image)
    assert at.query_params["digit"] == drawn
    assert "What you drew last." in words(at)
    at.pills(key="inside_own").set_value(0).run()
    assert at.query_params["digit"] == READY_MADE[0], "the drawing is taken once"
    at.button[0].click().run()  # what was drawn
    assert at.query_params["digit"] == drawn


def test_a_damaged_link_is_said_and_another_digit_taken(open_page: OpenPage, train: Train) -> None:
    train("softmax")
    at = open_page(PAGE, digit="javascript:alert(1)")
    assert "can not be read" in at.warning[0].value
    assert at.query_params["digit"] == READY_MADE[FIRST_DIGIT]


def test_what_speaks_for_an_answer_is_shown_for_each_network_or_why_not(open_page: OpenPage, train: Train) -> None:
    runs = [train(name, epochs=1, max_steps=2, n_train=64) for name in ("softmax", "cnn")]
    at = open_page(
        PAGE, run=",".join(run.run_id for run in runs), digit=packed(load("digits").test_images[7]), view="why"
    )
    assert len(at.get("plotly_chart")) == 2
    assert words(at).count("they miss it by") == 2
    at.segmented_control(key="inside_method").set_value("grad-cam").run()
    assert len(at.get("plotly_chart")) == 1
    assert "needs feature maps" in words(at)
    at.toggle(key="inside_redrawn").set_value(True).run()
    assert not at.exception
    assert words(at).count("**, before it learned") == 2


def test_weights_are_shown_where_they_are_pictures(open_page: OpenPage, train: Train) -> None:
    names = ("softmax", "cnn", "vit")
    runs = [train(name, epochs=1, max_steps=1, n_train=32) for name in names]
    at = open_page(PAGE, run=",".join(run.run_id for run in runs))
    folded = next(part for part in at.expander if part.label.startswith("Layers 5 to "))
    last, n = map(int, re.findall(r"\d+", folded.label)[1:])
    before = len(at.get("image"))
    at.session_state[f"inside_middle_{runs[2].run_id}"] = True
    at.run()
    assert len(at.get("image")) - before == last - 4 == n - 7, (
        "a deep network has its middle folded away, and not drawn"
    )
    at.segmented_control(key="inside_shown").set_value("weights").run()
    assert not at.exception
    assert "One template for each digit, from 0 to 9" in words(at)
    assert "**3. Convolution 3 × 3**: 64 pictures of 3 × 3, the first 16 of 64" in words(at)
    assert "**5. Attention**: 4 heads" in words(at)
    assert "Here for input 0 of 32" in words(at)
    assert words(at).count("the patch with the frame (row 2, column 0)") == 4
    at.number_input(key="inside_kernel_input").set_value(31)
    at.number_input(key="inside_asking_patch").set_value(7)
    at.segmented_control(key="inside_range").set_value("all").run()
    assert not at.exception
    assert "Here for input 31 of 32" in words(at)
    assert words(at).count("the patch with the frame (row 1, column 3)") == 4


# View -> what a link says of it, and the session's value of a widget for each.
LINKS = {
    "layers": {"show": ("inside_shown", "weights"), "range": ("inside_range", "all"), "all": ("inside_all", True),
               "input": ("inside_kernel_input", 3)},
    "unit": {"network": ("inside_network", "RUN"), "layer": ("inside_layer_RUN", 1), "unit": ("inside_unit_RUN_1", 5),
             "row": ("inside_row_RUN_1", 2), "column": ("inside_column_RUN_1", 4)},
    "why": {"method": ("inside_method", "occlusion"), "for": ("inside_target", 4), "redrawn": ("inside_redrawn", True),
            "common": ("inside_common", True)},
    "mind": {"nearest": ("inside_metric", "euclidean"), "change": ("inside_attack", "fgsm"), "dream": ("inside_dream", 7)},
    "step": {"network": ("inside_network", "RUN"), "batch": ("inside_step_turn", 2)},
}  # fmt: skip


def test_a_link_opens_the_very_choices_of_each_view(
    open_page: OpenPage, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mind, "COMPARED_IMAGES", 100)
    small = {"epochs": 1, "max_steps": 1, "n_train": 32}
    runs = [
        train("softmax", **small, label_smoothing=0.1, l1=1e-4),
        train("cnn", channels=(8, 8), widths=(16,), **small),
    ]
    at = open_page(PAGE, run=",".join(run.run_id for run in runs), view="step")
    assert "With L1 penalty (0.0001) and label smoothing (0.1), which this network learned with" in words(at)
    everywhere = {"run", "digit", "view"}
    assert set(at.query_params) == everywhere
    for view, choices in LINKS.items():
        values = {name: (key.replace("RUN", runs[1].run_id), runs[1].run_id if value == "RUN" else value)
                  for name, (key, value) in choices.items()}  # fmt: skip
        at.query_params["view"] = view
        for name, (_, value) in values.items():
            at.query_params[name] = "yes" if value is True else str(value)
        at.run()
        assert not at.exception, at.exception
        for name, (key, value) in values.items():
            assert at.session_state[key] == value, name
        assert set(at.query_params) - everywhere == set(values), "nothing of another view stays in the address"
    assert "that it is a 7" not in words(at)
    assert "The loss of the batch, the mean of these losses, is" in words(at), "nothing is added to that of the CNN"
    at.button[-1].click().run()  # other images
    assert at.query_params["batch"] == "3"
    at.query_params.update({"view": "unit", "layer": "99", "unit": "x"})
    at.run()
    assert not at.exception
    assert at.query_params["layer"] == "1", "what a link can not ask for changes nothing"


def test_a_loss_that_rises_by_a_step_is_explained(open_page: OpenPage, train: Train) -> None:
    run = train("softmax", epochs=1, max_steps=1, n_train=32, optimizer="sgd", lr=10.0, schedule="cosine")
    at = open_page(PAGE, run=run.run_id, view="step")
    assert "It rose: from" in words(at)
    assert "The step was too long" in words(at)
    assert "had made the learning rate smaller by its end" in words(at)
    assert not [link for link in at.get("page_link") if "small network" in link.proto.label], "it is one"
    at = open_page(PAGE, run=train("mlp", epochs=1, max_steps=1, n_train=32).run_id, view="step")
    (link,) = [link for link in at.get("page_link") if "small network" in link.proto.label]
    assert "architecture=softmax" in link.proto.query_string, "no small one came with the images that are here"


def every_view(run_id: str, views: list[str], shown: str) -> None:
    """What ``test_every_view_opens_for_every_architecture`` runs: all views, one below the other."""
    from importlib import import_module

    import streamlit as st

    from core.data.own_digits import own_digits
    from pages.shared.services import get_ready, store

    get_ready()
    st.session_state["inside_shown"] = shown
    for view in views:
        import_module(f"pages.lab.inside.{view}").show([store().run(run_id)], own_digits()[2].image)


@pytest.mark.parametrize("architecture", list(models.TABLE))
def test_every_view_opens_for_every_architecture(
    architecture: str, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mind, "COMPARED_IMAGES", 100)
    monkeypatch.setattr(step, "SMALL", 10**9)  # a view alone has no pages that a link could lead to
    run = train(architecture, epochs=1, max_steps=1, n_train=32, snapshots="epochs")
    for views, shown in ((list(VIEWS), "layers"), (["layers"], "weights"), (["layers"], "numbers")):
        at = AppTest.from_function(every_view, args=(run.run_id, views, shown), default_timeout=60).run()
        assert not at.exception, (shown, at.exception)
        assert not at.error, (shown, at.error)
    made = layers(run, own_digits()[2].image)
    assert not [layer.title for layer in made if not layer_sentence(layer_pictures(layer))]


def test_the_sum_behind_a_number_can_be_checked(open_page: OpenPage, train: Train) -> None:
    run = train("cnn", epochs=1, max_steps=2, n_train=64)
    at = open_page(PAGE, run=run.run_id, view="unit", digit=packed(load("digits").test_images[7]))
    assert "The sum of 9 products" in words(at)  # of a window of 3 by 3 over one image
    at.selectbox(key=f"inside_layer_{run.run_id}").set_value(6).run()
    assert "The sum of 64 products" in words(at)
    strongest = np.abs(layers(run, load("digits").test_images[7])[6].values).argmax()
    assert f"at unit {strongest} comes about" in words(at)


@pytest.mark.parametrize(
    ("gates", "cells", "sentence"),
    [(["new state"], (None, None), "tanh(0.5 + −0.25 + 0) = 0.3"),
     (["reset gate", "update gate", "candidate"], (None, None), "(1 − 0.25) × 0.75 + 0.25 × −0.1 = 0.3"),
     (["input gate", "forget gate", "candidate", "output gate"], (0.5, 0.625),
      "cell 0.25 × 0.5 + 0 × 0.75 = 0.625, state 1 × tanh(0.625) = 0.3")],
)  # fmt: skip
def test_a_step_of_a_memory_stands_there_in_numbers(
    gates: list[str], cells: tuple[float | None, float | None], sentence: str
) -> None:
    values = iter((0.0, 0.25, 0.75, 1.0))
    made = tuple(Gate(name, 0.5, -0.25, 0.0, next(values)) for name in gates)
    step = RecurrentStep(np.zeros(1, np.float32), np.zeros(1, np.float32), made, "", *cells, 0.3)
    assert in_numbers(step, -0.1) == sentence
