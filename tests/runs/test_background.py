"""Jobs in the background: one at a time, with progress, a queue, a stop, and a reason when they fail."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from typing import Any

import pytest
import torch

from core.errors import InputError
from core.runs import background
from core.runs.background import BackgroundJobs, Job, Progress


class Steps:
    """Work that gives a number each time it is let on."""

    def __init__(self, n: int, fails_with: Exception | None = None) -> None:
        self.n, self.fails_with = n, fails_with
        self.go_on = threading.Semaphore(0)
        self.is_closed = False
        self.n_threads = 0

    def __call__(self, job: Job[int]) -> Generator[int, None, None]:
        self.n_threads = torch.get_num_threads()
        try:
            for number in range(self.n):
                while not self.go_on.acquire(timeout=0.005):
                    if job.should_stop():
                        return
                if self.fails_with:
                    raise self.fails_with
                yield number
        finally:
            self.is_closed = True


def until(jobs: BackgroundJobs[int], key: str, check: Callable[[Progress[int]], Any]) -> Progress[int]:
    end = time.monotonic() + 10
    while not check(progress := jobs.progress(key)):
        assert time.monotonic() < end, progress
        time.sleep(0.002)
    return progress


def test_it_tells_how_far_it_is_and_how_long_still(monkeypatch: pytest.MonkeyPatch) -> None:
    jobs, work = BackgroundJobs[int](), Steps(4)
    assert jobs.progress("a") == Progress()
    jobs.start("a", work, 4)
    assert until(jobs, "a", lambda progress: progress.state == "running").seconds_left is None
    work.go_on.release(2)
    halfway = until(jobs, "a", lambda progress: progress.done == 2)
    assert (halfway.of, halfway.results, halfway.goes_on) == (4, (0, 1), True)
    assert halfway.seconds_left is None, "a guess from the very start would be far off"
    monkeypatch.setattr(background, "PACE_SECONDS", 0.0)
    left = jobs.progress("a").seconds_left
    assert left is not None
    assert 0 < left < 10
    jobs.start("a", Steps(9), 9)  # a second press of the button
    work.go_on.release(2)
    ended = until(jobs, "a", lambda progress: not progress.goes_on)
    assert (ended.state, ended.results, ended.seconds_left) == ("ended", (0, 1, 2, 3), None)
    assert (work.is_closed, work.n_threads) == (True, 1)


def test_one_at_a_time_and_the_others_wait_in_order() -> None:
    jobs, works = BackgroundJobs[int](), [Steps(1) for _ in range(background.MAX_WAITING + 1)]
    for place, work in enumerate(works):
        jobs.start(str(place), work, 1)
        if not place:
            until(jobs, "0", lambda progress: progress.state == "running")
    assert [jobs.progress(str(place)).place for place in range(4)] == [0, 1, 2, 3]
    with pytest.raises(InputError, match="4 other measurements wait"):
        jobs.start("late", Steps(1), 1)
    jobs.stop("2")
    assert jobs.progress("2").state == "stopped"
    assert jobs.progress("3").place == 2
    assert works[1].n_threads == 0, "not begun"
    for work in works:
        work.go_on.release()
    for key in ("0", "1", "3", "4"):
        assert until(jobs, key, lambda progress: not progress.goes_on).state == "ended"
    assert works[2].n_threads == 0


def test_a_stop_keeps_what_there_is_and_it_can_be_begun_again() -> None:
    jobs, work = BackgroundJobs[int](), Steps(3)
    jobs.start("a", work, 3)
    work.go_on.release()
    until(jobs, "a", lambda progress: progress.done == 1)
    jobs.stop("a")
    stopped = until(jobs, "a", lambda progress: not progress.goes_on)
    assert (stopped.state, stopped.results, work.is_closed) == ("stopped", (0,), True)
    again = Steps(1)
    again.go_on.release()
    jobs.start("a", again, 1)
    assert until(jobs, "a", lambda progress: progress.state == "ended").results == (0,)


def test_it_ends_when_nobody_looks_any_more() -> None:
    jobs, work = BackgroundJobs[int](abandoned_seconds=0.1), Steps(1)
    jobs.start("a", work, 1)
    end = time.monotonic() + 10
    while not work.is_closed:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert until(jobs, "a", lambda progress: not progress.goes_on).state == "stopped"


def test_a_failure_is_a_sentence_and_the_next_job_runs() -> None:
    jobs = BackgroundJobs[int]()
    broken, sound = Steps(1, RuntimeError("out of memory")), Steps(1)
    for key, work in (("a", broken), ("b", sound)):
        jobs.start(key, work, 1)
        work.go_on.release()
    failed = until(jobs, "a", lambda progress: not progress.goes_on)
    assert (failed.state, failed.results) == ("failed", ())
    assert failed.reason.startswith("There is not enough memory")
    assert until(jobs, "b", lambda progress: not progress.goes_on).state == "ended"


def test_work_without_parts_reports_how_far_it_is_and_lets_go_what_it_holds() -> None:
    jobs, go_on = BackgroundJobs[int]("maps"), threading.Event()

    def work(job: Job[int]) -> Generator[int, None, None]:
        job.report(10, 20, "Half of it")
        while not go_on.wait(0.005):
            if job.should_stop():
                raise InputError("it was told to stop")
        job.report(20, 20)
        yield 7

    jobs.start("a", work)
    halfway = until(jobs, "a", lambda progress: progress.done == 10)
    assert (halfway.share, halfway.words, halfway.results) == (0.5, "Half of it", ())
    jobs.stop("a")
    assert until(jobs, "a", lambda progress: not progress.goes_on).state == "stopped", "no failure: somebody wished it"
    go_on.set()
    jobs.start("a", work)
    ended = until(jobs, "a", lambda progress: not progress.goes_on)
    assert (ended.state, ended.share, ended.results) == ("ended", 1.0, (7,))
    assert jobs._jobs["a"].work is None
