"""Runs that were judged on the older split say so wherever their figures stand, and share no table with newer ones."""

from __future__ import annotations

import pytest

from core import data
from core.config import run_config
from core.data import DATASETS
from core.runs.rows import Run
from core.runs.worker import drive
from pages.shared import services
from tests.pages.conftest import OpenPage, Train, show_part, words

SENTENCE = DATASETS["digits"].older_split


@pytest.fixture
def older_run() -> Run:
    store = services.store()
    config = run_config("mlp", {"dataset": "digits", "n_train": 300, "epochs": 2, "batch_size": 32})
    run_id = store.create(config, name="before", request="pause")
    older = data.load("digits").older
    assert older is not None
    return drive(store, run_id, lambda name: older)


def test_its_figures_and_its_images_are_still_there(open_page: OpenPage, older_run: Run) -> None:
    at = open_page("pages/lab/mistakes/page.py")
    assert at.selectbox(key="mistakes_run").options == [
        f"before: {100 * older_run.summary['test_acc']:.2f} % of 360 test images (older split)"
    ]
    assert SENTENCE in words(at)
    assert "n = 360 images" in words(at)
    assert "not here any more" not in words(at)
    assert SENTENCE in words(open_page("pages/lab/train/page.py", run=older_run.run_id))


def test_it_is_ranked_apart_from_newer_ones(open_page: OpenPage, older_run: Run, train: Train) -> None:
    train(name="after")
    at = open_page("pages/lab/compare/page.py")
    menu = at.selectbox(key="board_images")
    assert menu.options == ["Embedded digits", "Embedded digits, older split"]
    assert at.dataframe[0].value["name"].tolist() == ["after"]
    menu.set_value("Embedded digits, older split").run()
    assert at.dataframe[0].value["name"].tolist() == ["before"]
    assert SENTENCE in words(at)


def test_it_is_not_compared_with_newer_ones(older_run: Run, train: Train) -> None:
    newer = train(name="after")
    sentences = words(show_part("pairing", newer, older_run))
    assert "before reads other test images (Embedded digits, older split, n = 360) than after" in sentences
    sentences = words(show_part("overlay", newer, older_run))
    assert "different images (Embedded digits; Embedded digits, older split)" in sentences
    assert show_part("pareto", newer, older_run).segmented_control(key="pareto_images").options == [
        "Embedded digits", "Embedded digits, older split",
    ]  # fmt: skip
