"""What has to be said below learning curves, so that nobody reads more into them than was measured."""

from __future__ import annotations

from collections.abc import Sequence

from core.runs.rows import Run

DOTTED = (
    "Dotted: read while learning, with dropout and variation on wherever a run has them, and by a network that still "
    "changed. So it can look worse than the solid line."
)
DOTTED_IN_LESSONS = "Dotted: images it learned from. Solid: new images."
# Settings that add something to what a training makes smaller, and what they are called in a sentence.
NOT_IN_LOSSES = {"label_smoothing": "label smoothing", "l1": "the L1 penalty", "weight_decay": "weight decay"}


def losses_sentence(runs: Sequence[Run]) -> str:
    """What the training of these runs made smaller beside the loss that is drawn; "" where there was nothing."""
    words = [word for name, word in NOT_IN_LOSSES.items() if any(run.config["training"].get(name, 0) for run in runs)]
    if not words:
        return ""
    listed = words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
    return f"The losses drawn leave out {listed}."


def labels_sentence(runs: Sequence[Run]) -> str:
    """What the line "by the true labels" is; "" where none of these runs was told wrong labels."""
    if not any(run.config["data"].get("label_noise", 0) for run in runs):
        return ""
    return (
        "By the true labels: the network after each epoch, on a sample of its training images of which some had a wrong label. "
        "Where this line falls while the dotted accuracy rises, it learns the wrong labels by heart."
    )
