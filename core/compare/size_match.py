"""Networks of equal size: what makes each of them larger is turned until all of them cost the same."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from itertools import chain
from operator import add, mul
from typing import Any, Literal, NamedTuple

from pydantic import ValidationError

from core import models
from core.compare.differences import condition_labels, title_text, value_text
from core.config import RunConfig
from core.errors import ConfigError
from core.fields import Config, Setting, settings

Match = Literal["none", "parameters", "multiply-adds", "seconds"]
Cost = Callable[[RunConfig], float]


class Sized(NamedTuple):
    """A run in one of its sizes, and what that costs."""

    cost: float
    config: RunConfig


Sizer = Callable[[float], Sized]

MAX_COST_RATIO = 1.05  # the largest cost over the smallest, at most
HALVINGS = 24  # of the factor's logarithm: finer than one unit among the 4,096 that a layer can have
STEP, STEPS = 0.008, 425  # where no common cost is found, look 0.8 % further, up to thirty times or a thirtieth
NUDGES = (0, *chain.from_iterable((n, -n) for n in range(1, 9)))


def scaled(config: RunConfig, factor: float) -> RunConfig:
    """The same run with a larger or smaller network: each of ``Architecture.sizes`` times ``factor``.

    Rounded to whole numbers within the declared bounds, and on to the next ones that the network's own rules allow (the
    heads of a Vision Transformer share its width). All else stays, and so does a network that has one size.
    """
    return _sizer(config, lambda _: 0.0)(factor).config


def match_sizes(
    contestants: Sequence[RunConfig], by: Match, seconds_per_epoch: Cost | None = None
) -> tuple[list[RunConfig], list[str]]:
    """The same contestants in sizes whose costs agree within 5 %, and sentences that say what was chosen.

    The first contestant sets the mark, or one that has only one size. Where another can not come near enough, since its
    sizes are too coarse or end too soon, the mark moves as little as it takes, and the first contestant with it.
    by: "parameters" and "multiply-adds" (of one image, forward) count by formula; for "seconds" ``seconds_per_epoch`` is
    asked up to hundreds of times, so it should remember or calculate rather than measure each time
    Raises ConfigError naming who can not be matched and how near it came.
    """
    if by == "none":
        return list(contestants), []
    cost = _cost(by, seconds_per_epoch)
    labels = condition_labels(contestants)
    rigid = [place for place, config in enumerate(contestants) if not _sizes(config)]
    first = rigid[0] if rigid else 0
    mark = cost(contestants[first])
    sizers = [_sizer(config, cost) for config in contestants]
    sized = [_nearest(sizer, mark) for sizer in sizers]
    moved: list[str] = []
    if _gap(sized) > MAX_COST_RATIO:
        # The worst first: whether a mark will do is mostly settled by the one with the fewest sizes.
        order = sorted(range(len(sized)), key=lambda place: -_ratio(sized[place].cost, mark))
        worst, near = labels[order[0]], sized[order[0]]
        for other in _marks(mark, near.cost, within=MAX_COST_RATIO if rigid else math.inf):
            if all(_ratio(_nearest(sizers[place], other).cost, other) <= MAX_COST_RATIO**0.5 for place in order):
                sized = [_nearest(sizer, other) for sizer in sizers]
                moved = [
                    f"The mark moved from {_cost_text(mark, by)}: "
                    f"the nearest that {worst} comes to it is {_cost_text(near.cost, by)}."
                ]
                break
        else:
            before = contestants[order[0]]
            raise ConfigError(
                f"{worst} can not be matched: the mark is {_cost_text(mark, by)} ({labels[first]}), and the nearest "
                f"it comes is {_cost_text(near.cost, by)} ({_changes(before, near.config)}); "
                f"allowed is a gap of {MAX_COST_RATIO - 1:.0%}",
                tuple(setting.name for setting in _sizes(before)) or ("match",),
            )
    notes = [f"Equal {by}: the gap between the largest and the smallest is {(_gap(sized) - 1) * 100:.1f} %.", *moved]
    notes += [
        f"{label}: {_cost_text(after.cost, by)}, {_changes(before, after.config)}."
        for label, before, after in zip(labels, contestants, sized, strict=True)
    ]
    return [after.config for after in sized], notes


def _cost(by: Match, seconds_per_epoch: Cost | None) -> Cost:
    if by == "parameters":
        return cache(lambda config: models.get(config.architecture).n_params(config.model))
    if by == "multiply-adds":
        return cache(lambda config: models.get(config.architecture).multiply_adds(config.model))
    if seconds_per_epoch is None:
        raise ConfigError(
            "Equal seconds (match) need the speed of each network, and nobody has measured it", ("match",)
        )
    return cache(seconds_per_epoch)


def _sizer(config: RunConfig, cost: Cost) -> Sizer:
    """From a factor to the same run in that size, each of which is built and priced once."""
    sizes, start = _sizes(config), config.model.model_dump()

    @cache
    def build(*values: Any) -> Sized:
        for nudge in NUDGES:
            turned = {
                setting.name: _turned(setting, value, partial(add, nudge))
                for setting, value in zip(sizes, values, strict=True)
            }
            try:
                model: Config = type(config.model).model_validate(start | turned)
            except ValidationError:
                continue
            candidate = config.model_copy(update={"model": model})
            return Sized(cost(candidate), candidate)
        return Sized(cost(config), config)

    return lambda factor: build(*(_turned(setting, start[setting.name], partial(mul, factor)) for setting in sizes))


def _nearest(sizer: Sizer, mark: float) -> Sized:
    """The size of this network whose cost is nearest to ``mark``; costs grow with the factor, so halving finds it."""
    small = large = 1.0
    while sizer(small).cost > mark and sizer(small / 2) != sizer(small):
        small /= 2
    while sizer(large).cost < mark and sizer(large * 2) != sizer(large):
        large *= 2
    for _ in range(HALVINGS):
        middle = math.sqrt(small * large)
        if sizer(middle).cost < mark:
            small = middle
        else:
            large = middle
    return min((sizer(large), sizer(small)), key=lambda sized: _ratio(sized.cost, mark))


def _marks(first: float, second: float, within: float) -> Iterator[float]:
    """Costs to try as the common one: around both, those nearest to the first one first."""
    steps = range(-STEPS, STEPS + 1)
    marks = {start * math.exp(STEP * step) for start in (first, second) for step in steps}
    return iter(sorted((mark for mark in marks if _ratio(mark, first) <= within), key=lambda mark: _ratio(mark, first)))


def _gap(sized: Sequence[Sized]) -> float:
    costs = [run.cost for run in sized]
    return max(costs) / min(costs)


def _ratio(a: float, b: float) -> float:
    """The larger over the smaller."""
    return max(a, b) / min(a, b)


def _sizes(config: RunConfig) -> list[Setting]:
    """What can be scaled; a list of no layers can not."""
    names, values = models.get(config.architecture).sizes, config.model.model_dump()
    return [
        setting for setting in settings(type(config.model)) if setting.name in names and _parts(values[setting.name])
    ]


def _parts(value: Any) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value,)


def _turned(setting: Setting, value: Any, turn: Callable[[int], float]) -> Any:
    """A setting's value with ``turn`` done to each of its numbers: whole ones, within the bounds of the declaration."""
    low, high = int(setting.low or 1), int(setting.high or 1)
    numbers = tuple(min(max(math.floor(turn(part) + 0.5), low), high) for part in _parts(value))
    return numbers if isinstance(value, tuple) else numbers[0]


def _cost_text(cost: float, by: Match) -> str:
    if by == "seconds":
        return f"{cost:,.2f} seconds per epoch"
    return f"{cost:,} {by}{' per image' if by == 'multiply-adds' else ''}"


def _changes(before: RunConfig, after: RunConfig) -> str:
    """ "width 19 instead of 16", "width 16", "its only size"."""
    parts = []
    for setting in _sizes(before):
        old, new = value_text(before, setting.name), value_text(after, setting.name)
        parts.append(f"{title_text(before, setting.name)} {new}" + (f" instead of {old}" if old != new else ""))
    return " and ".join(parts) or "its only size"
