"""The one training loop.

``train`` turns a config and a dataset into a stream of events and does nothing else: it prints nothing, draws nothing,
knows no path, no thread and no database. The dashboard's worker, the command line, a notebook and a test all read the same
stream; whoever reads it decides what becomes of it.
"""

from __future__ import annotations

import math
import time
import traceback
from collections.abc import Callable, Iterator
from importlib import import_module
from itertools import pairwise

import torch
from torch import Tensor

from core.config import RunConfig
from core.data.dataset import Dataset, Indices
from core.data.split import split
from core.engine import events
from core.engine.batches import batch_borders
from core.engine.evaluate import score
from core.engine.events import (
    Checkpoint,
    Diverged,
    EpochEnd,
    Event,
    Failed,
    Finished,
    Progress,
    Started,
    Stopped,
    ValidationHits,
    pack,
)
from core.engine.learner import Learner
from core.engine.seeds import derive, generator
from core.engine.speed import precision_of
from core.machine.device import resolve_device

PROGRESS_EVERY = 0.25  # seconds; more often would cost more than it tells
UNTRAINED_SAMPLE = 500  # training images that the untrained network is asked about


def train(
    config: RunConfig,
    dataset: Dataset,
    *,
    should_stop: Callable[[], bool] = lambda: False,
    resume: Checkpoint | None = None,
    checkpoint_every: float = 1.0,
) -> Iterator[Event]:
    """Train one network; yields what happens, the last event being Finished, Stopped, Diverged or Failed.

    should_stop: asked before every batch; the best weights so far are kept
    resume: a checkpoint of this very config; on the same machine with the same thread number, the run then ends with
    exactly the weights it would have had without the interruption; where it was stopped within an epoch, it is only judged
    checkpoint_every: seconds of training between checkpoints, which come at epoch ends only; 0 means at each of them

    Faults while training become a ``Failed`` event.
    """
    import_module("torch._dynamo")  # seconds for the first optimizer of a process: they are no run's own
    clock = _Clock(resume.seconds if resume else 0.0)
    stream = _train(config, dataset, should_stop, resume, checkpoint_every, clock)
    while True:
        clock.start()
        try:
            event = next(stream)
        except torch.OutOfMemoryError:
            message = "There is not enough memory on the device: a smaller batch or a smaller network needs less."
            event = Failed(message, traceback.format_exc(limit=-3), clock.seconds)
        except Exception as error:  # noqa: BLE001 - whatever breaks, the stream closes with a terminal event
            event = Failed(f"{type(error).__name__}: {error}", traceback.format_exc(limit=-3), clock.seconds)
        clock.stop()
        yield event
        if isinstance(event, events.TERMINAL):
            return


class _Clock:
    """Seconds that this run itself computed; the time between two ``next`` calls belongs to others."""

    def __init__(self, seconds: float) -> None:
        self._done = seconds
        self._since: float | None = None

    def start(self) -> None:
        self._since = time.perf_counter()

    def stop(self) -> None:
        self._done, self._since = self.seconds, None

    @property
    def seconds(self) -> float:
        return self._done + (time.perf_counter() - self._since if self._since is not None else 0.0)


def _train(
    config: RunConfig,
    dataset: Dataset,
    should_stop: Callable[[], bool],
    resume: Checkpoint | None,
    checkpoint_every: float,
    clock: _Clock,
) -> Iterator[Event]:
    plan = config.training
    device = resolve_device(plan.device)
    parts = split(dataset, config.data)
    images, labels = _on_device(dataset, parts.train, device)
    val_images, val_labels = _on_device(dataset, parts.val, device)
    n = len(images)
    borders = batch_borders(n, plan.batch_size)
    steps_per_epoch = len(borders) - 1
    total_steps = min(plan.epochs * steps_per_epoch, plan.max_steps or math.inf)
    precision = precision_of(config, device, resume.precision if resume else None)
    learner = Learner(config, parts, device, int(total_steps), precision=precision)

    def judge(epoch: float, began: float, given: Tensor, truth: Tensor, speed: float) -> EpochEnd:
        """The network as it stands on validation images, and what it answered while it was learning."""
        learned = score(given, truth)
        val = learner.validate(epoch, val_images, val_labels)
        return EpochEnd(
            epoch=epoch, step=learner.step, lr=learner.lr, images_per_s=speed,
            train_loss=learned.loss, train_acc=learned.accuracy,
            val_loss=val.loss if val else None, val_acc=val.accuracy if val else None,
            seconds=clock.seconds, epoch_seconds=clock.seconds - began, is_best=learner.best_epoch == epoch,
        )  # fmt: skip

    yield Started(
        n_params=learner.n_params, device=str(device), threads=torch.get_num_threads(), n_train=n, n_val=len(val_images),
        steps_per_epoch=steps_per_epoch, epochs=plan.epochs, epoch=resume.epoch if resume else 0,
        split_hash=parts.hash, mean=parts.mean, std=parts.std, precision=learner.precision,
    )  # fmt: skip
    if resume is not None:
        learner.restore(resume)
        learned_all = learner.step >= learner.total_steps  # its process ended while the result was being judged
        if (
            resume.epoch != int(resume.epoch) and not learned_all
        ):  # it was stopped there, and perhaps not judged any more
            learner.validate(resume.epoch, val_images, val_labels)
            yield learner.checkpoint(resume.epoch, clock.seconds)
            yield Stopped(resume.epoch, learner.step, clock.seconds, learner.best_epoch)
            return
        if reason := _reason_to_end(learner, resume.epoch):
            yield Finished(resume.epoch, learner.step, clock.seconds, learner.best_epoch, reason)
            return
    else:
        some = slice(0, UNTRAINED_SAMPLE)
        untrained = learner.answer(images[some])
        guessed = score(untrained, labels[some])
        yield Progress(  # to be seen at once: all validation images may take seconds
            epoch=0, step=0, train_loss=guessed.loss, train_acc=guessed.accuracy, lr=learner.lr, grad_norm=math.nan,
            images_per_s=0.0, seconds=clock.seconds,
        )  # fmt: skip
        yield judge(0, clock.seconds, untrained, labels[some], 0.0)

    last_checkpoint = clock.seconds
    for epoch in range(int(resume.epoch) if resume else 0, math.ceil(total_steps / steps_per_epoch)):
        torch.manual_seed(derive(plan.seed, "epoch", epoch))  # dropout draws from the global generator
        variation = generator(plan.seed, "variation", epoch)
        order = torch.randperm(n, generator=generator(plan.seed, "order", epoch)) if plan.shuffle else torch.arange(n)
        epoch_images, epoch_labels = images[order.to(device)], labels[order.to(device)]
        batches = borders[: learner.total_steps - learner.step + 1]  # in the last epoch, perhaps not all of them
        seen = batches[-1]
        at = epoch + 1 if seen == n else epoch + seen / n
        # The answers while learning: scored a few times a second, not each step.
        given = torch.empty(seen, 10, device=device)
        began = reported = clock.seconds
        told = 0
        learner.module.train()
        for start, end in pairwise(batches):
            if should_stop():
                now = epoch + start / n
                yield learner.checkpoint(now, clock.seconds)  # kept before it is judged, which may take seconds
                if start:
                    speed = start / (clock.seconds - began)
                    yield judge(now, began, given[:start], epoch_labels[:start], speed)
                    yield learner.checkpoint(now, clock.seconds)
                yield Stopped(now, learner.step, clock.seconds, learner.best_epoch)
                return
            lr = learner.lr
            given[start:end] = learner.learn(epoch_images[start:end], epoch_labels[start:end], variation)
            if clock.seconds - reported < PROGRESS_EVERY and end < seen:
                continue
            recent = score(given[told:end], epoch_labels[told:end])
            norm = learner.gradient_norm()
            if not math.isfinite(recent.loss):
                first = learner.step - _batches_since_first_bad(given[:end], borders)
                yield learner.checkpoint(epoch + end / n, clock.seconds)
                yield Diverged(epoch + end / n, first, clock.seconds, learner.best_epoch, lr, norm)
                return
            if end < seen:
                yield Progress(
                    epoch=epoch + end / n, step=learner.step, train_loss=recent.loss, train_acc=recent.accuracy, lr=lr,
                    grad_norm=norm, images_per_s=end / (clock.seconds - began), seconds=clock.seconds,
                )  # fmt: skip
            told, reported = end, clock.seconds
        report = judge(at, began, given, epoch_labels[:seen], seen / (clock.seconds - began))
        yield report
        if learner.right is not None:
            yield ValidationHits(at, len(val_images), pack(learner.right.cpu().numpy()))
        diverged = report.val_loss is not None and not math.isfinite(report.val_loss)
        reason = _reason_to_end(learner, at)
        if diverged or reason or clock.seconds - last_checkpoint >= checkpoint_every:
            last_checkpoint = clock.seconds
            yield learner.checkpoint(at, clock.seconds)
        if diverged:
            yield Diverged(at, learner.step, clock.seconds, learner.best_epoch, learner.lr, None)
            return
        if reason:
            yield Finished(at, learner.step, clock.seconds, learner.best_epoch, reason)
            return


def _reason_to_end(learner: Learner, at: float) -> str:
    """Why a run has nothing more to learn after ``at`` epochs, in words; "" when it has."""
    plan = learner.config.training
    if plan.patience and learner.epochs_since_best >= plan.patience:
        return f"stopped early: {plan.patience} epochs without a better one"
    if learner.step < learner.total_steps:
        return ""
    return "completed" if at == plan.epochs else f"it was to end after {plan.max_steps:,} steps"


def _on_device(dataset: Dataset, indices: Indices, device: torch.device) -> tuple[Tensor, Tensor]:
    """Training images (n, 28, 28) as uint8, four times smaller than floats, and labels (n,) int64."""
    images, labels = dataset.train_images[indices], dataset.train_labels[indices]
    return torch.from_numpy(images).to(device), torch.from_numpy(labels).to(device)


def _batches_since_first_bad(given: Tensor, borders: list[int]) -> int:
    """How many batches ago, among those answered in ``given``, the answers stopped being numbers."""
    bad = (~torch.isfinite(given).all(1)).nonzero()
    return sum(int(bad[0]) < border < len(given) for border in borders) if len(bad) else 0
