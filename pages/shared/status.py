"""What a run is doing and how long things take, in words. Light: pages that draw no curve need no more."""

from __future__ import annotations

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
        return f"Queued: position {run.queue_position}"
    if run.status == "interrupted":
        return f"Interrupted in epoch {_epoch(run)}: the program that trained it ended"
    if run.status == "paused":
        return f"Paused in epoch {_epoch(run)} of {run.epochs:,}" + (f": {run.reason}" if run.reason else "")
    if run.status == "running" and not run.version:
        return "Starting"
    if run.is_validating:
        return JUDGED
    if run.status == "stopping":
        return "Stopping after this batch"
    if run.status == "stopped":
        return stopped_sentence(run)
    return f"Epoch {_epoch(run)} of {run.epochs:,}"


def stopped_sentence(run: Run) -> str:
    """What is left of a run that was stopped."""
    return STOPPED if run.checkpoint_epoch is not None else "Stopped before it began"


def _epoch(run: Run) -> str:
    return f"{min(run.epochs, int(run.epoch or 0) + 1):,}"
