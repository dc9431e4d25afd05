"""Inside: a digit goes in by a link or from the test images, and every layer of the chosen networks is shown."""

from __future__ import annotations

import numpy as np
import pytest

from core import models
from core.data import load
from core.errors import DataError
from pages.lab.inside.network import layers
from pages.lab.inside.views import VIEWS
from pages.shared import services
from pages.shared.carried import packed, unpacked
from tests.pages.conftest import OpenPage, Train, words

PAGE = "pages/lab/inside/page.py"


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


def test_it_opens_on_a_digit_and_a_network_and_shows_every_layer(open_page: OpenPage, train: Train) -> None:
    run, digit = train("cnn", epochs=1), load("digits").test_images[7]
    at = open_page(PAGE, run=run.run_id, digit=packed(digit))
    assert "Max pooling 2 × 2, ReLU: 32 × 14 × 14, the first 16 of 32" in words(at)
    assert len(at.get("image")) == 8  # the digit, and a picture for each layer
    probs = services.predictor(run).probabilities(digit[None])[0]
    assert f"{100 * probs.max():.1f} %" in at.get("html")[-1].proto.body
    at.toggle(key="inside_all").set_value(True).run()
    assert "the first 16" not in words(at)
    assert at.query_params["digit"] == packed(digit)
    at.button[0].click().run()  # another one
    assert at.query_params["digit"] != packed(digit)
    assert "Test image" in words(at)


def test_a_damaged_link_is_said_and_another_digit_taken(open_page: OpenPage, train: Train) -> None:
    train("softmax")
    at = open_page(PAGE, digit="javascript:alert(1)")
    assert "can not be read" in at.warning[0].value
    assert "Test image" in words(at)


def test_what_speaks_for_an_answer_is_shown_for_each_network_or_why_not(open_page: OpenPage, train: Train) -> None:
    runs = [train("softmax", epochs=1), train("cnn", epochs=1)]
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


@pytest.mark.parametrize("architecture", list(models.TABLE))
def test_every_view_opens_for_every_architecture(architecture: str, open_page: OpenPage, train: Train) -> None:
    run = train(architecture, epochs=1, max_steps=1, n_train=32)
    at = open_page(PAGE, run=run.run_id)
    for view in VIEWS:
        at.segmented_control(key="inside_view").set_value(view).run()
        assert not at.exception, (view, at.exception)
        assert not at.error, (view, at.error)


def test_the_sum_behind_a_number_can_be_checked(open_page: OpenPage, train: Train) -> None:
    run = train("cnn", epochs=1)
    at = open_page(PAGE, run=run.run_id, view="unit", digit=packed(load("digits").test_images[7]))
    assert "The sum of 9 products" in words(at)  # of a window of 3 by 3 over one image
    at.selectbox(key=f"inside_layer_{run.run_id}").set_value(6).run()
    assert "The sum of 64 products" in words(at)
    strongest = np.abs(layers(run, load("digits").test_images[7])[6].values).argmax()
    assert f"at unit {strongest} comes about" in words(at)
