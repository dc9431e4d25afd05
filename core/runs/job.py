"""One claimed run on its way from the training loop into the store."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from core.config import RunConfig
from core.data.dataset import Dataset
from core.data.subset import subset
from core.engine.evaluate import Evaluation
from core.engine.events import TERMINAL, Checkpoint, EpochEnd, Event, Progress, Started, Stopped
from core.errors import InputError, RunError
from core.fields import SplitName
from core.machine.device import preflight
from core.machine.memory import trim_heap
from core.machine.processor import wanted_threads
from core.machine.threads import training_threads
from core.runs import beginning, kept
from core.runs.agents import Agent, AgentLost, Assignment, Computation, Ended
from core.runs.agents.computing import failure, sentence
from core.runs.agents.thread import InThisThread
from core.runs.manifest import describe, own_images
from core.runs.rows import Run
from core.runs.schema import StorageError
from core.runs.store import Store

COMMIT_SECONDS = 0.25  # between two transactions with events that are not urgent
CHECKPOINT_SECONDS = 1.0  # of training between two checkpoints; a sudden death costs at most that and its epoch
RETRY_SECONDS = 10.0  # between two tries to save after a storage problem
NO_PLACE = "It goes on as soon as a place is free: only so many runs train at once."
ASK_SECONDS = 0.025  # between two looks at what was requested; a look takes 0.1 ms


class Job:
    """A run being trained; only the thread that trains it touches it.

    waiting: the last ``step`` advanced nothing: it is paused, or something hinders it (``Store.holds`` says what)
    idle: nothing has come of the last ``step``, because it waits or its agent is still at it
    agent: who computes it · threads: of each operation · n_bytes: that a training step needs, 0 before the first one
    saved: the events that the last ``step`` put into the store · done: nothing is left to do
    """

    def __init__(
        self, store: Store, run_id: str, load_dataset: Callable[[str], Dataset], worker_id: str | None = None,
        agent: Agent | None = None, threads: int = 0,
    ) -> None:  # fmt: skip
        """worker_id: the lease under which the run was claimed; what it writes is refused once the run is another's.

        agent: who computes it, None for the calling thread · threads: of a run that begins; 0 for as many as one that trains
        alone. A run goes on with those that it began with, unless $DIGIT_LAB_THREADS says otherwise.
        """
        self.run_id, self.waiting, self.idle, self.done = run_id, False, False, False
        self.agent, self.threads, self.n_bytes = agent or InThisThread(), threads or training_threads(), 0
        self.saved: list[Event] = []
        self._store, self._load_dataset, self._worker_id = store, load_dataset, worker_id
        self._computation: Computation | None = None
        self._pending: list[Event] = []  # from the engine, not yet in the store
        self._manifest: dict[str, Any] | None = None
        self._evaluations: Mapping[SplitName, Evaluation] = {}
        self._seconds = self._committed_at = self._asked_at = self._retry_at = 0.0
        self._stop = self._gave_up = self._is_lost = False

    def step(self, *, may_go_on: bool = True) -> Event | None:
        """Advance by one event and see that it is kept; None when there was none. Faults end this run, not the caller.

        A storage problem, or a file that can not be read at the start, ends nothing: the run pauses with everything in
        memory, ``Store.holds`` says why, and it is tried again every 10 s, or as soon as somebody asks for it.
        may_go_on: whether there is a place for it, if it was paused
        """
        was_waiting, self.waiting, self.idle, self.saved = self.waiting, True, True, []
        if self.run_id in self._store.holds and time.monotonic() < self._retry_at:
            return None
        event = None
        try:
            requested = self._store.requested(self.run_id)
            if self._is_lost:
                self._give_back()
            elif requested == "pause":
                self._pause()
            elif self._retry_at and self._computation is not None:
                self._save()
            elif was_waiting and requested == "run" and not may_go_on:
                self._store.holds[self.run_id] = NO_PLACE
            else:
                event = self._next()
                self.waiting, self.idle = False, event is None
                self._store.holds.pop(self.run_id, None)
                if (event and _is_urgent(event)) or time.monotonic() - self._committed_at >= COMMIT_SECONDS:
                    self._save()
        except StorageError as error:
            self.waiting, self.idle, self._retry_at = True, True, time.monotonic() + RETRY_SECONDS
            self._store.holds[self.run_id] = str(error)
        except AgentLost as error:
            self._is_lost, self.waiting, self.idle = True, False, False
            logging.getLogger(__name__).error("%s Run %s can go on from its last checkpoint.", error, self.run_id)
        except Exception as error:  # noqa: BLE001 - one run's fault stays its own
            self.done = self._gave_up  # not even its failure can be written down: the run is no longer there
            self._gave_up = True
            self._pending, self._evaluations = [failure(error, self._seconds)], {}
            self._retry_at = time.monotonic()
        return event

    def flush(self) -> None:
        """Save what can be saved before the process ends; what is lost is computed again after a resume."""
        for save in (self._pause, self._save):  # also what was told by an agent that is lost
            with contextlib.suppress(RunError):
                save()

    def let_go(self) -> None:
        """Its agent is free for another run; what was not saved is lost."""
        if self._computation is not None:
            self._computation.close()
        # It asks this job whether to stop, so each holds the other, and the network, until a collector passes.
        self._computation = None

    def _pause(self) -> None:
        """Save all that was computed, and have no more computed."""
        for event in self._computation.pause() if self._computation is not None else ():
            self._keep(event)
        self._save()

    def _give_back(self) -> None:
        """The agent is lost: save what it told, and leave the run as its last checkpoint left it."""
        self._save()
        if self._worker_id is not None and not self.done:
            self._store.release(self.run_id, self._worker_id, interrupted=True)
        self.done = True
        self.let_go()

    def _next(self) -> Event | None:
        if self._computation is None:
            try:
                self._computation = self._open()
            except Exception as error:  # a dataset that is not there, a damaged checkpoint, …
                if self._store.requested(self.run_id) == "stop":
                    return self._keep(self._stopped_unopened())
                # The file may come back, so this is no failure of the training.
                raise StorageError(sentence(error)) from error
            self._retry_at = 0.0
        output = self._computation.take()
        return None if output is None else self._keep(output)

    def _keep(self, output: Event | Ended) -> Event:
        """Take what an agent told among what is to be saved; returns the event."""
        event, self._evaluations = output if isinstance(output, Ended) else (output, {})
        self._seconds = getattr(event, "seconds", self._seconds)
        if isinstance(event, Started):
            machine = self._computation.machine if self._computation is not None else {}
            self._manifest = {**describe(self._config, self._dataset, event, machine), **self._origin}
        self._pending.append(event)
        return event

    def _open(self) -> Computation:
        run = self._store.run(self.run_id)
        self._config: RunConfig = run.run_config()
        # Other images under the same name could have the old training images among their test images.
        whole = own_images(self._began_with(run), self._load_dataset(self._config.data.dataset))
        self._dataset = subset(whole, self._config.data)
        resume = self._store.checkpoint(self.run_id)
        self._origin, self._dataset, weights = beginning.prepare(self._store, run, self._dataset, is_new=resume is None)
        with contextlib.suppress(InputError):  # what hinders it is said when it is computed
            self.n_bytes = preflight(self._config, len(self._dataset.train_labels))
        self.threads = self._threads_of(run)
        assignment = Assignment(
            self._config, self._dataset, resume, weights, threads=self.threads, checkpoint_every=CHECKPOINT_SECONDS
        )
        return self.agent.begin(assignment, self._should_stop)

    def _threads_of(self, run: Run) -> int:
        """Equal threads give equal bits, so a run goes on with those that it began with, where its machine has as many."""
        begun_with: int = run.manifest.get("threads", 0)
        return wanted_threads() or (begun_with if 0 < begun_with <= self.agent.n_cores else self.threads)

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
            self._store.finish(self.run_id, self._pending, self._evaluations, worker_id=self._worker_id)
        elif last is not None:
            self._store.commit(self.run_id, self._pending, manifest=self._manifest, worker_id=self._worker_id)
        self._store.holds.pop(self.run_id, None)  # first of all: who sees the end sees no error beside it
        self.saved, self._pending, self._manifest = self._pending, [], None
        self._committed_at, self._retry_at = time.monotonic(), 0.0
        if isinstance(last, TERMINAL):
            self.done = True
            self.let_go()
            trim_heap()

    def _stopped_unopened(self) -> Stopped:
        """The end of a run that is to stop and whose files can not be read: it stays as its last checkpoint left it."""
        run = self._store.run(self.run_id)
        seconds: float = run.latest.get("seconds", 0.0)
        best_epoch = kept.best_epoch(self._store.database, self.run_id)
        return Stopped(run.checkpoint_epoch or 0.0, run.step, seconds, best_epoch)


def _is_urgent(event: Event) -> bool:
    """Whether the event goes into the store at once: the first signs of life, whatever can be resumed from, the end."""
    if isinstance(event, (Progress, EpochEnd)):
        return event.epoch == 0
    return isinstance(event, (Started, Checkpoint, *TERMINAL))
