"""How fast a network learns and answers on this machine, measured on the code that trains and answers.

A run in training shares torch's random numbers with every thread, so nothing in here draws from them: the network is built
without memory, its weights come from a private generator, and dropout, the one thing that draws in a step, is off.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from statistics import fmean

import numpy as np
import torch
from torch import Tensor

from core import models
from core.config import Precision, RunConfig, TrainingConfig
from core.data.config import DataConfig
from core.data.dataset import Images, SplitIndices
from core.engine.evaluate import EVALUATION_BATCH, predict_logits
from core.engine.learner import Learner
from core.fields import Config
from core.machine.device import resolve_device
from core.machine.precision import can_use_bf16, check_precision, with_private_init, without_dropout
from core.machine.remembered import recall, remember

WARM_UP_ANSWERS, TIMED_ANSWERS = 10, 100  # answers to one image
ROUNDS = 5  # groups of calls; where a network is measured the fastest counts: others may have had to wait
PRECISION_TRIALS, PRECISION_TRIAL_SECONDS = 3, 0.05  # how often, and for how many seconds, a precision is tried
MIN_SPEEDUP = 1.1  # times as fast: less would not be worth the digits
HOPELESS_SLOWDOWN = 2.0  # times as slow in its first step: not tried any further
UNSURE_SECONDS = 3_600  # after which trials that came to different answers are made again
MAX_BATCH_IMAGES = 4_096  # in a batch that is tried or measured
TIMED_IMAGES = 128  # in a batch that is timed in passing
TIMED_MULTIPLY_ADDS = 5_000_000_000  # of a step that is timed in passing: about a second on a slow core
MEAN, STD = 0.13, 0.31  # about those of MNIST's pixels; any others would take as long

Clock = Callable[[], float]  # seconds since some moment


@dataclass(frozen=True, slots=True)
class Speed:
    """Images per second while learning and while answering, and under which conditions.

    device: such as "cpu" · threads: of each operation · train_batch, infer_batch: images at a time
    """

    train_images_per_s: float
    infer_images_per_s: float
    device: str
    threads: int
    train_batch: int
    infer_batch: int


def measure(architecture: str, seconds: float = 0.3) -> Speed:
    """The speed of an architecture at default settings; takes about twice ``seconds``, more for a slow network.

    The caller says before how many threads it takes (``use_one_thread``, ``use_training_threads``).
    """
    plan = TrainingConfig()
    learner, images, labels = prepare(architecture, models.get(architecture).config(), plan, plan.batch_size)
    asked = _images(EVALUATION_BATCH, learner.device)
    learning = _seconds(lambda: learn(learner, images, labels), learner.device, seconds)
    answering = _seconds(lambda: predict_logits(learner.module, asked, MEAN, STD), learner.device, seconds)
    return Speed(
        len(images) / learning,
        len(asked) / answering,
        str(learner.device),
        torch.get_num_threads(),
        len(images),
        len(asked),
    )


def learning_speed(config: RunConfig, seconds: float = 0.3, clock: Clock = time.perf_counter) -> float:
    """Training images per second with any settings: the network, batch size, optimizer, precision and device of ``config``.

    Takes about ``seconds``, more for a slow network. A batch beyond 4,096 images is no faster per image, and is measured as
    one of 4,096. Dropout and what changes images at random are left out.
    """
    plan = config.training.model_copy(update={"schedule": "constant"})
    learner, images, labels = prepare(config.architecture, config.model, plan, min(plan.batch_size, MAX_BATCH_IMAGES))
    return len(images) / _seconds(lambda: learn(learner, images, labels), learner.device, seconds, clock=clock)


def sustained_learning_speed(config: RunConfig, seconds: float) -> float:
    """The same where several processes measure at once, for ``seconds`` each: not the fastest moment but the mean, for each
    has to wait for the others."""
    learner, images, labels = prepare(config.architecture, config.model, config.training, config.training.batch_size)
    return len(images) / _seconds(lambda: learn(learner, images, labels), learner.device, seconds, of=fmean)


def precision_of(config: RunConfig, device: torch.device, begun_with: Precision | None = None) -> Precision:
    """With which numbers a network learns: those it has begun with, else as its config says, and for "auto" those with
    which it learns faster on the device, tried once per machine and number of threads (a page that looks ahead has one, a
    training may have more), and again in another hour while the trials come to different answers.

    begun_with: of a run that goes on; where this machine can not compute with those, it goes on with 32 bits
    Raises ConfigError when the config says "bf16" and this machine can not.
    """
    wanted = begun_with or config.training.precision
    if wanted == "fp32":
        return wanted
    if begun_with is None:
        check_precision(config, device)
    if not can_use_bf16(config.architecture, config.model, device.type):
        return "fp32"
    if wanted == "bf16":
        return "bf16"
    batch_size, threads = min(config.training.batch_size, MAX_BATCH_IMAGES), torch.get_num_threads()
    return _quicker(config.architecture, config.model, batch_size, device.type, threads, _this_hour())


def _this_hour() -> int:
    return int(time.time() // UNSURE_SECONDS)


@lru_cache(maxsize=256)
def _quicker(architecture: str, model: Config, batch_size: int, device: str, threads: int, hour: int) -> Precision:
    """An answer in which all trials agree is kept for good. Another one, as of a busy moment, counts for this hour, with a note
    for other processes; later it gives way to an agreed one only, so the runs of a race do not go to and fro.

    threads: of the calling thread, which the trial takes as well; a part of the question, therefore of the key
    """
    where = torch.cuda.get_device_name() if device == "cuda" else device
    question = (
        f"precision | {where} | threads {threads} | batch {batch_size} | {architecture} {model.model_dump_json()}"
    )
    answer, _, unsure_in = (recall(question) or "").partition(" in hour ")
    earlier: Precision | None = "bf16" if answer == "bf16" else "fp32" if answer == "fp32" else None
    if earlier and unsure_in in ("", str(hour)):
        return earlier
    exact, short = (
        RunConfig(
            architecture=architecture, model=model, data=DataConfig(),
            training=TrainingConfig.model_validate({"batch_size": batch_size, "device": device, "precision": precision}),
        )
        for precision in ("fp32", "bf16")
    )  # fmt: skip
    clock = _clock(device, threads)
    verdicts = [False] if _is_hopeless(short, exact, clock) else _learns_faster(short, exact, clock)
    quicker: Precision = "bf16" if 2 * sum(verdicts) > len(verdicts) else "fp32"
    if len(set(verdicts)) == 1:
        remember(question, quicker)
        return quicker
    remember(question, f"{earlier or quicker} in hour {hour}")
    return earlier or quicker


def _clock(device: str, threads: int) -> Clock:
    """What a trial goes by: where one thread of a processor computes, its processor seconds, which hardly change while
    something else runs; else the seconds that pass. Windows counts the former in steps too long for a trial."""
    return time.thread_time if (device, threads) == ("cpu", 1) and sys.platform != "win32" else time.perf_counter


def _is_hopeless(config: RunConfig, other: RunConfig, clock: Clock) -> bool:
    """Whether one step is so much slower than one of the other that no more have to be tried; seen twice where a step may have
    had to wait for other work. A step shorter than a trial says nothing: most of it may be the choice of kernels, and a trial
    costs little."""

    def is_slow() -> bool:
        expected, seconds = first_step_seconds(other, clock), first_step_seconds(config, clock)
        return seconds > max(HOPELESS_SLOWDOWN * expected, PRECISION_TRIAL_SECONDS)

    return is_slow() and (clock is time.thread_time or is_slow())


def _learns_faster(config: RunConfig, other: RunConfig, clock: Clock) -> list[bool]:
    """Whether it clearly learns faster than the other, by several trials. In turn, so that what slows this machine down for a
    moment is not taken for a property of the numbers: then they do not agree."""
    seconds = PRECISION_TRIAL_SECONDS
    trials = [[learning_speed(each, seconds, clock) for each in (other, config)] for _ in range(PRECISION_TRIALS)]
    return [speed > MIN_SPEEDUP * expected for expected, speed in trials]


def first_step_seconds(config: RunConfig, clock: Clock = time.perf_counter) -> float:
    """Seconds of the very first step, in which memory is fetched and kernels are chosen."""
    learner, images, labels = prepare(config.architecture, config.model, config.training, config.training.batch_size)
    return _seconds_per_call(lambda: learn(learner, images, labels), learner.device, 1, clock)


def run_speeds(config: RunConfig, seconds: float = 0.2) -> tuple[float, float]:
    """Images per second while learning and while answering with any settings, the variation of images included.

    Takes about twice ``seconds``. Batches are made smaller where one would hold up a page; "auto" precision is taken as 32
    bits, for a trial of both takes longer than this.
    """
    values = {"schedule": "constant"} | ({"precision": "fp32"} if config.training.precision == "auto" else {})
    plan = config.training.model_copy(update=values)
    work = models.TRAINING_COST * models.get(config.architecture).multiply_adds(config.model)
    most = max(2, min(TIMED_IMAGES, TIMED_MULTIPLY_ADDS // max(1, work)))
    learner, images, labels = prepare(
        config.architecture, config.model, plan, min(plan.batch_size, most), data=config.data
    )
    asked = _images(min(EVALUATION_BATCH, models.TRAINING_COST * most), learner.device)
    # Not the fastest moment but the mean: a training, too, has to wait whenever other work has its turn.
    learning = _seconds(lambda: learn(learner, images, labels), learner.device, seconds, of=fmean)
    answering = _seconds(lambda: learner.predict_logits(asked), learner.device, seconds, of=fmean)
    return len(images) / learning, len(asked) / answering


def answer_seconds(read: Callable[[Images], object]) -> float:
    """Seconds to read one image (1, 28, 28) uint8 on its own: the median of ``TIMED_ANSWERS`` times, after some to warm up.

    read: such as ``Predictor.logits``
    """
    image = _images(1, torch.device("cpu")).numpy()
    times = []
    for _ in range(WARM_UP_ANSWERS + TIMED_ANSWERS):
        began = time.perf_counter()
        read(image)
        times.append(time.perf_counter() - began)
    return float(np.median(times[WARM_UP_ANSWERS:]))


def prepare(
    architecture: str, model: Config, plan: TrainingConfig, batch_size: int, data: DataConfig | None = None
) -> tuple[Learner, Tensor, Tensor]:
    """A learner without dropout, and noise to learn from. data: for the variation of images; none without it"""
    data = data or DataConfig()
    config = RunConfig(architecture=architecture, model=without_dropout(model), data=data, training=plan)
    device = resolve_device(plan.device)
    no_images = np.empty(0, np.int64)
    learner = Learner(
        config, SplitIndices(no_images, no_images, MEAN, STD), device, total_steps=1,
        module=with_private_init(architecture, config.model), precision=precision_of(config, device),
    )  # fmt: skip
    return learner, _images(batch_size, device), (torch.arange(batch_size) % 10).to(device)


def _images(n: int, device: torch.device) -> Tensor:
    """Noise (n, 28, 28) uint8."""
    private = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (n, 28, 28), dtype=torch.uint8, generator=private).to(device)


def learn(learner: Learner, images: Tensor, labels: Tensor) -> None:
    learner.learn(images, labels, torch.Generator())


def _seconds(
    work: Callable[[], object], device: torch.device, budget: float, of: Callable[[list[float]], float] = min,
    clock: Clock = time.perf_counter,
) -> float:  # fmt: skip
    """Seconds of one call: of several groups of calls that together take about ``budget`` seconds the fastest, or what else
    ``of`` takes. The first call is left out where there is another: it fetches memory and chooses kernels."""
    _seconds_per_call(work, device, 1, clock)
    times = [_seconds_per_call(work, device, 1, clock)]
    calls, end = max(1, round(budget / ROUNDS / times[0])), clock() + budget
    while clock() < end:
        times.append(_seconds_per_call(work, device, calls, clock))
    return of(times)


def _seconds_per_call(work: Callable[[], object], device: torch.device, calls: int, clock: Clock) -> float:
    began = clock()
    for _ in range(calls):
        work()
    if device.type != "cpu":
        torch.accelerator.synchronize()
    return (clock() - began) / calls
