"""When digits were learned and how often they were forgotten, drawn as told."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.charts.forgetting import LearnedRun, describe_forgetting, describe_learned, forgetting_bars, learned_curves
from core.charts.looks import look
from tests.charts.reading import figures

IMAGES = pd.DataFrame({"first": [0, 0, 1, 1, 1, 3, np.nan, np.nan], "forgotten": [0, 4, 1, 2, 3, 0, 0, 0]})


def run(name: str = "CNN", number: int = 0) -> LearnedRun:
    return LearnedRun(name, look("blue", number, 0), np.arange(5.0), IMAGES)


def test_the_curve_counts_every_image_from_its_first_right_answer_on() -> None:
    (line,) = learned_curves([run()]).data
    assert line.x.tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_allclose(line.y, 100 * np.array([2, 5, 5, 6, 6]) / 8)


def test_bars_add_up_and_never_learned_is_not_never_forgotten() -> None:
    (bars,) = forgetting_bars([run()]).data
    assert list(bars.x) == ["0", "1", "2", "3+", "never<br>learned"]
    assert bars.customdata.tolist() == [2, 1, 1, 2, 2]
    np.testing.assert_allclose(bars.y, [25, 12.5, 12.5, 25, 25])


def test_runs_are_told_apart_by_colour_and_filling() -> None:
    first, second = forgetting_bars([run(), run("MLP", 1)]).data
    assert first.marker.color != second.marker.color
    assert first.marker.pattern.shape != second.marker.pattern.shape


def test_a_run_that_is_just_judged_once_is_drawn() -> None:
    once = LearnedRun("CNN", look("blue", 0, 0), np.array([0.0]), IMAGES)
    assert len(learned_curves([once]).data[0].x) == 1
    assert figures(describe_learned([once]), "CNN") == ["CNN", "25.00 %", "0"]


def test_the_descriptions_carry_the_numbers() -> None:
    assert figures(describe_learned([run()]), "CNN") == ["CNN", "62.50 %", "1", "75.00 %", "4"]
    assert figures(describe_forgetting([run()]), "CNN") == ["CNN", "4", "8", "2"]
