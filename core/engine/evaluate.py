"""Logits of a network, and how good they are: every figure about quality comes from here."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from core import models
from core.config import RunConfig
from core.data.dataset import Dataset, Images, Labels
from core.data.split import split as split_dataset
from core.data.subset import subset
from core.engine.events import Arrays
from core.errors import RunError
from core.fields import SplitName
from core.machine.memory import disable_heap_trim
from core.machine.precision import answer_precision, memory_format
from core.models.pixel_order import in_pixel_order
from core.models.pixels import pixels

# Small enough for a convolution's activations to stay in the processor's cache; measured best on CPUs.
EVALUATION_BATCH = 250

# By how much more than a digit can still lose it has to lead: far more than what the sum of nine float32 numbers is off by.
UNDECIDED_MARGIN = 1e-4

# Test-time augmentation: where an image is moved to (down, right), in pixels, for 1, 5 or 9 views.
TTA_SHIFTS = ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, -1), (1, -1), (-1, 1))


@dataclass(frozen=True)
class Score:
    """loss: mean cross-entropy, nats per image · accuracy: fraction in [0, 1] · n: images"""

    loss: float
    accuracy: float
    n: int


def score(logits: Tensor, labels: Tensor) -> Score:
    """Mean over images, never over batches: logits (N, 10) float, labels (N,) int64.

    The loss is the cross-entropy, log of the sum of exp(logits) minus the true logit: the same number as
    ``F.cross_entropy``, whose softmax over as few as ten columns takes five times as long on a CPU.
    """
    logits = logits.float()
    loss = (logits.logsumexp(1) - logits.gather(1, labels.unsqueeze(1)).squeeze(1)).mean().item()
    return Score(loss, (logits.argmax(1) == labels).sum().item() / len(labels), len(labels))


def batches_since_first_bad(logits: Tensor, borders: list[int]) -> int:
    """How many batches ago, among those in ``logits`` (n, 10), the answers stopped being numbers."""
    bad = (~torch.isfinite(logits).all(1)).nonzero()
    return sum(int(bad[0]) < border < len(logits) for border in borders) if len(bad) else 0


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A finished run's answers on one split: logits (N, 10) float32 · labels (N,) int64."""

    logits: NDArray[np.float32]
    labels: Labels

    @cached_property
    def score(self) -> Score:
        return score(torch.tensor(self.logits), torch.tensor(self.labels))


def predict_logits(
    module: nn.Module,
    images: Tensor,
    mean: float,
    std: float,
    precision: str = "fp32",
    views: int = 1,
    on_images: Callable[[int], None] | None = None,
) -> Tensor:
    """Logits (N, 10) float32 of uint8 images (N, 28, 28) on the module's device, in eval mode.

    views: 1, 5 or 9 slightly moved copies of each image are read; the probabilities are averaged, and the logits are
    then their logarithms. The module's training mode is put back afterwards.
    on_images: told after each batch how many images have been read
    """
    device = images.device.type
    layout = memory_format(module, device)
    # Even switched off, autocast asks the device whether it knows these numbers.
    numbers = torch.autocast(device, torch.bfloat16) if precision == "bf16" else nullcontext()
    was_training = module.training
    module.eval()
    logits = torch.empty(len(images), 10, device=images.device)
    with torch.inference_mode(), numbers:
        for start in range(0, len(images), EVALUATION_BATCH):
            batch = images[start : start + EVALUATION_BATCH]
            per_view = [
                module(pixels(_moved(batch, *place), mean, std).contiguous(memory_format=layout)).float()
                for place in TTA_SHIFTS[:views]
            ]
            mean_of_views = per_view[0] if views == 1 else torch.stack(per_view).softmax(2).mean(0).log()
            logits[start : start + len(batch)] = mean_of_views
            if on_images:
                on_images(start + len(batch))
    module.train(was_training)
    return logits


def predict_answers(
    module: nn.Module, images: Tensor, mean: float, std: float, precision: str = "fp32", views: int = 1
) -> Tensor:
    """Which digit is read in each image, (N,) int64: the largest of ``predict_logits``, which takes the same.

    An image is looked at only as long as its answer can still change: a view that is left can bring a digit at most 1 nearer
    to the leading one in the sum of their probabilities, so five of nine views are enough where the network is sure.
    """
    if views == 1:
        return predict_logits(module, images, mean, std, precision).argmax(1)
    device = images.device.type
    layout = memory_format(module, device)
    numbers = torch.autocast(device, torch.bfloat16) if precision == "bf16" else nullcontext()
    was_training = module.training
    module.eval()
    answers = torch.empty(len(images), dtype=torch.int64, device=images.device)
    with torch.inference_mode(), numbers:
        for start in range(0, len(images), EVALUATION_BATCH):
            batch = images[start : start + EVALUATION_BATCH]
            undecided = torch.arange(len(batch), device=images.device)
            probs = torch.zeros(views, len(batch), 10, device=images.device)  # 0 where nobody had to look
            for n_seen, place in enumerate(TTA_SHIFTS[:views], 1):
                moved = pixels(_moved(batch[undecided], *place), mean, std).contiguous(memory_format=layout)
                probs[n_seen - 1, undecided] = module(moved).float().softmax(1)
                if views // 2 < n_seen:
                    first, second = probs[:, undecided].sum(0).topk(2).values.unbind(1)
                    undecided = undecided[first - second <= views - n_seen + UNDECIDED_MARGIN]
                    if not len(undecided):
                        break
            answers[start : start + len(batch)] = probs.mean(0).log().argmax(1)
    module.train(was_training)
    return answers


def _moved(images: Tensor, down: int, right: int) -> Tensor:
    """Images (N, H, W) moved by at most one pixel; background flows in."""
    if not (down or right):
        return images
    height, width = images.shape[1:]
    return F.pad(images, (1, 1, 1, 1))[:, 1 - down : 1 - down + height, 1 - right : 1 - right + width]


class Predictor:
    """A committed snapshot in eval mode: the network, its weights and the scaling it was trained with, in one value.

    module: shared by all who look at this run; it stays as it is, and so do its weights

    weights: state dict name -> array · mean, std: of the training split. Raises RunError when weights do not fit.
    """

    def __init__(self, config: RunConfig, weights: Arrays, mean: float, std: float) -> None:
        disable_heap_trim()
        self.config = config
        self.mean, self.std = mean, std
        # Built without memory: initialising would draw from the random numbers of a run that trains in another thread.
        with torch.device("meta"):
            module = models.get(config.architecture).build(config.model)
        self.module = in_pixel_order(module, config.data.pixel_order)
        tensors = {name: torch.from_numpy(np.array(array)) for name, array in weights.items()}
        try:
            self.module.load_state_dict(tensors, assign=True)
        except RuntimeError as error:
            raise RunError(f"These weights do not belong to {config.architecture} as it is built here.") from error
        self.module.to(memory_format=memory_format(self.module, "cpu")).eval()

    def logits(self, images: Images, on_images: Callable[[int], None] | None = None) -> NDArray[np.float32]:
        """images (N, 28, 28) uint8 -> logits (N, 10) float32. on_images: as in ``predict_logits``"""
        tensor = torch.from_numpy(np.array(images, np.uint8))
        views = self.config.training.tta_views
        logits = predict_logits(self.module, tensor, self.mean, self.std, self._precision, views, on_images)
        result: NDArray[np.float32] = logits.numpy()
        return result

    def answers(self, images: Images) -> Labels:
        """Which digit is read in each image: images (N, 28, 28) uint8 -> (N,), the largest of ``logits``; faster than these
        where a run looks several times."""
        tensor = torch.from_numpy(np.array(images, np.uint8))
        views = self.config.training.tta_views
        result: Labels = predict_answers(self.module, tensor, self.mean, self.std, self._precision, views).numpy()
        return result

    @property
    def _precision(self) -> str:
        return answer_precision(self.config.architecture, self.config.model, self.config.training.precision, "cpu")

    def with_module(self, module: nn.Module) -> Self:
        """Who answers as this run does, but with another network of its kind in eval mode, such as a changed copy."""
        other = copy.copy(self)
        other.module = module
        return other

    def probabilities(self, images: Images) -> NDArray[np.float32]:
        """images (N, 28, 28) uint8 -> probabilities (N, 10) float32; each row sums to 1."""
        result: NDArray[np.float32] = torch.from_numpy(self.logits(images)).softmax(1).numpy()
        return result


def evaluate(
    config: RunConfig,
    weights: Mapping[str, NDArray[Any]],
    dataset: Dataset,
    split: SplitName,
    logits: NDArray[np.float32] | None = None,
    on_images: Callable[[int], None] | None = None,
) -> Evaluation | None:
    """Logits and labels of the images of one split; None when it is empty.

    logits (N, 10): when the training has them already · on_images: as in ``predict_logits``
    """
    dataset = subset(dataset, config.data)
    parts = split_dataset(dataset, config.data)
    if split == "test":
        images, labels = dataset.test_images, dataset.test_labels
    else:
        indices = parts.train if split == "train" else parts.val
        images, labels = dataset.train_images[indices], dataset.train_labels[indices]
    if not len(images):
        return None
    if logits is None:
        logits = Predictor(config, weights, parts.mean, parts.std).logits(images, on_images)
    return Evaluation(logits, labels)
