"""The bench of robustness: it says in a line what it lacks, and measures the runs that it names as it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import robustness
from core.inspect.distortions import DISTORTIONS
from core.runs import shipped
from core.runs.store import Store

REFERENCE_RUNS = Path(__file__).parents[2] / "assets" / "reference_runs"


def test_without_mnist_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert robustness.main(["--quick"]) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 1)


def test_it_measures_five_runs_that_come_with_the_program(tmp_path: Path) -> None:
    store = Store(tmp_path / "runs")
    shipped.adopt(store, REFERENCE_RUNS)
    as_they_are, once = (robustness.predictors(store, views) for views in (None, 1))
    store.close()
    assert set(as_they_are) == set(once) == set(robustness.RUNS)
    assert [as_they_are[name].config.training.tta_views for name in robustness.RUNS] == [1, 1, 9, 9, 9]
    assert {predictor.config.training.tta_views for predictor in once.values()} == {1}
    assert len(DISTORTIONS.keys() - {robustness.LEFT_OUT}) == 8
