"""The curves of a run as a figure for a report, with a caption that says of how many images, which split and how many seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from core import models
from core.analysis.history import frame
from core.charts.axis import Metric
from core.charts.curves import Line, curves_figure
from core.charts.looks import Look, look
from core.charts.theme import in_percent
from core.data import DATASETS
from core.errors import InputError
from core.export.picture import picture
from core.export.source import Exported, File, Source
from core.fields import SPLIT_WORDS, SplitName
from core.runs.manifest import versions
from core.runs.rows import Run

if TYPE_CHECKING:
    import plotly.graph_objects as go

METRICS: tuple[Metric, ...] = ("loss", "accuracy")
SPLITS: tuple[SplitName, ...] = ("val", "test")


def make(source: Source) -> Exported:
    """Loss and accuracy by epoch, as SVG and as PNG. Raises InputError when nothing was measured."""
    run = source.run
    history = frame(event for _, event in source.store.history(run.run_id))
    if history.empty:
        raise InputError(f"{run.name} has measured nothing, so it has no curves.")
    line = Line(run.name, look_of(run), history)
    charts = [curves_figure([line], metric=metric).built() for metric in METRICS]
    return files_of(charts, run.name, caption(run), f"curves-{run.run_id}")


def files_of(charts: Sequence[go.Figure], title: str, caption: str, name: str) -> Exported:
    """A figure in both forms. name: of its files"""
    made = picture(charts, title, caption)
    files = (File(f"{name}.svg", made.svg, "image/svg+xml"), File(f"{name}.png", made.png, "image/png"))
    return Exported(files, f"One figure, as SVG and as PNG. {caption}", figures={"caption": caption})


def caption(run: Run) -> str:
    """What is drawn, of how many images, and where it comes from."""
    config, started, summary = run.run_config(), run.started, run.summary
    n_val = started.get("n_val") or 0
    held_out = f"validation on {n_val:,} images after each epoch" if n_val else "no image held out for validation"
    measured = [
        f"{in_percent(summary[f'{split}_acc'])} of {summary[f'n_{split}']:,} {SPLIT_WORDS[split]} images"
        for split in SPLITS
        if summary.get(f"{split}_acc") is not None
    ]
    sentences = [
        f"{models.title(config.architecture)} on {DATASETS[config.data.dataset].title}: loss and accuracy, {held_out}, "
        f"training on {started.get('n_train', 0):,} images while learning.",
        f"Read correctly by the kept weights: {' and '.join(measured)}." if measured else "",
        f"One training, seed {config.training.seed}.", made_with(),
    ]  # fmt: skip
    return " ".join(filter(None, sentences))


def made_with() -> str:
    """The end of every caption."""
    return f"Made with Digit Lab {versions()['digit-lab']}."


def look_of(run: Run) -> Look:
    """As on every page."""
    return look(*models.hue_and_place(run.architecture), run.architecture_place)
