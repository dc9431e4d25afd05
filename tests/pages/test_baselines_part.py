"""The baselines on the Architectures page: measured by one press, once per server, never beside a training."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.config import run_config
from core.data import mnist
from core.data.config import DataConfig
from core.data.dataset import Dataset
from core.experiments.baselines import BASELINES, baseline
from pages.shared import measuring, services
from tests.pages.conftest import OpenPage, words

PAGE = "pages/learn/architectures/page.py"
BUTTON = "baselines_measure"


def rows(at: AppTest) -> dict[str, list[str]]:
    """Title of a baseline -> the other cells of its row; all of them are grey."""
    cells_by_title = {}
    for row in at.table[0].value.itertuples(index=False):
        assert all(cell.startswith(":gray[") and cell.endswith("]") for cell in row)
        title, *others = (cell.removeprefix(":gray[").removesuffix("]") for cell in row)
        cells_by_title[title] = others
    return cells_by_title


def offers(at: AppTest) -> bool:
    return BUTTON in [button.key for button in at.button]


def test_baselines_are_listed_with_their_texts_and_nothing_is_measured_unasked(open_page: OpenPage) -> None:
    at = open_page(PAGE)
    assert list(rows(at)) == [one.title for one in BASELINES.values()]
    assert all(cells[-2:] == ["not measured yet"] * 2 for cells in rows(at).values())
    assert at.button(key=BUTTON).label == "Measure on the embedded digits"
    assert "so their rows are grey" in words(at)
    for record in BASELINES.values():
        assert f"#### {record.title}" in words(at)


def test_one_press_measures_both_for_everybody(open_page: OpenPage, digits: Dataset) -> None:
    at = open_page(PAGE)
    at.button(key=BUTTON).click().run()
    assert not at.exception, at.exception
    for visitor in (at, open_page(PAGE)):
        cells_by_title = rows(visitor)
        for name, record in BASELINES.items():
            score = baseline(name, digits, DataConfig(), "test").score
            kept, accuracy, time = cells_by_title[record.title]
            assert accuracy == f"{100 * score.accuracy:.2f} % of 382"
            assert time.endswith(" s")
            # 1,415 images less the two forms that are held out, and one for each of ten digits; 784 numbers of 4 bytes
            assert kept.endswith("(1,157 × 784 numbers, 3,628 kB)" if name == "knn" else "(10 × 784 numbers, 31 kB)")
        assert "Measured on the embedded digits with 1 thread: compared with 1,157 training images" in words(visitor)
    assert not offers(visitor), "there is nothing left to measure"


def test_baselines_wait_for_a_training(open_page: OpenPage) -> None:
    run_id = services.store().create(run_config("mlp", {}))
    at = open_page(PAGE)
    assert at.button(key=BUTTON).disabled
    # the same reason as for the speed of the networks
    assert words(at).count("Measuring has to wait: a network is being trained") == 2
    services.store().request(run_id, "stop")
    at.run()
    assert not at.button(key=BUTTON).disabled
    assert "has to wait" not in words(at)


def test_two_visitors_do_not_measure_at_once(open_page: OpenPage) -> None:
    at = open_page(PAGE)
    with measuring.benchmark_lock() as mine:
        assert mine
        at.button(key=BUTTON).click().run()
    assert "Somebody else is measuring at the moment." in words(at)
    at.button(key=BUTTON).click().run()
    assert not offers(at.run())


def test_damaged_files_are_named_in_a_sentence(
    open_page: OpenPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "data" / "mnist"
    folder.mkdir(parents=True)
    for name in mnist.FILES:
        (folder / name).write_bytes(b"nothing")
    at = open_page(PAGE)
    assert at.button(key=BUTTON).label == "Measure on MNIST"
    at.button(key=BUTTON).click().run()
    assert not at.exception
    assert len(at.error) == 1
    assert offers(at)
