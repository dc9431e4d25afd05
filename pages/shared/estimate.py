"""About how long a training will take on this computer, before it begins."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import streamlit as st

from core.compare.cost import BUSY_SPREAD, Estimate, Pace, estimate, timed_pace
from core.config import RECORDS, RunConfig
from core.engine.work import Images
from core.errors import InputError
from core.machine.processor import SideBySide
from core.runs.rows import Run
from pages.shared.progress import seconds_left
from pages.shared.services import dataset, side_by_side
from pages.shared.status import is_active

NUMBERS = ("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
TIMED_KEPT = 256  # networks
TIMING_WAIT_SECONDS = 1.0  # seconds to wait while another visitor's network is being timed


def estimate_runs(configs: Iterable[RunConfig], runs: Sequence[Run]) -> Estimate | None:
    """How long configs will train before they have begun (``progress.seconds_left`` knows from then on), together; None when
    nothing is known about one of them.

    Said by runs of this machine that learned alike. Without one, a CPU times a moment of learning and answering; a GPU or a
    very large network has to be tried. runs: of the store; while one of them is active, or other programs keep this computer
    busy, what is timed is rough and timed again later. What is active makes the whole take longer.
    """
    from core.machine.device import available_devices

    busy = [run for run in runs if is_active(run)]

    def time_pace(config: RunConfig) -> Pace | None:
        return _timed(config, busy=bool(busy) or _is_loaded())

    guess = estimate(configs, runs, _count_images, time_pace, available_devices()[-1], _here().processes)
    if guess is None or not busy:
        return guess
    return guess.beside(seconds_left(busy, sum(run.status == "running" for run in busy)))


def at_a_time(configs: Iterable[RunConfig]) -> str:
    """How many of these runs train side by side here, and what that was measured to bring, such as "two at a time, one core
    each: measured here 1.8 times as fast as one after the other"."""
    from core.machine.throughput import plan_for

    if _here().processes == 1:
        return "two at a time"
    measured = [plan_for(architecture) for architecture in sorted({config.architecture for config in configs})]
    processes, threads = max((how.plan for how in measured), default=_here())
    if processes == 1:
        return "two at a time"
    number = NUMBERS[processes] if processes < len(NUMBERS) else f"{processes}"
    words = f"{number} at a time, {'one core' if threads == 1 else f'{threads} cores'} each"
    times = sorted(f"{how.times:.1f}" for how in measured if how.times is not None)
    if not times or len(times) < len(measured):
        return words
    low_to_high = times[0] if times[0] == times[-1] else f"{times[0]} to {times[-1]}"
    return f"{words}: measured here {low_to_high} times as fast as one after the other"


def _here() -> SideBySide:
    """How several runs train here, also before the first one has."""
    from core.machine.side_by_side import side_by_side as planned

    return side_by_side() or planned()


def _count_images(name: str) -> Images | None:
    try:
        images = dataset(name)
    except InputError:
        return None
    return Images(len(images.train_labels), len(images.test_labels))


def _is_loaded() -> bool:
    """Whether other programs ask for more than this computer has."""
    return hasattr(os, "getloadavg") and os.getloadavg()[0] > (os.cpu_count() or 1)


class _Timing(NamedTuple):
    """pace: None for what can only be tried · busy: whether this computer did something else meanwhile"""

    pace: Pace | None
    busy: bool


@st.cache_resource(show_spinner=False)
def _timings() -> tuple[threading.Lock, dict[str, _Timing]]:
    """Held by the one visitor whose network is being timed, and what came out so far, for all of them."""
    return threading.Lock(), {}


def _timed(config: RunConfig, *, busy: bool) -> Pace | None:
    """Measured once per network and way of learning, and once more when what was measured beside other work can be measured
    alone; None while another one is being timed, and for what can only be tried."""
    lock, timed = _timings()
    key = _key(config)
    timing = timed.get(key)
    if timing is None or (timing.busy and not busy):
        if not lock.acquire(timeout=TIMING_WAIT_SECONDS):
            return None
        try:
            if len(timed) >= TIMED_KEPT:
                timed.clear()
            timing = timed[key] = _Timing(_measure(config, busy=busy), busy)
        finally:
            lock.release()
    if timing.busy and timing.pace:
        return timing.pace._replace(spread=BUSY_SPREAD, source="timed while this computer was busy")
    return timing.pace


def _key(config: RunConfig) -> str:
    """Equal for configs that need one timing: how long and on which images they learn does not count."""
    training = {
        "epochs",
        "max_steps",
        "lr",
        "seed",
        "schedule",
        "monitor",
        "patience",
        "min_delta",
        "tta_views",
        *RECORDS,
    }
    data = {"dataset", "classes", "set_aside", "val_fraction", "n_train", "split_seed"}
    return config.model_dump_json(exclude={"training": training, "data": data})


def _measure(config: RunConfig, *, busy: bool) -> Pace | None:
    """With as many threads as a training has; beside one, with one thread."""
    from core.machine.threads import training_threads, use_one_thread, use_training_threads

    if busy or training_threads() == 1:
        use_one_thread()
        return timed_pace(config)
    # In a thread of its own: its number of threads ends with it.
    with ThreadPoolExecutor(1, initializer=use_training_threads) as pool:
        return pool.submit(timed_pace, config).result()
