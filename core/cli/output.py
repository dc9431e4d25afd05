"""What the command line says about runs, as plain values for ``--json`` and as lines for people; how it drives and stops
them."""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from core.errors import RunError
from core.fields import SPLIT_WORDS, SplitName

if TYPE_CHECKING:
    from core.config import RunConfig
    from core.engine.events import Event
    from core.runs.rows import Run
    from core.runs.store import Store

BAD_RESULT = 1  # exit code: a run failed, diverged, or was deleted by somebody else


def say(values: Mapping[str, Any], as_json: bool, line: str) -> None:
    """One JSON object, or a line for people."""
    print(json.dumps(values, allow_nan=False) if as_json else line, flush=True)


def open_store() -> Store:
    """The visitor's runs; what is amiss with them goes to standard error."""
    from core.runs import shipped

    store = shipped.open_store()
    if store.notice:
        print(store.notice, file=sys.stderr)
    return store


def named_run(store: Store, word: str) -> Run:
    """A run by its id, the beginning of it, or the name of one that came with the program. Raises RunError."""
    shipped = next((run for run in store.runs() if run.shipped and run.name == word), None)
    return shipped or store.run(word)


def say_time(configs: Sequence[RunConfig], store: Store, processes: int | None = 1) -> None:
    """Say on standard error how long they will train here, where that takes more than a moment. processes: see ``drive``"""
    from core import data
    from core.compare.cost import estimate, is_trivial, timed_pace
    from core.engine.work import Images
    from core.machine.device import available_devices
    from core.machine.side_by_side import side_by_side
    from core.machine.threads import use_training_threads

    @cache
    def count_images(name: str) -> Images:
        images = data.load(name)
        return Images(len(images.train_labels), len(images.test_labels))

    use_training_threads()
    if is_trivial(configs, count_images):
        return
    at_a_time = processes or side_by_side().processes
    guess = estimate(configs, store.runs(), count_images, timed_pace, available_devices()[-1], at_a_time)
    if guess is not None:
        print(f"On this computer this takes {guess} ({guess.source}).", file=sys.stderr)


def drive(
    store: Store, run_ids: Sequence[str], as_json: bool, *, events: bool = True, split: SplitName = "test",
    processes: int | None = 1,
) -> int:  # fmt: skip
    """Train runs and say how each ended; Ctrl-C and SIGTERM stop those that train and those that wait.

    events: say also what happens on the way · split: "val" keeps the test figures back
    processes: that train them, 1 for one run after the other in this one, None for as many as this machine does best. Returns
    the exit code.
    """
    from core import data
    from core.engine.events import to_json
    from core.runs import together, worker
    from core.runs.schema import StorageError

    names: dict[str, str] = {}  # of runs that train at a time, before each of their lines
    code = 0

    def show_event(run_id: str, event: Event) -> None:
        if events and event.kind not in ("checkpoint", "judged", "snapshot"):
            values = to_json(event)
            name = f"{names[run_id]}: " if run_id in names else ""
            say(
                {"run_id": run_id, **values}, as_json, name + event_line(values).strip() if name else event_line(values)
            )

    def show_end(run_id: str, end: Run | RunError) -> None:
        nonlocal code
        if isinstance(end, RunError):  # deleted meanwhile, or being trained elsewhere: the others go on
            print(f"{run_id}: {end}", file=sys.stderr)
            code = BAD_RESULT
            return
        figures = result(end) | ({} if split == "test" else dict.fromkeys(("test_acc", "test_loss", "n_test")))
        say(figures, as_json, f"{end.name}: {end.status}" + accuracy_words(figures))
        if end.status in ("failed", "diverged"):
            code = BAD_RESULT
        if end.never_began:
            store.delete(run_id)  # nothing of it is worth a row in a list

    with stop_on_signal() as stop:
        if processes != 1:
            runs = [store.run(run_id) for run_id in run_ids]
            if together.gain([run.run_config() for run in runs], data.load, processes):
                names.update({run.run_id: run.name for run in runs})
                together.drive_together(
                    store, run_ids, data.load, processes=processes, should_stop=stop.is_set, on_saved=show_event,
                    on_end=show_end,
                )  # fmt: skip
                return code
        for run_id in run_ids:
            try:
                if stop.is_set():
                    store.request(run_id, "stop")
                    show_end(run_id, store.run(run_id))
                else:
                    on_saved = partial(show_event, run_id)
                    show_end(run_id, worker.drive(store, run_id, data.load, should_stop=stop.is_set, on_saved=on_saved))
            except StorageError:
                raise
            except RunError as error:
                show_end(run_id, error)
    return code


@contextlib.contextmanager
def stop_on_signal() -> Iterator[threading.Event]:
    """Set by Ctrl-C and SIGTERM. Only a note: the store may be in the middle of something, and a signal comes in between."""
    stop = threading.Event()
    handlers = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def result(run: Run) -> dict[str, Any]:
    """A run and its figures; what is not known is None."""
    keys = (
        "test_acc",
        "test_loss",
        "n_test",
        "val_acc",
        "val_loss",
        "n_val",
        "best_epoch",
        "seconds",
        "n_params",
        "reason",
    )
    return {
        "run_id": run.run_id, "name": run.name, "shipped": run.shipped, "status": run.status,
        "architecture": run.config["architecture"], "dataset": run.config["data"]["dataset"],
        "older_split": run.older_split,
        **{key: run.summary.get(key) for key in keys},
    }  # fmt: skip


def accuracy_words(figures: Mapping[str, Any]) -> str:
    """The end of a sentence: the test accuracy with n, else that on validation images, or why there is none."""
    split: SplitName = "test" if figures["test_acc"] is not None else "val"
    if figures[f"{split}_acc"] is None:
        return f" ({figures['reason']})" if figures["reason"] else ""
    older = " (older split)" if figures["older_split"] else ""
    return (
        f", {SPLIT_WORDS[split]} accuracy {figures[f'{split}_acc']:.2%} on {figures[f'n_{split}']:,} images{older}"
        f" after {figures['seconds']:.1f} s of training; id {figures['run_id']}"
    )


def reference_line(values: Mapping[str, Any]) -> str:
    """A reference run on its way: an event of it, or what came of it, as ``reference_runs.make`` gives them."""
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
            + (
                f"; {values['n_wrong_labels']:,} of the training labels are wrong"
                if values.get("n_wrong_labels")
                else ""
            )
        )
    if kind == "progress":
        return (
            f"  epoch {values['epoch']:.2f}: loss {figure('train_loss', '.4f')}, {values['images_per_s']:,.0f} images/s"
        )
    if kind == "epoch":
        read = " and ".join(
            f"{figure(f'{split}_loss', '.4f')}, {figure(f'{split}_acc', '.2%')} on {word} images"
            for split, word in (("sample", "training"), ("true", "training (true labels)"), ("val", "validation"))
            if values.get(f"{split}_acc") is not None
        )
        learning = f"loss {figure('train_loss', '.4f')}, accuracy {figure('train_acc', '.2%')} while learning"
        figures = (learning, read) if values["epoch"] else (read,)
        epoch = round(values["epoch"], 2)  # a run may be stopped within one
        return f"epoch {epoch:g}: {'; then '.join(filter(None, figures))}"
    return f"{kind}: {values['message']}" if "message" in values else str(kind)
