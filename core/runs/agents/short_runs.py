"""Runs that are over before a new process would be ready for them."""

from __future__ import annotations

import math
from collections.abc import Callable

from core import models
from core.config import RunConfig
from core.data.dataset import Dataset
from core.engine.speed import run_speeds
from core.engine.work import Images, run_multiply_adds, work
from core.errors import InputError
from core.machine.faults import faults_as_input_errors

START_SECONDS = 3.0  # until a new process can compute: most of it loads PyTorch
SURELY_LONG_MULTIPLY_ADDS = (
    200_000_000_000  # of runs that take longer than that on any processor, so they are not timed
)
MAX_TIMED_PARAMETERS = 2_000_000  # of a network that is built only to be timed
TIMED_SECONDS = 0.03  # for learning, and again for answering
MAX_KEPT = 256  # settings


class ShortRuns:
    """Which runs are short; used by one thread. load_dataset: name -> Dataset, raises DataError"""

    def __init__(self, load_dataset: Callable[[str], Dataset]) -> None:
        self._load_dataset = load_dataset
        self._images: dict[str, Images] = {}  # by the dataset's name
        self._seconds: dict[str, float] = {}  # by settings without the seed; infinite where none can be timed

    def are_short(self, config: RunConfig, n: int) -> bool:
        """Whether n runs like this one are over, one after the other, before a new process is ready: their work is counted, and
        where that is little, the network is timed for a moment, once for all seeds. Runs whose images are not here, and those
        that can not be timed, are not: they say so wherever they are computed."""
        key = config.without_seed().model_dump_json()
        if self._seconds.get(key) == math.inf:
            return False
        try:
            with faults_as_input_errors():
                images = self._count_images(config.data.dataset)
                if n * run_multiply_adds(config, images) >= SURELY_LONG_MULTIPLY_ADDS:
                    return False
                if key not in self._seconds:
                    self._keep(key, math.inf if _is_large(config) else _seconds(config, images))
        except InputError:
            self._keep(key, math.inf)  # asked after every event: it is not tried again
        return n * self._seconds[key] < START_SECONDS

    def _keep(self, key: str, seconds: float) -> None:
        if len(self._seconds) >= MAX_KEPT:
            self._seconds.clear()
        self._seconds[key] = seconds

    def _count_images(self, name: str) -> Images:
        if name not in self._images:
            dataset = self._load_dataset(name)
            self._images[name] = Images(len(dataset.train_labels), len(dataset.test_labels))
        return self._images[name]


def _is_large(config: RunConfig) -> bool:
    return models.get(config.architecture).n_params(config.model) > MAX_TIMED_PARAMETERS


def _seconds(config: RunConfig, images: Images) -> float:
    """Of learning and answering, without what every run costs besides."""
    amount = work(config, images)
    learning, answering = run_speeds(config, TIMED_SECONDS)
    return amount.learned / learning + amount.read / answering
