"""Several runs of a command line, trained at a time by the same crew as in the dashboard."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import cache

from core.config import RunConfig
from core.data.dataset import Dataset
from core.engine.events import Event
from core.errors import RunError
from core.machine.side_by_side import planned, side_by_side
from core.machine.threads import use_training_threads
from core.runs.agents.crew import Crew, Waiting, settings_of
from core.runs.agents.short_runs import ShortRuns
from core.runs.job import NO_PLACE, Job
from core.runs.lease import Lease
from core.runs.rows import Run
from core.runs.schema import StorageError, storage_problems
from core.runs.store import Store
from core.runs.worker import IDLE_SECONDS

THREAD_LIMIT = 1  # runs that the calling thread advances in turn
ELSEWHERE = "Another process is training this run."


def gain(configs: Sequence[RunConfig], load_dataset: Callable[[str], Dataset], processes: int | None) -> bool:
    """Whether these runs train faster at a time than one after the other: there are several, this machine takes several, and
    they are not over before a new process would be ready. Raises ConfigError for a variable out of its range."""
    plan = side_by_side() if processes is None else planned(processes)
    if len(configs) < 2 or plan.processes < 2:
        return False
    short_runs = ShortRuns(cache(load_dataset))
    return not all(short_runs.are_short(config, len(configs)) for config in configs)


def drive_together(
    store: Store,
    run_ids: Sequence[str],
    load_dataset: Callable[[str], Dataset],
    *,
    processes: int | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    on_saved: Callable[[str, Event], None] = lambda run_id, event: None,
    on_end: Callable[[str, Run | RunError], None] = lambda run_id, end: None,
) -> None:
    """Train runs to their ends, begun in their order and as many at a time as this machine does best; the calling thread is the
    only one that writes.

    processes: how many, None for as many as fit this machine
    should_stop: asked several times a second; those that train are then stopped like any other, and no other one begins
    on_saved: called with a run's id and each of its events, once the store has it
    on_end: called with a run's id and the run as it ended, or why it did not end here: it was deleted, it is trained
    elsewhere, or its process was killed
    Raises StorageError when something can not be saved or read; then, and on Ctrl-C, those that train are "interrupted" and
    can be resumed.
    """
    use_training_threads()
    with storage_problems():
        lease = Lease(store.root)
    news, left, jobs = threading.Event(), list(run_ids), list[Job]()
    load = cache(load_dataset)  # one copy for all runs: the processes share it

    def waiting() -> Waiting:
        return Waiting(len(left), settings_of(store, left[0]) if left else None)

    crew = Crew(store, lease.id, load, THREAD_LIMIT, processes, waiting, news.set)
    asked_to_stop = False
    with lease, contextlib.closing(crew):
        try:
            while left or jobs:
                if not asked_to_stop and should_stop():
                    asked_to_stop = True
                    for job in jobs:
                        with contextlib.suppress(RunError):  # deleted, which its own step notices
                            store.request(job.run_id, "stop")
                    for run_id in left:
                        with _of_one_run(run_id, on_end):
                            store.request(run_id, "stop")
                            on_end(run_id, store.run(run_id))
                    left.clear()
                while left and (place := crew.free_place(jobs)):
                    run_id = left.pop(0)
                    with _of_one_run(run_id, on_end):
                        _take(store, run_id, lease.id)
                        jobs.append(Job(store, run_id, load, lease.id, *place))
                for job in jobs:
                    _advance(store, job, crew, jobs, on_saved)
                for job in [job for job in jobs if job.done]:
                    job.let_go()
                    jobs.remove(job)
                    with _of_one_run(job.run_id, on_end):
                        on_end(job.run_id, _ended(store, job.run_id))
                if all(job.idle for job in jobs):
                    news.wait(IDLE_SECONDS)
                    news.clear()
        finally:
            for job in jobs:
                job.flush()


@contextlib.contextmanager
def _of_one_run(run_id: str, on_end: Callable[[str, RunError], None]) -> Iterator[None]:
    """What hinders one run is said, and the others go on; what hinders the store ends all."""
    try:
        yield
    except StorageError:
        raise
    except RunError as error:
        on_end(run_id, error)


def _take(store: Store, run_id: str, lease_id: str) -> None:
    """Raises RunError where somebody else has it, or it has ended."""
    if store.claim(lease_id, store.run(run_id).run_id) is None:
        raise RunError("This run has already ended." if store.run(run_id).has_ended else ELSEWHERE)


def _advance(store: Store, job: Job, crew: Crew, jobs: Sequence[Job], on_saved: Callable[[str, Event], None]) -> None:
    """Take what its agent has told. Raises StorageError."""
    for _ in range(crew.events_in_a_row(job)):
        n_active = sum(not other.waiting and not other.done for other in jobs)
        job.step(may_go_on=n_active < crew.places)
        for event in job.saved:
            on_saved(job.run_id, event)
        if store.holds.get(job.run_id, NO_PLACE) != NO_PLACE:
            raise StorageError(store.holds.pop(job.run_id))
        if job.idle or job.done:
            return


def _ended(store: Store, run_id: str) -> Run:
    """Raises RunError where it has not ended, and says why."""
    run = store.run(run_id)
    if run.status == "interrupted":
        raise RunError(f"The process that computed this run has ended. Go on with: python -m core resume {run_id[:12]}")
    if not run.has_ended:
        raise RunError(ELSEWHERE)
    return run
