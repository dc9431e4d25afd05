"""What those who watch runs are told: words and curves, of each run made once a moment for everybody.

A snapshot is plain data for ``assets/watch.js``. What is made of one run serves every selection that it is in, and an answer
only lays it side by side; a script of Streamlit for each visitor would take the interpreter from the training.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from core.analysis import coach
from core.charts.words import after_epoch
from core.errors import RunError
from core.fields import SPLIT_WORDS, SplitName
from core.runs.rows import Run
from pages.shared.blocks import Block, gzip_of, stored, text_of
from pages.shared.chart_notes import DOTTED, DOTTED_IN_LESSONS, labels_sentence, losses_sentence
from pages.shared.histories import history
from pages.shared.live_charts import Shape, overlay_charts, training_charts
from pages.shared.progress import ends, mean_share, progress_sentence, share, time_left
from pages.shared.run_picker import percent
from pages.shared.seen_runs import Seen, is_about_to_move, seen_runs
from pages.shared.shelf import Age, NotAtHandError, Shelf, shelf
from pages.shared.status import duration, is_active, status_sentence

if TYPE_CHECKING:
    from core.charts.axis import X


View = Literal["runs", "lesson", "overlay", "group", "epochs"]
Snapshot = Mapping[str, Any]


class Wanted(NamedTuple):
    """What a snapshot shows.

    view: "runs" are the cards and the pair of curves of a few runs, "lesson" the same with the accuracy alone, "overlay" the
    curves of the Compare page, "group" the card of a comparison; "epochs" shows nothing, it only changes when there is
    something new for a table
    runs: ids; of "epochs" () are all runs · group: id of the comparison
    x, log_y, smoothing: how curves are drawn (``Shape``)
    """

    view: View
    runs: tuple[str, ...] = ()
    x: X = "epoch"
    log_y: bool = False
    smoothing: float = 0.0
    group: str = ""


def current(wanted: Wanted) -> Snapshot:
    """How things stand at this moment. Raises InputError when a run is not there."""
    snapshot: Snapshot = json.loads(text_of(_snapshot(wanted, "now")))
    return snapshot


def newest(wanted: Wanted) -> bytes:
    """The same as gzipped JSON, of what was read within half a second. Raises InputError when a run is not there."""
    return gzip_of(_snapshot(wanted, "lately"))


def at_hand(wanted: Wanted) -> bytes | None:
    """The same, if it only has to be put together: takes a fraction of a millisecond and never waits. Else None."""
    try:
        return gzip_of(_snapshot(wanted, "at hand"))
    except NotAtHandError:
        return None


def _snapshot(wanted: Wanted, age: Age) -> list[Block]:
    if wanted.view == "group":
        return [_json(_of_group(wanted.group, age))]
    if wanted.view == "epochs":
        return [_json(_of_epochs(wanted.runs, age))]
    return _of_runs(wanted, age)


def _of_group(group_id: str, age: Age) -> Snapshot:
    """How far a comparison is; its statuses change whenever there is something new to draw."""
    runs = [seen.run for seen in seen_runs().of_group(group_id, age)]
    if not runs:
        raise RunError("There is no such comparison here.")
    sentence = progress_sentence(runs, seen_runs().n_running(age))
    return {
        "statuses": _epoch_statuses(runs),
        "cards": {group_id: {"name": "all runs", "share": mean_share(runs), "status": sentence}},
    }


def _of_epochs(run_ids: Sequence[str], age: Age) -> Snapshot:
    """Nothing to show; its statuses change when an epoch ends, and when a run begins, ends or goes away."""
    if run_ids:
        return {"statuses": _epoch_statuses([seen.run for seen in seen_runs().present(run_ids, age)])}
    active = [seen.run for seen in seen_runs().unended(age) if is_active(seen.run)]
    return {"statuses": {**_epoch_statuses(active), "runs": seen_runs().n_runs()}}


def _of_runs(wanted: Wanted, age: Age) -> list[Block]:
    everyone, kept = seen_runs(), shelf()
    seen = everyone.of(wanted.runs, age)
    runs, shape = [one.run for one in seen], Shape(wanted.x, wanted.log_y, wanted.smoothing)
    if wanted.view == "overlay":
        charts, has_gradients = overlay_charts(kept, runs, shape, age)
        note, advice, cards = _joined(_curves_note(runs), _below_accuracies(has_gradients=has_gradients)), [], []
    else:
        if wanted.view == "lesson":
            charts = training_charts(kept, runs, shape, age, ("accuracy",))
            note = _joined(DOTTED_IN_LESSONS, labels_sentence(runs))
        else:
            charts, note = training_charts(kept, runs, shape, age), _curves_note(runs)
        advice = [[run.label, text] for run in runs if (text := _advice(kept, run, age))]
        cards = _cards(kept, seen, everyone.n_running(age), age)
    head = _json(
        {
            "begun": any(run.latest for run in runs), "soon": any(map(is_about_to_move, runs)),
            "statuses": {run.run_id: run.status for run in runs}, "note": note, "advice": advice,
        }
    )  # fmt: skip
    return [stored(head.text[:-1] + b',"charts":'), *charts, *cards, stored(b"}")]


def _json(values: Mapping[str, Any]) -> Block:
    return stored(json.dumps(values).encode())


def _cards(kept: Shelf, seen: Sequence[Seen], n_running: int, age: Age) -> list[Block]:
    """JSON of how far each run is, and how it does, from the comma before it on."""
    texts = []
    for one in seen:
        stamp = (one.since, one.run.status == "running" and n_running)
        texts.append(kept.get(("card", one.run.run_id), stamp, partial(_card_json, one.run, n_running), len, age))
    return [stored(b',"cards":{' + b",".join(texts) + b"}")]


def _card_json(run: Run, n_running: int) -> bytes:
    return f"{json.dumps(run.run_id)}:{json.dumps(card(run, n_running))}".encode()


def _advice(kept: Shelf, run: Run, age: Age) -> str:
    """What to try instead, "" where nothing went wrong."""

    def advice() -> str:
        init = run.config["training"].get("init", "default")
        return coach.diagnose(history(run.run_id, run.version)[0], init) or ""

    return kept.get(("advice", run.run_id), run.version, advice, len, age)


def _epoch_statuses(runs: Sequence[Run]) -> dict[str, str]:
    return {run.run_id: f"{run.status} {ends(run)}" for run in runs}


# ---- in words


def card(run: Run, n_running: int) -> dict[str, Any]:
    """How far a run is and how it does; n_running: how many share this computer"""
    left = time_left([run], n_running) if run.status == "running" and run.epoch is not None else ""
    return {
        "name": run.label, "share": share(run), "status": f"{status_sentence(run)}{left}", "facts": facts(run),
        "best": best(run),
    }  # fmt: skip


def facts(run: Run) -> str:
    """Size, time, speed and device, as far as they are known."""
    parts = [
        f"{run.n_params:,} parameters" if run.n_params else "",
        duration(run.summary.get("seconds", run.latest.get("seconds", 0.0))) + " of computing" if run.version else "",
        f"{run.latest['images_per_s']:,.0f} images/s" if run.latest.get("images_per_s") else "",
        run.device + (f" of another machine{_where(run)}" if run.is_from_elsewhere else ""),
        "16-bit numbers" if run.started.get("precision") == "bf16" else "",
    ]
    return " · ".join(part for part in parts if part)


def _where(run: Run) -> str:
    """Processor and threads of a run from elsewhere: on others the same settings end with slightly other figures."""
    cpu, threads = run.manifest.get("cpu"), run.manifest.get("threads")
    return f" ({cpu}, {threads} thread{'s' if threads != 1 else ''})" if cpu and threads else ""


def best(run: Run) -> str:
    """The best epoch and its figures; "" before the first one."""
    _, points = history(run.run_id, run.version)
    marked = np.flatnonzero(points["is_best"].to_numpy())  # on arrays: a filtered frame takes a tenth of a snapshot
    if not len(marked) or points["epoch"].to_numpy()[marked[-1]] <= 0:
        return ""
    epoch, accuracy, loss = (float(points[name].to_numpy()[marked[-1]]) for name in ("epoch", "accuracy", "loss"))
    split: SplitName = "val" if points["split"].iat[marked[-1]] == "val" else "train"
    so_far = "" if run.has_ended else " so far"
    when = f"Best epoch{so_far}: {epoch:,.0f}" if epoch == int(epoch) else f"Best{so_far}: {after_epoch(epoch)}"
    return f"{when}, {percent(accuracy)} {SPLIT_WORDS[split]} accuracy, loss {loss:.4f} nats"


def _joined(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)


def _curves_note(runs: Sequence[Run]) -> str:
    return _joined(DOTTED, labels_sentence(runs), losses_sentence(runs))


def _below_accuracies(*, has_gradients: bool) -> str:
    return (
        "Below the accuracies: how much better a network does on images it learned from (a sample of them) than on others, "
        "both read after the epoch, without dropout and variation (runs of earlier versions: training images while learning)"
    ) + (
        ", and how long its gradient was while it learned."
        if has_gradients
        else ". None of these runs kept the length of its gradient: shipped ones do not, and very short ones never measure it."
    )
