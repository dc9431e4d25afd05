"""About how long a training will take, and what that is based on."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import NamedTuple

import streamlit as st

from core import models
from core.config import RunConfig
from core.data.split import part_sizes
from core.errors import InputError
from core.machine.faults import faults_as_input_errors
from core.runs.rows import Run
from pages.shared.services import dataset

TIMED_BATCH = 32  # images
TIMED_PARAMETERS = 2_000_000  # a larger network would hold up the page for seconds and take gigabytes, only to be timed
TIMED_KEPT = 256  # networks
TIMING_WAIT_SECONDS = 1.0  # seconds to wait while another visitor's network is being timed


class Estimate(NamedTuple):
    """seconds: of computing · source: in words, what they were worked out from"""

    seconds: float
    source: str


def total_seconds(configs: Sequence[RunConfig], runs: Sequence[Run]) -> float | None:
    """Seconds of computing for all of them; None when nothing is known about one of them. runs: as of ``estimate_training``"""
    alike: dict[str, list[RunConfig]] = {}  # seed and learning rate change nothing about how long a run takes
    for config in configs:
        training = config.training.model_copy(update={"seed": 0, "lr": 1.0})
        alike.setdefault(config.model_copy(update={"training": training}).model_dump_json(), []).append(config)
    total = 0.0
    for members in alike.values():
        guess = estimate_training(members[0], runs)
        if guess is None:
            return None
        total += guess.seconds * len(members)
    return total


def estimate_training(config: RunConfig, runs: Sequence[Run]) -> Estimate | None:
    """How long the config will train before it has begun (``progress.seconds_left`` knows from then on); None when nothing is
    known.

    The run of this machine with the same architecture and device whose number of weights is nearest, scaled by images,
    epochs and weights. Without one, a CPU times a single small batch; a GPU or a very large network has to be tried.
    """
    from core.machine.device import resolve_device

    device = str(resolve_device(config.training.device))
    n_params = models.get(config.architecture).n_params(config.model)
    images = _images(config)
    if images is None:
        return None
    alike = [
        run for run in runs
        if not run.shipped and run.architecture == config.architecture and run.device.split(":")[0] == device.split(":")[0]
        and run.status in ("finished", "stopped") and run.n_params and run.summary["seconds"] > 0 and run.epoch
    ]  # fmt: skip
    if alike:
        near = min(alike, key=lambda run: abs(_ratio(n_params, run.n_params)))
        per_image = near.summary["seconds"] / ((near.epoch or 1) * near.started["n_train"])
        return Estimate(per_image * _ratio(n_params, near.n_params) * images, "from your earlier runs")
    if device != "cpu" or n_params > TIMED_PARAMETERS:
        return None
    try:
        with faults_as_input_errors():
            per_image = _timed(config.architecture, config.model.model_dump_json())
    except InputError:  # a network that can not learn here is no estimate's matter: its run will say so
        return None
    if per_image is None:
        return None
    return Estimate(per_image * images, "from timing one small batch")


def _ratio(new: int, old: int | None) -> float:
    return new / (old or new)


def _images(config: RunConfig) -> int | None:
    """Training images looked at, each as often as it is; None when they are not here, or when none would be left."""
    try:
        per_epoch, _ = part_sizes(len(dataset(config.data.dataset).train_images), config.data)
    except InputError:
        return None
    images, plan = per_epoch * config.training.epochs, config.training
    return min(images, plan.max_steps * plan.batch_size) if plan.max_steps else images


@st.cache_resource(show_spinner=False)
def _timings() -> tuple[threading.Lock, dict[tuple[str, str], float]]:
    """Held by the one visitor whose network is being timed, and what came out so far, for all of them."""
    return threading.Lock(), {}


def _timed(architecture: str, model: str) -> float | None:
    """Seconds per image, measured once per network; None while another one is being timed."""
    lock, timed = _timings()
    network = architecture, model
    if network not in timed:
        if not lock.acquire(timeout=TIMING_WAIT_SECONDS):
            return None
        try:
            if network not in timed:
                if len(timed) >= TIMED_KEPT:
                    timed.clear()
                timed[network] = _measure(architecture, model)
        finally:
            lock.release()
    return timed.get(network)


def _measure(architecture: str, model: str) -> float:
    """Seconds per image of one step on this CPU."""
    from core.engine.speed import step_seconds
    from core.machine.threads import use_one_thread

    use_one_thread()
    config = models.get(architecture).config.model_validate_json(model)
    return step_seconds(architecture, config, TIMED_BATCH) / TIMED_BATCH
