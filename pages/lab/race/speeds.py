"""How fast networks learn on this machine: measured on request, remembered on the server, and read between two sizes."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st

from core import models
from core.compare.differences import condition_labels
from core.compare.size_match import MAX_COST_RATIO, Match, scaled
from core.config import RunConfig
from core.errors import ConfigError, InputError
from core.machine.faults import faults_as_input_errors
from pages.shared.markdown import escape_markdown, sentence
from pages.shared.measuring import (
    benchmark_lock,
    fragment_idle_only,
    measure_button,
    threads_text,
    training_started,
    why_not,
)

MEASURED_FACTORS = (
    1 / 16,
    1 / 4,
    4.0,
    16.0,
)  # sizes to measure beside a network's own, where sizes are matched by seconds
MAX_MEASURED_MULTIPLY_ADDS = (
    20_000_000  # multiply-adds per image of what is measured beside it: more would take minutes
)
MIN_TIME_EXPONENT = 0.5  # beyond the largest size that was measured, time grows with work at least to this power
MEASURING_ROUNDS = 4  # of choosing sizes and measuring them, until what was measured agrees
SPEED_SETTINGS = ("batch_size", "optimizer", "precision", "device")  # settings of learning that change the speed

Choose = Callable[[], Sequence[RunConfig]]


def images_per_s(config: RunConfig) -> float:
    """Training images per second: as measured, or read from the network's other sizes on a line between their logarithms.

    Raises ConfigError when no size of it was measured.
    """
    points = _measured_speeds().get(_key(config))
    if not points:
        title = models.title(config.architecture)
        raise ConfigError(f"Nobody has measured yet how fast {title} learns with these settings", ("match",))
    work = _work(config)
    if work in points:
        return points[work]
    sizes = sorted(points)
    # A larger network never counts as faster: what is measured a little off must not mislead the search for a size.
    times = np.maximum.accumulate([1 / points[size] for size in sizes])
    if len(sizes) == 1:
        return float(sizes[0] / (times[0] * work))
    place = min(max(bisect_right(sizes, work) - 1, 0), len(sizes) - 2)
    x, y = np.log(sizes[place : place + 2]), np.log(times[place : place + 2])
    slope = (y[1] - y[0]) / (x[1] - x[0])
    if work > sizes[-1]:
        return float(np.exp(-(y[1] + (np.log(work) - x[1]) * max(slope, MIN_TIME_EXPONENT))))
    return float(np.exp(-(y[0] + (np.log(work) - x[0]) * slope)))


def is_measured(config: RunConfig, match: Match) -> bool:
    """Whether enough is known of a network: itself, and other sizes of it where they are to be matched by seconds."""
    points = _measured_speeds().get(_key(config), {})
    others = {_work(other) for other in _sizes(config)} if match == "seconds" else set()
    return {_work(config), *others} <= points.keys()


def measuring(contestants: Sequence[RunConfig], match: Match, choose: Choose) -> None:
    """The button that measures, and what was measured. choose: the contestants in the sizes that the plan gives them."""
    fragment_idle_only(_measuring)(list(contestants), match, choose)


def _measuring(busy: bool, contestants: Sequence[RunConfig], match: Match, choose: Choose) -> None:
    measured = all(is_measured(config, match) for config in contestants)
    label = "Measure the speeds again" if measured else "Measure how fast they learn"
    pressed = measure_button(
        label, busy, key="race_measure", type="secondary" if measured else "primary",
        help="Each network learns from noise for a moment on this machine, nothing else. What comes out holds for this "
        "machine, batch size, optimizer and device.",
    )  # fmt: skip
    why_not(busy)
    if pressed:
        _measure(contestants, match, choose)
    if measured:
        try:
            line = _speeds_line(choose())
        except InputError:
            return  # the plan says above why it can not be made
        st.caption(line)


def _measure(contestants: Sequence[RunConfig], match: Match, choose: Choose) -> None:
    from core.engine.speed import learning_speed

    wanted = list(contestants)
    for config in contestants if match == "seconds" else ():
        wanted += _sizes(config)
    bar = st.progress(0.0, "Getting ready …")
    with benchmark_lock("Then it can be your turn.") as mine:
        if not mine:
            bar.empty()
            return
        try:
            for again in range(1 + (MEASURING_ROUNDS if match == "seconds" else 0)):
                for number, config in enumerate(wanted):
                    if training_started():
                        return
                    bar.progress(number / len(wanted), f"Measuring {models.title(config.architecture)}")
                    with faults_as_input_errors():
                        speed = learning_speed(config)
                    _measured_speeds().setdefault(_key(config), {})[_work(config)] = speed
                wanted = list(choose())
                if again and _gap(wanted) <= MAX_COST_RATIO:
                    break
        except InputError as error:
            st.error(sentence(error), icon=":material/error:")
            return
        finally:
            bar.empty()
    st.rerun()


def _speeds_line(configs: Sequence[RunConfig]) -> str:
    from core.machine.device import resolve_device
    from core.machine.threads import training_threads

    speeds = [images_per_s(config) for config in configs]
    device = str(resolve_device(configs[0].training.device))
    where = f"{device}, {threads_text(1)}" if device == "cpu" else device
    listed = ", ".join(
        f"{escape_markdown(label)} {speed:,.0f} images/s"
        for label, speed in zip(condition_labels(configs), speeds, strict=True)
    )
    training = (
        f" Training uses {threads_text(training_threads())}." if device == "cpu" and training_threads() > 1 else ""
    )
    apart = f" The fastest and the slowest are {100 * (_gap(configs) - 1):.1f} % apart." if len(configs) > 1 else ""
    return f"Measured here ({where}): {listed}.{apart}{training}"


def _gap(configs: Sequence[RunConfig]) -> float:
    speeds = [images_per_s(config) for config in configs]
    return max(speeds) / min(speeds)


def _sizes(config: RunConfig) -> list[RunConfig]:
    """The network in other sizes, those that differ and are not too large to be measured in passing."""
    by_work = {_work(other): other for other in (scaled(config, factor) for factor in MEASURED_FACTORS)}
    own = _work(config)
    return [other for work, other in by_work.items() if work != own and work <= max(MAX_MEASURED_MULTIPLY_ADDS, own)]


def _work(config: RunConfig) -> int:
    """Multiply-adds of one image: what tells the sizes of a network apart."""
    return models.get(config.architecture).multiply_adds(config.model)


def _key(config: RunConfig) -> str:
    """The network but for its size, and how it learns."""
    left_out = set(models.get(config.architecture).sizes)
    training = config.training.model_dump(include=set(SPEED_SETTINGS))
    return json.dumps([config.architecture, config.model.model_dump(exclude=left_out), training], sort_keys=True)


@st.cache_resource(show_spinner=False)
def _measured_speeds() -> dict[str, dict[int, float]]:
    """Key of a network -> multiply-adds of a size -> images per second, of all visitors; a few numbers each."""
    return {}
