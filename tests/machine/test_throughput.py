"""How many runs train at a time by what was measured: another number only where it is clearly faster, today's rule before."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.machine import side_by_side, threads, throughput
from core.machine.processor import SideBySide


@pytest.fixture(autouse=True)
def eight_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DIGIT_LAB_PROCESSES", "DIGIT_LAB_THREADS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DIGIT_LAB_RUNS", str(tmp_path))
    for module in (side_by_side, threads, throughput):
        monkeypatch.setattr(module, "n_cores", lambda: 8)
    monkeypatch.setattr(side_by_side, "memory_bytes", lambda: 64 * 2**30)
    monkeypatch.setattr(side_by_side, "available_devices", lambda: ("cpu",))


def remember(architecture: str, *speeds: float) -> None:
    for way, speed in zip(throughput.ways(), speeds, strict=True):
        throughput.remember_images_per_s(architecture, way, speed)


def test_every_way_is_measured_and_threads_follow_from_how_many_at_a_time() -> None:
    rule, half, in_turn, all_cores = throughput.ways()
    assert (rule, half, in_turn, all_cores) == ((8, 1), (4, 2), (1, 7), (1, 8))


@pytest.mark.parametrize(
    ("speeds", "expected", "times"),
    [
        ((800, 700, 200, 300), SideBySide(8, 1), 4.0),
        ((800, 900, 200, 300), SideBySide(8, 1), 4.0),  # too little faster for other bits
        ((800, 1000, 200, 300), SideBySide(4, 2), 5.0),
        ((100, 100, 200, 300), SideBySide(1, 7), 1.0),
        ((100, 100, 100, 900), SideBySide(8, 1), 1.0),  # all cores for one run would leave none to the pages
    ],
)
def test_another_number_than_the_rule_has_to_be_clearly_faster(
    speeds: tuple[float, ...], expected: SideBySide, times: float
) -> None:
    assert throughput.plan_for("mlp") == (SideBySide(8, 1), None)
    assert not throughput.is_measured("mlp")
    remember("mlp", *speeds)
    assert throughput.is_measured("mlp")
    assert throughput.plan_for("mlp") == (expected, times)
    assert throughput.plan_for("cnn") == (SideBySide(8, 1), None), "each architecture for itself"


def test_what_somebody_sets_needs_no_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    remember("mlp", 100, 100, 200, 300)
    monkeypatch.setenv("DIGIT_LAB_PROCESSES", "3")
    assert throughput.plan_for("mlp") == (SideBySide(3, 2), None)
    assert throughput.is_measured("cnn")
    monkeypatch.delenv("DIGIT_LAB_PROCESSES")
    monkeypatch.setenv("DIGIT_LAB_THREADS", "2")
    assert throughput.ways() == [(4, 2), (2, 2), (1, 2)]
    assert throughput.plan_for("mlp").times is None, "with other threads it was not measured"


@pytest.mark.parametrize("damaged", ["many", "nan", "inf", "-200", "0.0", ""])
def test_a_damaged_file_is_as_good_as_none(tmp_path: Path, damaged: str) -> None:
    remember("mlp", 100, 100, 200, 300)
    path = tmp_path / "this_machine.json"
    path.write_text(path.read_text().replace('"200.0"', f'"{damaged}"'))
    assert not throughput.is_measured("mlp")
    assert throughput.plan_for("mlp") == (SideBySide(8, 1), None)
