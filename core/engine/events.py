"""The frozen records that ``train`` yields: everything a run has to say. No torch in here.

A run starts with ``Started``, reports ``Progress`` at most four times a second, ends each epoch with ``EpochEnd``,
``ValidationHits`` and, from time to time, a ``Checkpoint``, yields a ``Snapshot`` at the steps that its settings ask for, and
closes with exactly one of ``Finished``, ``Stopped``, ``Diverged`` or ``Failed``. Epoch 0 is the untrained network; a run that
ends within an epoch, because it was stopped or has made its steps, is validated there, at a fractional epoch. ``seconds`` is
the time this run itself computed: waiting and pausing do not count.
Accuracies are fractions in [0, 1]; losses are mean cross-entropy in nats per image; what can not be known is None.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from core.config import Precision

Arrays = Mapping[str, NDArray[Any]]

# What is left of a run: to go on training; to validate the weights with which it was stopped within an epoch, and then to stop;
# or only its last event, Stopped, Finished or Diverged.
Next = Literal["train", "validate", "stop", "finish", "diverge"]


@dataclass(frozen=True, slots=True)
class Event:
    """``kind`` names the record in the store and on the command line."""

    kind: ClassVar[str] = ""


@dataclass(frozen=True, slots=True)
class Started(Event):
    """The network stands and the data lies on the device. ``epoch`` > 0 when the run was resumed there, fractional when it
    does not go on training (``Checkpoint.next``). ``precision``: with which numbers it learns, "fp32" or "bf16".
    ``n_wrong_labels``: of the training images, those whose label was drawn anew and is not the true one."""

    kind: ClassVar[str] = "started"
    n_params: int
    device: str
    threads: int
    n_train: int
    n_val: int
    steps_per_epoch: int
    epochs: int
    epoch: float
    split_hash: str
    mean: float
    std: float
    precision: Precision = "fp32"
    n_wrong_labels: int = 0


@dataclass(frozen=True, slots=True)
class Progress(Event):
    """In the middle of an epoch. ``epoch`` is fractional; the train figures are those of the images seen since the last
    ``Progress`` of this epoch, as the network answered while it was learning (dropout and augmentation on). The first one, at
    epoch 0, tells the untrained network's figures before it has seen the validation images; it has no gradient (NaN)."""

    kind: ClassVar[str] = "progress"
    epoch: float
    step: int
    train_loss: float
    train_acc: float
    lr: float
    grad_norm: float
    images_per_s: float
    seconds: float


@dataclass(frozen=True, slots=True)
class EpochEnd(Event):
    """After ``epoch`` passes over the training images. Train figures: over the epoch, as the network answered while it was
    learning, with dropout and augmentation on (epoch 0: the untrained network on the first 500 training images);
    validation figures: the network as it stands now, None when nothing is held out. Sample figures: the network as it
    stands now on a fixed sample of its training images, in eval mode and without augmentation, so that they compare with
    validation; None in runs of earlier versions. True figures: the same answers to the sample against its true labels, where
    training labels were drawn anew (label noise), else None. No loss holds label smoothing, the L1 penalty or weight decay."""

    kind: ClassVar[str] = "epoch"
    epoch: float
    step: int
    train_loss: float
    train_acc: float
    val_loss: float | None
    val_acc: float | None
    lr: float
    images_per_s: float
    seconds: float
    epoch_seconds: float
    is_best: bool
    sample_loss: float | None = None
    sample_acc: float | None = None
    true_loss: float | None = None
    true_acc: float | None = None


@dataclass(frozen=True, slots=True)
class ValidationHits(Event):
    """Follows ``EpochEnd`` where something is held out: which of the ``n`` validation images the network read correctly.

    ``right``: one bit per image, as ``pack`` writes them; the images in the order of ``SplitIndices.val``
    """

    kind: ClassVar[str] = "judged"  # as stored by every version since the first, hence not "validation_hits"
    epoch: float
    n: int
    right: str


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint(Event):
    """All that is needed to go on from the end of ``epoch``, and the best weights so far: what ``train(resume=)`` takes.

    next: what is left to do from here. A run that was stopped within an epoch leaves two: "validate" before the network is
    validated there, which may take seconds, and "stop" afterwards. A store gives old checkpoints, which do not say it, theirs
    weights, best_weights: state dict name -> array · optimizer: "index.name" -> array
    best_logits (N, 10) float32: of the best weights on the validation images; None when unknown, for they are not kept on
    disk
    precision: with which numbers it learns, "fp32" or "bf16"; a resumed run goes on with the same. None in a checkpoint from
    before there was a choice: it learned as its config says
    """

    kind: ClassVar[str] = "checkpoint"
    epoch: float
    step: int
    seconds: float
    best_epoch: float
    best_value: float | None
    epochs_since_best: int
    weights: Arrays
    best_weights: Arrays
    optimizer: Arrays
    best_logits: NDArray[np.float32] | None = None
    precision: Precision | None = None
    next: Next = "train"


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot(Event):
    """The network as it stood after ``step`` updates, to be looked at later; nothing can go on from it.

    weights: state dict name -> array; float32 as float16, but for an array with a value that float16 can not hold
    """

    kind: ClassVar[str] = "snapshot"
    epoch: float
    step: int
    weights: Arrays


@dataclass(frozen=True, slots=True)
class Finished(Event):
    """``reason``: "completed", or why it ended early, in words."""

    kind: ClassVar[str] = "finished"
    epoch: float
    step: int
    seconds: float
    best_epoch: float
    reason: str


@dataclass(frozen=True, slots=True)
class Stopped(Event):
    """Somebody asked for it; the best weights so far are kept."""

    kind: ClassVar[str] = "stopped"
    epoch: float
    step: int
    seconds: float
    best_epoch: float


@dataclass(frozen=True, slots=True)
class Diverged(Event):
    """The loss is no longer a number. ``step`` is the first step at which that was so."""

    kind: ClassVar[str] = "diverged"
    epoch: float
    step: int
    seconds: float
    best_epoch: float
    lr: float
    grad_norm: float | None


@dataclass(frozen=True, slots=True)
class Failed(Event):
    """Something broke; ``message`` is for people, ``detail`` for whoever mends it."""

    kind: ClassVar[str] = "failed"
    message: str
    detail: str
    seconds: float


KINDS: Mapping[str, type[Event]] = {
    record.kind: record
    for record in (
        Started,
        Progress,
        EpochEnd,
        ValidationHits,
        Checkpoint,
        Snapshot,
        Finished,
        Stopped,
        Diverged,
        Failed,
    )
}
TERMINAL = (Finished, Stopped, Diverged, Failed)


def pack(right: NDArray[np.bool_]) -> str:
    """(N,) bool as text: eight images a byte, in base 64."""
    return base64.b64encode(np.packbits(right).tobytes()).decode("ascii")


def unpack(right: str, n: int) -> NDArray[np.bool_]:
    """What ``pack`` wrote of n images, (n,) bool."""
    packed = np.frombuffer(base64.b64decode(right), np.uint8)
    return np.unpackbits(packed, count=n).astype(bool)


def to_json(event: Event) -> dict[str, Any]:
    """The event as plain values, without its arrays; infinities and NaN become None, so that the JSON is valid."""
    values = {
        one.name: getattr(event, one.name)
        for one in fields(event)
        if one.name not in ("weights", "best_weights", "optimizer", "best_logits")
    }
    clean = {
        name: None if isinstance(value, float) and not np.isfinite(value) else value for name, value in values.items()
    }
    return {"event": event.kind, **clean}
