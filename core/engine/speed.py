"""How fast a network learns and answers on this machine, measured on the code that trains and answers.

A run in training shares torch's random numbers with every thread, so nothing in here draws from them: the network is built
without memory, its weights come from a private generator, and dropout, the one thing that draws in a step, is off.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

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

WARM_UP_ANSWERS, TIMED_ANSWERS = 10, 100  # answers to one image
ROUNDS = 5  # groups of calls; the fastest group counts, since others may have had to wait for other work
PRECISION_TRIALS, PRECISION_TRIAL_SECONDS = 3, 0.05  # how often, and for how many seconds, a precision is tried
MIN_SPEEDUP = 1.1  # times as fast: less would not be worth the digits
MEAN, STD = 0.13, 0.31  # about those of MNIST's pixels; any others would take as long


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
    learner, images, labels = _prepare(architecture, models.get(architecture).config(), plan, plan.batch_size)
    asked = _images(EVALUATION_BATCH, learner.device)
    learning = _seconds(lambda: _learn(learner, images, labels), learner.device, seconds)
    answering = _seconds(lambda: predict_logits(learner.module, asked, MEAN, STD), learner.device, seconds)
    return Speed(
        len(images) / learning,
        len(asked) / answering,
        str(learner.device),
        torch.get_num_threads(),
        len(images),
        len(asked),
    )


def learning_speed(config: RunConfig, seconds: float = 0.3) -> float:
    """Training images per second with any settings: the network, batch size, optimizer, precision and device of ``config``.

    Takes about ``seconds``, more for a slow network. Dropout and what changes images at random are left out.
    """
    plan = config.training.model_copy(update={"schedule": "constant"})
    learner, images, labels = _prepare(config.architecture, config.model, plan, plan.batch_size)
    return len(images) / _seconds(lambda: _learn(learner, images, labels), learner.device, seconds)


def precision_of(config: RunConfig, device: torch.device, begun_with: Precision | None = None) -> Precision:
    """With which numbers a network learns: those it has begun with, else as its config says, and for "auto" those with
    which it learns faster on the device, tried once per process and number of threads: a page that looks ahead has one, a
    training may have more.

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
    batch_size, threads = config.training.batch_size, torch.get_num_threads()
    return _quicker(config.architecture, config.model, batch_size, device.type, threads)


@lru_cache(maxsize=256)
def _quicker(architecture: str, model: Config, batch_size: int, device: str, threads: int) -> Precision:
    """threads: of the calling thread, which the trial takes as well; a part of the question, therefore of the key"""

    def speed(precision: Precision) -> float:
        plan = TrainingConfig.model_validate({"batch_size": batch_size, "device": device, "precision": precision})
        config = RunConfig(architecture=architecture, model=model, data=DataConfig(), training=plan)
        return learning_speed(config, PRECISION_TRIAL_SECONDS)

    # In turn: what slows this machine down for a moment is not taken for a property of the numbers.
    tried = [(speed("fp32"), speed("bf16")) for _ in range(PRECISION_TRIALS)]
    exact, short = (max(column) for column in zip(*tried, strict=True))
    return "bf16" if short > MIN_SPEEDUP * exact else "fp32"


def step_seconds(architecture: str, model: Config, batch_size: int) -> float:
    """Seconds of one small step on the CPU with any settings of a network: the quickest answer there is."""
    learner, images, labels = _prepare(architecture, model, TrainingConfig(device="cpu"), batch_size)
    return _seconds(lambda: _learn(learner, images, labels), learner.device, 0.0)


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


def _prepare(architecture: str, model: Config, plan: TrainingConfig, batch_size: int) -> tuple[Learner, Tensor, Tensor]:
    config = RunConfig(architecture=architecture, model=without_dropout(model), data=DataConfig(), training=plan)
    device = resolve_device(plan.device)
    nothing = np.empty(0, np.int64)
    learner = Learner(
        config, SplitIndices(nothing, nothing, MEAN, STD), device, total_steps=1,
        module=with_private_init(architecture, config.model), precision=precision_of(config, device),
    )  # fmt: skip
    return learner, _images(batch_size, device), (torch.arange(batch_size) % 10).to(device)


def _images(n: int, device: torch.device) -> Tensor:
    """Noise (n, 28, 28) uint8."""
    private = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (n, 28, 28), dtype=torch.uint8, generator=private).to(device)


def _learn(learner: Learner, images: Tensor, labels: Tensor) -> None:
    learner.learn(images, labels, torch.Generator())


def _seconds(work: Callable[[], object], device: torch.device, budget: float) -> float:
    """Seconds of one call: the fastest of several groups of calls that together take about ``budget`` seconds. The first
    call is left out where there is another: it fetches memory and chooses kernels."""

    def timed(calls: int) -> float:
        began = time.perf_counter()
        for _ in range(calls):
            work()
        if device.type != "cpu":
            torch.accelerator.synchronize()
        return (time.perf_counter() - began) / calls

    timed(1)
    best = timed(1)
    calls, end = max(1, round(budget / ROUNDS / best)), time.perf_counter() + budget
    while time.perf_counter() < end:
        best = min(best, timed(calls))
    return best
