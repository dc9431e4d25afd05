"""The words for how many runs train at a time, and what that was measured to bring."""

from __future__ import annotations

import pytest

from core.config import run_config
from core.machine import throughput
from core.machine.processor import SideBySide
from core.machine.throughput import Measured
from pages.shared import estimate

TWO, FOUR, IN_TURN = SideBySide(2, 1), SideBySide(4, 2), SideBySide(1, 1)


@pytest.mark.parametrize(
    ("mlp", "cnn", "expected"),
    [
        (Measured(TWO, None), Measured(TWO, None), "two at a time, one core each"),
        (
            Measured(TWO, 1.83),
            Measured(TWO, 1.78),
            "two at a time, one core each: measured here 1.8 times as fast as one after the other",
        ),
        (
            Measured(TWO, 1.83),
            Measured(FOUR, 1.41),
            "four at a time, 2 cores each: measured here 1.4 to 1.8 times as fast as one after the other",
        ),
        (Measured(TWO, 1.83), Measured(TWO, None), "two at a time, one core each"),
        (Measured(IN_TURN, 1.0), Measured(IN_TURN, 1.0), "two at a time"),
    ],
)
def test_a_factor_is_said_where_every_network_was_measured(
    monkeypatch: pytest.MonkeyPatch, mlp: Measured, cnn: Measured, expected: str
) -> None:
    monkeypatch.setattr(estimate, "_here", lambda: TWO)
    monkeypatch.setattr(throughput, "plan_for", {"mlp": mlp, "cnn": cnn}.__getitem__)
    assert (
        estimate.at_a_time([run_config("mlp", {}), run_config("mlp", {"seed": 1}), run_config("cnn", {})]) == expected
    )


def test_without_processes_the_server_trains_two_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate, "_here", lambda: IN_TURN)
    assert estimate.at_a_time([run_config("mlp", {})]) == "two at a time"
