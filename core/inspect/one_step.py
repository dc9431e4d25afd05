"""One training step in slow motion: a batch forward, its loss, the gradient, the update, and the same batch once more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.config import TrainingConfig
from core.data.dataset import Images, Labels
from core.inspect.activations import Floats, as_floats
from core.inspect.copies import separate_copy
from core.models.pixels import pixels

WEIGHTS_SHOWN = 6
BuildOptimizer = Callable[[TrainingConfig, Sequence[nn.Parameter]], torch.optim.Optimizer]


@dataclass(frozen=True, slots=True)
class WeightStep:
    """One weight: name, index: where it stands · before, after: its values · gradient: of the loss, after clipping"""

    name: str
    index: tuple[int, ...]
    before: float
    gradient: float
    after: float


@dataclass(frozen=True, eq=False, slots=True)
class OneStep:
    """logits, probs (B, 10): before the step · losses (B,): cross-entropy of each image before it, nats

    loss, loss_after: what the step makes smaller, on this batch before and after it: the mean over the images, with label
    smoothing and L1 where the run has them · gradient_norm: before clipping · expected_change: of the loss, were it a plane:
    the sum of gradient times change over all weights · weights: those with the largest gradients, the largest first
    """

    logits: Floats
    probs: Floats
    losses: Floats
    loss: float
    loss_after: float
    gradient_norm: float
    expected_change: float
    weights: tuple[WeightStep, ...]


def one_step(
    module: nn.Module,
    images: Images,
    labels: Labels,
    mean: float,
    std: float,
    training: TrainingConfig,
    build_optimizer: BuildOptimizer,
    lr: float | None = None,
) -> OneStep:
    """One update as the run would make it, with dropout off and norms at their running averages.

    module: in eval mode on the CPU, stays as it was: its copy moves · images (B, 28, 28) uint8, labels (B,) · mean, std: of the
    images it is trained on · build_optimizer: ``core.engine.optimizers.build_optimizer``; its memory of earlier steps is empty
    lr: of this step, where a schedule has changed it
    """
    network = separate_copy(module)
    names = [name for name, weight in network.named_parameters() if weight.requires_grad]
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    plan = training if lr is None else training.model_copy(update={"lr": lr})
    optimizer = build_optimizer(plan, weights)
    batch = pixels(torch.from_numpy(np.array(images)), mean, std)
    truth = torch.from_numpy(np.array(labels, np.int64))

    def loss_of(logits: Tensor) -> Tensor:
        loss = F.cross_entropy(logits, truth, label_smoothing=plan.label_smoothing)
        matrices = [weight.abs().sum() for weight in weights if weight.ndim > 1]
        return loss + plan.l1 * torch.stack(matrices).sum() if plan.l1 else loss

    with torch.enable_grad():
        logits = network(batch)
        loss = loss_of(logits)
        gradients = torch.autograd.grad(loss, weights)
    for weight, gradient in zip(weights, gradients, strict=True):
        weight.grad = gradient.contiguous()
    norm = float(nn.utils.get_total_norm(gradients))
    if plan.clip_norm:
        nn.utils.clip_grad_norm_(weights, plan.clip_norm)
    slopes = [weight.grad.clone() for weight in weights if weight.grad is not None]
    before = [weight.detach().clone() for weight in weights]
    optimizer.step()
    with torch.no_grad():
        after = float(loss_of(network(batch)))
    changes = [weight.detach() - old for weight, old in zip(weights, before, strict=True)]
    expected = sum(float((slope * change).sum()) for slope, change in zip(slopes, changes, strict=True))
    detached = logits.detach()
    return OneStep(
        as_floats(detached), as_floats(detached.softmax(1)), as_floats(F.cross_entropy(detached, truth, reduction="none")),
        float(loss.detach()), after, norm, expected, _largest(names, before, slopes, weights),
    )  # fmt: skip


def _largest(
    names: list[str], before: list[Tensor], slopes: list[Tensor], after: Sequence[Tensor]
) -> tuple[WeightStep, ...]:
    sizes = torch.cat([slope.flatten() for slope in slopes]).abs()
    starts = np.cumsum([0, *(slope.numel() for slope in slopes)])
    steps: list[WeightStep] = []
    for place in sizes.argsort(descending=True, stable=True)[:WEIGHTS_SHOWN].tolist():
        which = int(np.searchsorted(starts, place, side="right")) - 1
        index = tuple(int(i) for i in np.unravel_index(place - int(starts[which]), tuple(slopes[which].shape)))
        old, slope, new = (float(tensors[which].detach()[index]) for tensors in (before, slopes, list(after)))
        steps.append(WeightStep(names[which], index, old, slope, new))
    return tuple(steps)
