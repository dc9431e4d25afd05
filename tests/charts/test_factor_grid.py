"""The map of a grid: every cell with its figures, where four of them meet what was judged, readable on any page."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.charts.confusion import INK
from core.charts.factor_grid import SHADES, GridAxis, describe_factor_grid, factor_grid
from tests.charts.eyes import EYES, contrast, difference
from tests.charts.reading import figures

ROWS = GridAxis("dropout", "", ("0", "<b>0.3</b>"))
COLUMNS = GridAxis("training images", "images", ("100", "300", "all"))
CELLS = pd.DataFrame(
    {
        "mean": [0.9, 0.95, 0.97, 0.91, 0.955, np.nan], "sd": [0.01, 0.002, np.nan, 0.01, 0.01, np.nan],
        "n": [6, 6, 1, 6, 5, 0], "planned": [6] * 6,
    }
)  # fmt: skip
PAGES = {False: "#ffffff", True: "#0e1117"}


def shade(end: int, dark: bool) -> str:
    """What a cell looks like on a page: the lowest mean (0) or the highest (1)."""
    *rgb, alpha = (float(part) for part in SHADES[end][1].removeprefix("rgba(").removesuffix(")").split(","))
    page = [int(PAGES[dark][i : i + 2], 16) for i in (1, 3, 5)]
    return "#" + "".join(
        f"{round(alpha * over + (1 - alpha) * under):02x}" for over, under in zip(rgb, page, strict=True)
    )


def test_each_cell_stands_at_its_values_with_its_figures() -> None:
    fig = factor_grid(CELLS, ROWS, COLUMNS, ["interact", "unknown"])
    shades, texts, claimed, open_ = fig.data
    assert np.asarray(shades.z)[:, :2] == pytest.approx(np.array([[90, 95], [91, 95.5]]))
    assert (shades.zmin, shades.zmax) == (pytest.approx(90), pytest.approx(97))
    assert list(zip(texts.x, texts.y, strict=True))[:4] == [(0, 0), (1, 0), (2, 0), (0, 1)]
    assert texts.text[0] == "<b>90.00 %</b><br>± 1.00<br>6 seeds"
    assert texts.text[2] == "<b>97.00 %</b><br>1 of 6 seeds"
    assert texts.text[5] == "–<br>0 of 6 seeds"
    assert texts.customdata[3] == "dropout &lt;b&gt;0.3&lt;/b&gt;, training images 100"
    assert (claimed.name, claimed.x, claimed.y) == ("effects do not add up", (0.5,), (0.5,))
    assert (open_.name, open_.x, open_.y) == ("can not be told", (1.5,), (0.5,))
    assert (fig.layout.xaxis.title.text, fig.layout.yaxis.title.text) == ("Training images (images)", "Dropout: value")
    assert fig.layout.yaxis.range == (1.5, -0.5), "the first value on top"
    assert fig.layout.yaxis.ticktext == ("0", "&lt;b&gt;0.3&lt;/b&gt;")


def test_nothing_known_yet_and_all_alike_are_drawn_too() -> None:
    for value in (np.nan, 0.5):
        fig = factor_grid(CELLS.assign(mean=value), ROWS, COLUMNS, ["unknown"] * 2)
        assert fig.data[0].zmin < fig.data[0].zmax
    assert "no run has finished yet" in describe_factor_grid(
        CELLS.assign(mean=np.nan), ROWS, COLUMNS, split="test", n_images=10
    )


def test_the_description_names_the_highest_and_the_lowest_cell() -> None:
    sentence = describe_factor_grid(CELLS, ROWS, COLUMNS, split="test", n_images=10_000)
    assert figures(sentence) == ["0", "6", "10,000", "6", "97.00 %", "0", "90.00 %", "0", "100"]
    assert "97.00 % with dropout 0 and training images all" in sentence


@pytest.mark.parametrize("dark", [False, True])
def test_numbers_can_be_read_on_every_shade_and_all_eyes_tell_low_from_high(dark: bool) -> None:
    assert factor_grid(CELLS, ROWS, COLUMNS, ["unknown"] * 2, dark=dark).data[1].textfont.color == INK[dark]
    assert min(contrast(INK[dark], shade(end, dark)) for end in (0, 1)) > 7
    assert min(difference(shade(0, dark), shade(1, dark), eyes) for eyes in EYES) > 20
