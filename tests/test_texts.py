"""What help, lessons and docstrings claim in figures, asked of the program itself."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core import models
from core.config import TrainingConfig, all_settings, parse, run_config
from core.data import load
from core.data.augment import augment
from core.data.config import DataConfig
from core.data.dataset import Dataset
from core.data.split import split
from core.engine.evaluate import Predictor
from core.engine.events import Arrays, Checkpoint
from core.engine.optimizers import build_optimizer
from core.engine.train import train
from core.models import recurrent
from core.models.pixels import pixels
from core.runs import shipped
from core.runs.rows import Shipped

ROOT = Path(__file__).parents[1]


def help_of(name: str, architecture: str = "mlp") -> str:
    (sentence,) = (setting.help for setting in all_settings(architecture) if setting.name == name)
    return sentence


def lesson(name: str) -> str:
    return " ".join((ROOT / "assets" / "architectures" / f"{name}.md").read_text("utf-8").split())


def weights_after(dataset: Dataset, steps: int, **values: Any) -> Arrays:
    """The weights of a small MLP after so many steps."""
    config = run_config("mlp", {"widths": (16,), "epochs": 50, "batch_size": 32, "max_steps": max(1, steps), **values})
    events = train(config, dataset, should_stop=(lambda: True) if steps == 0 else (lambda: False))
    return [event for event in events if isinstance(event, Checkpoint)][-1].weights


# ---- settings


def test_an_elastic_distortion_moves_pixels_nearly_twice_as_far_as_its_points() -> None:
    across = (torch.arange(28.0) / 27).expand(400, 1, 28, 28)  # each pixel says where it stands
    warped = augment(across, DataConfig(elastic=1.0), torch.Generator().manual_seed(0))
    moved = ((warped - across) * 27)[..., 3:-3, 3:-3].abs()  # nothing flows in from outside there
    assert 1.3 < moved.max() < 1.9
    assert (moved.amax((1, 2, 3)) > 1).float().mean() > 0.5
    assert "a pixel can move nearly twice as far" in help_of("elastic")


def test_a_stroke_changes_by_twice_as_much_as_its_edges() -> None:
    bars = torch.zeros(500, 1, 28, 28)
    bars[..., 12:16] = 1
    widths = augment(bars, DataConfig(thickness=0.5), torch.Generator().manual_seed(0))[:, 0, 14].sum(1)
    assert widths.max() - 4 == pytest.approx(2 * 0.5, abs=0.02)
    assert 4 - widths.min() == pytest.approx(2 * 0.5, abs=0.02)
    assert "thicker or thinner by up to twice as much" in help_of("thickness")


def test_a_shift_goes_so_far_along_each_axis() -> None:
    spot = torch.zeros(1_000, 1, 28, 28)
    spot[..., 14, 14] = 1
    moved = augment(spot, DataConfig(shift=4.0), torch.Generator().manual_seed(0))
    rows, columns = (moved.sum((1, axis)) @ torch.arange(28.0) - 14 for axis in (3, 2))
    assert max(rows.abs().max(), columns.abs().max()) < 4.01
    assert torch.hypot(rows, columns).max() > 5
    assert "sideways and up or down, by up to this many pixels each" in help_of("shift")


def test_an_l1_penalty_brings_weights_close_to_zero_and_none_to_it(tiny: Dataset) -> None:
    close, free = (weights_after(tiny, 200, l1=l1)["hidden.0.weight"] for l1 in (0.01, 0.0))
    assert (np.abs(close) < 2e-3).mean() > 0.5 > 0.1 > (np.abs(free) < 2e-3).mean()
    assert (close == 0).mean() < 0.001
    assert "close to zero, though hardly ever at zero itself" in help_of("l1")


@pytest.mark.parametrize(
    ("optimizer", "shortens"), [("sgd", True), ("adam", False), ("rmsprop", False), ("muon", False)]
)
def test_clipping_shortens_the_step_of_sgd_alone(optimizer: str, shortens: bool, tiny: Dataset) -> None:
    before = weights_after(tiny, 0)
    free, clipped = (weights_after(tiny, 1, optimizer=optimizer, lr=0.01, clip_norm=norm) for norm in (0.0, 0.01))
    lengths = [np.sqrt(sum(((end[key] - before[key]) ** 2).sum() for key in before)) for end in (free, clipped)]
    assert lengths[1] < 0.1 * lengths[0] if shortens else lengths[1] == pytest.approx(lengths[0], rel=0.02)
    assert "SGD's step gets shorter by it." in help_of("clip_norm")


def test_the_momentum_of_muon_is_of_its_matrices_alone() -> None:
    ends: list[list[Tensor]] = []
    for momentum in (0.5, 0.9):
        weights = [nn.Parameter(torch.eye(12)), nn.Parameter(torch.ones(12))]
        optimizer = build_optimizer(TrainingConfig(optimizer="muon", momentum=momentum), weights)
        private = torch.Generator().manual_seed(0)
        for _ in range(3):
            for weight in weights:
                weight.grad = torch.randn(weight.shape, generator=private)
            optimizer.step()
        ends.append([weight.detach() for weight in weights])
    assert not torch.equal(ends[0][0], ends[1][0])
    assert torch.equal(ends[0][1], ends[1][1])
    assert "With Muon, only in the matrices" in help_of("momentum")


def test_where_the_embedded_digits_are_split_is_not_up_to_the_seed(digits: Dataset) -> None:
    assert np.array_equal(*(split(digits, DataConfig(split_seed=seed)).val for seed in (0, 1)))
    assert "The embedded digits always hold out their last ones." in help_of("split_seed")


def test_a_first_step_of_two_is_about_a_quarter_of_the_work() -> None:
    record = models.get("resnet")
    full, half = (record.multiply_adds(record.config(stem_stride=stride)) for stride in (1, 2))
    assert half / full == pytest.approx(0.25, abs=0.05)
    assert "about a quarter of the work" in help_of("stem_stride", "resnet")


# ---- lessons


def reference(name: str) -> Shipped:
    return shipped.read(ROOT / "assets" / "reference_runs", name)


def scaling(run: Shipped) -> tuple[float, float]:
    started = run.events[0]
    return started.mean, started.std  # type: ignore[attr-defined]


def share_that_reaches_the_first_row(cell: str, images: Tensor, labels: Tensor, weights: Arrays | None) -> float:
    """Length of the correction at the memory after row 1, as a share of that after row 28; of an LSTM at its belt, which the
    answer sees no more after row 28, hence 27.

    images (N, 1, 28, 28), normalised · weights: None for a network that has not learned yet
    """
    torch.manual_seed(0)
    module: Any = models.get(cell).build(models.get(cell).config())
    if weights is not None:
        module.load_state_dict({key: torch.from_numpy(np.array(value)) for key, value in weights.items()})
    state, memories = None, []
    for row in images.squeeze(1).split(1, dim=1):  # (N, 1, 28)
        _, state = module.memory(row, state)
        memories.append(state[1] if cell == "lstm" else state)
        memories[-1].retain_grad()
    last = state[0] if cell == "lstm" else state
    F.cross_entropy(module.head(last[0]), labels).backward()
    return float(memories[0].grad.norm() / memories[-2 if cell == "lstm" else -1].grad.norm())


@pytest.mark.parametrize(
    ("cell", "says"), [("gru", "a few millionths reach the first"), ("lstm", "forgets at first, too")]
)
def test_what_the_first_row_is_told_of_an_error_has_to_be_learned(cell: str, says: str, digits: Dataset) -> None:
    run = reference(cell)
    images = pixels(torch.tensor(digits.test_images[:100]), *scaling(run))
    labels = torch.tensor(digits.test_labels[:100]).long()
    untrained, trained = (
        share_that_reaches_the_first_row(cell, images, labels, weights) for weights in (None, run.weights)
    )
    assert 1e-6 < untrained < 2e-5
    assert trained > 0.2
    assert says in lesson(cell)
    assert "vanish" not in lesson(cell)


def test_torch_s_gru_resets_what_the_matrix_made_of_the_memory() -> None:
    gru = nn.GRU(5, 4)
    x, memory = torch.randn(2, 3, 5), torch.randn(1, 3, 4)
    w_in, w_memory, b_in, b_memory = (weight.detach() for weight in gru.parameters())
    reset_in, keep_in, new_in = (x[0] @ w_in.T + b_in).chunk(3, 1)
    reset_memory, keep_memory, new_memory = (memory[0] @ w_memory.T + b_memory).chunk(3, 1)
    reset, keep = torch.sigmoid(reset_in + reset_memory), torch.sigmoid(keep_in + keep_memory)
    after_matrix = (1 - keep) * torch.tanh(new_in + reset * new_memory) + keep * memory[0]
    torch.testing.assert_close(gru(x[:1], memory)[1][0].detach(), after_matrix)
    assert "GRU applies the reset gate to what the matrix made of the memory" in " ".join(
        str(recurrent.__doc__).split()
    )


def test_the_sheets_of_softmax_regression_are_no_pictures_of_digits(digits: Dataset) -> None:
    sheets = reference("softmax").weights["head.weight"]  # (10, 784)
    means = [digits.train_images[digits.train_labels == digit].mean(0).ravel() for digit in range(10)]
    alike = [np.corrcoef(sheet, mean)[0, 1] for sheet, mean in zip(sheets, means, strict=True)]
    assert max(alike) < 0.3
    assert "The sheets are no pictures of digits" in lesson("softmax")


@pytest.mark.mnist
def test_turned_by_40_degrees_a_cnn_misreads_one_digit_in_five_and_an_mlp_more() -> None:
    mnist = load("mnist")
    images, labels = torch.tensor(mnist.test_images[:1_000]).float().unsqueeze(1), mnist.test_labels[:1_000]
    angle = math.radians(40)
    turn = torch.tensor([[math.cos(angle), math.sin(angle), 0], [-math.sin(angle), math.cos(angle), 0]])
    grid = F.affine_grid(turn.expand(len(images), 2, 3), list(images.shape), align_corners=False)
    turned = F.grid_sample(images, grid, align_corners=False).squeeze(1).round().to(torch.uint8).numpy()
    wrong: dict[str, float] = {}
    for name in ("cnn", "mlp"):
        run = reference(name)
        answers = Predictor(parse(run.config), run.weights, *scaling(run)).logits(turned).argmax(1)
        wrong[name] = float((answers != labels).mean())
    assert wrong["cnn"] == pytest.approx(0.2, abs=0.04)
    assert wrong["mlp"] > wrong["cnn"] + 0.03
    assert "of digits turned by 40 degrees, the shipped one misreads about one in five" in lesson("cnn")
