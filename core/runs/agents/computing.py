"""What every agent iterates: the training, and the one look at the test images that follows it."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from core.engine.evaluate import Evaluation, evaluate
from core.engine.events import TERMINAL, Arrays, Checkpoint, Event, Failed, Finished, Stopped
from core.engine.train import train
from core.errors import InputError
from core.fields import SplitName
from core.runs.agents import SPLITS, Assignment, Ended, ShouldStop

TRACE_LINES = 3  # of the place where a fault happened


def computed(assignment: Assignment, should_stop: ShouldStop) -> Iterator[Event | Ended]:
    """Everything that ``train`` tells, its last event as ``Ended``. Raises nothing: a fault is the end of the run."""
    resume, seconds = assignment.resume, 0.0
    weights: Arrays | None = resume.best_weights if resume else None
    logits: NDArray[np.float32] | None = None
    try:
        for event in train(
            assignment.config, assignment.dataset, should_stop=should_stop, resume=resume, start=assignment.start,
            checkpoint_every=assignment.checkpoint_every,
        ):  # fmt: skip
            seconds = getattr(event, "seconds", seconds)
            if isinstance(event, TERMINAL):
                judged = weights if isinstance(event, (Finished, Stopped)) else None
                yield Ended(event, {} if judged is None else _evaluations(assignment, judged, logits))
                return
            if isinstance(event, Checkpoint):
                weights, logits = event.best_weights, event.best_logits
            yield event
        yield Ended(Failed("The training ended without a result.", "", seconds), {})
    except Exception as error:  # noqa: BLE001 - whatever torch says; weights that can not be evaluated are not a result
        yield Ended(failure(error, seconds), {})


def failure(error: Exception, seconds: float) -> Failed:
    """A fault as the end of a run. seconds: how long it has computed"""
    return Failed(sentence(error), "".join(traceback.format_exception(error, limit=-TRACE_LINES)), seconds)


def sentence(error: Exception) -> str:
    """What a person is told of it: an InputError is a sentence already."""
    return str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"


def _evaluations(
    assignment: Assignment, weights: Arrays, val_logits: NDArray[np.float32] | None
) -> Mapping[SplitName, Evaluation]:
    """Look at the best weights once, at the very end; the test images are opened here and nowhere else."""
    by_split = {
        split: evaluate(
            assignment.config, weights, assignment.dataset, split, logits=val_logits if split == "val" else None
        )
        for split in SPLITS
    }
    return {split: evaluation for split, evaluation in by_split.items() if evaluation is not None}
