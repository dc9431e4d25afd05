"""What a run's history, or a look at its layers, says in words: at most one piece of advice, the most urgent one. No torch in
here.

Where a run has them, training figures are those of the network after each epoch (``EpochEnd.sample_loss``), which compare with
validation; else those that were measured while it was learning.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Row = Mapping[str, Any]

GUESSING = math.log(10)  # nats per image of a network that gives every digit one tenth
STUCK_LOSS = 0.95 * GUESSING
STUCK_ACCURACY = 0.15  # the most frequent digit makes 11.35 % of MNIST
MIN_RISE_FACTOR = 1.05  # five percent above the lowest loss: more than the validation images' own noise
MIN_RISE_NATS = (
    0.03  # nats; a loss near zero moves by more than five percent from epoch to epoch without meaning anything
)
OVERFITTING_EPOCHS = 3  # epochs since the lowest validation loss before anything is called over-fitting
# Many units are silent from the first step on, without harm: with the settings that each network begins with, up to 55 % of a
# layer (CNN and MLP on 500 embedded digits). With ten times the learning rate it is 66 %, and the MLP still reads well; where
# networks get stuck it is 90 % and more.
MIN_SILENT_SHARE = 0.75
# With the settings that each network begins with, the gradient of the first layer is at most 50 times shorter than that of
# the last (CNN, Tiny VGG). Behind six sigmoid layers it is 1,400 times shorter, and nothing is learned.
MIN_GRADIENT_RATIO = 200.0


# Why a network that begins with zeros stays there; not so without hidden layers, or where an activation makes 0 into another
# number.
ZEROS = (
    "All weights began at 0, so every layer hands on zeros, and the gradient that goes back is multiplied by zeros, too: "
    "nothing moves but the biases of the last layer. Take other starting weights, drawn at random."
)


def diagnose(history: Sequence[Row], init: str = "default") -> str | None:
    """One or two sentences about what went wrong and what to try, or None when nothing did.

    history: events as ``core.engine.events.to_json`` writes them, in order · init: with which weights it began
    First found, first said: the loss is no number ·
    it never got better than guessing · training and validation both got worse (the steps, not the network) · validation got
    worse for at least three epochs while training improved (over-fitting).
    """
    # Epoch 0 is the untrained network; it can only be compared with, not diagnosed.
    epochs = _comparable([row for row in history if row.get("event") == "epoch" and row["epoch"] > 0])
    lr = _top_lr(history)
    return _diverged(history) or _stuck(epochs, lr, init) or _unstable(epochs, lr) or _overfitting(epochs)


def diagnose_layers(
    names: Sequence[str], gradient_norms: Floats, silences: Sequence[tuple[str, int, int]], n_images: int,
    init: str = "default",
) -> str | None:  # fmt: skip
    """One or two sentences about what keeps layers from learning and what to try, or None when nothing does.

    names (L,): of the layers that mix what they take, the first one first · gradient_norms (L,): length of the gradient of
    each · silences: behind which layer a ReLU stands, how many of its units answered 0 to all of n_images, and how many it has
    init: with which weights the run began
    First found, first said: silent units, which also let no gradient through · a gradient that vanishes on its way back.
    """
    if init == "zeros" and len(names) > 1 and gradient_norms[0] == 0:
        return ZEROS
    return _dead(silences, n_images) or _vanishing(names, gradient_norms)


def _dead(silences: Sequence[tuple[str, int, int]], n_images: int) -> str | None:
    dead = [silence for silence in silences if silence[1] >= MIN_SILENT_SHARE * silence[2]]
    if not dead:
        return None
    name, n_silent, n_units = max(dead, key=lambda silence: silence[1] / silence[2])
    more = ""
    if others := len(dead) - 1:
        places = "another layer" if others == 1 else f"{others} other layers"
        more = f"; behind {places} it is three quarters or more, too"
    return (
        f"{n_silent:,} of {n_units:,} units behind {name} answered 0 to all of {n_images:,} images{more}. No gradient reaches "
        "them, so they do not learn any more (dead ReLUs). Try a smaller learning rate, or leaky ReLU."
    )


def _vanishing(names: Sequence[str], gradient_norms: Floats) -> str | None:
    if len(names) < 2 or not np.isfinite(gradient_norms).all():
        return None
    first, last = float(gradient_norms[0]), float(gradient_norms[-1])
    if last < MIN_GRADIENT_RATIO * first or last == 0:
        return None
    if first == 0:
        return (
            f"No gradient at all reaches {names[0]}: it does not learn. Try a smaller learning rate, or start again with "
            "another seed."
        )
    ratio = _decimal(last / first, 2)
    return (
        f"The gradient of {names[0]} is {int(float(ratio)):,} times shorter than that of {names[-1]}: it hardly learns. Try "
        "ReLU, normalisation or a residual network."
    )


def _comparable(epochs: Sequence[Row]) -> Sequence[Row]:
    """The same rows, with the training figures of the sample where every one of them has these: the two never mix."""
    if any(row.get("sample_loss") is None for row in epochs):
        return epochs
    return [{**row, "train_loss": row["sample_loss"], "train_acc": row["sample_acc"]} for row in epochs]


def _diverged(history: Sequence[Row]) -> str | None:
    for at, row in enumerate(history, start=1):
        lost = row.get("event") in ("progress", "epoch") and row["epoch"] > 0 and row["train_loss"] is None
        if row.get("event") == "diverged" or lost:
            lr = _top_lr(history[:at])
            return (
                f"The loss stopped being a number at step {row['step']:,} (epoch {math.ceil(row['epoch'])}) with a "
                f"learning rate of {_decimal(lr)}: the steps were too big and the weights ran "
                f"away. Try a tenth of it, {_decimal(lr / 10, 3)}."
            )
    return None


def _stuck(epochs: Sequence[Row], lr: float, init: str) -> str | None:
    if not epochs:
        return None
    best_loss = min(row["train_loss"] for row in epochs)
    best_acc = max(row["train_acc"] for row in epochs)
    # Of zeros it is known what keeps them, also where one digit is more frequent than usual among few images.
    if best_loss < STUCK_LOSS or (best_acc > STUCK_ACCURACY and init != "zeros"):
        return None
    guesses = (
        f"In epoch {_epoch(epochs[-1])} the network still guesses: loss {best_loss:.2f} nats (guessing is "
        f"{GUESSING:.2f}), accuracy {100 * best_acc:.2f} %."
    )
    if init == "zeros":
        return f"{guesses} {ZEROS}"
    return (
        f"{guesses} The learning rate of {_decimal(lr)} is too high or far "
        "too low, or too many layers stand in a row for the signal to get through. Try ten times less, then ten times more."
    )


def _unstable(epochs: Sequence[Row], lr: float) -> str | None:
    if len(epochs) < 2:
        return None
    last = epochs[-1]
    train = _lowest(epochs, "train_loss")
    val = _lowest(epochs, "val_loss")
    if train is None or val is None or last["val_loss"] is None:
        return None
    if not _has_risen(last["train_loss"], train["train_loss"]) or not _has_risen(last["val_loss"], val["val_loss"]):
        return None
    return (
        f"Training and validation both got worse (training loss {train['train_loss']:.4f} in epoch {_epoch(train)}, now "
        f"{last['train_loss']:.4f} nats). That is no over-fitting: the steps are too big to settle. Try a learning rate "
        f"of {_decimal(lr / 3, 2)} instead of {_decimal(lr)}, or a schedule that lowers it."
    )


def _overfitting(epochs: Sequence[Row]) -> str | None:
    val = _lowest(epochs, "val_loss")
    if val is None or epochs[-1]["val_loss"] is None:
        return None
    last = epochs[-1]
    if last["epoch"] - val["epoch"] < OVERFITTING_EPOCHS or not _has_risen(last["val_loss"], val["val_loss"]):
        return None
    # What is learned by heart is known better than what is new; varied or thinned out images are not learned by heart.
    if last["train_loss"] >= min(val["train_loss"], last["val_loss"]):
        return None
    return (
        f"Over-fitting since epoch {_epoch(val)}: the training loss fell from {val['train_loss']:.4f} to "
        f"{last['train_loss']:.4f} nats, but the validation loss rose from {val['val_loss']:.4f} to "
        f"{last['val_loss']:.4f}. The network learns its images by heart. The weights of "
        "the best epoch are kept; early stopping, dropout, weight decay or more training images help."
    )


def _has_risen(now: float, lowest: float) -> bool:
    return now > max(MIN_RISE_FACTOR * lowest, lowest + MIN_RISE_NATS)


def _top_lr(history: Sequence[Row]) -> float:
    """What was set, more or less: a schedule starts below it or brings it down to 0. 0 when there is none yet."""
    return max((float(row["lr"]) for row in history if row.get("lr") is not None), default=0.0)


def _epoch(row: Row) -> str:
    """The number of the epoch that was learned last, in which a run may have been stopped."""
    return f"{math.ceil(row['epoch']):,}"


def _decimal(number: float, digits: int = 6) -> str:
    """0.00001 rather than 1e-05, with so many significant digits."""
    return np.format_float_positional(number, precision=digits, fractional=False, trim="-")


def _lowest(epochs: Sequence[Row], name: str) -> Row | None:
    measured = [row for row in epochs if row[name] is not None]
    return min(measured, key=lambda row: float(row[name])) if measured else None
