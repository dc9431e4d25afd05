"""The thing that learns: a network, its optimizer, and the best weights so far. ``train`` decides when; this knows how."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.config import Precision, RunConfig
from core.data.augment import augment, varies
from core.data.class_set import Digits, repeated
from core.data.config import DataConfig
from core.data.dataset import Dataset, Indices, SplitIndices
from core.data.label_noise import given_labels
from core.data.split import n_mixed_in
from core.engine.batches import sample_size
from core.engine.evaluate import Score, predict_logits, score
from core.engine.events import Arrays, Checkpoint, Next, Snapshot
from core.engine.network import untrained_network
from core.engine.optimizers import build_optimizer, schedule_factor
from core.engine.seeds import derive, generator
from core.machine.memory import disable_heap_trim
from core.machine.precision import answer_precision, memory_format
from core.models.pixels import pixels


class Learner:
    """One network being trained. ``step`` counts optimizer updates since the very start of the run.

    total_steps: planned updates of the whole run, which the schedule spreads over
    module: a network that has its weights already; without one, it is built from the run's seed
    start: state dict name -> array, the weights to begin with instead
    precision: with which numbers it learns, as ``speed.precision_of`` has it
    """

    def __init__(
        self,
        config: RunConfig,
        parts: SplitIndices,
        device: torch.device,
        total_steps: int,
        module: nn.Module | None = None,
        start: Arrays | None = None,
        precision: Precision = "fp32",
    ) -> None:
        disable_heap_trim()
        self.precision = precision
        self.config, self.parts, self.device, self.total_steps = config, parts, device, total_steps
        if module is None:
            torch.manual_seed(derive(config.training.seed, "weights"))
            module = untrained_network(config)
        if start is not None:
            module.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in start.items()})
        self.module = module.to(device)
        self._layout = memory_format(self.module, device.type)
        self.module.to(memory_format=self._layout)
        self.weights = [weight for weight in self.module.parameters() if weight.requires_grad]
        self._matrices = [weight for weight in self.weights if weight.ndim > 1]  # L1 leaves biases and scales alone
        self._optimizer = build_optimizer(config.training, self.weights)
        self._norm: Tensor | None = None
        self.step = 0
        self.lr = 0.0
        self._set_lr()
        self._best_weights = self._copied_weights()
        self._best_logits: Tensor | None = None
        self.best_epoch = 0.0
        self._best_value: float | None = None
        self.epochs_since_best = 0
        self.val_hits: Tensor | None = None  # (N,) bool: the validation images read correctly when last validated

    @property
    def n_params(self) -> int:
        return sum(weight.numel() for weight in self.weights)

    def learn(self, images: Tensor, labels: Tensor, augmentation: torch.Generator) -> Tensor:
        """One optimizer update. images (B, 28, 28) uint8, labels (B,) int64 -> the logits (B, 10) before it."""
        plan = self.config.training
        batch = self._augmented(images, labels, augmentation).contiguous(memory_format=self._layout)
        for weight in self.weights:  # as zero_grad does, which takes ten times as long to note it for a profiler
            weight.grad = None
        with self._autocast():
            logits: Tensor = self.module(batch)
        loss = F.cross_entropy(logits.float(), labels, label_smoothing=plan.label_smoothing)
        if plan.l1:
            loss = loss + plan.l1 * torch.stack([weight.abs().sum() for weight in self._matrices]).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        if plan.clip_norm:
            self._norm = nn.utils.clip_grad_norm_(self.weights, plan.clip_norm)
        self._optimizer.step()
        self.step += 1
        if plan.schedule != "constant":
            self._set_lr()
        return logits.detach()

    def _autocast(self) -> AbstractContextManager[Any]:
        """With how many bits the layers compute; nothing is entered where that is not changed."""
        return torch.autocast(self.device.type, torch.bfloat16) if self.precision == "bf16" else nullcontext()

    def _augmented(self, images: Tensor, labels: Tensor, augmentation: torch.Generator) -> Tensor:
        """uint8 (B, 28, 28) -> float (B, 1, 28, 28): augmented if the config says so, then normalised."""
        mean, std = self.parts.mean, self.parts.std
        if not varies(self.config.data):
            return pixels(images, mean, std)
        augmented = augment(images.float().mul_(1 / 255).unsqueeze(1), self.config.data, augmentation, labels)
        return augmented.sub_(mean).mul_(1 / std)

    def _set_lr(self) -> None:
        plan = self.config.training
        self.set_lr(plan.lr * schedule_factor(plan.schedule, min(1.0, self.step / self.total_steps)))

    def set_lr(self, lr: float) -> None:
        """The learning rate of the steps from here on; only a constant schedule leaves it alone."""
        self.lr = lr
        for group in self._optimizer.param_groups:
            group["lr"] = lr

    def gradient_norm(self) -> float:
        """Length of the last gradient, before clipping; may be inf or nan."""
        if self._norm is not None:
            return self._norm.item()
        gradients = [weight.grad for weight in self.weights if weight.grad is not None]
        return nn.utils.get_total_norm(gradients).item()

    def predict_logits(self, images: Tensor) -> Tensor:
        """Logits (N, 10) of uint8 images (N, 28, 28), from the network as it stands."""
        config = self.config
        precision = answer_precision(config.architecture, config.model, config.training.precision, self.device.type)
        return predict_logits(self.module, images, self.parts.mean, self.parts.std, precision)

    def validate(self, epoch: float, val_images: Tensor, val_labels: Tensor) -> Score | None:
        """Score the network as it stands, and keep its weights if they are the best so far.

        Without validation images the latest weights count as the best.
        """
        plan = self.config.training
        if not len(val_images):
            self._keep_as_best(epoch, None, None)
            return None
        logits = self.predict_logits(val_images)
        val = score(logits, val_labels)
        self.val_hits = logits.argmax(1) == val_labels
        value = -val.accuracy if plan.monitor == "val_acc" else val.loss
        better = plan.monitor == "last" or self._best_value is None or value < self._best_value - plan.min_delta
        if better and math.isfinite(val.loss):
            self._keep_as_best(epoch, value, logits)
        else:
            self.epochs_since_best += 1
        return val

    def _keep_as_best(self, epoch: float, value: float | None, logits: Tensor | None) -> None:
        self._best_weights, self._best_logits = self._copied_weights(), logits
        self.best_epoch, self._best_value = epoch, value
        self.epochs_since_best = 0

    def _copied_weights(self) -> dict[str, Tensor]:
        return {name: tensor.detach().clone() for name, tensor in self.module.state_dict().items()}

    def checkpoint(self, epoch: float, seconds: float, next_: Next) -> Checkpoint:
        """Everything needed to go on from here, as arrays that nothing changes any more."""
        moments = {
            f"{index}.{name}": value
            for index, entry in self._optimizer.state_dict()["state"].items()
            for name, value in entry.items()
            if isinstance(value, Tensor)
        }
        one_view = self.config.training.tta_views == 1  # with more of them, the evaluation's logits are others
        logits = self._best_logits.cpu().numpy() if one_view and self._best_logits is not None else None
        return Checkpoint(
            epoch=epoch, step=self.step, seconds=seconds, next=next_, best_logits=logits,
            best_epoch=self.best_epoch, best_value=self._best_value, epochs_since_best=self.epochs_since_best,
            weights=_arrays(self.module.state_dict()), best_weights=_arrays(self._best_weights), optimizer=_arrays(moments),
            precision=self.precision,
        )  # fmt: skip

    def snapshot(self, epoch: float) -> Snapshot:
        """The weights as they stand, for looking back."""
        half = {name: _halved(tensor.detach()) for name, tensor in self.module.state_dict().items()}
        return Snapshot(epoch, self.step, _arrays(half))

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on exactly where ``checkpoint`` was taken."""
        self.module.load_state_dict(self._tensors(checkpoint.weights))
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in self._tensors(checkpoint.optimizer).items():
            index, key = name.split(".", 1)
            weight = self.weights[int(index)]
            # Fused kernels walk through memory: a moment has to lie there in the same order as its weight.
            laid_out = torch.empty_like(weight).copy_(tensor) if tensor.shape == weight.shape else tensor
            state.setdefault(int(index), {})[key] = laid_out
        groups = self._optimizer.state_dict()["param_groups"]
        self._optimizer.load_state_dict({"state": state, "param_groups": groups})
        self._best_weights, self._best_logits = self._tensors(checkpoint.best_weights), None
        self.best_epoch, self._best_value = checkpoint.best_epoch, checkpoint.best_value
        self.epochs_since_best, self.step = checkpoint.epochs_since_best, checkpoint.step
        self._set_lr()

    def _tensors(self, arrays: Arrays) -> dict[str, Tensor]:
        return {name: torch.from_numpy(np.array(array)).to(self.device) for name, array in arrays.items()}


def on_device(dataset: Dataset, indices: Indices, device: torch.device) -> tuple[Tensor, Tensor]:
    """Training images (n, 28, 28) as uint8, four times smaller than floats, and labels (n,) int64."""
    images, labels = dataset.train_images[indices], dataset.train_labels[indices]
    return torch.from_numpy(images).to(device), torch.from_numpy(labels).to(device)


class TrainingImages(NamedTuple):
    """images (n, 28, 28) uint8 · labels (n,) int64: what the network is told · true_labels (n,): without label noise"""

    images: Tensor
    labels: Tensor
    true_labels: Tensor

    def sample(self, seed: int) -> TrainingImages:
        """Those on which every epoch's network is scored like on validation images: the same ones throughout a run."""
        order = torch.randperm(len(self.images), generator=generator(seed, "sample"))
        picked = order[: sample_size(len(order))].to(self.images.device)
        return TrainingImages(self.images[picked], self.labels[picked], self.true_labels[picked])


def training_images(dataset: Dataset, parts: SplitIndices, config: DataConfig, device: torch.device) -> TrainingImages:
    """What a run learns from: its training split, and behind it the digits of the class set that it mixes in.

    Raises DataError where there are none of those.
    """
    images, true_labels = on_device(dataset, parts.train, device)
    labels = torch.from_numpy(given_labels(dataset, config)[parts.train]).to(device)
    n = n_mixed_in(len(labels), config.class_set)
    if not n:
        return TrainingImages(images, labels, true_labels)
    own = repeated(Digits(dataset.class_set_images, dataset.class_set_labels), n, config.split_seed)
    more = torch.from_numpy(own.images).to(device), torch.from_numpy(own.labels).to(device)
    return TrainingImages(torch.cat([images, more[0]]), torch.cat([labels, more[1]]), torch.cat([true_labels, more[1]]))


def _halved(tensor: Tensor) -> Tensor:
    """float32 as float16, unless it holds what float16 can not (beyond 65,504, or no number); any other kind as it is."""
    fits = tensor.dtype == torch.float32 and bool((tensor.abs() <= torch.finfo(torch.float16).max).all())
    return tensor.half() if fits else tensor


def _arrays(tensors: dict[str, Tensor]) -> Arrays:
    return {name: np.array(tensor.detach().cpu().contiguous().numpy()) for name, tensor in tensors.items()}
