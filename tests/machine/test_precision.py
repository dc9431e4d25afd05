"""A precision that this machine can not compute with is found out once, before a run exists, and nothing breaks on it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from core import models
from core.cli.app import main
from core.config import RunConfig, run_config
from core.data.dataset import Dataset
from core.engine import speed
from core.engine.evaluate import Predictor
from core.engine.events import Checkpoint, Failed, Started
from core.engine.lr_finder import find_lr
from core.engine.train import train
from core.errors import ConfigError
from core.machine import precision
from core.machine.device import preflight

CPU = torch.device("cpu")
REFUSED = "bf16.*no 16-bit arithmetic for Long short-term memory.*allowed is one of fp32, auto"


@pytest.fixture
def no_kernel(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine without an LSTM kernel in 16 bits, as every processor with AVX2 and no AVX-512 is."""
    forward = nn.LSTM.forward

    def without_bf16(self: nn.LSTM, *inputs: Any) -> Any:
        if torch.is_autocast_enabled("cpu"):
            raise RuntimeError("could not create a primitive descriptor for the LSTM forward propagation primitive")
        return forward(self, *inputs)

    monkeypatch.setattr(nn.LSTM, "forward", without_bf16)
    precision._has_kernels.cache_clear()
    yield
    precision._has_kernels.cache_clear()


def lstm(wanted: str, **values: Any) -> RunConfig:
    return run_config("lstm", {"hidden": 12, "epochs": 2, "precision": wanted, **values})


def test_automatic_means_32_bits_where_a_kernel_is_missing(no_kernel: None, tiny: Dataset) -> None:
    assert speed.precision_of(lstm("auto"), CPU) == "fp32"
    events = list(train(lstm("auto"), tiny))
    assert events[-1].kind == "finished"
    assert [event.precision for event in events if isinstance(event, Started)] == ["fp32"]
    assert len(list(find_lr(lstm("auto"), tiny, steps=5))) == 5


def test_16_bits_are_refused_before_a_run_exists(
    no_kernel: None, tiny: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ConfigError, match=REFUSED):
        preflight(lstm("bf16"))
    with pytest.raises(ConfigError, match=REFUSED):
        next(find_lr(lstm("bf16"), tiny))
    (failed,) = train(lstm("bf16"), tiny)  # queued on another machine
    assert isinstance(failed, Failed)
    assert failed.message.startswith("Precision (precision) is 'bf16'")
    with pytest.raises(ConfigError, match=REFUSED):
        speed.learning_speed(lstm("bf16"), 0.0)
    for command in (["train", "--architecture", "lstm"], ["find-lr", "--architecture", "lstm"]):
        assert main([*command, "--precision", "bf16"]) == 2
        assert capsys.readouterr().err.count("\n") == 1
    assert main(["race", "--architectures", "lstm,mlp", "--set", "precision=bf16"]) == 2
    assert main(["runs", "--json"]) == 0
    assert capsys.readouterr().out == ""  # nothing was queued


def test_a_run_that_began_elsewhere_with_16_bits_goes_on_and_answers_with_32(
    tiny: Dataset, request: pytest.FixtureRequest
) -> None:
    if not precision.can_use_bf16("lstm", lstm("bf16").model, "cpu"):
        pytest.skip("this processor can not begin such a run")
    events = train(lstm("bf16", epochs=4), tiny, checkpoint_every=0)
    begun = next(event for event in events if isinstance(event, Checkpoint))
    assert begun.precision == "bf16"
    request.getfixturevalue("no_kernel")
    resumed = list(train(lstm("bf16", epochs=4), tiny, resume=begun))
    assert resumed[-1].kind == "finished"
    assert [event.precision for event in resumed if isinstance(event, Started)] == ["fp32"]
    answers = [
        Predictor(lstm(wanted), begun.best_weights, 0.1, 0.3).logits(tiny.test_images) for wanted in ("bf16", "fp32")
    ]
    np.testing.assert_array_equal(*answers)


@pytest.mark.parametrize("architecture", models.TABLE)
def test_asking_draws_no_random_number_and_leaves_nothing_switched_on(architecture: str) -> None:
    before = torch.get_rng_state()
    precision._has_kernels.cache_clear()
    precision.can_use_bf16(architecture, models.get(architecture).config(), "cpu")
    assert torch.equal(torch.get_rng_state(), before)
    assert not torch.is_autocast_enabled("cpu")
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("architecture", [name for name in models.TABLE if not models.get(name).counterpart])
def test_a_large_network_is_tried_in_small_and_answers_as_it_would_itself(
    architecture: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = models.get(architecture).config()
    small = precision._small(architecture, model)
    assert type(model).model_validate(small.model_dump()) == small
    n_params = models.get(architecture).n_params
    assert n_params(small) <= n_params(model)
    precision._has_kernels.cache_clear()
    answer = precision.can_use_bf16(architecture, model, "cpu")
    with monkeypatch.context() as patch:
        patch.setattr(precision, "_small", lambda _, model: model)
        precision._has_kernels.cache_clear()
        assert precision.can_use_bf16(architecture, model, "cpu") == answer


def test_asking_for_16_bits_takes_a_moment_however_large_the_network() -> None:
    values = {"patch": "4", "depth": 12, "heads": 8, "width": 256, "precision": "bf16", "batch_size": 1}
    config = run_config("vit", values)
    precision._has_kernels.cache_clear()
    precision.can_use_bf16("vit", models.get("vit").config(), "cpu")  # what is loaded for the first is not counted
    began = time.process_time()
    precision.can_use_bf16("vit", config.model, "cpu")
    assert time.process_time() - began < 0.1
