"""Learning curves as the browser draws them: what a run adds to a chart is worked out once for all who look at it.

Whatever stands beside a run, and whatever it is called there, its own lines are the same; so they are kept as JSON, and a
chart is put together from them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from core.compare.leaderboard import training_multiply_adds
from core.runs.rows import Run
from pages.shared.blocks import Block, compressed, stored
from pages.shared.histories import history
from pages.shared.legend_labels import legend_labels
from pages.shared.run_look import run_look
from pages.shared.shelf import Age, Shelf

if TYPE_CHECKING:  # the charts load Plotly, and a page can draw its switches without it
    import pandas as pd

    from core.charts.axis import X
    from core.charts.curves import Line
    from core.charts.figure import Figure
    from core.charts.parts import Part

ChartName = Literal["loss", "accuracy", "gap", "gradients"]


class Shape(NamedTuple):
    """How lines are drawn. smoothing: weight of the running mean, 0 for none"""

    x: X
    log_y: bool
    smoothing: float = 0.0


class _Lines(NamedTuple):
    """What one run adds to one chart. part: with nothing of its traces but their hover texts · traces: JSON of the rest, from
    the first comma to the closing brace"""

    part: Part
    traces: tuple[Block, ...]

    @property
    def size(self) -> int:
        return 2_000 + sum(block.size for block in self.traces)  # and about two kilobytes of objects


def training_charts(
    kept: Shelf, runs: Sequence[Run], shape: Shape, age: Age, names: Sequence[ChartName] = ("loss", "accuracy")
) -> list[Block]:
    """JSON of the charts by name: their figures and what they say; each run under its own name."""
    lines = {name: [_lines(kept, run, name, shape, age) for run in runs] for name in names}
    return _charts(lines, [run.label for run in runs], shape)


def overlay_charts(kept: Shelf, runs: Sequence[Run], shape: Shape, age: Age) -> tuple[list[Block], bool]:
    """The same of loss, accuracy, generalisation gap and, where it was measured, gradient norm; and whether that was measured.
    Runs are named by what differs."""
    lines = {name: [_lines(kept, run, name, shape, age) for run in runs] for name in _ALL}
    has_gradients = any(of_run.part.begun for of_run in lines["gradients"])
    if not has_gradients:
        del lines["gradients"]
    stamp = tuple((run.run_id, run.label, run.is_named) for run in runs)
    names = kept.get(("names", stamp), None, lambda: legend_labels(runs), lambda names: 100 * len(names), age)
    return _charts(lines, names, shape), has_gradients


_ALL: tuple[ChartName, ...] = ("loss", "accuracy", "gap", "gradients")


def _lines(kept: Shelf, run: Run, name: ChartName, shape: Shape, age: Age) -> _Lines:
    if name in ("gap", "gradients"):  # which one height does for
        shape = shape._replace(log_y=False, smoothing=shape.smoothing if name == "gradients" else 0.0)
    key = (run.run_id, name, shape)
    return kept.get(key, run.version, lambda: _drawn(kept, run, name, shape), lambda lines: lines.size, age)


def _drawn(kept: Shelf, run: Run, name: ChartName, shape: Shape) -> _Lines:
    from core.charts.figure import as_json

    part = _part(kept, run, name, shape)
    rest = ({key: value for key, value in trace.items() if key != "hovertemplate"} for trace in part.traces)
    return _Lines(
        part._replace(traces=tuple({"hovertemplate": trace.get("hovertemplate")} for trace in part.traces)),
        tuple(compressed(b"," + json.dumps(as_json(trace)).encode()[1:]) for trace in rest),
    )


def _part(kept: Shelf, run: Run, name: ChartName, shape: Shape) -> Part:
    from core.charts.curves import curve_part
    from core.charts.gap import gap_part
    from core.charts.gradients import gradient_part

    line = _line(kept, run, shape)
    if name == "gap":
        return gap_part(line, x=shape.x)
    if name == "gradients":
        return gradient_part(line, x=shape.x)
    return curve_part(line, x=shape.x, metric=name, log_y=shape.log_y)


def _line(kept: Shelf, run: Run, shape: Shape) -> Line:
    from core.analysis.history import smoothed
    from core.charts.curves import Line

    points = history(run.run_id, run.version)[1]
    work = training_multiply_adds(run) if shape.x == "multiply_adds" else None  # it may wait for torch
    smooth = None
    if shape.smoothing:
        key = (run.run_id, "smoothed", shape.smoothing)
        smooth = kept.get(key, run.version, lambda: smoothed(points, shape.smoothing), _frame_bytes)
    return Line("", run_look(run), points, work, smooth)


def _frame_bytes(table: pd.DataFrame) -> int:
    return int(table.memory_usage(deep=False).sum())


def _charts(lines: dict[ChartName, list[_Lines]], names: Sequence[str], shape: Shape) -> list[Block]:
    blocks: list[Block] = []
    for name, of_runs in lines.items():
        parts = [of_run.part for of_run in of_runs]
        frame, sentence = _frame(name, parts, names, shape)
        before = f'{"," if blocks else "{"}"{name}":{{"alt":{json.dumps(sentence)},"figure":{{"layout":'
        blocks.append(stored(f'{before}{json.dumps(frame.layout)},"data":['.encode()))
        has_traces = False
        for number, (of_run, run_name) in enumerate(zip(of_runs, names, strict=True)):
            for trace, rest in zip(of_run.part.traces, of_run.traces, strict=True) if not frame.is_empty else ():
                start = _start(trace["hovertemplate"], of_run.part.suffix, run_name, number, "," if has_traces else "")
                blocks += (start, rest)
                has_traces = True
        key = json.dumps(frame.traces)[1:]
        blocks.append(stored(f"{',' if has_traces and frame.traces else ''}{key}}}}}".encode()))
    return [*blocks, stored(b"}")]


@lru_cache(maxsize=4096)
def _start(hover: str | None, suffix: str, name: str, number: int, comma: str) -> Block:
    """The beginning of a trace's JSON: what depends on the name of its run."""
    from core.charts.parts import Part, naming

    values = naming({"hovertemplate": hover}, Part(suffix=suffix), name, number)
    return stored((comma + json.dumps(values)[:-1]).encode())


def _frame(name: ChartName, parts: Sequence[Part], names: Sequence[str], shape: Shape) -> tuple[Figure, str]:
    """All of a chart but its lines, and what it says in a sentence."""
    from core.charts.curves import curves_frame, curves_sentence
    from core.charts.gap import gap_frame, gap_sentence
    from core.charts.gradients import gradients_frame, gradients_sentence

    if name == "gap":
        return gap_frame(parts, names, x=shape.x), gap_sentence(parts, names)
    if name == "gradients":
        return gradients_frame(parts, names, x=shape.x), gradients_sentence(parts, names)
    frame = curves_frame(parts, names, x=shape.x, metric=name, log_y=shape.log_y)
    return frame, curves_sentence(parts, names, metric=name)
