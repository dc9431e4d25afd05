"""What a recipe that has to be ready in time goes by."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Literal, cast

import torch
from torch import Tensor

from core.config import RunConfig, run_config
from core.engine.learner import Learner
from core.engine.speed import MIN_SPEEDUP, learn, prepare
from core.machine.device import resolve_device
from core.machine.precision import can_use_bf16
from core.machine.remembered import recall, remember
from core.machine.threads import use_threads

# About the network that races against the clock.
NETWORK: Mapping[str, object] = MappingProxyType(
    {"width": 16, "convs": 1, "head": "flatten", "batch_size": 128, "device": "cpu"}
)
STEPS = (1, 2, 2, 2, 2)  # of each trial; the first only chooses kernels
SLOW_STEP_SECONDS = (
    0.03  # processor seconds of one thread for a step with 32-bit numbers, from which on a processor is slow
)

# On a processor: whether it learns faster with 16-bit numbers, and if not, whether it is a slow one.
MachineKind = Literal["gpu", "16-bit", "32-bit", "32-bit, slow"]


def machine_kind() -> MachineKind:
    """Whether this machine has a GPU, and if not, whether its processor learns faster with 16-bit numbers than with 32-bit
    ones, and if not, whether it is a slow one.

    A processor is tried with one small network, once per machine, in the processor seconds of one thread: those hardly change
    while something else runs beside it. Takes half a second to two, later none.
    """
    return "gpu" if resolve_device("auto").type != "cpu" else _processor_kind()


@lru_cache(maxsize=1)
def _processor_kind() -> MachineKind:
    question = "kind of processor"
    answer = recall(question)
    if answer in ("16-bit", "32-bit", "32-bit, slow"):
        return cast(MachineKind, answer)
    exact, short = (run_config("compact", {**NETWORK, "precision": precision}) for precision in ("fp32", "bf16"))
    has_kernels = can_use_bf16(short.architecture, short.model, "cpu")
    expected, *others = _step_seconds([exact, short] if has_kernels else [exact])
    kind: MachineKind = "32-bit, slow" if expected > SLOW_STEP_SECONDS else "32-bit"
    if any(expected > MIN_SPEEDUP * seconds for seconds in others):
        kind = "16-bit"
    remember(question, kind)
    return kind


def _step_seconds(configs: Sequence[RunConfig]) -> list[float]:
    """Processor seconds of one thread for a step of each."""
    threads = torch.get_num_threads()
    use_threads(1)
    try:
        learners = [
            prepare(config.architecture, config.model, config.training, config.training.batch_size)
            for config in configs
        ]
        _, *trials = [[_thread_seconds(*learner, steps) / steps for learner in learners] for steps in STEPS]
    finally:
        use_threads(threads)
    return [min(column) for column in zip(*trials, strict=True)]


def _thread_seconds(learner: Learner, images: Tensor, labels: Tensor, steps: int) -> float:
    began = time.thread_time()
    for _ in range(steps):
        learn(learner, images, labels)
    return time.thread_time() - began
