"""A new architecture is three files: its own, a line in the table, a text about it. Everything else follows."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
import torch
from counted import count_multiply_adds, count_parameters
from streamlit.testing.v1 import AppTest

from core import models
from core.cli.app import main
from core.compare.size_match import scaled
from core.config import parse, run_config
from core.data.dataset import Dataset
from core.data.split import split
from core.engine import speed
from core.engine.evaluate import Predictor
from core.engine.events import Checkpoint, EpochEnd, Finished
from core.engine.seeds import WithOwnRng
from core.engine.train import train
from core.errors import ConfigError
from core.inspect.anatomy import HEADINGS, about, layers
from core.machine import precision
from core.machine.device import preflight

FILE = '''
"""Toy: windows that slide along the rows.

Idea     An image is a row of 28 columns, and a window of three of them slides along.
Source   Nobody's; it is here to be added.
Differs  From nothing.
Shapes   (N, 1, 28, 28) -> rows (N, 28, 28) -> convolution (N, W, 14) -> mean (N, W) -> logits (N, 10)
Teaches  That an architecture is three files.
"""

from torch import nn

from core.fields import Config, setting
from core.models import Architecture


class ToyConfig(Config):
    width: int = setting(32, "Width", "Detectors.", low=1, high=64, step=1, basic=True)
    steps: int = setting(2, "Steps", "How many columns the window moves at once.", low=1, high=3)
    silence: float = setting(0.0, "Silence", "Share of detectors that say nothing.", low=0.0, high=0.9, is_dropout=True)
    norm: bool = setting(True, "Norm", "Rescales what the detectors say.")


class Toy(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.slide = nn.Conv1d(28, config.width, 3, config.steps, padding=1)
        self.norm = nn.BatchNorm1d(config.width) if config.norm else nn.Identity()
        self.silence = nn.Dropout(config.silence)
        self.head = nn.Linear(config.width, 10)

    def forward(self, x):
        x = self.norm(self.slide(x.flatten(1, 2))).relu()
        return self.head(self.silence(x).mean(2))


ARCHITECTURES = {
    "toy": Architecture(
        "toy", ToyConfig, Toy, tiny={"width": 8, "silence": 0.1}, sizes=("width",),
        needs_batch_statistics=lambda config: config.norm,
    )
}
'''


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "toy_architecture.py").write_text(FILE.lstrip(), encoding="utf-8")
    (tmp_path / "toy.md").write_text("# Toy\nAnother **idea**.\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    line = {"toy": models.Entry("Toy network (TOY)", "toys", "toy_architecture")}
    monkeypatch.setattr(models, "TABLE", MappingProxyType(dict(models.TABLE) | line))
    monkeypatch.setattr("pages.shared.architecture_text.TEXTS", tmp_path)
    yield
    sys.modules.pop("toy_architecture", None)


@pytest.mark.usefixtures("toy")
def test_it_is_configured_and_counted_without_a_formula() -> None:
    config = run_config("toy", {"width": "16", "silence": "0.5", "lr": "0.01"})
    architecture = models.get("toy")
    assert parse(config.model_dump(mode="json")) == config
    assert architecture.n_params(config.model) == count_parameters(config) == 28 * 3 * 16 + 16 + 32 + 170
    assert architecture.multiply_adds(config.model) == count_multiply_adds(config) == 28 * 3 * 16 * 14 + 160
    assert architecture.n_params(scaled(config, 2.0).model) == 28 * 3 * 32 + 32 + 64 + 330
    with pytest.raises(ConfigError, match="batch_size is 1"):
        run_config("toy", {"batch_size": 1})
    assert run_config("toy", {"batch_size": 1, "norm": False}).training.batch_size == 1
    assert preflight(config) > 0


@pytest.mark.usefixtures("toy")
def test_it_learns_and_answers(tiny: Dataset) -> None:
    config = run_config("toy", {"epochs": 3, "batch_size": 32, "lr": 0.01, **models.get("toy").tiny})
    events = list(WithOwnRng(train(config, tiny)))
    assert isinstance(events[-1], Finished)
    losses = [event.train_loss for event in events if isinstance(event, EpochEnd)]
    assert losses[-1] < losses[0]
    weights = next(event for event in reversed(events) if isinstance(event, Checkpoint)).best_weights
    parts = split(tiny, config.data)
    probabilities = Predictor(config, weights, parts.mean, parts.std).probabilities(tiny.test_images)
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-5)


@pytest.mark.usefixtures("toy")
def test_it_is_taken_apart_and_explained() -> None:
    steps = layers(run_config("toy", {}))
    assert [(step.kind, step.output_shape) for step in steps] == [
        ("convolution 3, stride 2", (32, 14)), ("batch norm, ReLU", (32, 14)), ("mean", (32,)), ("dense", (10,)),
    ]  # fmt: skip
    assert tuple(about("toy")) == HEADINGS


@pytest.mark.usefixtures("toy")
def test_it_is_measured_without_a_random_number_of_somebody_else() -> None:
    config = run_config("toy", {"silence": 0.5})
    before = torch.get_rng_state()
    precision.can_use_bf16("toy", config.model, "cpu")
    assert min(speed.run_speeds(config, 0.0)) > 0
    assert torch.equal(torch.get_rng_state(), before)
    assert precision.memory_format(models.get("toy").build(config.model), "cpu") == torch.contiguous_format


@pytest.mark.usefixtures("toy")
def test_it_has_flags_and_stands_in_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--architecture", "toy", "--width", "4", "--max-steps", "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["status"] == "finished"
    assert main(["architectures", "--json"]) == 0
    assert '"id": "toy"' in capsys.readouterr().out


@pytest.mark.usefixtures("toy")
def test_it_has_a_form_and_a_text() -> None:
    def script() -> None:
        import streamlit as st

        from core import models
        from pages.shared.architecture_text import architecture_text
        from pages.shared.form import draw_form, read_form
        from pages.shared.networks import pick_networks

        pick_networks(start=("toy",))
        st.markdown(architecture_text("toy"))
        draw_form(models.get("toy").config, "train_toy")
        st.session_state["values"] = read_form(models.get("toy").config, "train_toy")

    at = AppTest.from_function(script, default_timeout=60)
    at.session_state["train_toy_more"] = True
    at.run()
    assert not at.exception
    assert at.session_state["values"] == {"width": 32, "steps": 2, "silence": 0.0, "norm": True}
    assert [at.get_by_key(f"train_toy_{name}").label for name in ("width", "silence", "norm")] == [
        "Width",
        "Silence",
        "Norm",
    ]
    assert at.session_state["train_networks_toys"] == ["toy"]
