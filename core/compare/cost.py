"""What a training costs on this machine, before it begins: its images are counted, and divided by speeds that were seen here.

One model for a single run, a comparison, a page and the command line. Runs are trained by one thread, in turn or side by side,
so several take as long as the sum of them; where they train in processes of their own, less.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import median
from types import MappingProxyType
from typing import Any, NamedTuple

from core import models
from core.compare.leaderboard import multiply_adds
from core.compare.time_range import range_words
from core.config import RunConfig, TrainingConfig
from core.data.config import DataConfig
from core.data.split import part_sizes
from core.engine.batches import batch_borders
from core.engine.work import Images, Work, run_multiply_adds, work
from core.errors import InputError
from core.runs.rows import Run

START_SECONDS = 0.1  # of a run, for building the network, its first step and its last files
STEP_MULTIPLY_ADDS = 10_000_000  # that a core does in the millisecond which a step takes however small its network
EPOCH_SECONDS = 0.002  # of each validation, for what is told and kept of an epoch
SHUFFLE_SECONDS = 7e-7  # of each image learned from, to put it into the order of its epoch
MAX_TIMED_PARAMETERS = 2_000_000  # of a network that is built only to be timed
RECENT_RUNS = 5  # that say how fast this machine was lately
MIN_LEARNED_SECONDS = 1.0  # of a run that says how fast this machine learns; a shorter one is mostly its start
MIN_STEPS_PER_EPOCH = (
    20  # of such a run, or as many as the one to estimate has: in fewer, what comes once an epoch counts
)
MIN_READING_SECONDS, MIN_READ_IMAGES = 0.02, 200  # of a validation that says how fast this machine answers
MAX_SIZE_RATIO = 2.0  # between the multiply-adds of two networks of which one says how fast the other is
ANSWERS_PER_LEARNED = 4.0  # images answered in the time of one learned, where nothing else is known; seen 3 to 6
LATELY_SPREAD, TIMED_SPREAD, BUSY_SPREAD = 1.25, 1.4, 2.0  # how far off an estimate may be, as a factor
MOVES = ("shift", "rotation", "zoom", "shear", "elastic")  # variations that take every pixel from elsewhere
TRIVIAL_MULTIPLY_ADDS = 5_000_000_000  # of a training that is over in a few seconds on any machine
# What each process beside the first adds, as a share of one that has the machine for itself (`python -m bench.race`).
PROCESS_GAIN, MIN_PROCESS_GAIN = 0.8, 0.4
ASK_SECONDS = 600.0  # an estimate above this is worth a question before the start


class Pace(NamedTuple):
    """Images per second while learning and while answering, and how far off that may be, as a factor.

    source: in words, where they come from
    """

    learning: float
    answering: float
    spread: float
    source: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """Seconds of computing: the best guess, and the range that is shown. source: in words, what it was worked out from"""

    seconds: float
    low: float
    high: float
    source: str

    def __str__(self) -> str:
        return range_words(self.low, self.high)

    def beside(self, seconds: float) -> Estimate:
        """The same while other runs are trained that still take so many seconds: they may come first, or take turns with it."""
        return Estimate(
            self.seconds + min(self.seconds, seconds), self.low + min(self.low, seconds), self.high + seconds, self.source
        )  # fmt: skip

    def side_by_side(self, n: int) -> Estimate:
        """The same work in ``n`` processes: they share the caches and the memory, so they are not ``n`` times as fast."""
        usual, least = (1 + gain * (n - 1) for gain in (PROCESS_GAIN, MIN_PROCESS_GAIN))
        return Estimate(self.seconds / usual, self.low / n, self.high / least, self.source)


TimePace = Callable[[RunConfig], Pace | None]
CountImages = Callable[[str], Images | None]


def run_seconds(amount: Work, pace: Pace) -> float:
    """Seconds of computing from the start of a run to its test figures."""
    return (
        START_SECONDS
        + EPOCH_SECONDS * amount.validations
        + amount.learned * (SHUFFLE_SECONDS + 1 / pace.learning)
        + amount.read / pace.answering
    )


def estimate(
    configs: Iterable[RunConfig],
    runs: Sequence[Run],
    count_images: CountImages,
    time_pace: TimePace,
    device: str = "cpu",
    processes: int = 1,
) -> Estimate | None:
    """How long all of them compute, together; None when nothing is known about one of them.

    runs: of the store, the newest first; those of this machine that learned alike say how fast it is
    count_images: by a dataset's name; None for one that is not here · time_pace: asked where no run says it
    device: on which "auto" trains, such as "cpu" or "cuda" · processes: that train them side by side
    """
    configs = list(configs)
    seconds, low, high = 0.0, 0.0, 0.0
    sources: list[str] = []
    for config, n in _alike(configs):
        images = count_images(config.data.dataset)
        try:
            amount = work(config, images) if images else None
        except InputError:  # nothing would be left to train on, which the form says
            return None
        if images is None or amount is None:
            return None
        pace = recent_pace(config, runs, images, device) or time_pace(_as_learned(config, images))
        if pace is None:
            return None
        each = n * run_seconds(amount, pace)
        seconds, low, high = seconds + each, low + each / pace.spread, high + each * pace.spread
        sources.append(pace.source)
    if not sources:
        return None
    in_turn = Estimate(seconds, low, high, " and ".join(dict.fromkeys(sources)))
    return in_turn.side_by_side(max(1, min(processes, len(configs))))


def timed_pace(config: RunConfig) -> Pace | None:
    """Timed for a moment in the calling thread, which is to have as many threads as a training; None for what can only be
    tried: a network that would take gigabytes or seconds for that, one on a GPU, one that can not learn here."""
    from core.engine.speed import run_speeds
    from core.machine.device import resolve_device
    from core.machine.faults import faults_as_input_errors

    too_large = models.get(config.architecture).n_params(config.model) > MAX_TIMED_PARAMETERS
    if too_large or resolve_device(config.training.device).type != "cpu":
        return None
    try:
        with faults_as_input_errors():
            return Pace(*run_speeds(config), TIMED_SPREAD, "timed for a moment")
    except InputError:  # no estimate's matter: its run will say so
        return None


def _alike(configs: Iterable[RunConfig]) -> list[tuple[RunConfig, int]]:
    """Configs that take equally long, and how many there are of each: seed, learning rate and what is kept change nothing about
    that."""
    first: dict[str, RunConfig] = {}
    counted: Counter[str] = Counter()
    for config in configs:
        training = config.training.model_copy(update={"seed": 0, "lr": 1.0, "snapshots": "none"})
        key = config.model_copy(update={"training": training}).model_dump_json()
        first.setdefault(key, config)
        counted[key] += 1
    return [(first[key], n) for key, n in counted.items()]


def _as_learned(config: RunConfig, images: Images) -> RunConfig:
    """The same with the batches that there really are: few images make one small batch."""
    n_train, _ = part_sizes(images.train, config.data)
    batch_size = min(config.training.batch_size, n_train)
    return config.model_copy(update={"training": config.training.model_copy(update={"batch_size": batch_size})})


def relative_work(run: Run, n_train: int) -> float | None:
    """How much a whole run computes, in multiply-adds and only to be held beside another run's; None when it was made for
    settings that no longer exist. n_train: images it learns from"""
    size = multiply_adds(run)
    if size is None:
        return None
    batch_size = int(run.config["training"]["batch_size"])
    steps = run.epochs * math.ceil(n_train / batch_size)
    return steps * STEP_MULTIPLY_ADDS + models.TRAINING_COST * size * n_train * run.epochs


def is_trivial(configs: Iterable[RunConfig], count_images: CountImages) -> bool:
    """Whether they surely take a few seconds at most, so that nobody has to be told."""
    multiply_adds_in_all = 0
    for config in configs:
        images = count_images(config.data.dataset)
        if images is None:
            continue
        multiply_adds_in_all += run_multiply_adds(config, images)
    return multiply_adds_in_all < TRIVIAL_MULTIPLY_ADDS


# ---- what this machine really did lately


def recent_pace(config: RunConfig, runs: Sequence[Run], images: Images, device: str = "cpu") -> Pace | None:
    """Median speeds of the newest finished runs of this machine that learned alike; None without one.

    Alike: the same architecture with the same settings, else in a size not far away, scaled by its multiply-adds; the same
    batch size, optimizer, precision, penalties and variation of the images. Training and validation are counted apart, so it
    does not matter how many images either had; a run whose learning was too short to be measured does not count. A run's clock
    stands still while another one has its turn, so those that were trained side by side count like any other.
    """
    n_train, _ = part_sizes(images.train, config.data)
    steps_per_epoch = len(batch_borders(n_train, config.training.batch_size)) - 1
    wanted = config.model_dump(mode="json")
    way = _way(wanted, n_train)
    kind = (device if config.training.device == "auto" else config.training.device).split(":")[0]
    size = models.get(config.architecture).multiply_adds(config.model)
    same: list[tuple[Run, float]] = []
    near: list[tuple[Run, float]] = []
    for run in runs:
        if (
            run.architecture == config.architecture
            and _says_how_fast(run, min(MIN_STEPS_PER_EPOCH, steps_per_epoch))
            and run.device.split(":")[0] == kind
            and _way(run.config, run.started["n_train"]) == way
        ):
            if run.config["model"] == wanted["model"]:
                same.append((run, 1.0))
            elif (other := multiply_adds(run)) and 1 / MAX_SIZE_RATIO <= size / other <= MAX_SIZE_RATIO:
                near.append((run, size / other))
        if len(same) == RECENT_RUNS:
            break
    recent = same or near[:RECENT_RUNS]
    if not recent:
        return None
    learning = median(run.summary["images_per_s"] / ratio for run, ratio in recent)
    answering = [speed / ratio for run, ratio in recent if (speed := _answering_speed(run))]
    return Pace(
        learning,
        median(answering) if answering else ANSWERS_PER_LEARNED * learning,
        LATELY_SPREAD if same else TIMED_SPREAD,
        "from your earlier runs",
    )


def _says_how_fast(run: Run, min_steps_per_epoch: int) -> bool:
    """Whether it ran here to its end and learned for long enough."""
    speed = run.summary.get("images_per_s")
    return (
        not run.is_from_elsewhere
        and run.status == "finished"
        and bool(speed)
        and run.started.get("steps_per_epoch", 0) >= min_steps_per_epoch
        and (run.epoch or 0) * run.started["n_train"] / speed >= MIN_LEARNED_SECONDS
    )


def _answering_speed(run: Run) -> float | None:
    """Images per second of its last validation; None where that was too short to be measured."""
    last, n_val = run.latest, run.started.get("n_val", 0)
    if n_val < MIN_READ_IMAGES or not last.get("epoch_seconds") or not last.get("images_per_s"):
        return None
    learned = (last["epoch"] % 1 or 1) * run.started["n_train"]
    seconds = last["epoch_seconds"] - learned / last["images_per_s"]
    return float(n_val / seconds) if seconds >= MIN_READING_SECONDS else None


def _way(config: Mapping[str, Any], n_train: int) -> tuple[Any, ...]:
    """Equal for stored configs (section -> values) that learn in the same way. n_train: images learned from"""
    training, data = ({**defaults, **config[name]} for name, defaults in _defaults().items())
    return (
        min(training["batch_size"], n_train), training["optimizer"], training["precision"], bool(training["l1"]),
        bool(training["clip_norm"]), any(data[name] for name in MOVES), bool(data["elastic"]), bool(data["thickness"]),
    )  # fmt: skip


@cache
def _defaults() -> Mapping[str, Mapping[str, Any]]:
    """Of what a run of an older version may lack."""
    sections = {"training": TrainingConfig(), "data": DataConfig()}
    return MappingProxyType({name: section.model_dump(mode="json") for name, section in sections.items()})
