"""What a processor, a system or a card may lack: each is tried once, and there is a way round."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from bench import peers
from core import models
from core.config import TrainingConfig, run_config
from core.data.dataset import Dataset
from core.engine import optimizers, seeds
from core.engine.evaluate import predict_logits
from core.engine.events import Checkpoint, Failed
from core.engine.seeds import WithOwnRng
from core.engine.train import NO_MEMORY, train
from core.errors import ConfigError
from core.machine import memory, precision, processor, threads
from core.machine.faults import fault_sentence, is_out_of_memory
from core.machine.precision import memory_format
from core.runs import shipped

KERNELS = ("_fused_adam_", "_fused_adamw_", "_fused_sgd_", "_foreach_add_")


@pytest.fixture
def no_fused_kernels(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A torch that has none of them for this processor."""

    def missing(*_: Any, **__: Any) -> Any:
        raise NotImplementedError("Could not run this with arguments from the backend")

    for kernel in KERNELS[:3]:
        monkeypatch.setattr(torch, kernel, missing)
    optimizers.has_fused_kernels.cache_clear()
    yield
    optimizers.has_fused_kernels.cache_clear()


def trained(optimizer: str, dataset: Dataset, **how: Any) -> list[Checkpoint]:
    """The checkpoints after two epochs."""
    config = run_config("mlp", {"widths": (16,), "epochs": 2, "optimizer": optimizer, "lr": 0.01, "weight_decay": 0.01})
    events = WithOwnRng(train(config, dataset, checkpoint_every=0, **how))
    return [event for event in events if isinstance(event, Checkpoint)]


NAMES = ("sgd", "momentum", "nesterov", "adam", "adamw", "rmsprop", "muon")


@pytest.mark.parametrize("name", NAMES)
def test_without_fused_kernels_every_optimizer_learns_the_same(
    name: str, tiny: Dataset, request: pytest.FixtureRequest
) -> None:
    assert optimizers.has_fused_kernels("cpu")
    begun, expected = trained(name, tiny)
    request.getfixturevalue("no_fused_kernels")
    assert not optimizers.has_fused_kernels("cpu")
    *_, plain = trained(name, tiny)
    *_, resumed = trained(name, tiny, resume=begun)  # a run that began where there were some
    for key, weight in expected.weights.items():
        np.testing.assert_allclose(plain.weights[key], weight, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(resumed.weights[key], weight, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_kernel_that_is_gone_from_torch_is_as_good_as_none(kernel: str, monkeypatch: pytest.MonkeyPatch) -> None:
    optimizers.has_fused_kernels.cache_clear()
    monkeypatch.delattr(torch, kernel)
    assert not optimizers.has_fused_kernels("cpu")
    optimizers.has_fused_kernels.cache_clear()


def test_asking_for_kernels_draws_no_random_number() -> None:
    optimizers.has_fused_kernels.cache_clear()
    before = torch.get_rng_state()
    assert optimizers.build_optimizer(TrainingConfig(), [torch.nn.Parameter(torch.ones(3))])
    assert torch.equal(torch.get_rng_state(), before)


def test_an_apple_gpu_keeps_the_usual_order_of_channels() -> None:
    module = models.get("cnn").build(models.get("cnn").config())
    assert memory_format(module, "cpu") == memory_format(module, "cuda") == torch.channels_last
    assert memory_format(module, "mps") == torch.contiguous_format


def test_32_bits_do_not_ask_for_16(monkeypatch: pytest.MonkeyPatch, tiny: Dataset) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise RuntimeError("User specified an unsupported autocast device_type")

    monkeypatch.setattr(torch, "autocast", refuse)
    module = models.get("softmax").build(models.get("softmax").config())
    images = torch.from_numpy(tiny.test_images)
    assert predict_logits(module, images, 0.1, 0.3).shape == (60, 10)
    assert len(trained("adam", tiny)) == 2


def test_runs_on_an_apple_gpu_keep_their_random_numbers_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    card = SimpleNamespace(state=torch.tensor([7]))
    card.get_rng_state = lambda: card.state
    card.set_rng_state = lambda state: setattr(card, "state", state)
    monkeypatch.setattr(torch, "mps", card)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    def draws() -> Iterator[Any]:
        for _ in range(3):
            card.state = card.state + 1
            yield int(card.state)

    first, second = WithOwnRng(draws()), WithOwnRng(draws())
    assert [next(first), next(second), next(first), next(second)] == [8, 8, 9, 9]
    assert int(card.state) == 7
    assert seeds._gpu() is card


def test_without_affinity_all_cores_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DIGIT_LAB_THREADS", raising=False)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert threads.training_threads() == 7
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert threads.training_threads() == 1


@pytest.mark.parametrize("text", ["99999999", "0", "-1", "x", "2.0", "１", "1025"])
def test_nonsense_for_the_number_of_threads_is_a_sentence(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGIT_LAB_THREADS", text)
    with pytest.raises(ConfigError, match=r"DIGIT_LAB_THREADS is .*, expected a whole number from 1 to 1,024"):
        threads.training_threads()
    with pytest.raises(ConfigError, match="DIGIT_LAB_THREADS"):
        shipped.open_store()


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_only_linux_is_asked_for_glibc(system: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(*_: Any) -> Any:
        raise OSError("the program itself can not be read")

    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "libc_ver", unreadable)
    memory._glibc.cache_clear()
    assert memory._glibc() is None
    memory.trim_heap()
    memory._glibc.cache_clear()


@pytest.mark.parametrize("listing", [None, "processor : 0\nBogoMIPS : 50.0\n"])
def test_a_processor_that_is_listed_without_a_name_has_the_name_of_its_kind(
    listing: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    if listing is not None:
        (tmp_path / "cpuinfo").write_text(listing)
    monkeypatch.setattr(processor, "LISTING", str(tmp_path / "cpuinfo"))
    monkeypatch.setattr(platform, "processor", lambda: "")
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    processor.cpu_model.cache_clear()
    assert processor.cpu_model() == "arm64"
    processor.cpu_model.cache_clear()


def test_memory_that_runs_out_is_told_so_on_every_device(tiny: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RuntimeError) as raised:
        torch.empty(2**60, dtype=torch.uint8)  # torch has no error of its own for a CPU
    for error in (raised.value, MemoryError(), RuntimeError("MPS backend out of memory (MPS allocated: 5.00 GB)")):
        assert is_out_of_memory(error)
        assert "not enough memory" in fault_sentence(error)
    assert not is_out_of_memory(RuntimeError("no kernel"))

    def greedy(*_: Any) -> Any:
        return torch.empty(2**60, dtype=torch.uint8)

    monkeypatch.setattr("core.engine.learner.pixels", greedy)
    (event,) = [event for event in train(run_config("softmax", {}), tiny) if isinstance(event, Failed)]
    assert event.message == NO_MEMORY


def test_a_bench_leaves_out_numbers_that_this_machine_has_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(precision, "can_use_bf16", lambda *_: False)
    monkeypatch.setattr(
        sys, "argv", ["bench.peers", "digit-lab-bf16", "lstm", "--threads", str(torch.get_num_threads())]
    )
    monkeypatch.setattr("logging.disable", lambda *_: None)
    assert peers.main() == 3
    assert "no 16-bit arithmetic for Long short-term memory" in capsys.readouterr().err
