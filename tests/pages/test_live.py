"""The live panel and the time estimate: read once for all, never in anybody's way, and calm when a run goes away."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from core.analysis.history import frame
from core.compare.cost import Pace
from core.config import RunConfig, run_config
from core.errors import RunError
from pages.shared import estimate, histories, services
from pages.shared.status import JUDGED, STOPPED, status_sentence
from tests.pages.conftest import OpenPage, Train
from tests.runs.run_material import checkpoint, epoch_end, progress, started

PAGE = "pages/lab/train/page.py"


def test_a_run_deleted_while_it_is_drawn_is_said_in_a_sentence(
    open_page: OpenPage, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = train()

    def gone(*_: object, **__: object) -> None:
        raise RunError("This run was deleted.")

    monkeypatch.setattr(services.store(), "history", gone)
    at = open_page(PAGE, run=run.run_id)
    assert "This run was deleted." in [info.value for info in at.info]


def stored_events(run_id: str) -> list[tuple[int, dict[str, Any]]]:
    return services.store().history(run_id)


def test_watched_history_is_read_on_not_again_and_equals_all_of_it(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run of an hour has more than ten thousand events, and grows four times a second."""
    run_id = train(epochs=4).run_id
    events, asked, so_far = stored_events(run_id), [], 0

    def history(_run_id: str, after: int = 0) -> list[tuple[int, dict[str, Any]]]:
        asked.append(after)
        return [(seq, event) for seq, event in events if after < seq <= so_far]

    monkeypatch.setattr(services.store(), "history", history)
    snapshots = []
    for so_far, _ in events:
        snapshots.append(histories.history(run_id, so_far))
        assert histories.history(run_id, so_far)[1] is snapshots[-1][1], "nothing new, nothing read"
    assert asked == [0, *(seq for seq, _ in events[:-1])]
    assert [len(rows) for rows, _ in snapshots] == list(range(1, len(events) + 1)), (
        "what was handed out stays as it was"
    )
    for rows, points in snapshots:
        pd.testing.assert_frame_equal(points, frame(rows))


def test_watched_history_forgets_what_a_resumed_run_has_taken_back() -> None:
    store = services.store()
    run_id = store.create(run_config("mlp", {"epochs": 3}))
    assert store.claim("somebody") == run_id
    store.commit(run_id, [started(), epoch_end(0), epoch_end(1), checkpoint(1), progress(1.5)])
    before, _ = histories.history(run_id, store.run(run_id).version)
    assert len(before) == 4
    store.commit(run_id, [started(1), progress(1.2)])
    rows, points = histories.history(run_id, store.run(run_id).version)
    assert list(rows) == [event for _, event in stored_events(run_id)]
    assert points["epoch"].tolist() == [0.0, 0.0, 1.0, 1.0, 1.2]
    assert len(before) == 4, "what was handed out stays as it was"


def test_two_visitors_watch_the_same_run_without_counting_anything_twice(train: Train) -> None:
    run = train(epochs=4)
    expected = len(stored_events(run.run_id))
    for _ in range(20):
        histories._read.clear()
        together = threading.Barrier(4)
        seen: list[int] = []

        def look(together: threading.Barrier = together, seen: list[int] = seen) -> None:
            together.wait()
            seen.append(len(histories.history(run.run_id, run.version)[0]))

        visitors = [threading.Thread(target=look) for _ in range(4)]
        for visitor in visitors:
            visitor.start()
        for visitor in visitors:
            visitor.join()
        assert seen == [expected] * 4


def test_one_network_is_timed_at_a_time_and_nobody_waits_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    at_it, go_on = threading.Event(), threading.Event()

    def timed_pace(_config: RunConfig) -> Pace:
        at_it.set()
        assert go_on.wait(30)
        return Pace(1000.0, 4000.0, 1.4, "timed")

    monkeypatch.setattr(estimate, "timed_pace", timed_pace)
    monkeypatch.setattr(estimate, "TIMING_WAIT_SECONDS", 0.05)
    configs = [run_config("mlp", {"widths": widths}) for widths in ("16", "32")]
    other = threading.Thread(target=estimate.estimate_runs, args=([configs[0]], []))
    other.start()
    try:
        assert at_it.wait(30)
        began = time.monotonic()
        assert [estimate.estimate_runs([config], []) for config in configs] == [None, None]
        assert time.monotonic() - began < 5
    finally:
        go_on.set()
        other.join()
    assert all(estimate.estimate_runs([config], []) for config in configs), "free again"


def test_what_was_timed_beside_a_training_is_rough_and_timed_again_when_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    speeds = iter([100.0, 1000.0, 1.0])
    monkeypatch.setattr(estimate, "timed_pace", lambda config: Pace(next(speeds), 4000.0, 1.4, "timed for a moment"))
    monkeypatch.setattr(estimate, "_is_loaded", lambda: False)
    config = run_config("mlp", {"epochs": 10})
    services.store().create(config, request="run")
    busy = services.store().runs()
    beside = [estimate.estimate_runs([config], busy) for _ in range(2)]
    assert beside[0] == beside[1], "one timing does for as long as that goes on"
    assert beside[0] is not None
    assert "busy" in beside[0].source
    assert beside[0].high > 3 * beside[0].low
    alone = [estimate.estimate_runs([config], []) for _ in range(2)]
    assert alone[0] == alone[1]
    assert alone[0] is not None
    assert alone[0].seconds < beside[0].seconds / 5
    assert alone[0].source == "timed for a moment"


def test_a_run_that_was_stopped_says_that_its_weights_are_kept_while_it_is_judged(train: Train) -> None:
    run = replace(train(epochs=1), status="stopping", summary={}, checkpoint_epoch=0.0)
    assert status_sentence(run) == "Stopping after this batch"
    assert (
        status_sentence(replace(run, checkpoint_epoch=1.0)) == "Stopping after this batch"
    )  # the end of an epoch, which came before
    assert status_sentence(replace(run, checkpoint_epoch=1.5)) == JUDGED
    assert status_sentence(replace(run, checkpoint_epoch=1.5, status="interrupted")).startswith("Interrupted")
    assert status_sentence(replace(run, status="stopped")) == STOPPED
    assert status_sentence(replace(run, status="stopped", checkpoint_epoch=None)) == "Stopped before it began", (
        "there are no weights to keep"
    )
    stuck = replace(run, status="paused", reason="storage problem: the disk is full")
    assert status_sentence(stuck).endswith(": storage problem: the disk is full"), (
        "as it is: the card takes it as text, not as Markdown"
    )
