"""How many train at a time here: what was measured is listed, with what follows from it."""

from __future__ import annotations

import pytest
from test_cli import lines

from core.cli import machine
from core.cli.app import main
from core.machine import throughput
from core.machine.processor import SideBySide
from core.runs.agents import AgentLost, measuring


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


class Lost:
    """Stands for a measurement whose process is killed meanwhile, and for one that is not."""

    is_kept = True

    def __init__(self, architecture: str, children: object) -> None:
        self.architecture = architecture

    def look(self) -> bool:
        if self.architecture == "mlp":
            raise AgentLost("The process has ended (signal 9).")
        throughput.remember_images_per_s(self.architecture, SideBySide(1, 1), 7.0)
        return True


def test_a_lost_process_costs_one_architecture_its_measurement(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throughput, "ways", lambda: [SideBySide(1, 1)])
    monkeypatch.setattr(measuring, "Measurement", Lost)
    monkeypatch.setattr(machine, "_start", lambda *about: None)
    assert main(["machine", "mlp", "softmax", "--measure"]) == 1
    output, error = capsys.readouterr()
    assert error == "mlp: not measured: The process has ended (signal 9).\n"
    assert "softmax: 1 at a time, 1 thread each: 7 images a second" in output


def test_where_there_is_no_choice_nothing_is_measured_and_that_is_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIGIT_LAB_PROCESSES", "1")
    assert main(["machine", "mlp", "--measure"]) == 0
    output, error = capsys.readouterr()
    assert output.startswith("mlp: trains 1 at a time")
    assert "nothing to measure" in error
    assert len(error.splitlines()) == 1
