"""Runs that are over before a process of their own would have paid for itself."""

from __future__ import annotations

from collections.abc import Callable

from core.config import RunConfig
from core.data.dataset import Dataset
from core.engine.speed import run_speeds
from core.engine.work import Images, run_multiply_adds, work
from core.errors import InputError
from core.machine.faults import faults_as_input_errors

# Of learning and answering alone. On two cores, twelve MLPs of 0.12 s each, about half of it that, took 1.8 s in processes and
# 1.4 s in the thread; of 0.9 s each, 6.0 and 11.1 s (docs/benchmarks.md).
SHORT_SECONDS = 0.1
SURELY_LONG_MULTIPLY_ADDS = 20_000_000_000  # of a run that takes longer than that on any processor, so it is not timed
TIMED_SECONDS = 0.03  # for learning, and again for answering
MAX_KEPT = 256  # settings


class ShortRuns:
    """Which runs are short; used by one thread. load_dataset: name -> Dataset, raises DataError"""

    def __init__(self, load_dataset: Callable[[str], Dataset]) -> None:
        self._load_dataset = load_dataset
        self._images: dict[str, Images] = {}  # by the dataset's name
        self._seconds: dict[str, float] = {}  # by settings without the seed

    def is_short(self, config: RunConfig) -> bool:
        """Whether a run is: its work is counted, and where that is little, its network is timed for a moment, once for all
        seeds. A run whose images are not here is not: it says so wherever it is computed."""
        try:
            with faults_as_input_errors():
                images = self._count_images(config.data.dataset)
                if run_multiply_adds(config, images) >= SURELY_LONG_MULTIPLY_ADDS:
                    return False
                key = config.without_seed().model_dump_json()
                if key not in self._seconds:
                    if len(self._seconds) >= MAX_KEPT:
                        self._seconds.clear()
                    self._seconds[key] = _seconds(config, images)
                return self._seconds[key] < SHORT_SECONDS
        except InputError:
            return False

    def _count_images(self, name: str) -> Images:
        if name not in self._images:
            dataset = self._load_dataset(name)
            self._images[name] = Images(len(dataset.train_labels), len(dataset.test_labels))
        return self._images[name]


def _seconds(config: RunConfig, images: Images) -> float:
    """Of learning and answering, without what every run costs besides."""
    amount = work(config, images)
    learning, answering = run_speeds(config, TIMED_SECONDS)
    return amount.learned / learning + amount.read / answering
