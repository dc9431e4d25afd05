"""What would change a network's mind: the nearest other digit, the smallest change that does it, and the picture it likes best.

Pixels are shares of ink, from 0 to 1, and every picture stays within them. Nothing here draws from torch's global random
numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from core.data.dataset import SIDE, Images
from core.inspect.activations import Floats, as_floats, one_image
from core.inspect.copies import private_copy
from core.inspect.embedding import Metric, nearest

Attack = Literal["fgsm", "pgd"]
Way = Literal["neighbour", "fgsm", "pgd", "dream"]
DOES_NOT_SHOW: Mapping[Way, str] = {
    "neighbour": "It does not show which difference between the two digits made the network answer otherwise.",
    "fgsm": "It does not show the smallest change there is: all pixels move by the same amount, in one step.",
    "pgd": "It does not show how the network errs on digits that people write: no hand draws this pattern.",
    "dream": "It does not show what the network takes for a typical digit, only one picture that makes it sure of this one. "
    "Often nobody else sees the digit in it, above all where a network reads row by row or patch by patch: to be sure is not "
    "to be right.",
}

# Budgets tried from small to large, before the first that works is narrowed down by halves. A single step that is long can
# miss what a shorter one meets, so it is tried at each of them; many small steps hardly ever do.
BUDGETS: Mapping[Attack, tuple[float, ...]] = {
    "fgsm": tuple(step / 32 for step in range(1, 33)),
    "pgd": tuple(2.0**-power for power in range(6, -1, -1)),
}
HALVINGS = 8
PGD_STEPS = 20
PGD_STRIDE = 2.5  # times the budget, over all steps (Madry et al. 2018)
DREAMS, DREAM_STEPS = 4, 160  # pictures tried side by side
DREAM_NOISE = 0.1  # at the beginning, from none to this share of ink
DREAM_JITTER = 2  # pixels by which a step may look from beside
DREAM_STRIDE, DREAM_INK_COST = 2.0, 0.01  # of the first step: length, and what each pixel loses; both shrink to zero
DREAM_BLUR_EVERY, DREAM_SHARP_SHARE = 4, 0.2  # steps; no blur in the last fifth


@dataclass(frozen=True, eq=False, slots=True)
class Change:
    """The smallest change of an image by which an attack changes the answer.

    picture (28, 28): shares of ink · budget: by how much each pixel may change at most, as a share of full ink
    answer, new_answer: 0..9 · confidence: of the new answer, in [0, 1]
    """

    picture: Floats
    budget: float
    answer: int
    new_answer: int
    confidence: float


def nearest_other(
    query: NDArray[np.floating],
    answer: int,
    vectors: NDArray[np.floating],
    answers: NDArray[np.integer],
    metric: Metric,
) -> tuple[int, float] | None:
    """The nearest image that the network reads as something else, as its position and its distance; None when there is none.

    query (D,), vectors (N, D): pixels, as ``ink`` gives them, or embeddings · answer, answers (N,): what the network reads
    """
    others = np.flatnonzero(answers != answer)
    if not len(others):
        return None
    positions, distances = nearest(
        np.asarray(vectors[others], np.float32), np.asarray(query, np.float32)[None], 1, metric
    )
    return int(others[positions[0, 0]]), float(distances[0, 0])


def ink(images: Images) -> Floats:
    """Images (N, 28, 28) uint8 -> shares of ink (N, 784), for distances in pixels."""
    return images.reshape(len(images), -1).astype(np.float32) / np.float32(255)


def smallest_change(module: nn.Module, image: Images, mean: float, std: float, attack: Attack) -> Change | None:
    """The smallest budget with which an attack changes the answer, and its picture; None when not even full ink does.

    FGSM: one step along the sign of the gradient (Goodfellow, Shlens and Szegedy 2015). PGD: many small steps that stay within
    the budget (Madry et al. 2018), here from the image itself. Both follow the odds against the answer.
    module: in eval mode on the CPU, stays as it was · image (28, 28) uint8 · mean, std: of the images it was trained on
    """
    network = private_copy(module)
    start = _shares(image)

    def logits_of(shares: Tensor) -> Tensor:
        logits: Tensor = network((shares - mean) / std)
        return logits

    with torch.no_grad():
        # The answer that everybody is shown; the same pixels in another rounding could tip it.
        answer = int(network(one_image(image, mean, std))[0].argmax())
    slope, _ = _odds_gradient(logits_of, start, answer)

    def attacked(budget: float) -> Tensor | None:
        if attack == "fgsm":
            picture = (start + budget * slope.sign()).clamp(0, 1)
            with torch.no_grad():
                return picture if int(logits_of(picture)[0].argmax()) != answer else None
        return _pgd(logits_of, start, answer, budget)

    low = 0.0
    for high in BUDGETS[attack]:
        picture = attacked(high)
        if picture is not None:
            break
        low = high
    else:
        return None
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        smaller = attacked(middle)
        if smaller is None:
            low = middle
        else:
            high, picture = middle, smaller
    with torch.no_grad():
        probs = logits_of(picture)[0].softmax(0)
    return Change(as_floats(picture[0, 0]), high, answer, int(probs.argmax()), float(probs.max()))


def dream(module: nn.Module, digit: int, mean: float, std: float, seed: int = 0) -> tuple[Floats, float]:
    """A picture that raises the odds of a digit, step by step from faint noise: shares of ink (28, 28), and how sure the
    network is that it is this digit, in [0, 1]. Of several tries the one of which it is the most sure.

    Against noise, as Olah, Mordvintsev and Schubert 2017, "Feature visualization": each step looks from a place a little
    beside, its slope and now and then the picture are blurred, and ink costs.
    """
    network = private_copy(module)
    private = torch.Generator().manual_seed(seed)
    pictures = DREAM_NOISE * torch.rand(DREAMS, 1, SIDE, SIDE, generator=private)
    for step in range(DREAM_STEPS):
        moves = torch.randint(-DREAM_JITTER, DREAM_JITTER + 1, (DREAMS, 2), generator=private).tolist()
        moved = torch.stack([picture.roll(move, (1, 2)) for picture, move in zip(pictures, moves, strict=True)])
        slopes = _dream_slopes(network, digit, moved, mean, std)
        back = torch.stack(
            [slope.roll((-down, -right), (1, 2)) for slope, (down, right) in zip(slopes, moves, strict=True)]
        )
        slopes = _blurred(back)
        lengths = slopes.flatten(1).norm(dim=1).clamp_min(1e-12)[:, None, None, None]
        share = 1 - step / DREAM_STEPS
        pictures = (pictures + share * (DREAM_STRIDE * slopes / lengths - DREAM_INK_COST)).clamp(0, 1)
        if step % DREAM_BLUR_EVERY == 0 and share > DREAM_SHARP_SHARE:
            pictures = _blurred(pictures)
    with torch.no_grad():
        confidences = network((pictures - mean) / std).softmax(1)[:, digit]
    best = int(confidences.argmax())
    return as_floats(pictures[best, 0]), float(confidences[best])


def _dream_slopes(network: nn.Module, digit: int, pictures: Tensor, mean: float, std: float) -> Tensor:
    """Of the logarithm of the odds of a digit; its score alone can rise while that of another rises more. (N, 1, 28, 28)"""
    tracked = pictures.requires_grad_()
    with torch.enable_grad():
        logits = network((tracked - mean) / std)
        others = torch.cat([logits[:, :digit], logits[:, digit + 1 :]], dim=1)
        (slopes,) = torch.autograd.grad((logits[:, digit] - others.logsumexp(1)).sum(), tracked)
    return slopes


def _blurred(pictures: Tensor) -> Tensor:
    """(N, 1, 28, 28), each pixel a mean of its neighbourhood of 3 by 3."""
    line = torch.tensor([0.25, 0.5, 0.25])
    return F.conv2d(F.pad(pictures, (1, 1, 1, 1), mode="replicate"), (line[:, None] * line)[None, None])


def _shares(image: Images) -> Tensor:
    return torch.from_numpy(np.array(image, np.float32) / 255)[None, None]


def _odds_gradient(logits_of: Callable[[Tensor], Tensor], picture: Tensor, answer: int) -> tuple[Tensor, int]:
    """Of the logarithm of the odds against an answer; and the answer to this picture. It has the direction of the loss, of
    which nothing is left in 32 bits once a network is very sure."""
    tracked = picture.detach().clone().requires_grad_()
    with torch.enable_grad():
        logits = logits_of(tracked)[0]
        others = torch.cat([logits[:answer], logits[answer + 1 :]])
        (slope,) = torch.autograd.grad(others.logsumexp(0) - logits[answer], tracked)
    return slope, int(logits.argmax())


def _pgd(logits_of: Callable[[Tensor], Tensor], start: Tensor, answer: int, budget: float) -> Tensor | None:
    low, high = (start - budget).clamp_min(0), (start + budget).clamp_max(1)
    picture = start
    for _ in range(PGD_STEPS):
        slope, read = _odds_gradient(logits_of, picture, answer)
        if read != answer:
            return picture
        picture = (picture + PGD_STRIDE * budget / PGD_STEPS * slope.sign()).clamp(low, high)
    with torch.no_grad():
        return picture if int(logits_of(picture)[0].argmax()) != answer else None
