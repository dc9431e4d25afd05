"""Budgets: what each contestant may spend, turned into epochs and steps before the start, so that it can be repeated."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from core import models
from core.compare.differences import condition_labels
from core.config import RunConfig, TrainingConfig, run_config
from core.data.split import part_sizes
from core.engine.batches import batch_borders
from core.errors import ConfigError
from core.fields import settings

BudgetKind = Literal["epochs", "steps", "examples", "seconds", "multiply-adds"]
Speed = Callable[[RunConfig], float]  # training images per second

# What they are called on screen.
BUDGETS: Mapping[BudgetKind, str] = MappingProxyType(
    {
        "epochs": "passes over the training images (epochs)",
        "steps": "weight updates (steps)",
        "examples": "images looked at (examples)",
        "seconds": "seconds of computing",
        "multiply-adds": "multiply-adds of training",
    }
)


@dataclass(frozen=True, slots=True)
class Budget:
    """What each contestant may spend. amount: in the unit of its kind. Raises ConfigError unless it is above 0."""

    kind: BudgetKind
    amount: float

    def __post_init__(self) -> None:
        if self.kind not in BUDGETS:
            raise ConfigError(f"Budget (budget) is {self.kind!r}, allowed is one of {', '.join(BUDGETS)}", ("budget",))
        if not (math.isfinite(self.amount) and self.amount > 0):
            raise ConfigError(
                f"Budget (budget) is {self.amount:g} {self.kind}, allowed is a number above 0", ("budget",)
            )

    def __str__(self) -> str:
        amount = f"{self.amount:,.0f}" if self.amount == round(self.amount) else f"{self.amount:,g}"
        return f"{amount} {self.kind if self.amount != 1 else self.kind.removesuffix('s')}"


def spend(
    contestants: Sequence[RunConfig], budget: Budget | None, n_images: int, images_per_s: Speed | None = None
) -> tuple[list[RunConfig], list[str]]:
    """The same contestants with the ``epochs`` and ``max_steps`` that a budget buys each of them, and how it was converted.

    Rounded down to whole steps, but one at least; None leaves all as they are.
    n_images: training images of the dataset, before any are held out · images_per_s: needed for seconds only
    Raises ConfigError when it buys more epochs than a run may have.
    """
    if budget is None:
        return list(contestants), []
    most = next(int(setting.high or 0) for setting in settings(TrainingConfig) if setting.name == "epochs")
    ready, conversions = [], []
    for label, config in zip(condition_labels(contestants), contestants, strict=True):
        steps, why = _steps(budget, config, n_images, images_per_s)
        per_epoch = steps_per_epoch(config, n_images)
        epochs = math.ceil(steps / per_epoch)
        if epochs > most:
            raise ConfigError(
                f"Budget (budget) is {budget}, which is {epochs:,} epochs for {label}, allowed are at most {most:,} epochs",
                ("budget",),
            )
        ready.append(changed(config, epochs=epochs, max_steps=steps if steps % per_epoch else 0))
        shown = f"{steps / per_epoch:,.{1 if steps >= per_epoch else 2 if 100 * steps >= per_epoch else 4}f}"
        conversions.append(f"{label} {shown} epochs ({steps:,} step{'s' if steps > 1 else ''}{why})")
    notes = [f"Budget {budget}: {', '.join(conversions)}."]
    if budget.kind == "multiply-adds":
        notes.append(
            f"Learning from an image costs about {models.TRAINING_COST} times as much as reading it: once forward, "
            "the rest backward."
        )
    if budget.kind == "seconds":
        notes.append(
            "Seconds became steps before the start, so that it can be repeated; the clock may end up elsewhere."
        )
    if any(config.training.patience for config in ready):
        notes.append("Early stopping may end a run before its budget is spent.")
    return ready, notes


def steps_per_epoch(config: RunConfig, n_images: int) -> int:
    """Weight updates of one pass over the training images that are left when validation has its share."""
    return len(_borders(config, n_images)) - 1


def changed(config: RunConfig, **values: Any) -> RunConfig:
    """The same run with other values of some settings, checked like any. Raises ConfigError."""
    return run_config(config.architecture, {**config.flat(), **values})


def _borders(config: RunConfig, n_images: int) -> list[int]:
    return batch_borders(part_sizes(n_images, config.data)[0], config.training.batch_size)


def _steps(budget: Budget, config: RunConfig, n_images: int, images_per_s: Speed | None) -> tuple[int, str]:
    """Whole steps that a budget buys, and the figure that was used for it, as the end of a parenthesis."""
    borders = _borders(config, n_images)
    n, why = borders[-1], ""
    match budget.kind:
        case "steps":
            return max(1, int(budget.amount)), ""
        case "epochs":
            images = budget.amount * n
        case "examples":
            images = budget.amount
        case "multiply-adds":
            each = models.get(config.architecture).multiply_adds(config.model)
            images, why = (
                budget.amount / (models.TRAINING_COST * each),
                f", {models.TRAINING_COST} × {each:,} per image",
            )
        case "seconds":
            if images_per_s is None:
                raise ConfigError(
                    "Budget (budget) in seconds needs each network's speed, which is not known", ("budget",)
                )
            speed = images_per_s(config)
            images, why = budget.amount * speed, f", at {speed:,.0f} images/s measured here"
    whole, rest = divmod(images, n)
    return max(1, int(whole) * (len(borders) - 1) + bisect_right(borders, rest) - 1), why
