"""One claimed run on its way from the training loop into the store."""

from __future__ import annotations

import contextlib
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.config import RunConfig
from core.data.dataset import Dataset
from core.data.subset import subset
from core.engine.evaluate import Evaluation, evaluate
from core.engine.events import (
    TERMINAL,
    Arrays,
    Checkpoint,
    EpochEnd,
    Event,
    Failed,
    Finished,
    Progress,
    Started,
    Stopped,
)
from core.engine.seeds import WithOwnRng
from core.engine.train import train
from core.errors import InputError, RunError
from core.fields import SplitName
from core.machine.memory import trim_heap
from core.runs import beginning, kept
from core.runs.manifest import describe, own_images
from core.runs.rows import Run
from core.runs.schema import StorageError
from core.runs.store import Store

COMMIT_SECONDS = 0.25  # between two transactions with events that are not urgent
CHECKPOINT_SECONDS = 1.0  # of training between two checkpoints; a sudden death costs at most that and its epoch
RETRY_SECONDS = 10.0  # between two tries to save after a storage problem
NO_PLACE = "It goes on as soon as a place is free: only so many runs train at once."
ASK_SECONDS = 0.025  # between two looks at what was requested; a look takes 0.1 ms
SPLITS: tuple[SplitName, ...] = ("val", "test")  # that a run is evaluated on at its end


class Job:
    """A run being trained; only the thread that trains it touches it.

    waiting: the last ``step`` advanced nothing: it is paused, or something hinders it (``Store.holds`` says what)
    saved: the events that the last ``step`` put into the store · done: nothing is left to do
    """

    def __init__(
        self, store: Store, run_id: str, load_dataset: Callable[[str], Dataset], worker_id: str | None = None
    ) -> None:
        """worker_id: the lease under which the run was claimed; what it writes is refused once the run is another's."""
        self.run_id, self.waiting, self.done = run_id, False, False
        self.saved: list[Event] = []
        self._store, self._load_dataset, self._worker_id = store, load_dataset, worker_id
        self._events: Iterator[Event] | None = None
        self._pending: list[Event] = []  # from the engine, not yet in the store
        self._manifest: dict[str, Any] | None = None
        self._best_weights: Arrays | None = None
        self._best_logits: NDArray[np.float32] | None = None
        self._evaluations: dict[SplitName, Evaluation] | None = None
        self._seconds = self._committed_at = self._asked_at = self._retry_at = 0.0
        self._stop = self._gave_up = False

    def step(self, *, may_go_on: bool = True) -> Event | None:
        """Advance by one event and see that it is kept; None when there was none. Faults end this run, not the caller.

        A storage problem, or a file that can not be read at the start, ends nothing: the run pauses with everything in
        memory, ``Store.holds`` says why, and it is tried again every 10 s, or as soon as somebody asks for it.
        may_go_on: whether there is a place for it, if it was paused
        """
        was_waiting, self.waiting, self.saved = self.waiting, True, []
        if self.run_id in self._store.holds and time.monotonic() < self._retry_at:
            return None
        event = None
        try:
            requested = self._store.requested(self.run_id)
            if requested == "pause" or (self._retry_at and self._events is not None):
                self._save()
            elif was_waiting and requested == "run" and not may_go_on:
                self._store.holds[self.run_id] = NO_PLACE
            else:
                event = self._next()
                self.waiting = False
                self._store.holds.pop(self.run_id, None)
                self._pending.append(event)
                if _is_urgent(event) or time.monotonic() - self._committed_at >= COMMIT_SECONDS:
                    self._save()
        except StorageError as error:
            self.waiting, self._retry_at = True, time.monotonic() + RETRY_SECONDS
            self._store.holds[self.run_id] = str(error)
        except Exception as error:  # noqa: BLE001 - one run's fault stays its own
            self.done = self._gave_up  # not even its failure can be written down: the run is no longer there
            self._gave_up = True
            self._pending, self._evaluations = [self._failure(error)], {}
            self._retry_at = time.monotonic()
        return event

    def flush(self) -> None:
        """Save what can be saved before the process ends; what is lost is computed again after a resume."""
        with contextlib.suppress(RunError):
            self._save()

    def _next(self) -> Event:
        if self._events is None:
            try:
                self._events = self._open()
            except Exception as error:  # a dataset that is not there, a damaged checkpoint, …
                if self._store.requested(self.run_id) == "stop":
                    return self._stopped_unopened()
                # The file may come back, so this is no failure of the training.
                raise StorageError(_sentence(error)) from error
            self._retry_at = 0.0
        try:
            event = next(self._events)
        except StopIteration:
            return Failed("The training ended without a result.", "", self._seconds)
        except Exception as error:  # noqa: BLE001 - whatever torch says
            return self._failure(error)
        self._seconds = getattr(event, "seconds", self._seconds)
        if isinstance(event, Started):
            self._manifest = {**describe(self._config, self._dataset, event), **self._origin}
        elif isinstance(event, Checkpoint):
            self._best_weights, self._best_logits = event.best_weights, event.best_logits
        return event

    def _open(self) -> Iterator[Event]:
        run = self._store.run(self.run_id)
        self._config: RunConfig = run.run_config()
        # Other images under the same name could have the old training images among their test images.
        whole = own_images(self._began_with(run), self._load_dataset(self._config.data.dataset))
        self._dataset = subset(whole, self._config.data)
        resume = self._store.checkpoint(self.run_id)
        self._origin, self._dataset, weights = beginning.prepare(self._store, run, self._dataset, is_new=resume is None)
        self._best_weights = resume.best_weights if resume else None
        return WithOwnRng(
            train(
                self._config, self._dataset,
                should_stop=self._should_stop, resume=resume, start=weights, checkpoint_every=CHECKPOINT_SECONDS,
            )
        )  # fmt: skip

    def _began_with(self, run: Run) -> Mapping[str, Any]:
        """The manifest that says on which images: its own, or else that of the first of its comparison, which judges all of
        them on the same ones."""
        if run.manifest or run.contestant is None:
            return run.manifest
        others = reversed(self._store.runs(group=run.group))
        return next((other.manifest for other in others if other.manifest), {})

    def _should_stop(self) -> bool:
        """Asked before every batch, so it looks only now and then."""
        if time.monotonic() - self._asked_at >= ASK_SECONDS:
            with contextlib.suppress(StorageError):
                self._stop = self._store.requested(self.run_id) == "stop"
            self._asked_at = time.monotonic()
        return self._stop

    def _save(self) -> None:
        last = self._pending[-1] if self._pending else None
        if isinstance(last, TERMINAL):
            self._evaluate()
            self._store.finish(self.run_id, self._pending, self._evaluations or {}, worker_id=self._worker_id)
        elif last is not None:
            self._store.commit(self.run_id, self._pending, manifest=self._manifest, worker_id=self._worker_id)
        self._store.holds.pop(self.run_id, None)  # first of all: who sees the end sees no error beside it
        self.saved, self._pending, self._manifest = self._pending, [], None
        self._committed_at, self._retry_at = time.monotonic(), 0.0
        if isinstance(last, TERMINAL):
            self.done = True
            # It asks this job whether to stop, so each holds the other, and the network, until a collector passes.
            self._events = None
            trim_heap()

    def _evaluate(self) -> None:
        """Look at the best weights once, at the very end; the test images are opened here and nowhere else."""
        weights, ends_well = self._best_weights, isinstance(self._pending[-1], (Finished, Stopped))
        if self._evaluations is None and ends_well and weights is not None:
            try:
                by_split = {
                    split: evaluate(
                        self._config,
                        weights,
                        self._dataset,
                        split,
                        logits=self._best_logits if split == "val" else None,
                    )
                    for split in SPLITS
                }
                self._evaluations = {
                    split: evaluation for split, evaluation in by_split.items() if evaluation is not None
                }
            except Exception as error:  # noqa: BLE001 - weights that can not be evaluated are not a result
                self._pending[-1] = self._failure(error)

    def _stopped_unopened(self) -> Stopped:
        """The end of a run that is to stop and whose files can not be read: it stays as its last checkpoint left it."""
        run = self._store.run(self.run_id)
        seconds: float = run.latest.get("seconds", 0.0)
        best_epoch = kept.best_epoch(self._store.database, self.run_id)
        return Stopped(run.checkpoint_epoch or 0.0, run.step, seconds, best_epoch)

    def _failure(self, error: Exception) -> Failed:
        return Failed(_sentence(error), "".join(traceback.format_exception(error, limit=-3)), self._seconds)


def _sentence(error: Exception) -> str:
    return str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"


def _is_urgent(event: Event) -> bool:
    """Whether the event goes into the store at once: the first signs of life, whatever can be resumed from, the end."""
    if isinstance(event, (Progress, EpochEnd)):
        return event.epoch == 0
    return isinstance(event, (Started, Checkpoint, *TERMINAL))
