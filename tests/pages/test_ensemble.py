"""The ensemble: one more row by averaged probabilities, compared with a network that validation chose."""

from __future__ import annotations

import dataclasses

import pytest

from core.analysis.metrics import wilson
from core.analysis.pairs import ensemble
from core.runs.rows import Run
from pages.lab.compare.ensemble import best_single
from pages.shared import services
from pages.shared.answered import RunAnswers
from tests.pages.conftest import Train
from tests.pages.test_pairing import compare, right, table, words


@pytest.fixture
def two(train: Train) -> list[Run]:
    return [train("softmax", name="plain"), train("mlp", name="deep", epochs=3)]


def test_an_ensemble_of_all_is_one_more_row_with_its_interval(two: list[Run]) -> None:
    rows = table(compare(*two), "Right").set_index("Network")
    evaluations = [services.evaluation(run, "test") for run in two]
    together = ensemble([one.logits for one in evaluations if one]).argmax(axis=1)
    n_right = int((together == evaluations[0].labels).sum())  # type: ignore[union-attr]
    assert rows.loc["Ensemble", "Right"] == n_right
    assert rows.loc["Ensemble", ["from", "to"]].tolist() == pytest.approx([100 * end for end in wilson(n_right, 382)])
    for run in two:
        assert rows.loc[run.name, "Test accuracy"] == pytest.approx(100 * run.summary["test_acc"])
        assert rows.loc[run.name, "Validation accuracy"] == pytest.approx(100 * run.summary["val_acc"])


def test_an_ensemble_of_one_is_that_run(two: list[Run]) -> None:
    key = f"ensemble_{two[0].run_id}-{two[1].run_id}"
    at = compare(*two, **{key: [two[1].run_id]})
    rows = table(at, "Right").set_index("Network")
    assert rows.index.tolist() == ["deep", "Ensemble"]
    assert rows.loc["deep", "Right"] == rows.loc["Ensemble", "Right"]
    assert "that network itself" in words(at)
    assert "Nobody votes" in words(at.button_group(key=key).set_value([]).run())


def test_the_best_single_network_is_chosen_by_validation_never_by_test(two: list[Run]) -> None:
    summaries = [
        {"val_acc": 0.9, "val_loss": 0.5, "test_acc": 0.1},
        {"val_acc": 0.8, "val_loss": 0.1, "test_acc": 0.99},
    ]
    members = [
        RunAnswers(dataclasses.replace(run, summary=summary), run.name, None, right(run))  # type: ignore[arg-type]
        for run, summary in zip(two, summaries, strict=True)
    ]
    assert best_single(members) is members[0]
    equal = [
        dataclasses.replace(one, run=dataclasses.replace(one.run, summary={"val_acc": 0.9, "val_loss": loss}))
        for one, loss in zip(members, (None, 0.3), strict=True)
    ]
    assert best_single(equal) is equal[1], "a loss that is no number is the worst of all"
    assert (
        best_single([dataclasses.replace(one, run=dataclasses.replace(one.run, summary={})) for one in members]) is None
    )


def test_without_validation_images_nobody_is_called_the_best(train: Train) -> None:
    runs = [train("softmax", val_fraction=0.0, name="a"), train("softmax", val_fraction=0.0, seed=1, name="b")]
    assert "no fair way" in words(compare(*runs))
