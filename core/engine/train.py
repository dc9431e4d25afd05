"""The one training loop.

``train`` turns a config and a dataset into a stream of events and does nothing else: it prints nothing, draws nothing,
knows no path, no thread and no database. The dashboard's worker, the command line, a notebook and a test all read the same
stream; whoever reads it decides what becomes of it.

Read it from the outside in: ``train`` (events, clock, faults), ``_Loop.events`` (begin, epochs, end), ``_Loop._run_epoch``
(steps, then validation), ``_Loop._train_steps`` (batch after batch), ``Learner.learn`` (one optimizer step).
"""

from __future__ import annotations

import math
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from itertools import pairwise

import torch
from torch import Tensor

from core.config import RunConfig
from core.data.dataset import Dataset
from core.data.split import split
from core.data.subset import subset
from core.engine.batches import UNTRAINED_SAMPLE_IMAGES, batch_borders
from core.engine.clock import Clock
from core.engine.evaluate import batches_since_first_bad, score
from core.engine.events import (
    TERMINAL,
    Arrays,
    Checkpoint,
    Diverged,
    EpochEnd,
    Event,
    Failed,
    Finished,
    Next,
    Progress,
    Snapshot,
    Started,
    Stopped,
    ValidationHits,
    pack,
)
from core.engine.learner import Learner, on_device, training_images
from core.engine.seeds import derive, generator
from core.engine.snapshots import planned_steps
from core.engine.speed import precision_of
from core.errors import ConfigError, InputError
from core.machine.device import resolve_device
from core.machine.faults import is_out_of_memory

NO_MEMORY = "There is not enough memory on the device: a smaller batch or a smaller network needs less."
PROGRESS_SECONDS = 0.25  # between two reports within an epoch; scoring more often would slow the training down


def train(
    config: RunConfig,
    dataset: Dataset,
    *,
    should_stop: Callable[[], bool] = lambda: False,
    resume: Checkpoint | None = None,
    start: Arrays | None = None,
    checkpoint_every: float = 1.0,
) -> Iterator[Event]:
    """Train one network; yields what happens, the last event being Finished, Stopped, Diverged or Failed.

    should_stop: asked before every batch; the best weights so far are kept
    resume: a checkpoint of this very config; on the same machine with the same thread number, the run then ends with
    exactly the weights it would have had without the interruption; ``Checkpoint.next`` says what is left to do
    start: state dict name -> array, what a run begins with whose config says ``start_from``; it knows no other run
    checkpoint_every: seconds of training between checkpoints, which come at epoch ends only; 0 means at each of them

    Faults while training become a ``Failed`` event.
    """
    # The first optimizer of a process would wait 2 s for it, and a run's clock would count them.
    import_module("torch._dynamo")
    clock = Clock(resume.seconds if resume else 0.0)
    stream: Iterator[Event] | None = None
    while True:
        clock.start()
        try:
            if stream is None:  # set up in here: that counts as computing, and its faults are the run's
                stream = _Loop(config, dataset, should_stop, checkpoint_every, clock, resume, start).events()
            event = next(stream)
        except Exception as error:  # noqa: BLE001 - whatever breaks, the stream closes with a terminal event
            event = Failed(_fault_message(error), traceback.format_exc(limit=-3), clock.seconds)
        clock.stop()
        yield event
        if isinstance(event, TERMINAL):
            return


@dataclass(frozen=True, slots=True)
class _Epoch:
    """One pass over the training images.

    number: 0, 1, … · images (n, 28, 28), labels (n,): in this epoch's order · borders: of its batches; a step budget may
    leave only some of them · augmentation: its random numbers · logits (borders[-1], 10): as the network answered while it
    was learning, filled batch by batch · began: the clock's seconds
    """

    number: int
    images: Tensor
    labels: Tensor
    borders: list[int]
    augmentation: torch.Generator
    logits: Tensor
    began: float


class _Loop:
    """One run on its way. ``epoch``: passes over the training images so far, fractional within one · ``next``: what the run
    does from here, which every checkpoint says too, so that a resumed run takes the same path as one that was never cut."""

    def __init__(
        self, config: RunConfig, dataset: Dataset, should_stop: Callable[[], bool], checkpoint_every: float, clock: Clock,
        resume: Checkpoint | None, start: Arrays | None,
    ) -> None:  # fmt: skip
        if config.training.start_from and start is None and resume is None:
            raise ConfigError("start_from asks for the weights of another run, which are not here", ("start_from",))
        self.should_stop, self.checkpoint_every, self.clock, self.resume = should_stop, checkpoint_every, clock, resume
        self.plan = config.training
        self.device = resolve_device(self.plan.device)
        dataset = subset(dataset, config.data)
        parts = split(dataset, config.data)
        learned_from = training_images(dataset, parts, config.data, self.device)
        self.images, self.labels, true_labels = learned_from
        self.n_wrong_labels = int((self.labels != true_labels).sum())
        self.val_images, self.val_labels = on_device(dataset, parts.val, self.device)
        self.sample = learned_from.sample(self.plan.seed)
        self.borders = batch_borders(len(self.images), self.plan.batch_size)
        steps = min(self.plan.epochs * (len(self.borders) - 1), self.plan.max_steps or math.inf)
        with clock.paused():
            precision = precision_of(config, self.device, resume.precision if resume else None)
        self.learner = Learner(config, parts, self.device, int(steps), start=start, precision=precision)
        self.epoch: float = resume.epoch if resume else 0
        self.next: Next = resume.next if resume else "train"
        self.checkpoint_at = 0.0  # the clock's seconds at the newest checkpoint of an epoch's end
        self.divergence: tuple[int, float, float | None] | None = None  # first bad step, its lr and gradient norm
        self.snapshot_steps = frozenset(planned_steps(self.plan, len(self.borders) - 1))
        self.snapshot_step = -1  # of the newest one

    def events(self) -> Iterator[Event]:
        """From Started to Finished, Stopped or Diverged."""
        yield self._started()
        if self.resume is None:
            yield from self._score_untrained()
        else:
            yield from self._restore(self.resume)
        self.checkpoint_at = self.clock.seconds
        while self.next == "train":
            yield from self._run_epoch()
        yield self._end()

    def _started(self) -> Started:
        learner, parts = self.learner, self.learner.parts
        return Started(
            n_params=learner.n_params, device=str(self.device), threads=torch.get_num_threads(), n_train=len(self.images),
            n_val=len(self.val_images), steps_per_epoch=len(self.borders) - 1, epochs=self.plan.epochs, epoch=self.epoch,
            split_hash=parts.hash, mean=parts.mean, std=parts.std, precision=learner.precision,
            n_wrong_labels=self.n_wrong_labels,
        )  # fmt: skip

    def _score_untrained(self) -> Iterator[Event]:
        """Epoch 0. First on a few training images, to be seen at once: all validation images may take seconds."""
        images, labels = self.images[:UNTRAINED_SAMPLE_IMAGES], self.labels[:UNTRAINED_SAMPLE_IMAGES]
        logits = self.learner.predict_logits(images)
        sample = score(logits, labels)
        yield Progress(
            epoch=0, step=0, train_loss=sample.loss, train_acc=sample.accuracy, lr=self.learner.lr, grad_norm=math.nan,
            images_per_s=0.0, seconds=self.clock.seconds,
        )  # fmt: skip
        yield self._validate(logits, labels, self.clock.seconds, 0.0)
        yield from self._snapshot()

    def _restore(self, resume: Checkpoint) -> Iterator[Event]:
        """Go on where the checkpoint was taken; a run that was stopped within an epoch is first validated there."""
        self.learner.restore(resume)
        if self.next == "validate":
            self.learner.validate(self.epoch, self.val_images, self.val_labels)
            self.next = "stop"
            yield from self._snapshot()
            yield self._checkpoint()

    def _run_epoch(self) -> Iterator[Event]:
        """One epoch: its steps, and where these were not cut short, validation and perhaps a checkpoint."""
        epoch = self._shuffled(int(self.epoch))
        yield from self._train_steps(epoch)
        if self.next != "train":
            return
        n_seen, n = epoch.borders[-1], len(self.images)
        images_per_s = n_seen / (self.clock.seconds - epoch.began)
        self.epoch = epoch.number + 1 if n_seen == n else epoch.number + n_seen / n
        report = self._validate(epoch.logits, epoch.labels[:n_seen], epoch.began, images_per_s)
        yield report
        if self.learner.val_hits is not None:
            yield ValidationHits(self.epoch, len(self.val_images), pack(self.learner.val_hits.cpu().numpy()))
        if report.val_loss is not None and not math.isfinite(report.val_loss):
            self.next = "diverge"
        elif self._reason_to_end():
            self.next = "finish"
        yield from self._snapshot()
        if self.next != "train" or self.clock.seconds - self.checkpoint_at >= self.checkpoint_every:
            self.checkpoint_at = self.clock.seconds
            yield self._checkpoint()

    def _shuffled(self, number: int) -> _Epoch:
        """An epoch whose random numbers follow from the seed and its number alone."""
        plan, n = self.plan, len(self.images)
        torch.manual_seed(derive(plan.seed, "epoch", number))  # dropout draws from the global generator
        augmentation = generator(plan.seed, "variation", number)
        order = torch.randperm(n, generator=generator(plan.seed, "order", number)) if plan.shuffle else torch.arange(n)
        order = order.to(self.device)
        borders = self.borders[: self.learner.total_steps - self.learner.step + 1]
        logits = torch.empty(borders[-1], 10, device=self.device)
        return _Epoch(number, self.images[order], self.labels[order], borders, augmentation, logits, self.clock.seconds)

    def _train_steps(self, epoch: _Epoch) -> Iterator[Event]:
        """One optimizer step per batch, and ``Progress`` from time to time: the answers while learning are scored then, not
        at each step."""
        learner, clock, should_stop = self.learner, self.clock, self.should_stop
        images, labels, logits, augmentation = epoch.images, epoch.labels, epoch.logits, epoch.augmentation
        n_seen, n = epoch.borders[-1], len(images)
        reported, reported_at = 0, epoch.began  # images and seconds at the newest report
        learner.module.train()
        for start, end in pairwise(epoch.borders):
            if should_stop():
                yield from self._stop(epoch, start)
                return
            lr = learner.lr
            logits[start:end] = learner.learn(images[start:end], labels[start:end], augmentation)
            if learner.step in self.snapshot_steps and end < n_seen:
                self.epoch = epoch.number + end / n
                yield from self._snapshot()
            if clock.seconds - reported_at < PROGRESS_SECONDS and end < n_seen:
                continue
            recent = score(logits[reported:end], labels[reported:end])
            norm = learner.gradient_norm()
            if not math.isfinite(recent.loss):
                first_bad = learner.step - batches_since_first_bad(logits[:end], epoch.borders)
                self.epoch, self.next, self.divergence = epoch.number + end / n, "diverge", (first_bad, lr, norm)
                yield self._checkpoint()
                return
            if end < n_seen:
                yield Progress(
                    epoch=epoch.number + end / n, step=learner.step, train_loss=recent.loss, train_acc=recent.accuracy, lr=lr,
                    grad_norm=norm, images_per_s=end / (clock.seconds - epoch.began), seconds=clock.seconds,
                )  # fmt: skip
            reported, reported_at = end, clock.seconds

    def _stop(self, epoch: _Epoch, n_seen: int) -> Iterator[Event]:
        """Keep the weights, then validate them if this epoch has changed them: that may take seconds."""
        self.epoch = epoch.number + n_seen / len(self.images)
        self.next = "validate" if n_seen else "stop"
        if n_seen:
            yield self._checkpoint()
            images_per_s = n_seen / (self.clock.seconds - epoch.began)
            yield self._validate(epoch.logits[:n_seen], epoch.labels[:n_seen], epoch.began, images_per_s)
            self.next = "stop"
        yield from self._snapshot()
        yield self._checkpoint()

    def _validate(self, logits: Tensor, labels: Tensor, began: float, images_per_s: float) -> EpochEnd:
        """The network as it stands on validation images and on the sample of training images, and its logits (n, 10) of
        training images while it was learning."""
        learner, clock = self.learner, self.clock
        train = score(logits, labels)
        sample_logits = learner.predict_logits(self.sample.images)
        sample = score(sample_logits, self.sample.labels)
        true = score(sample_logits, self.sample.true_labels) if learner.config.data.label_noise else None
        val = learner.validate(self.epoch, self.val_images, self.val_labels)
        return EpochEnd(
            epoch=self.epoch, step=learner.step, lr=learner.lr, images_per_s=images_per_s,
            train_loss=train.loss, train_acc=train.accuracy,
            val_loss=val.loss if val else None, val_acc=val.accuracy if val else None,
            seconds=clock.seconds, epoch_seconds=clock.seconds - began, is_best=learner.best_epoch == self.epoch,
            sample_loss=sample.loss, sample_acc=sample.accuracy,
            true_loss=true.loss if true else None, true_acc=true.accuracy if true else None,
        )  # fmt: skip

    def _snapshot(self) -> Iterator[Snapshot]:
        """The weights as they stand, if they are to be kept: at the planned steps, and where a run ends well."""
        step, ends = self.learner.step, self.next in ("stop", "finish")
        if self.snapshot_steps and (step in self.snapshot_steps or ends) and step != self.snapshot_step:
            self.snapshot_step = step
            yield self.learner.snapshot(self.epoch)

    def _checkpoint(self) -> Checkpoint:
        return self.learner.checkpoint(self.epoch, self.clock.seconds, self.next)

    def _reason_to_end(self) -> str:
        """Why there is nothing more to learn, in words; "" where there is."""
        plan, learner = self.plan, self.learner
        if plan.patience and learner.epochs_since_best >= plan.patience:
            epochs = "1 epoch" if plan.patience == 1 else f"{plan.patience} epochs"
            return f"stopped early: {epochs} without a better one"
        if learner.step < learner.total_steps:
            return ""
        return "completed" if self.epoch == plan.epochs else f"it was to end after {plan.max_steps:,} steps"

    def _end(self) -> Event:
        """The last event; a run that was cut after it had diverged knows the step of its checkpoint, not the first bad one."""
        learner, seconds = self.learner, self.clock.seconds
        if self.next == "stop":
            return Stopped(self.epoch, learner.step, seconds, learner.best_epoch)
        if self.next == "finish":
            return Finished(self.epoch, learner.step, seconds, learner.best_epoch, self._reason_to_end())
        step, lr, norm = self.divergence or (learner.step, learner.lr, None)
        return Diverged(self.epoch, step, seconds, learner.best_epoch, lr, norm)


def _fault_message(error: Exception) -> str:
    """What broke, for people: an InputError is a sentence already."""
    if is_out_of_memory(error):
        return NO_MEMORY
    return str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
