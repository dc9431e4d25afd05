"""While it learned: networks go back through the weights that they kept, and the end is what every other page shows."""

from __future__ import annotations

import math

import numpy as np
import pytest

from core.data import load
from core.runs import snapshots
from core.runs.snapshots import Kept
from pages.lab.inside import rewind, rewind_reading
from pages.lab.inside.rewind import epoch_words, moment_words, nearest
from pages.lab.inside.rewind_reading import past, points_at
from pages.shared import services
from pages.shared.carried import packed
from tests.pages.conftest import OpenPage, Train, words

PAGE = "pages/lab/inside/page.py"


@pytest.mark.parametrize(
    ("kept", "sentence"),
    [(Kept(0, 0.0, 9), "before the first step"), (Kept(1, 1 / 860, 9), "after 1 step (0.0012 epochs)"),
     (Kept(64, 0.2977, 9), "after 64 steps (0.3 epochs)"), (Kept(2_000, 1.0, 9), "after 2,000 steps (1 epoch)"),
     (Kept(2_000, 12.5, 9), "after 2,000 steps (12.5 epochs)")],
)  # fmt: skip
def test_a_moment_is_said_in_words(kept: Kept, sentence: str) -> None:
    assert moment_words(kept) == sentence


def test_the_nearest_moment_is_counted_in_epochs() -> None:
    moments = (Kept(0, 0.0, 1), Kept(8, 0.5, 1), Kept(16, 1.0, 1))
    assert [nearest(moments, epoch).step for epoch in (0.0, 0.25, 0.3, 0.9, 7.0)] == [0, 0, 8, 16, 16]
    assert [epoch_words(epoch) for epoch in (0.004, 1.0, 3.0)] == ["0.004 epochs", "1 epoch", "3 epochs"]


def test_two_networks_go_back_together_and_end_where_every_page_stands(
    open_page: OpenPage, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    digit = load("digits").test_images[7]
    small = {"snapshots": "epochs", "channels": (4, 8), "batch_size": 64, "tta_views": 5}
    runs = [train("softmax", snapshots="epochs", name="Templates"), train("cnn", name="Kernels", **small)]
    at = open_page(PAGE, run=",".join(run.run_id for run in runs), view="rewind", digit=packed(digit))
    slider = at.select_slider[0]
    assert slider.options == ["before the first step", "after 1 epoch", "after 2 epochs"]

    shown = words(at)
    ends = [services.predictor(run) for run in runs]
    for run, end, metric in zip(runs, ends, at.metric, strict=True):
        probs = end.probabilities(digit[None])[0]
        assert (metric.label, metric.value) == (f"{run.label} reads", str(probs.argmax()))
        assert f"{100 * probs.max():.1f} % sure" in metric.delta
        entry = past(run)
        assert entry is not None
        n, n_bytes = len(entry.moments), sum(kept.bytes for kept in entry.moments)
        assert f"{run.label} keeps {n} moments, {n_bytes / 1e6:.1f} MB." in shown
        assert f"**{run.label}** reads {100 * run.summary['val_acc']:.2f} % of {run.started['n_val']:,}" in shown
    assert shown.count("the weights that the other pages show") == 2
    assert len(at.get("plotly_chart")) == 4

    assert at.query_params["moment"] == "2.0"
    slider.set_value(0).run()
    assert not at.exception
    assert at.query_params["moment"] == "0.0"
    assert not at.warning
    assert words(at).count("Before the first step.") == 2
    untrained = snapshots.at(services.store(), runs[1].run_id, 0).probabilities(digit[None])[0]
    assert at.metric[1].value == str(untrained.argmax())

    with monkeypatch.context() as patch:
        patch.setattr(rewind_reading, "present_names", list)
        at.select_slider[0].set_value(1).run()
    assert len(at.warning) == len(runs), "without its images a network says so once"
    assert not at.get("plotly_chart")
    assert len(at.metric) == len(runs), "it still answers"
    assert at.query_params["moment"] == "1.0"
    at.query_params["moment"] = "0.0"  # another link
    at.run()
    assert words(at).count("Before the first step.") == 2

    at.query_params["moment"] = "2.0"
    with monkeypatch.context() as patch:  # as if the first had been at its best after one epoch
        others = dict(zip((run.run_id for run in runs), map(past, runs), strict=True))
        first = others[runs[0].run_id]
        assert first is not None
        others[runs[0].run_id] = first._replace(end=first.moments[1])
        patch.setattr(rewind, "past", lambda run: others[run.run_id])
        at.run()
        assert at.select_slider[0].options[-2:] == ["after 2 epochs", "the end, each at its best"]
        assert words(at).count("later than the weights that the other pages show") == 1
        at.select_slider[0].set_value(math.inf).run()
        assert words(at).count(", the weights that the other pages show") == 2
        assert at.query_params["moment"] == "inf"

    cnn = past(runs[1])
    assert cnn is not None
    before, after = (points_at(runs[1], step, cnn.end.step) for step in (0, cnn.end.step))
    assert np.abs(before.points - after.points).max() > 0.1, "the axes stay, the points move"
    np.testing.assert_allclose(after.points.mean(0), 0, atol=1e-3)


def test_a_network_that_kept_nothing_has_one_way_on(open_page: OpenPage, train: Train) -> None:
    run = train("softmax", epochs=1, lr=0.01)
    at = open_page(PAGE, run=run.run_id, view="rewind")
    assert not at.select_slider
    assert "kept only the weights that it answers with" in words(at)
    (link,) = [link for link in at.get("page_link") if link.proto.label == "Train it again, keeping its weights"]
    assert "snapshots=early" in link.proto.query_string
    assert "lr=0.01" in link.proto.query_string
