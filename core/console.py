"""What the command line says about a run, as plain values for ``--json`` and as lines for people, and how it is stopped."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.runs.rows import Run


@contextlib.contextmanager
def told_to_stop() -> Iterator[threading.Event]:
    """Set by Ctrl-C and SIGTERM. Only a note: the store may be in the middle of something, and a signal comes in between."""
    told = threading.Event()
    handlers = {number: signal.signal(number, lambda *_: told.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield told
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def result(run: Run) -> dict[str, Any]:
    """A run and its figures; what is not known is None."""
    keys = ("test_acc", "test_loss", "n_test", "val_acc", "val_loss", "best_epoch", "seconds", "n_params", "reason")
    return {
        "run_id": run.run_id, "name": run.name, "shipped": run.shipped, "status": run.status,
        "architecture": run.config["architecture"], "dataset": run.config["data"]["dataset"],
        **{key: run.summary.get(key) for key in keys},
    }  # fmt: skip


def accuracy_words(figures: Mapping[str, Any]) -> str:
    """The end of a sentence: the test accuracy with n, or why there is none."""
    if figures["test_acc"] is None:
        return f" ({figures['reason']})" if figures["reason"] else ""
    return (
        f", test accuracy {figures['test_acc']:.2%} on {figures['n_test']:,} images"
        f" after {figures['seconds']:.1f} s of training; id {figures['run_id']}"
    )


def reference_line(values: Mapping[str, Any]) -> str:
    """A reference run on its way: an event of it, or what came of it, as ``core.reference.make`` gives them."""
    name = values["reference"]
    if "written" not in values:
        return f"{name}: {event_line(values).strip()}"
    if not values["written"]:
        return f"{name}: not written, because {values['reason']}"
    return (
        f"{name}: test accuracy {values['test_acc']:.2%} on {values['n_test']:,} images with weights of 16 bits,"
        f" after {values['seconds']:.1f} s of training; {values['bytes']:,} bytes written"
    )


def event_line(values: Mapping[str, Any]) -> str:
    """One event, as ``core.engine.events.to_json`` gives it, in a line."""

    def figure(name: str, form: str) -> str:
        return "–" if values.get(name) is None else format(values[name], form)

    kind = values["event"]
    if kind == "started":
        return (
            f"{values['n_params']:,} weights on {values['device']} with {values['threads']} threads; "
            f"{values['n_train']:,} images to learn from, {values['n_val']:,} to watch"
        )
    if kind == "progress":
        return (
            f"  epoch {values['epoch']:.2f}: loss {figure('train_loss', '.4f')}, {values['images_per_s']:,.0f} images/s"
        )
    if kind == "epoch":
        return (
            f"epoch {values['epoch']:g}: train loss {figure('train_loss', '.4f')}, accuracy {figure('train_acc', '.2%')}; "
            f"validation loss {figure('val_loss', '.4f')}, accuracy {figure('val_acc', '.2%')}"
        )
    return f"{kind}: {values['message']}" if "message" in values else str(kind)
