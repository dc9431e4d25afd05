"""A run to take along: choose a form, have it made, save it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from core.data import kaggle
from core.data.paths import data_root
from core.errors import InputError
from core.export.source import Exported, Source
from core.export.submission import N_TEST_IMAGES
from core.export.targets import TARGETS, Target, export
from core.runs.background import Progress
from core.runs.rows import Run
from pages.shared.busy import fragment
from pages.shared.export_job import export_jobs, export_key, start_export
from pages.shared.markdown import escape_markdown, sentence
from pages.shared.reading import reading_bar
from pages.shared.services import dataset, get_ready, store
from pages.shared.status import duration
from pages.shared.taking import make_it, offer, pick_form, take_button

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

POLL_SECONDS = 1.0
UPLOAD_MB = kaggle.MAX_BYTES // 2**20


def take_it_with_you(run: Run, key: str) -> None:
    """The button that opens it. key: of this place on the page"""
    take_button(f"{key}_take_{run.run_id}", choose_form, run.run_id)


def choose_form(run_id: str) -> None:
    """What stands in the dialog."""
    run = store().run(run_id)
    st.markdown(f"**{escape_markdown(run.label)}**")
    target = pick_form(TARGETS, "take_form")
    name = f"{target.name}-{abs(run.number)}"
    if target.why_not_here:
        st.info(escape_markdown(target.why_not_here), icon=":material/info:")
    elif target.takes_long:
        fragment(_make_apart, run_every=POLL_SECONDS)(run, target, name)
    else:
        file, is_ready = _test_csv(run_id) if target.needs_test_csv else (None, True)
        content = file.getvalue() if file else None
        made_of = (run_id, run.version, target.name, file.file_id if file else "")
        make_it(made_of, partial(_make, run, target, content), name, is_ready=is_ready)


def _test_csv(run_id: str) -> tuple[UploadedFile | None, bool]:
    """What was uploaded, None for the file in the data folder; and whether there is either."""
    has_own = (data_root() / "kaggle" / kaggle.FILES["test"]).is_file()
    file = st.file_uploader(
        "Kaggle’s test.csv", type="csv", max_upload_size=UPLOAD_MB, key=f"test_csv_{run_id}",
        help="From kaggle.com/c/digit-recognizer, Data. "
        + ("Without one, the test.csv in the data folder is read." if has_own else "It can also be imported on Data."),
    )  # fmt: skip
    if file is None and has_own:
        st.caption("The test.csv in the data folder is read.")
    return file, has_own or file is not None


def _make(run: Run, target: Target, content: bytes | None) -> Exported:
    get_ready()
    bar = st.empty()
    try:
        return export(target.name, Source(store(), run, content, dataset, reading_bar(bar, N_TEST_IMAGES)))
    finally:
        bar.empty()


def _make_apart(run: Run, target: Target, name: str) -> None:
    """The button that starts it, how far it is, and what came of it. Looks anew again and again: a dialog that is drawn once
    more from outside would be closed."""
    key = export_key(run, target.name)
    progress = export_jobs().progress(key)
    if progress.results:
        offer(progress.results[0], name)
    elif progress.goes_on:
        st.progress(progress.share, _progress_words(progress))
        st.button("Stop", icon=":material/stop:", key="take_stop", on_click=export_jobs().stop, args=(key,))
    else:
        if progress.state == "failed":
            st.error(sentence(progress.reason), icon=":material/error:")
        st.button("Make it", key="take_make_apart", type="primary", on_click=_start, args=(run, target))


def _progress_words(progress: Progress[Exported]) -> str:
    """Such as "They are written as ONNX (7 s so far)"."""
    if progress.state == "waiting":
        return f"Waits for another one, place {progress.place}"
    return f"{progress.words or 'A process of its own begins'} ({duration(round(progress.seconds))} so far)"


def _start(run: Run, target: Target) -> None:
    try:
        start_export(run, target.name)
    except InputError as error:
        st.toast(sentence(error), icon=":material/hourglass_empty:")
