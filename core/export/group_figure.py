"""What a comparison shows as a figure for a report, with a caption of images, split and seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from core.analysis.history import frame
from core.charts.bands import Band, bands
from core.charts.data_efficiency import data_efficiency
from core.charts.factor_grid import GridAxis, factor_grid, grid_cells
from core.charts.looks import Look, look
from core.charts.tuning import best_so_far, trial_scatter
from core.compare import kinds
from core.compare.conditions import Condition, accuracy_words, conditions, judged_split
from core.compare.kinds.kind import Kind
from core.compare.kinds.tuning import best_of_trials
from core.compare.results import rounds
from core.data import DATASETS
from core.errors import InputError
from core.export.figure import METRICS, files_of, look_of, made_with
from core.export.source import Exported, GroupSource
from core.models import hue_and_place
from core.runs.reading import epoch_ends

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

MAX_VERDICTS = 3  # in a caption


def make(source: GroupSource) -> Exported:
    """Bands over seeds, accuracy by number of training images, what tuning is worth, or a grid: as the kind is shown.

    Raises InputError when no run has finished."""
    group, kind = source.group, kinds.get(source.group.kind)
    members = conditions(group, source.runs)
    if not any(run.status == "finished" for run in source.runs):
        raise InputError(f"No run of {group.name} has finished, so there is nothing to draw.")
    charts, sentence = _DRAWN[kind.view](source, kind, members)
    return files_of(
        charts, group.name, f"{sentence} {_came_out(source, members)} {made_with()}", f"race-{group.group_id}"
    )


def _curves(source: GroupSource, _kind: Kind, members: Sequence[Condition]) -> tuple[list[go.Figure], str]:
    ends = epoch_ends(source.store, [run.run_id for run in source.runs])
    series = [
        Band(member.label, _look(source, member), [frame(ends[run.run_id]) for run in member.runs])
        for member in members
    ]
    sentence = (
        f"Loss and accuracy after each epoch{_of_validation(source)}: the mean over the seeds of each contestant."
    )
    return [bands(series, metric=metric) for metric in METRICS], sentence


def _sizes(source: GroupSource, kind: Kind, members: Sequence[Condition]) -> tuple[list[go.Figure], str]:
    split = judged_split(members)
    charts = [data_efficiency(_named(source, kind, members), "accuracy", split=split)]
    return (
        charts,
        f"{accuracy_words(split).capitalize()} by number of training images: every run, and the mean over seeds.",
    )


def _trials(source: GroupSource, kind: Kind, members: Sequence[Condition]) -> tuple[list[go.Figure], str]:
    trials = _named(source, kind, members)
    if trials.empty:
        raise InputError(f"No trial of {source.group.name} has ended, so there is nothing to draw.")
    looks = dict(zip(trials["number"], trials["look"], strict=True))
    expected = best_of_trials(trials)
    expected = expected.assign(name=expected["label"], look=expected["number"].map(looks))
    points = trials.assign(accuracy=trials["val_acc"].where(trials["val_acc"] > 0))
    sentence = (
        f"Left: the accuracy{_of_validation(source)} to expect of the best of so many trials. Right: every trial."
    )
    return [best_so_far(expected), trial_scatter(points)], sentence


def _grid(source: GroupSource, kind: Kind, members: Sequence[Condition]) -> tuple[list[go.Figure], str]:
    split, (only,) = judged_split(members), rounds(source.group, source.runs)
    rows, columns = (GridAxis.of(factor) for factor in source.group.plan["factors"])
    outcomes = [block.outcome for block in only.grid.blocks] if only.grid else []
    chart = factor_grid(grid_cells(kind.table(members), split), rows, columns, outcomes)
    sentence = (
        f"Mean {accuracy_words(split)} with every pair of values, its standard deviation over seeds, and where four cells meet "
        "whether the effects of both changes add up."
    )
    return [chart], sentence


# By ``Kind.view``.
_DRAWN: Mapping[str, Callable[..., tuple[list[go.Figure], str]]] = MappingProxyType(
    {"verdict": _curves, "sizes": _sizes, "trials": _trials, "grid": _grid}
)


def _named(source: GroupSource, kind: Kind, members: Sequence[Condition]) -> pd.DataFrame:
    """The rows of a kind as the charts take them: with name and look."""
    rows, looks = kind.table(members), {member.number: _look(source, member) for member in members}
    return rows.assign(name=rows["label"], look=rows["number"].map(looks))


def _look(source: GroupSource, member: Condition) -> Look:
    """That of its first run, as on the pages; where all were deleted, that of its architecture."""
    if member.runs:
        return look_of(member.runs[0])
    return look(*hue_and_place(source.group.plan["contestants"][member.number]["architecture"]), member.number)


def _of_validation(source: GroupSource) -> str:
    n_val = max((run.started.get("n_val") or 0 for run in source.runs), default=0)
    return f" on {n_val:,} validation images" if n_val else ""


def _came_out(source: GroupSource, members: Sequence[Condition]) -> str:
    """How many runs and seeds, on which images they were judged, and the first verdicts."""
    finished = [run for run in source.runs if run.status == "finished"]
    split = judged_split(members)
    n_images = finished[0].summary.get(f"n_{split}", 0)
    n_seeds = max(len(member.seeds) for member in members)
    dataset = DATASETS[finished[0].run_config().data.dataset].title
    seeds = "1 seed" if n_seeds == 1 else f"{n_seeds:,} seeds"
    all_rounds = rounds(source.group, source.runs, source.store.evaluation)
    verdicts = [pair.verdict.sentence for one_round in all_rounds for pair in one_round.comparisons]
    verdicts += [one_round.grid.sentence for one_round in all_rounds if one_round.grid]
    sentences = (
        " ".join(verdicts) if len(verdicts) <= MAX_VERDICTS else f"The {len(verdicts):,} verdicts stand in its tables."
    )
    return (
        f"{dataset}; {len(members):,} contestants with {seeds} each; {len(finished):,} of {len(source.runs):,} runs finished. "
        f"Judged by {accuracy_words(split)} on {n_images:,} images. {sentences}"
    )
