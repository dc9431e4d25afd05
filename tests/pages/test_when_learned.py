"""When learned: every count on the page can be recomputed from what the store noted after each epoch."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.data.config import DataConfig
from core.data.split import split
from core.engine.events import ValidationHits
from core.runs import reading
from core.runs.rows import Run
from pages.lab.compare.when_learned import earlier, troublesome
from pages.shared import services
from tests.pages.conftest import Train, show_part, words

look = partial(show_part, "when_learned")


def pictures(at: AppTest) -> list[list[str]]:
    return [one.proto.imgs[0].alt.removeprefix("Images: ").split("; ") for one in at.get("image")]


def judged(run: Run) -> tuple[np.ndarray, np.ndarray]:
    return reading.validation_hits(services.store(), run.run_id)


@pytest.fixture
def two(train: Train) -> list[Run]:
    return [train("mlp", name="deep", epochs=4), train("softmax", name="plain", epochs=4)]


def test_counts_are_those_of_the_store(two: list[Run]) -> None:
    at = look(*two, when_learned_twin=True)
    rows = next(one.value for one in at.dataframe if "Learned in all" in one.value).set_index("Run")
    for run in two:
        _, right = judged(run)
        row = rows.loc[run.name]
        assert row["Images"] == right.shape[1] == run.summary["n_val"]
        assert row["Learned by the first epoch"] == right[0].sum()
        assert row["Learned in all"] == right.any(axis=0).sum()
        assert row["Never learned"] == (~right.any(axis=0)).sum()
        assert row["Forgotten at least once"] == (right[:-1] & ~right[1:]).any(axis=0).sum()
        assert row["Right after the last epoch"] == pytest.approx(100 * right[-1].mean())


def test_both_charts_tell_what_they_show(two: list[Run]) -> None:
    curves, bars = (one.proto.alt for one in look(*two).get("plotly_chart"))
    assert "read correctly at least once" in curves
    assert "forgot" in bars
    assert all(run.name in text for run in two for text in (curves, bars))


def test_hard_digits_are_a_column_per_run_and_a_row_per_digit(two: list[Run]) -> None:
    at = look(*two, when_learned_measure="never")
    percentages = at.dataframe[0].value
    assert percentages.index.tolist() == list(range(10))
    dataset = services.dataset("digits")
    labels = dataset.train_labels[split(dataset, DataConfig(**two[0].config["data"])).val]
    for run in two:
        never = ~judged(run)[1].any(axis=0)
        assert percentages[run.name].tolist() == pytest.approx(
            [100 * never[labels == digit].mean() for digit in range(10)]
        )
    assert "Hardest digit by this measure" in words(at)


def test_the_gallery_of_never_learned_digits_shows_exactly_those(two: list[Run]) -> None:
    at = look(*two[1:], when_learned_kind="never")
    never = ~judged(two[1])[1].any(axis=0)
    dataset = services.dataset("digits")
    labels = dataset.train_labels[split(dataset, DataConfig(**two[1].config["data"])).val]
    assert never.any(), "this test needs a digit that was never read"
    assert pictures(at)[0] == [f"{label}: never" for label in labels[never]][:24]


def test_the_worst_come_first() -> None:
    images = pd.DataFrame(
        {
            "index": range(5),
            "first": [1, 3, np.nan, 2, 3],
            "forgotten": [0, 1, 0, 2, 0],
            "right_share": [1, 0.2, 0, 0.5, 0.1],
            "last": [True, True, False, True, True],
        }
    )
    assert troublesome(images, "late")["index"].tolist() == [4, 1, 3]
    assert troublesome(images, "forgotten")["index"].tolist() == [3, 1]
    assert troublesome(images, "never")["index"].tolist() == [2]


def test_earlier_counts_epochs_and_never_is_later_than_any() -> None:
    a, b = (pd.DataFrame({"first": first}) for first in ([1, 2, np.nan, 1, np.nan], [3, 1, 2, np.nan, np.nan]))
    assert earlier(a, b).tolist() == [2, -1, -np.inf, np.inf, 0]
    assert earlier(b, a).tolist() == [-2, 1, np.inf, -np.inf, 0]


def test_early_for_one_and_late_for_the_other(two: list[Run]) -> None:
    at = look(*two)
    (_, deep), (_, plain) = map(judged, two)
    first = [np.where(right.any(axis=0), right.argmax(axis=0), 99) for right in (deep, plain)]
    assert f"A learned {(first[0] < first[1]).sum():,} earlier than B and B {(first[1] < first[0]).sum():,}" in words(
        at
    )
    at.selectbox(key="when_learned_a").set_value(two[1].run_id).run()
    assert at.selectbox(key="when_learned_b").value == two[0].run_id
    assert f"A learned {(first[1] < first[0]).sum():,} earlier than B" in words(at)


def test_runs_with_other_validation_images_are_not_set_against_each_other(two: list[Run], train: Train) -> None:
    other = train("mlp", name="other", val_fraction=0.1)
    at = look(two[0], other)
    assert "No other chosen run held out the same images as deep" in words(at)
    assert len(at.get("plotly_chart")) == 2


def test_runs_that_noted_nothing_are_named_and_left_out(two: list[Run], train: Train) -> None:
    blind = train("mlp", name="blind", val_fraction=0.0)
    at = look(blind, *two)
    assert "blind is left out" in words(at)
    assert "blind" not in at.get("plotly_chart")[0].proto.alt


def test_images_that_have_gone_leave_their_captions(two: list[Run], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pages.lab.compare.when_learned.pictures", lambda run, split, labels: None)
    at = look(*two)
    assert "only the answers" in words(at)
    assert not at.get("image")


def test_no_run_is_asked_for_one(two: list[Run]) -> None:
    assert "at least one run" in words(look())


def test_the_store_notes_every_whole_epoch(two: list[Run]) -> None:
    epochs, right = judged(two[0])
    assert epochs.tolist() == [1, 2, 3, 4]
    assert right[-1].mean() == pytest.approx(two[0].latest["val_acc"])
    assert ValidationHits.kind == "judged"
