"""How many images of an architecture this machine learns from a second, with so many runs at a time and so many threads each.

Idle children measure it (``core.runs.agents.measuring``), once per machine, versions and architecture. It decides how many
runs of that architecture train at a time; how many threads each has follows from that number by one rule
(``side_by_side.planned``), whatever was measured.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from core import models
from core.machine.processor import SideBySide, n_cores, wanted_processes, wanted_threads
from core.machine.remembered import recall, remember
from core.machine.side_by_side import planned, side_by_side
from core.machine.threads import training_threads

# Times the throughput of the rule's number that another number has to reach before it replaces it: two measurements of one way
# differ by up to a tenth, and another number may mean other threads, and so other bits.
MIN_GAIN = 1.15
MIN_CORES_FOR_HALF = 4  # below, half of the cores is one


class Measured(NamedTuple):
    """plan: how runs train · times: as fast as one after the other, None where that was not measured"""

    plan: SideBySide
    times: float | None


def in_turn() -> SideBySide:
    """One after the other, each with the threads of a run that trains alone."""
    return SideBySide(1, training_threads())


def plans() -> list[SideBySide]:
    """Those that are chosen among, today's rule first. Only that where somebody has said how many, or where there is one core
    or a GPU. Raises ConfigError for a variable out of its range."""
    rule = side_by_side()
    if wanted_processes() or rule.processes == 1:
        return [rule]
    half = [planned(rule.processes // 2)] if rule.processes >= MIN_CORES_FOR_HALF else []
    return [rule, *half, in_turn()]


def ways() -> list[SideBySide]:
    """What is measured: the plans, and one run with all cores, for whoever wants to know; nothing where there is no choice."""
    choice = plans()
    if len(choice) == 1:
        return []
    all_cores = SideBySide(1, wanted_threads() or n_cores())
    return list(dict.fromkeys([*choice, all_cores]))


def images_per_s(architecture: str, way: SideBySide) -> float | None:
    """Of all runs together, as it was measured on this machine with the default network; None before that."""
    answer = recall(_question(architecture, way))
    try:
        speed = float(answer or 0)
    except ValueError:  # a damaged file is as good as none
        return None
    return speed if 0 < speed < math.inf else None


def remember_images_per_s(architecture: str, way: SideBySide, speed: float) -> None:
    """Keep a measurement for later processes on this machine."""
    remember(_question(architecture, way), f"{speed:.1f}")


def is_measured(architecture: str) -> bool:
    """Whether nothing is left to measure."""
    return all(images_per_s(architecture, way) is not None for way in ways())


def plan_for(architecture: str) -> Measured:
    """How runs of an architecture train here, several of them waiting: by what was measured, else by today's rule."""
    rule, *others = plans()
    speeds = {plan: images_per_s(architecture, plan) for plan in (rule, *others)}
    by_speed = {plan: speed for plan, speed in speeds.items() if speed}
    if len(by_speed) < len(speeds):
        return Measured(rule, None)
    best = max(by_speed, key=by_speed.__getitem__)
    plan = best if by_speed[best] >= MIN_GAIN * by_speed[rule] else rule
    return Measured(plan, by_speed[plan] / by_speed[in_turn()] if others else None)


def _question(architecture: str, way: SideBySide) -> str:
    network = models.get(architecture).config().model_dump_json()
    return f"throughput | {n_cores()} cores | {way.processes} x {way.threads} | {architecture} {network}"
