"""How many processes train here: the settings, else cores, memory and GPUs."""

from __future__ import annotations

import pytest

from core.errors import ConfigError
from core.machine import side_by_side as module
from core.machine.processor import SideBySide
from core.machine.side_by_side import side_by_side


@pytest.mark.parametrize(
    ("environment", "cores", "gigabytes", "devices", "expected"),
    [
        ({}, 1, 16, ("cpu",), SideBySide(1, 1)),
        ({}, 2, 16, ("cpu",), SideBySide(2, 1)),
        ({}, 8, 64, ("cpu",), SideBySide(8, 1)),
        ({}, 8, 8, ("cpu",), SideBySide(4, 2)),  # a quarter of the memory
        ({}, 8, 1, ("cpu",), SideBySide(1, 8)),
        ({}, 8, 64, ("cpu", "cuda"), SideBySide(1, 8)),
        ({"DIGIT_LAB_PROCESSES": "3"}, 8, 64, ("cpu", "cuda"), SideBySide(3, 2)),
        ({"DIGIT_LAB_THREADS": "4"}, 8, 64, ("cpu",), SideBySide(2, 4)),
        ({"DIGIT_LAB_PROCESSES": "2", "DIGIT_LAB_THREADS": "1"}, 8, 64, ("cpu",), SideBySide(2, 1)),
    ],
)
def test_processes_and_threads_follow_from_the_machine(
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str], cores: int, gigabytes: int, devices: tuple[str, ...], expected: SideBySide,
) -> None:  # fmt: skip
    for name in ("DIGIT_LAB_PROCESSES", "DIGIT_LAB_THREADS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(module, "n_cores", lambda: cores)
    monkeypatch.setattr(module, "memory_bytes", lambda: gigabytes * 2**30)
    monkeypatch.setattr(module, "available_devices", lambda: devices)
    assert side_by_side() == expected


@pytest.mark.parametrize("value", ["0", "65", "many", "-1"])
def test_a_number_out_of_range_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("DIGIT_LAB_PROCESSES", value)
    with pytest.raises(ConfigError, match=r"DIGIT_LAB_PROCESSES is .* from 1 to 64"):
        side_by_side()
