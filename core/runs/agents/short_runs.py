"""Runs that are over before a new process would be ready for them."""

from __future__ import annotations

from collections.abc import Callable

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
TIMED_SECONDS = 0.03  # for learning, and again for answering
MAX_KEPT = 256  # settings


class ShortRuns:
    """Which runs are short; used by one thread. load_dataset: name -> Dataset, raises DataError"""

    def __init__(self, load_dataset: Callable[[str], Dataset]) -> None:
        self._load_dataset = load_dataset
        self._images: dict[str, Images] = {}  # by the dataset's name
        self._seconds: dict[str, float] = {}  # by settings without the seed

    def are_short(self, config: RunConfig, n: int) -> bool:
        """Whether n runs like this one are over, one after the other, before a new process is ready: their work is counted, and
        where that is little, the network is timed for a moment, once for all seeds. Of runs whose images are not here they are
        not: those say so wherever they are computed."""
        try:
            with faults_as_input_errors():
                images = self._count_images(config.data.dataset)
                if n * run_multiply_adds(config, images) >= SURELY_LONG_MULTIPLY_ADDS:
                    return False
                key = config.without_seed().model_dump_json()
                if key not in self._seconds:
                    if len(self._seconds) >= MAX_KEPT:
                        self._seconds.clear()
                    self._seconds[key] = _seconds(config, images)
                return n * self._seconds[key] < START_SECONDS
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
