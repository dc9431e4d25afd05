"""The board of a challenge: chosen by validation, judged by what nobody has seen, and no order where luck would do."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from core.compare.challenge_board import best_of_each, board, counts
from core.config import RunConfig, run_config
from core.runs.challenges import Challenge, Entry, Terms
from core.runs.rows import Run
from core.runs.set_aside import Right

BASE = run_config("softmax", {"n_train": 300, "epochs": 2, "set_aside": 0.2})
CHALLENGE = Challenge("c" * 32, 1, "", "Two points", "", BASE, Terms(goal=2.0, max_epochs=3, max_steps=0), "b" * 32, "")
N = 500


def run(run_id: str, val_acc: float, config: RunConfig = BASE, **changes: Any) -> Run:
    """Of a run only what a board reads."""
    summary = {"val_acc": val_acc, "test_acc": 0.5, "step": 20}
    values = {"run_id": run_id, "summary": summary, "has_ended": True, "manifest": {}, "n_params": 7_850} | changes
    return cast(Run, SimpleNamespace(**values, run_config=lambda: config))


def right(n_right: int) -> Right:
    return np.arange(N) < n_right


def test_a_pupils_run_is_chosen_by_validation_and_never_by_what_is_set_aside() -> None:
    entries = [Entry("a1", 1, "Ana"), Entry("a2", 1, "Ana"), Entry("b1", 2, ""), Entry("gone", 3, "")]
    runs = {each.run_id: each for each in (run("a1", 0.91), run("a2", 0.90), run("b1", 0.80))}
    best = best_of_each(CHALLENGE, entries, runs)
    assert [(entry.run_id, n_runs) for entry, _, n_runs in best] == [("a1", 2), ("b1", 1)]
    rows = board(CHALLENGE, best, {"a1": right(450), "a2": right(480), "b1": right(455)}, right(440))
    assert [(row.pupil, row.run_id, row.n_runs) for row in rows] == [("pupil 2", "b1", 1), ("Ana", "a1", 2)]
    without = replace(CHALLENGE, config=run_config("softmax", BASE.flat() | {"val_fraction": 0.0}))
    same = {run_id: run(run_id, 0.0, without.config) for run_id in ("a1", "a2")}
    assert [entry.run_id for entry, *_ in best_of_each(without, entries, same)] == ["a2"], "the last one"


def test_a_gap_that_luck_could_make_is_called_so_and_the_goal_is_counted_in_points() -> None:
    entries = [Entry(name, place, "") for place, name in enumerate("abcd", 1)]
    best = best_of_each(CHALLENGE, entries, {name: run(name, 0.9) for name in "abcd"})
    rows = board(CHALLENGE, best, {"a": right(450), "b": right(440), "c": right(449)}, right(440))
    assert [row.run_id for row in rows] == ["a", "c", "b"], "d has not been judged yet"
    first, _, third = rows
    assert (first.n, first.accuracy, first.gain) == (N, 0.9, pytest.approx(0.02))
    assert first.low < 0.9 < first.high
    assert [row.is_reached for row in rows] == [True, False, False]
    assert (first.is_beyond_luck, third.is_beyond_luck) == (True, False)
    assert [row.is_like_leader for row in rows] == [False, True, False]
    # 5 of 5 images alone (mid-p 0.031) are no luck for one pair, but could be where two are compared at once.
    closer = {"a": right(445), "b": right(440), "c": right(440)}
    assert [row.is_like_leader for row in board(CHALLENGE, best[:2], closer, right(440))] == [False, False]
    assert [row.is_like_leader for row in board(CHALLENGE, best[:3], closer, right(440))] == [False, True, True]
    assert board(CHALLENGE, [], {}, right(440)) == []


def test_only_what_keeps_to_the_challenge_counts() -> None:
    assert counts(CHALLENGE, run("a", 0.9, run_config("softmax", BASE.flat() | {"lr": 0.1, "epochs": 3})))
    for values in ({"set_aside": 0.0}, {"set_aside": 0.25}, {"epochs": 4}, {"start_from": "a" * 32}, {"seed": 1}):
        assert not counts(CHALLENGE, run("a", 0.9, run_config("softmax", BASE.flat() | values)))
    assert not counts(CHALLENGE, run("a", 0.9, has_ended=False))
    assert not counts(CHALLENGE, run("a", 0.9, summary={"status": "failed"}))
    assert not counts(CHALLENGE, run("a", 0.9, manifest={"imported_utc": "2026"}))
    limited = replace(
        CHALLENGE, config=run_config("softmax", BASE.flat() | {"max_steps": 10}), terms=Terms(max_steps=10)
    )
    assert not counts(limited, run("a", 0.9, limited.config, summary={"test_acc": 1, "step": 11}))
