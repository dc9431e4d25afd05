"""What changes an answer does change it, within its budget, and no less would have done."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from core.config import parse
from core.engine.evaluate import Predictor
from core.engine.events import Started
from core.inspect.counterfactual import DOES_NOT_SHOW, Change, dream, ink, nearest_other, smallest_change
from core.runs import shipped
from tests.inspect.networks import MEAN, STD, digit, every_architecture, network, nothing_changed, taken

ROOT = Path(__file__).parents[2]


def answer_to(name: str, picture: np.ndarray) -> int:
    with torch.no_grad():
        return int(network(name)(torch.from_numpy((picture[None, None] - MEAN) / STD).float())[0].argmax())


@every_architecture
def test_the_smallest_change_changes_the_answer_within_its_budget(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.inspect.counterfactual.HALVINGS", 1)
    monkeypatch.setattr("core.inspect.counterfactual.PGD_STEPS", 8)
    module, image = network(name), digit()
    with nothing_changed(module):
        changes = {attack: smallest_change(module, image, MEAN, STD, attack) for attack in ("fgsm", "pgd")}
    with torch.no_grad():
        answer = int(module(taken(image))[0].argmax())
    for change in changes.values():
        if change is None:
            continue
        assert change.answer == answer != change.new_answer == answer_to(name, change.picture)
        assert 0 <= change.picture.min() <= change.picture.max() <= 1
        assert np.abs(change.picture - image / 255).max() <= change.budget + 1e-6
        assert 0.1 <= change.confidence <= 1
    assert changes["pgd"] is not None, "small steps get there wherever these networks can be moved"


def test_a_linear_network_needs_the_budget_of_a_hand_computation() -> None:
    """Each pixel moves along the sign of the gradient, so the odds of two digits move by budget times all weights."""
    module, image = network("softmax"), digit()
    change = smallest_change(module, image, MEAN, STD, "fgsm")
    assert isinstance(change, Change)
    with torch.no_grad():
        logits = module(taken(image))[0]
    weights = module.head.weight.detach() / STD
    others = [i for i in range(10) if i != change.answer]
    slope = logits[others].softmax(0) @ weights[others] - weights[change.answer]
    start = torch.from_numpy(image.ravel() / 255).float()

    def reads(budget: float) -> int:
        moved = (start + budget * slope.sign()).clamp(0, 1) - start
        return int((logits + weights @ moved).argmax())

    assert reads(change.budget) == change.new_answer
    assert reads(change.budget - 1 / 32 / 2**7) == change.answer


def test_many_small_steps_need_no_more_than_one_large_one() -> None:
    for name in ("mlp", "lenet", "vit"):
        fgsm, pgd = (smallest_change(network(name), digit(), MEAN, STD, attack) for attack in ("fgsm", "pgd"))
        assert pgd is not None
        assert fgsm is None or pgd.budget <= fgsm.budget + 1 / 64


def test_a_network_whose_mind_does_not_change_is_told() -> None:
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10)).eval()
    torch.nn.init.zeros_(module[1].weight)
    module[1].bias.data[:] = torch.arange(10.0)
    assert smallest_change(module, digit(), MEAN, STD, "fgsm") is None
    assert smallest_change(module, digit(), MEAN, STD, "pgd") is None


@every_architecture
def test_a_dream_raises_the_odds(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.inspect.counterfactual.DREAM_STEPS", 12)
    module = network(name)
    with nothing_changed(module):
        picture, confidence = dream(module, 3, MEAN, STD)
    assert 0 <= picture.min() <= picture.max() <= 1
    faint = torch.full((1, 1, 28, 28), (0.05 - MEAN) / STD)
    with torch.no_grad():
        before = module(faint)[0].softmax(0)[3].item()
        after = module(torch.from_numpy((picture[None, None] - MEAN) / STD).float())[0].softmax(0)[3].item()
    assert after > before
    assert confidence == pytest.approx(after, abs=1e-5)


@pytest.mark.parametrize(("name", "digit"), [("compact", 0), ("resnet", 1)])
def test_a_network_with_batch_norm_is_sure_of_its_dream(name: str, digit: int) -> None:
    record = shipped.read(ROOT / "assets" / "reference_runs", name)
    began = next(event for event in record.events if isinstance(event, Started))
    shipped_network = Predictor(parse(record.config), record.weights, began.mean, began.std)
    picture, confidence = dream(shipped_network.module, digit, began.mean, began.std)
    assert confidence > 0.9
    assert 0.01 < picture.mean() < 0.3, "strokes on paper, not a grey veil"


def test_a_dream_is_the_same_for_a_seed() -> None:
    (first, _), (again, _), (other, _) = (dream(network("softmax"), 3, MEAN, STD, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_nearest_other_digit_is_the_nearest_that_is_read_otherwise() -> None:
    images = np.stack([digit(i) for i in range(8)])
    answers = np.array([0, 0, 1, 1, 0, 2, 0, 0])
    pixels = ink(images)
    position, distance = nearest_other(pixels[0], 0, pixels, answers, "euclidean")
    distances = np.linalg.norm(pixels - pixels[0], axis=1)
    assert position == min((2, 3, 5), key=lambda i: distances[i])
    assert distance == pytest.approx(distances[position])
    assert nearest_other(pixels[0], 0, pixels, np.zeros(8, int), "cosine") is None


def test_each_way_says_what_it_does_not_show() -> None:
    assert set(DOES_NOT_SHOW) == {"neighbour", "fgsm", "pgd", "dream"}
    assert all(
        sentence.startswith("It does not show") and sentence.endswith(".") for sentence in DOES_NOT_SHOW.values()
    )
    assert "to be sure is not to be right" in DOES_NOT_SHOW["dream"], "few of them look like a digit"
