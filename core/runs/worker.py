"""Who advances the runs: one background thread for all of them in the dashboard, the calling thread on a command line.

Who computes them is an agent (``core.runs.agents``): that thread itself, a process of its own where several runs wait and
there are cores for them, or a cluster. The thread takes their events and is the only one that writes them.

torch and the engine are loaded by the thread that trains, so that a page which starts a worker does not wait for them.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from core.data.dataset import Dataset
from core.engine.events import Event
from core.errors import RunError
from core.machine.processor import SideBySide
from core.runs.lease import Lease
from core.runs.rows import Run
from core.runs.schema import StorageError, storage_problems
from core.runs.store import Store

if TYPE_CHECKING:
    from core.runs.agents.crew import Crew
    from core.runs.agents.ray_cluster import Cluster
    from core.runs.job import Job

RETRY_SECONDS = 10.0  # between two tries to get hold of a store that can not be written
FREE_SECONDS = 3600.0  # between two removals of what was deleted more than a day ago
IDLE_SECONDS = 0.2  # between two looks at the queue when nothing can be advanced and nobody calls ``wake``


class Worker:
    """One daemon thread that claims queued runs and takes from each of the active ones in turn, an event each.

    load_dataset: name -> Dataset, called in that thread; raises DataError
    active_limit: how many runs train side by side, and how many paused ones keep their network in memory. A paused run frees
    its place; it goes on when one is free again, before those of the queue. One more paused run than there is room for is let
    go: it goes on later from its last checkpoint. Where there are more processes than that, as many runs train as processes.
    processes: how many, 1 for none besides this one; None for as many as fit this machine
    cluster: who computes in the place of this machine, if anybody; it is closed when the thread ends
    on_run: called, in that thread, with the id of each run that it has claimed, and again when it is done with it
    """

    def __init__(
        self, store: Store, load_dataset: Callable[[str], Dataset], active_limit: int = 2, processes: int | None = None,
        *, cluster: Cluster | None = None, on_run: Callable[[str], None] = lambda run_id: None,
    ) -> None:  # fmt: skip
        self._store, self._load_dataset, self._limit = store, load_dataset, active_limit
        self._n_processes, self._cluster, self._on_run = processes, cluster, on_run
        if cluster is not None:
            cluster.on_news = self.wake
        self.side_by_side: SideBySide | None = None  # how runs train here, known once the thread has begun
        self._leaving, self._news = threading.Event(), threading.Event()
        self._lease_error = ""
        self._thread = threading.Thread(target=self._work, name="digit-lab-trainer", daemon=True)

    def start(self) -> None:
        """Begin; to be called once."""
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether the thread works."""
        return self._thread.is_alive()

    def wake(self) -> None:
        """Look at the queue and the requests now rather than in 0.2 s."""
        self._news.set()

    def shutdown(self, timeout: float = 8.0) -> bool:
        """Advance nothing more, save what is in memory, let go of the runs (they become "interrupted", to be resumed).

        May be called at any time and more than once. Returns whether the thread ended within ``timeout`` seconds.
        """
        self._leaving.set()
        self._news.set()
        if self._thread.is_alive():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _work(self) -> None:
        from core.machine.threads import use_training_threads
        from core.runs.agents.crew import Crew, waiting_in

        use_training_threads()
        while (lease := self._lease()) is None:
            if self._leaving.wait(RETRY_SECONDS):
                return
        crew = self._cluster or Crew(
            self._store,
            lease.id,
            self._load_dataset,
            self._limit,
            self._n_processes,
            waiting_in(self._store),
            self.wake,
        )
        with lease, contextlib.closing(crew):
            with contextlib.suppress(StorageError):
                self._store.purge()
            freed_at = time.monotonic()
            jobs: list[Job] = []
            while not self._leaving.is_set():
                if time.monotonic() - freed_at >= FREE_SECONDS:
                    freed_at = time.monotonic()
                    with contextlib.suppress(StorageError):
                        self._store.free_room()
                self.side_by_side = crew.side_by_side
                crew.measure(jobs)
                jobs += self._admitted(lease, jobs, crew)
                for job in jobs:
                    for _ in range(crew.events_in_a_row(job)):
                        if self._leaving.is_set():
                            break
                        job.step(may_go_on=self._active(jobs) < crew.places)
                        if job.idle or job.done:
                            break
                self._let_go(lease, jobs)
                for job in jobs:
                    if job.done:
                        job.let_go()
                        self._on_run(job.run_id)
                if all(job.idle for job in jobs):
                    crew.tidy()
                    self._news.wait(IDLE_SECONDS)
                    self._news.clear()
                jobs = [job for job in jobs if not job.done]
            for job in jobs:
                job.flush()

    def _lease(self) -> Lease | None:
        """The right to train in this store; None, and a notice for everybody, while the disk does not let us have it."""
        try:
            with storage_problems():
                lease = Lease(self._store.root)
        except StorageError as error:
            self._lease_error = self._store.notice = f"Training is not possible here at the moment: {error}"
            return None
        if self._lease_error and self._store.notice == self._lease_error:
            self._store.notice = ""
        return lease

    def _admitted(self, lease: Lease, jobs: list[Job], crew: Crew | Cluster) -> list[Job]:
        """Newly claimed runs, as many as there are free places, each with who computes it."""
        from core.runs.job import NO_PLACE, Job

        new: list[Job] = []
        if any(self._store.holds.get(job.run_id) == NO_PLACE for job in jobs):
            return new
        with contextlib.suppress(StorageError):  # the next look is not far away
            while (place := crew.free_place([*jobs, *new])) and (run_id := self._store.claim(lease.id)):
                new.append(Job(self._store, run_id, self._load_dataset, lease.id, *place))
                self._on_run(run_id)
        return new

    def _let_go(self, lease: Lease, jobs: list[Job]) -> None:
        """Take paused ones out of ``jobs`` when there are more than may stay in memory."""
        waiting = [job for job in jobs if job.waiting]
        if len(waiting) <= self._limit:
            return
        with contextlib.suppress(StorageError):
            paused = [job for job in waiting if self._store.requested(job.run_id) == "pause"]
            for job in paused[: max(0, len(paused) - self._limit)]:
                self._store.release(job.run_id, lease.id)
                jobs.remove(job)
                job.let_go()
                self._on_run(job.run_id)

    @staticmethod
    def _active(jobs: list[Job]) -> int:
        return sum(not job.waiting and not job.done for job in jobs)


def drive(
    store: Store,
    run_id: str,
    load_dataset: Callable[[str], Dataset],
    on_event: Callable[[Event], None] = lambda event: None,
    should_stop: Callable[[], bool] = lambda: False,
    on_saved: Callable[[Event], None] = lambda event: None,
) -> Run:
    """Train one run to its end in the calling thread, exactly as a worker would; returns it as it ended.

    on_event: called with every event as it happens
    should_stop: asked several times a second, also while the run is paused; the run is then stopped like any other
    on_saved: called with every event once the store has it, at most a quarter of a second later
    A run that is queued, paused before its start, or interrupted is taken. Raises RunError when it has ended or is being
    trained elsewhere, StorageError when it can not be saved or a file of it can not be read; then, and on Ctrl-C, the run is
    "interrupted" and can be resumed.
    """
    from core.machine.threads import use_training_threads
    from core.runs.job import Job

    use_training_threads()
    run_id = store.run(run_id).run_id
    with storage_problems():
        lease = Lease(store.root)
    with lease:
        if store.claim(lease.id, run_id) is None:
            ended = store.run(run_id).has_ended
            raise RunError("This run has already ended." if ended else "Another process is training this run.")
        job = Job(store, run_id, load_dataset, lease.id)
        try:
            asked = False
            while not job.done:
                if not asked and should_stop():
                    store.request(run_id, "stop")
                    asked = True
                event = job.step()
                if event is not None:
                    on_event(event)
                for saved in job.saved:
                    on_saved(saved)
                if run_id in store.holds:
                    raise StorageError(store.holds.pop(run_id))
                if job.waiting and not job.done:
                    time.sleep(IDLE_SECONDS)
        finally:
            job.flush()
    run = store.run(run_id)
    if not run.has_ended:  # somebody else's now, so nothing more could be written about it
        raise RunError("Another process is training this run.")
    return run
