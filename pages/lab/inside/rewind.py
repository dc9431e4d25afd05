"""While it learned: one or two networks go back together through the weights that they kept on the way."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st

from core.charts.confusion import confusion_matrix, describe_confusion
from core.charts.embedding import describe_embedding, embedding_map
from core.charts.inside import describe_grid
from core.charts.signed import common_limit
from core.charts.theme import CONFIG
from core.data.dataset import Images
from core.errors import InputError
from core.inspect.layer_pictures import Floats, as_pictures
from core.machine.faults import faults_as_input_errors
from core.runs.first_looks import MAX_PICTURES
from core.runs.rows import Run
from core.runs.snapshots import Kept
from pages.lab.inside.pictures import png
from pages.lab.inside.rewind_reading import (
    READABLE,
    Past,
    Points,
    confusion_at,
    first_layer_at,
    past,
    points_at,
    probs_at,
    shares,
)
from pages.shared.answer import show_answer
from pages.shared.busy import fragment
from pages.shared.chart_ink import inked
from pages.shared.choices import follow, keep
from pages.shared.gallery import is_dark
from pages.shared.glossary import explain
from pages.shared.link_state import linked_widget
from pages.shared.markdown import escape_markdown, sentence
from pages.shared.run_picker import percent
from pages.shared.services import store

MAX_RUNS = 2
MB = 1_000_000
UNTRAINED = "before the first step"
END = math.inf  # behind every epoch on the slider
MATRIX_HEIGHT_PIXELS, MAP_HEIGHT_PIXELS = 360, 400
MARGIN = 0.08  # of the map, around the points of the finished network and of the untrained one


def show(runs: Sequence[Run], image: Images) -> None:
    """Draw the slider and what the networks were at that moment. image (28, 28) uint8"""
    pasts = {run.run_id: past(run) for run in runs}
    for run in runs:
        if pasts[run.run_id] is None:
            _nothing_kept(run)
    rewound = [entry for entry in pasts.values() if entry]
    if not rewound:
        _offer_shipped()
        return
    if len(rewound) > MAX_RUNS:
        st.caption(f"The first {MAX_RUNS} of the networks that kept their weights go back together.")
    fragment(_rewind)(rewound[:MAX_RUNS], image)


def _nothing_kept(run: Run) -> None:
    st.info(
        f"{escape_markdown(run.label)} kept only the weights that it answers with, so there is no way back into its "
        "training.", icon=":material/history_toggle_off:",
    )  # fmt: skip
    try:
        config = run.run_config()
    except InputError:  # written for settings that no longer exist
        return
    st.page_link(
        "pages/lab/train/page.py", label="Train it again, keeping its weights", icon=":material/model_training:",
        query_params={"dataset": config.data.dataset, **config.link(), "snapshots": "early"},
    )  # fmt: skip


def _offer_shipped() -> None:
    """The runs that came with the program and can go back."""
    with_past = [run for run in store().runs() if run.shipped and past(run)]
    if with_past:
        st.caption("These came with Digit Lab and kept some of theirs:")
    with st.container(horizontal=True):
        for run in with_past:
            st.page_link(
                "pages/lab/inside/page.py", label=escape_markdown(run.label), icon=":material/history:",
                query_params={"run": run.run_id, "view": "rewind"},
            )  # fmt: skip


def moment_words(kept: Kept) -> str:
    """Such as "after 64 steps (0.3 epochs)"."""
    if kept.step == 0:
        return UNTRAINED
    step = "1 step" if kept.step == 1 else f"{kept.step:,} steps"
    return f"after {step} ({epoch_words(kept.epoch)})"


def epoch_words(epoch: float) -> str:
    """Such as "0.3 epochs"; with two digits below one, so that no early moment is none."""
    number = f"{epoch:.2g}" if epoch < 1 else f"{epoch:.1f}".removesuffix(".0")
    return "1 epoch" if number == "1" else f"{number} epochs"


def nearest(moments: Sequence[Kept], epoch: float) -> Kept:
    """The moment after about as many passes over the training images; of two as near, the earlier."""
    return min(moments, key=lambda kept: (abs(kept.epoch - epoch), kept.step))


def _rewind(pasts: Sequence[Past], image: Images) -> None:
    epoch = _slider(pasts)
    moments = [nearest(entry.moments, epoch) if epoch < END else entry.end for entry in pasts]
    if epoch < END and len(pasts) == 2 and moments[0].epoch != moments[1].epoch:
        st.caption("They did not keep the same moments, so of each you see the nearest one, counted in epochs.")
    faults: set[str] = set()
    with st.grid(2, min_column_width=300):
        for part in (_answer, _first_layer, _confusion, _map):
            for entry, kept in zip(pasts, moments, strict=True):
                with st.container():
                    _guarded(part, entry, kept, image, faults)
    for entry in pasts:
        st.caption(
            f"{escape_markdown(entry.run.label)} keeps {len(entry.moments)} moments, "
            f"{sum(kept.bytes for kept in entry.moments) / MB:.1f} MB."
        )
    explain("step", "epoch", "validation", "parameters")


def _slider(pasts: Sequence[Past]) -> float:
    """The chosen moment, in epochs; ``END`` for the weights that the other pages show of each network."""
    words = {kept.epoch: moment_words(kept) for entry in reversed(pasts) for kept in entry.moments}
    steps = {(kept.epoch, kept.step) for entry in pasts for kept in entry.moments}
    epochs = sorted(words)
    if len(steps) > len(epochs):  # batches of different sizes: the same epoch is another step
        words = {epoch: f"after {epoch_words(epoch)}" if epoch else UNTRAINED for epoch in epochs}
    if any(nearest(entry.moments, epochs[-1]) != entry.end for entry in pasts):  # a best epoch is not the last one
        epochs.append(END)
        words[END] = "the end, at its best" if len(pasts) == 1 else "the end, each at its best"
    key = "inside_moment_" + "_".join(entry.run.run_id for entry in pasts)
    follow("moment", key, epochs, epochs[-1])
    place = st.container(key="inside_moment")  # a key that a lesson can point at
    epoch: float = linked_widget(
        "moment", place.select_slider, "Moment of the training", epochs, format_func=words.__getitem__, key=key,
        help="Most is learned at the beginning, so the moments lie closer together there. The arrow keys move it, too.",
    )  # fmt: skip
    keep("moment", epoch)
    return epoch


def _guarded(
    part: Callable[[Past, Kept, Images], None], entry: Past, kept: Kept, image: Images, faults: set[str]
) -> None:
    """One part of one network; where it can not be shown, why. faults: what has been said on this page, once is enough"""
    try:
        with faults_as_input_errors(), st.spinner("Looking back …"):
            part(entry, kept, image)
    except InputError as error:
        words = f"{escape_markdown(entry.run.label)}: {sentence(error)}"
        if words not in faults:
            st.warning(words, icon=":material/block:")
        faults.add(words)


def _answer(entry: Past, kept: Kept, image: Images) -> None:
    show_answer(probs_at(entry.run, kept.step, image), entry.run)
    words = moment_words(kept)
    if kept == entry.end:
        words += ", the weights that the other pages show"
    elif kept.step > entry.end.step:
        words += ", later than the weights that the other pages show"
    st.caption(f"{words[0].upper()}{words[1:]}.")


def _first_layer(entry: Past, kept: Kept, image: Images) -> None:
    """Its weights where they are pictures, in the range of the finished network; else, or beside kernels, what it makes."""
    layer, at_end = (first_layer_at(entry.run, step, image) for step in (kept.step, entry.end.step))
    weights, weights_at_end = layer.pictures, at_end.pictures
    kind = weights.kind if weights else ""
    if weights and weights_at_end and kind in READABLE:
        pictures, limit = _flat(weights.values), common_limit([_flat(weights_at_end.values)])
        _pictures(entry.run, f"{layer.title}, its weights", pictures, limit, 5 if len(pictures) == 10 else 8)
    if kind != "templates":
        pictures, limit = as_pictures(layer), common_limit([as_pictures(at_end)])
        _pictures(entry.run, f"{layer.title}, what it makes of the digit", pictures, limit, 8)
    st.caption("The strongest colour is the largest number of the finished network.")


def _flat(values: Floats) -> Floats:
    """Templates as they are; of kernels (C_out, C_in, h, w) those of the first input."""
    return values[:, 0] if values.ndim == 4 else values


def _pictures(run: Run, what: str, pictures: Floats, limit: float, in_a_row: int) -> None:
    shown = pictures[:MAX_PICTURES]
    more = f", the first {len(shown)} of {len(pictures)}" if len(shown) < len(pictures) else ""
    st.caption(f"**{escape_markdown(run.label)}**: {what}{more}.")
    st.image(png(shown, limit, MAX_RUNS, in_a_row), width="content", alt=describe_grid(shown, what))


def _confusion(entry: Past, kept: Kept, image: Images) -> None:
    matrix = confusion_at(entry.run, kept.step)
    if matrix is None:
        st.info(
            f"{escape_markdown(entry.run.label)} held no images out, and test images are not looked at on the way.",
            icon=":material/block:",
        )
        return
    n = int(matrix.sum())
    st.markdown(
        f"**{escape_markdown(entry.run.label)}** reads {percent(np.trace(matrix) / n)} of {n:,} validation images."
    )
    views = _views(entry.run)
    if n < entry.run.started.get("n_val", n):
        st.caption(
            f"These are the first {n:,} of {entry.run.started['n_val']:,}, so that a moment is read within seconds"
            + (f" although it looks {views} times." if views > 1 else ".")
        )
    figure = confusion_matrix(matrix, dark=is_dark())
    figure.update_layout(height=MATRIX_HEIGHT_PIXELS)
    st.plotly_chart(
        inked(figure), key=f"inside_rewind_confusion_{entry.run.run_id}", config=dict(CONFIG), alt=describe_confusion(matrix)
    )  # fmt: skip


def _map(entry: Past, kept: Kept, image: Images) -> None:
    made = points_at(entry.run, kept.step, entry.end.step)
    words = describe_embedding(made.labels, made.answers)
    first, second = (100 * share for share in shares(entry.run, entry.end.step))
    axes = f"First direction ({first:.0f} % of all variance)", f"Second direction ({second:.0f} %)"
    figure = embedding_map(made.points, made.labels, made.answers, axes=axes, dark=is_dark())
    fixed = [points_at(entry.run, step, entry.end.step) for step in (entry.moments[0].step, entry.end.step)]
    (left, right), (low, high) = _ranges([made, *fixed])
    figure.update_layout(height=MAP_HEIGHT_PIXELS, dragmode=False)
    figure.update_xaxes(range=[left, right])
    figure.update_yaxes(range=[low, high])
    st.plotly_chart(
        inked(figure), key=f"inside_rewind_map_{entry.run.run_id}", config=dict(CONFIG), alt=f"{words} Validation images."
    )  # fmt: skip
    still = (
        " This network has no layer before its last one: its points are the images themselves and stay where they are."
        if entry.run.architecture == "softmax"
        else " The directions are those of the finished network at every moment, so that the points move."
    )
    once = " For the map each image is read once." if _views(entry.run) > 1 else ""
    st.caption(f"{escape_markdown(entry.run.label)}, validation images. {words}{once}{still}")


def _views(run: Run) -> int:
    """How often the finished network reads an image."""
    return int(run.config["training"].get("tta_views", 1))


def _ranges(maps: Sequence[Points]) -> tuple[tuple[float, float], tuple[float, float]]:
    """Of both axes, around all points."""
    points = np.concatenate([made.points for made in maps])
    low, high = points.min(0), points.max(0)
    margin = MARGIN * np.maximum(high - low, 1e-6)
    (left, bottom), (right, top) = (low - margin).tolist(), (high + margin).tolist()
    return (left, right), (bottom, top)
