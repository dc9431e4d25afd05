"""Recurrent networks: which way they read, and what the answer sees."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from counted import count_multiply_adds, count_parameters
from torch import nn

from core import models
from core.config import run_config
from core.models.recurrent import Recurrent

CELLS = ("rnn", "gru", "lstm")
PLAIN: dict[str, type[nn.RNNBase]] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


def build(cell: str, **values: Any) -> Any:
    torch.manual_seed(0)
    return models.get(cell).build(run_config(cell, {"hidden": 20, **values}).model).eval()


@pytest.mark.parametrize("cell", CELLS)
def test_by_default_the_answer_is_what_the_memory_knows_after_the_last_row(cell: str) -> None:
    network: Recurrent = build(cell)
    torch.manual_seed(0)
    memory, head = PLAIN[cell](28, 20, batch_first=True), nn.Linear(20, 10)
    images = torch.randn(5, 1, 28, 28)
    with torch.no_grad():
        expected = head(memory(images[:, 0])[0][:, -1])
        torch.testing.assert_close(network(images), expected, rtol=0, atol=0)
    assert all(
        torch.equal(network.state_dict()[f"memory.{name}"], value) for name, value in memory.state_dict().items()
    )


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_reading_columns_is_reading_rows_of_the_image_on_its_side(cell: str, bidirectional: bool) -> None:
    by_rows, by_columns = (
        build(cell, direction=way, bidirectional=bidirectional, layers=2) for way in ("rows", "columns")
    )
    images = torch.randn(5, 1, 28, 28)
    with torch.no_grad():
        torch.testing.assert_close(by_columns(images), by_rows(images.transpose(2, 3)))
        assert not torch.allclose(by_columns(images), by_rows(images))


@pytest.mark.parametrize(("reads", "side"), [("pixels-28", 28), ("pixels-14", 14), ("pixels-7", 7)])
def test_it_can_read_pixel_by_pixel(reads: str, side: int) -> None:
    images = torch.randn(2, 1, 28, 28)
    squares = images.reshape(2, side, 28 // side, side, 28 // side).mean((2, 4))  # (N, side, side)
    for way, sequence in (("rows", squares), ("columns", squares.transpose(1, 2))):
        network: Recurrent = build("lstm", reads=reads, direction=way)
        with torch.no_grad():
            states, _ = network.memory(sequence.reshape(2, side * side, 1))
            torch.testing.assert_close(network(images), network.head(states[:, -1]), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("cell", CELLS)
def test_in_both_directions_the_answer_sees_two_memories_that_have_read_everything(cell: str) -> None:
    network: Recurrent = build(cell, bidirectional=True)
    weights = network.memory.state_dict()
    forwards, backwards = (PLAIN[cell](28, 20, batch_first=True) for _ in range(2))
    forwards.load_state_dict({name: weights[name] for name in forwards.state_dict()})
    backwards.load_state_dict({name: weights[f"{name}_reverse"] for name in backwards.state_dict()})
    rows = torch.randn(5, 28, 28)
    with torch.no_grad():
        remembered = torch.cat([forwards(rows)[0][:, -1], backwards(rows.flip(1))[0][:, -1]], 1)
        torch.testing.assert_close(network(rows.unsqueeze(1)), network.head(remembered))


@pytest.mark.parametrize("cell", CELLS)
def test_sizes_in_both_directions_follow_the_formula(cell: str) -> None:
    config = run_config(cell, {"hidden": 20, "layers": 3, "bidirectional": True})
    assert count_parameters(config) == models.get(cell).n_params(config.model)
    assert count_multiply_adds(config) == models.get(cell).multiply_adds(config.model)
