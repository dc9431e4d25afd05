"""What a run is doing and how long things take, in words. Light: pages that draw no curve need no more."""

from __future__ import annotations

import math

from core.runs.rows import Run

STOPPED = "Stopped: the best weights so far were kept"
JUDGED = "Stopped, its weights are kept; now it reads the test images"


def is_active(run: Run) -> bool:
    """Whether something can happen to the run without anybody asking (a run that can not be saved tries again)."""
    return run.status in ("queued", "running", "stopping") or (run.status == "paused" and run.request == "run")


def duration(seconds: float) -> str:
    """Seconds as people say them: "0.8 s", "45 s", "2 min 5 s", "1 h 12 min"."""
    if seconds < 10:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes_left = divmod(minutes, 60)
    if hours:
        return f"{hours:,} h {minutes_left} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def status_sentence(run: Run) -> str:
    """What the run is doing, in words that are no Markdown: its reason may be of others."""
    if run.status == "queued":
        return "Waits to start" + (
            f", place {run.queue_position} of {run.queue_length}" if run.queue_position != 1 else ""
        )
    if run.status == "interrupted":
        return f"Interrupted in epoch {_epoch(run)}: the program that trained it ended"
    if run.status == "paused":
        return f"Paused in epoch {_epoch(run)} of {_planned(run)}" + (f": {run.reason}" if run.reason else "")
    if run.status == "running" and not run.version:
        return "Starting"
    if run.is_validating:
        return JUDGED
    if run.status == "stopping":
        return "Stopping after this batch"
    if run.status == "stopped":
        return stopped_sentence(run)
    return f"Epoch {_epoch(run)} of {_planned(run)}"


def stopped_sentence(run: Run) -> str:
    """What is left of a run that was stopped."""
    return STOPPED if run.checkpoint_epoch is not None else "Stopped before it began"


def ended_sentence(run: Run) -> str:
    """How a run that has ended came to its end, and after how many epochs; words that are no Markdown."""
    if run.status == "finished":
        return _finished_sentence(run)
    words = stopped_sentence(run) if run.status == "stopped" else "Diverged: the loss is no longer a number"
    epoch = run.epoch or 0
    if not epoch:
        return words
    if epoch == int(epoch):
        return f"{words} (after {epoch:,.0f} of {_epochs(math.ceil(run.epochs))})"
    return f"{words} (in epoch {_epoch(run)} of {math.ceil(run.epochs):,})"


def _finished_sentence(run: Run) -> str:
    epochs = _epochs(run.epoch or 0)
    if run.reason in ("", "completed"):
        return f"Finished after {epochs}"
    if 0 < run.config["training"].get("max_steps", 0) <= run.step:
        return f"Finished after {run.step:,} steps, as planned ({epochs})"
    return f"Finished after {run.epoch or 0:,g} of {_epochs(run.epochs)}, {run.reason}"


def _epochs(epoch: float) -> str:
    return "1 epoch" if epoch == 1 else f"{round(epoch, 1):,g} epochs"


def _epoch(run: Run) -> str:
    """The number of the epoch that a run is in."""
    return f"{min(math.ceil(run.epochs), int(run.epoch or 0) + 1):,}"


def _planned(run: Run) -> str:
    """How many epochs were planned; where a number of steps ends the last of them early, with that number."""
    epochs = math.ceil(run.epochs)
    return f"{epochs:,}" if run.epochs == epochs else f"{epochs:,} ({run.config['training']['max_steps']:,} steps)"
