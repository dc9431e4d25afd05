"""Robustness: the same distorted test images for every run, measured beside the page, kept, and shown at once the next time."""

from __future__ import annotations

from core.data import load
from core.data.own_digits import own_digits
from core.inspect.distortions import moved
from pages.lab.robustness.one_digit import REACH
from pages.shared import services
from pages.shared.carried import packed
from tests.pages.conftest import OpenPage, Train, words

PAGE = "pages/lab/robustness/page.py"


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
