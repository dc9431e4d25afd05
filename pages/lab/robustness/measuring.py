"""What starts a measurement in the background, and how far it is: a quick look first, then all test images."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.errors import InputError
from core.runs.background import BackgroundJobs, Progress
from core.runs.robustness import QUICK_IMAGES, measure, measured_before
from pages.lab.robustness.judged import Judged
from pages.shared.markdown import sentence
from pages.shared.redraw import redraw_page_if_changed
from pages.shared.services import dataset, store
from pages.shared.status import duration

if TYPE_CHECKING:
    from core.inspect.robustness import Measured, Point

POLL_SECONDS = 1.0
ALL = 0  # images asked for: all there are


@st.cache_resource(show_spinner=False)
def jobs() -> BackgroundJobs[Any]:
    """One for all visitors and all that is measured on this page."""
    return BackgroundJobs()


def sizes(members: Judged) -> list[int]:
    """How many images are asked about, the quick look first; a small test set is read whole at once."""
    return [QUICK_IMAGES, ALL] if len(members.digits.test_labels) > QUICK_IMAGES else [ALL]


def goes_on(members: Judged, what: str) -> bool:
    """Whether they are being measured now, or wait for it. what: of ``measuring``"""
    return any(jobs().progress(_key(members, what, size)).goes_on for size in sizes(members))


def measuring(members: Judged, plan: Sequence[Point], what: str, is_moving: bool) -> None:
    """In a fragment: how far the measurement is and what stops it, else the button for the next one.

    what: all that is measured, such as "Every corruption" · is_moving: what the page around the fragment was drawn for
    """
    redraw_page_if_changed(is_moving, goes_on(members, what))
    for size in sizes(members):
        progress = jobs().progress(_key(members, what, size))
        if progress.goes_on:
            _show_progress(members, what, size, progress)
            return
        missing = len(members.runs) * len(plan) - len(measured_before(store(), members.runs, plan, size))
        if progress.state == "failed":
            st.error(sentence(progress.reason), icon=":material/error:")
        if missing:
            _offer(members, plan, what, size, missing, progress)
            return


def _show_progress(members: Judged, what: str, size: int, progress: Progress[Measured]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(progress.share, f"{what}, {_images(members, size)}: {progress_words(progress)}")
        st.button(
            "Stop", icon=":material/stop:", key="robustness_stop", on_click=jobs().stop, args=(_key(members, what, size),),
            help="What has been measured so far is kept.",
        )  # fmt: skip


def _offer(
    members: Judged, plan: Sequence[Point], what: str, size: int, missing: int, progress: Progress[Measured]
) -> None:
    """The button. missing: points that have not been measured"""
    is_first = size == sizes(members)[0]
    verb = "Go on with" if progress.state == "stopped" else "Measure on"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            f"{verb} {_images(members, size)}", icon=":material/play_arrow:", key="robustness_start",
            type="primary" if is_first else "secondary", on_click=_start, args=(members, tuple(plan), what, size, missing),
            help=f"{what}, for each run; it goes on in the background, and what has been measured is kept.",
        )  # fmt: skip
        if progress.state == "stopped":
            st.caption("Stopped. What has been measured so far is kept.")


def _start(members: Judged, plan: Sequence[Point], what: str, size: int, missing: int) -> None:
    try:
        jobs().start(
            _key(members, what, size),
            lambda job: measure(store(), members.runs, plan, dataset, size, should_stop=job.should_stop), missing,
        )  # fmt: skip
    except InputError as error:
        st.toast(sentence(error), icon=":material/hourglass_empty:")


def _key(members: Judged, what: str, size: int) -> Hashable:
    return tuple((run.run_id, run.version) for run in members.runs), what, size


def _images(members: Judged, size: int) -> str:
    """ "1,000 images", "all 10,000 images"."""
    return f"{size:,} images" if size else f"all {len(members.digits.test_labels):,} images"


def progress_words(progress: Progress[Any]) -> str:
    """Such as "point 12 of 40, about 8 s left"."""
    if progress.state == "waiting":
        return f"waits for another measurement, place {progress.place}"
    seconds = progress.seconds_left
    left = "" if seconds is None else f", about {duration(max(1.0, round(seconds)))} left"
    return f"point {min(progress.done + 1, progress.of):,} of {progress.of:,}{left}"
