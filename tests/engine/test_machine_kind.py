"""What a recipe that has to be ready in time goes by is seen once, on the code that trains, and disturbs nobody."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from core.data.paths import runs_root
from core.engine import machine_kind as kinds
from core.machine import remembered


@pytest.fixture(autouse=True)
def _nothing_tried_yet() -> Iterator[None]:
    seen = kinds._processor_kind
    seen.cache_clear()
    yield
    seen.cache_clear()


def seen(monkeypatch: pytest.MonkeyPatch, **seconds: float) -> str:
    """The kind that another process on this machine sees. seconds: of a step, by precision"""
    kinds._processor_kind.cache_clear()
    monkeypatch.setattr(kinds, "resolve_device", lambda _: torch.device("cpu"))
    monkeypatch.setattr(kinds, "_thread_seconds", lambda learner, images, labels, n: n * seconds[learner.precision])
    return kinds.machine_kind()


def anew(monkeypatch: pytest.MonkeyPatch, **seconds: float) -> str:
    """The same of a machine that nothing was noted of."""
    (runs_root() / remembered.FILE_NAME).unlink(missing_ok=True)
    return seen(monkeypatch, **seconds)


def test_a_processor_has_16_bit_units_if_it_learns_faster_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    assert anew(monkeypatch, fp32=0.02, bf16=0.019) == "32-bit", "too little to count"
    assert seen(monkeypatch, fp32=0.02, bf16=0.01) == "32-bit", "seen once, kept"
    assert anew(monkeypatch, fp32=0.02, bf16=0.016) == "16-bit"
    assert anew(monkeypatch, fp32=0.08, bf16=0.064) == "16-bit", "whatever it takes with 32 bits"
    monkeypatch.setattr(kinds, "can_use_bf16", lambda *_: False)
    assert anew(monkeypatch, fp32=0.02, bf16=0.016) == "32-bit"


def test_a_processor_is_slow_if_a_step_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    assert anew(monkeypatch, fp32=0.031, bf16=0.031) == "32-bit, slow"
    assert seen(monkeypatch, fp32=0.02, bf16=0.02) == "32-bit, slow", "seen once, kept"
    assert anew(monkeypatch, fp32=0.029, bf16=0.1) == "32-bit"
    monkeypatch.setattr(kinds, "can_use_bf16", lambda *_: False)
    assert anew(monkeypatch, fp32=0.031, bf16=0.0) == "32-bit, slow"


def test_the_kind_is_seen_without_a_random_number_and_leaves_the_threads_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds, "resolve_device", lambda _: torch.device("cpu"))
    before, threads = torch.random.get_rng_state(), torch.get_num_threads()
    assert kinds.machine_kind() in ("16-bit", "32-bit", "32-bit, slow")
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.get_num_threads() == threads


def test_a_machine_with_a_gpu_is_not_asked_about_its_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds, "resolve_device", lambda _: torch.device("cuda"))
    monkeypatch.setattr(kinds, "_processor_kind", pytest.fail)
    assert kinds.machine_kind() == "gpu"
