"""Map of digits: where each network puts test images before its last layer, with the same ones marked on both maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core.charts.embedding import describe_embedding, embedding_map, part_around
from core.charts.theme import CONFIG
from core.data.dataset import Images, Labels
from core.errors import InputError
from core.machine.faults import faults_as_input_errors
from core.runs.background import Progress
from core.runs.rows import Run
from pages.lab.inside.map_job import MapProgress, map_jobs, start_map
from pages.lab.inside.map_picks import LINKED, click, picked_on, show_buttons, show_picked
from pages.lab.inside.map_reading import OnMap, Placed, images_on_map, is_own, plane_of, read
from pages.lab.inside.map_table import show_tables
from pages.shared.busy import fragment
from pages.shared.chart_ink import inked
from pages.shared.choices import pick
from pages.shared.gallery import is_dark
from pages.shared.locks import is_fixed, is_hidden
from pages.shared.markdown import escape_markdown, sentence
from pages.shared.services import get_ready, predictor
from pages.shared.status import duration

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from core.inspect.activations import Floats

MAX_MAPS = 2
WAYS = {"pca": "PCA", "tsne": "t-SNE"}
PARTS = {"all": "All", "star": "Around the star", "picked": "Around the picked"}
ABOUT = {
    "pca": "PCA looks at all the numbers from the side on which the images differ most. What lies far apart here is far apart "
    "for the network; what lies close together may still differ in other directions.",
    "tsne": "t-SNE puts images near each other that are neighbours for the network. Whether two groups lie near or far from "
    "each other, and how large a group is, means nothing.",
}  # fmt: skip
MAP_CONFIG = {
    **CONFIG,
    "modeBarButtonsToRemove": [name for name in CONFIG["modeBarButtonsToRemove"] if name != "select2d"],
}
AROUND = 5  # images on the map between which the digit stands that t-SNE has not arranged
POLL_SECONDS = 1.0


def show(runs: Sequence[Run], image: Images) -> None:
    """Draw the maps, and what was picked on them. image (28, 28) uint8: the digit that is marked by a star"""
    get_ready()
    shown = images_on_map(runs[0])
    with st.container(horizontal=True):
        way = pick("Map by", "by", "inside_map_way", WAYS, "pca")
        part = pick(
            "Part of it", "part", "inside_map_part", PARTS, "all",
            "Who picks images sees the map drawn anew: a part that is chosen here stays, what was enlarged by hand does not.",
        )  # fmt: skip
    st.caption(
        f"{len(shown.images):,} test images of {shown.digits.title}, each where the network puts it just before its last "
        f"layer. {ABOUT[way]}"
    )
    _name_others(runs, shown)
    placed = _placed(runs[:MAX_MAPS], shown, image)
    if not placed:
        return
    picks = picked_on(shown)
    if way == "tsne":
        _jobs(placed, shown)
    with st.grid(len(placed), min_column_width=300):
        for entry in placed:
            with st.container():
                st.markdown(f"**{escape_markdown(entry.run.label)}**")
                _map(entry, shown, way, picks, part)
    if not is_fixed(LINKED):
        show_buttons(placed, shown)
    if picks and not is_hidden(LINKED):
        show_picked(placed, shown, picks)
    show_tables(placed, shown, picks)


def _name_others(runs: Sequence[Run], shown: OnMap) -> None:
    """Whose own images are not the ones on the map, and which network has no map."""
    others = [run.label for run in runs[:MAX_MAPS] if not is_own(run, shown)]
    if others:
        st.info(
            f"{escape_markdown(' and '.join(others))} learned from other images than these, or from the same ones split "
            "otherwise, so how many are misread here says little about it.", icon=":material/info:",
        )  # fmt: skip
    if len(runs) > MAX_MAPS:
        st.caption(f"The first {MAX_MAPS} networks have a map.")


def _placed(runs: Sequence[Run], shown: OnMap, image: Images) -> list[Placed]:
    """The networks that could read the images; of each other one it is said why."""
    from core.inspect.embedding import embeddings

    placed = []
    bar = st.empty()
    for number, run in enumerate(runs, start=1):
        try:
            with faults_as_input_errors(), st.spinner(f"{escape_markdown(run.label)} reads the images …"):
                made = read(run, shown.images, shown.key, bar, number, len(runs))
                network = predictor(run)
                vector = embeddings(network.module, image[None], network.mean, network.std)[0]
                placed.append(Placed(run, made, vector, plane_of(run, made, shown.key)))
        except InputError as error:
            st.error(f"{escape_markdown(run.label)} has no map. {sentence(error)}", icon=":material/error:")
    bar.empty()
    return placed


def _job_key(run: Run, shown: OnMap) -> tuple[object, ...]:
    return run.run_id, run.version, shown.key


def _jobs(placed: Sequence[Placed], shown: OnMap) -> None:
    """The button that starts t-SNE for all that have no such map; while one is made, how far it is."""
    from core.inspect.maps import why_no_tsne

    if reason := why_no_tsne():
        st.error(reason, icon=":material/block:")
        return
    before = [map_jobs().progress(_job_key(entry.run, shown)) for entry in placed]
    goes_on = any(progress.goes_on for progress in before)
    fragment(_moving, run_every=POLL_SECONDS if goes_on else None)(
        placed, shown, [progress.state for progress in before]
    )


def _moving(placed: Sequence[Placed], shown: OnMap, drawn: Sequence[str]) -> None:
    """drawn: the states that the page around it shows"""
    now = [map_jobs().progress(_job_key(entry.run, shown)) for entry in placed]
    if [progress.state for progress in now] != list(drawn):
        st.rerun()
    if all(progress.state == "ended" for progress in now):
        return
    if not any(progress.results for progress in now):
        st.caption("Until then you see the map of PCA.")
    for entry, progress in zip(placed, now, strict=True):
        if progress.goes_on:
            words = f"{escape_markdown(entry.run.label)}: {_progress_words(progress)}"
            st.progress(progress.share, words)
        elif progress.state == "failed":
            st.error(f"{escape_markdown(entry.run.label)}: {sentence(progress.reason)}", icon=":material/error:")
    if any(progress.goes_on for progress in now):
        st.button("Stop", icon=":material/stop:", key="inside_map_stop", on_click=_stop, args=(placed, shown))
    else:
        again = any(progress.state != "none" for progress in now)
        st.button(
            "Begin again" if again else "Start t-SNE", icon=":material/play_arrow:", key="inside_map_start",
            on_click=_start, args=(placed, shown), type="primary",
            help="It takes some seconds for each network.",
        )  # fmt: skip


def _progress_words(progress: MapProgress) -> str:
    """Such as "Step 120 of 500, about 3 s left"."""
    if progress.state == "waiting":
        return f"waits for another map, place {progress.place}"
    if not progress.of:
        return "looks for the neighbours of each image"
    seconds = progress.seconds_left
    left = "" if seconds is None else f", about {duration(max(1.0, round(seconds)))} left"
    return f"Step {progress.done:,} of {progress.of:,}{left}"


def _start(placed: Sequence[Placed], shown: OnMap) -> None:
    try:
        for entry in placed:
            start_map(map_jobs(), _job_key(entry.run, shown), entry.made.vectors)
    except InputError as error:
        st.toast(sentence(error), icon=":material/hourglass_empty:")


def _stop(placed: Sequence[Placed], shown: OnMap) -> None:
    for entry in placed:
        map_jobs().stop(_job_key(entry.run, shown))


def _map(entry: Placed, shown: OnMap, way: str, picks: Sequence[int], part: str) -> None:
    """One map, or a part of it (``PARTS``), and in a sentence what it is of."""
    progress: MapProgress = map_jobs().progress(_job_key(entry.run, shown)) if way == "tsne" else Progress()
    first, second = entry.plane.shares
    if progress.results:
        points, here = progress.results[0], _between(entry, progress.results[0])
        axes = "First direction (no unit)", "Second direction (no unit)"
        about = f"The star stands between the {AROUND} images that the digit is nearest to: it was not among those arranged."
        if progress.state == "stopped":
            about = f"Stopped after step {progress.done:,} of {progress.of:,}: the map so far. {about}"
    else:
        points, here = entry.plane.points, entry.plane.place(entry.vector[None])[0]
        axes = f"First direction ({100 * first:.0f} % of all variance)", f"Second direction ({100 * second:.0f} %)"
        about = f"These two of {len(entry.vector):,} directions hold {100 * (first + second):.0f} % of all variance."
    words = describe_embedding(shown.labels, entry.made.answers)
    key = f"inside_map_{way}_{entry.run.run_id}"
    star = float(here[0]), float(here[1])
    centre = np.array([star]) if part == "star" else points[list(picks)] if part == "picked" and picks else None
    around = None if centre is None else part_around(points, centre)
    figure = _figure(points, shown.labels, entry.made.answers, tuple(picks), star, axes, around, is_dark())
    st.plotly_chart(
        inked(figure), key=key, config=MAP_CONFIG, on_select=lambda: click(key, shown),
        selection_mode=("points", "box"), alt=f"{words} A star marks the digit that is looked at.",
    )  # fmt: skip
    st.caption(f"{words} {about}")


def _between(entry: Placed, points: Floats) -> Floats:
    """Where the digit stands on a map that was made without it: in the middle of its nearest images. -> (2,)"""
    from core.inspect.embedding import nearest

    positions, _ = nearest(entry.made.vectors, entry.vector[None], AROUND, "euclidean")
    middle: Floats = np.median(points[positions[0]], axis=0)
    return middle


@st.cache_resource(show_spinner=False, max_entries=32)
def _figure(
    points: Floats, labels: Labels, predicted: Labels, picks: tuple[int, ...], here: tuple[float, float],
    axes: tuple[str, str], around: tuple[tuple[float, float], tuple[float, float]] | None, dark: bool,
) -> go.Figure:  # fmt: skip
    return embedding_map(points, labels, predicted, selected=picks, here=here, axes=axes, around=around, dark=dark)
