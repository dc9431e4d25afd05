"""How many train at a time here: what was measured is listed, with what follows from it."""

from __future__ import annotations

import pytest
from test_cli import lines

from core.cli.app import main
from core.machine import throughput
from core.machine.processor import SideBySide


def test_the_ways_that_were_measured_and_the_plan(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ways = [SideBySide(2, 1), SideBySide(1, 1), SideBySide(1, 2)]
    monkeypatch.setattr(throughput, "ways", lambda: ways)
    monkeypatch.setattr(throughput, "plans", lambda: ways[:2])
    monkeypatch.setattr(throughput, "in_turn", lambda: ways[1])
    assert main(["machine", "mlp", "--json"]) == 0
    assert lines(capsys) == [{"architecture": "mlp", "plan": {"processes": 2, "threads": 1}, "times": None}]
    for way, speed in zip(ways, (180.0, 100.0, 130.0), strict=True):
        throughput.remember_images_per_s("mlp", way, speed)
    assert main(["machine", "mlp", "--json"]) == 0
    *measured, plan = lines(capsys)
    assert [(values["processes"], values["threads"], values["images_per_s"]) for values in measured] == [
        (2, 1, 180.0), (1, 1, 100.0), (1, 2, 130.0),
    ]  # fmt: skip
    assert (plan["plan"], plan["times"]) == ({"processes": 2, "threads": 1}, 1.8)
    assert main(["machine", "mlp"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == (
        "mlp: trains 2 at a time, 1 thread each (1.80 times as fast as one after the other)"
    )
    assert main(["machine", "perceptron"]) == 2
    assert "allowed is one of softmax, mlp" in capsys.readouterr().err
