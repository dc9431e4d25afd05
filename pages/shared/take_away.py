"""A run to take along: choose a form, have it made, save it."""

from __future__ import annotations

import io
import zipfile
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from core.data import kaggle
from core.data.paths import data_root
from core.errors import InputError
from core.export.source import Exported, File, Source
from core.export.submission import N_TEST_IMAGES
from core.export.targets import TARGETS, Target, export
from core.runs.rows import Run
from pages.shared.busy import busy_instead, fragment
from pages.shared.export_job import Progress, export_jobs
from pages.shared.markdown import escape_markdown, sentence
from pages.shared.reading import reading_bar
from pages.shared.services import dataset, get_ready, store
from pages.shared.status import duration
from pages.shared.uploads import one_at_a_time

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

MADE = "taken"  # session state: what was made last, and of what
POLL_SECONDS = 1.0
UPLOAD_MB = kaggle.MAX_BYTES // 2**20


def take_it_with_you(run: Run, key: str) -> None:
    """The button that opens it. key: of this place on the page"""
    if st.button("Take it with you", icon=":material/ios_share:", key=f"{key}_take_{run.run_id}"):
        _dialog(run.run_id)


@st.dialog("Take it with you", width="medium")
def _dialog(run_id: str) -> None:
    with busy_instead("This"):
        choose_form(run_id)


def choose_form(run_id: str) -> None:
    """What stands in the dialog."""
    run = store().run(run_id)
    st.markdown(f"**{escape_markdown(run.label)}**")
    target = TARGETS[
        st.selectbox(
            "Form", list(TARGETS), format_func=lambda name: TARGETS[name].title, key="take_form",
            persist_state="session",
        )
    ]  # fmt: skip
    st.caption(target.help)
    if target.why_not_here:
        st.info(escape_markdown(target.why_not_here), icon=":material/info:")
        return
    if target.takes_long:
        fragment(_make_apart, run_every=POLL_SECONDS)(run, target)
        return
    file, is_ready = _test_csv(run_id) if target.needs_test_csv else (None, True)
    made_of = (run_id, target.name, file.file_id if file else "")
    if st.button("Make it", key="take_make", type="primary", disabled=not is_ready):
        st.session_state[MADE] = (made_of, _make(run, target, file.getvalue() if file else None))
    made_before, made = st.session_state.get(MADE, ((), None))
    if made is not None and made_before == made_of:
        _offer(run, target, made)


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


def _make(run: Run, target: Target, content: bytes | None) -> Exported | None:
    """None when it can not be made, and then the reason is on screen."""
    get_ready()
    bar = st.empty()
    try:
        with st.spinner("Being made …"), one_at_a_time():
            return export(target.name, Source(store(), run, content, dataset, reading_bar(bar, N_TEST_IMAGES)))
    except InputError as error:
        st.error(sentence(error), icon=":material/error:")
        return None
    finally:
        bar.empty()


def _make_apart(run: Run, target: Target) -> None:
    """The button that starts it, how far it is, and what came of it. Looks anew again and again: a dialog that is drawn once
    more from outside would be closed."""
    progress = export_jobs().progress(run, target.name)
    if progress.made is not None:
        _offer(run, target, progress.made)
    elif progress.state in ("waiting", "running"):
        st.progress(progress.share, _progress_words(progress))
        st.button("Stop", icon=":material/stop:", key="take_stop", on_click=export_jobs().stop, args=(run, target.name))
    else:
        if progress.state == "failed":
            st.error(sentence(progress.reason), icon=":material/error:")
        st.button("Make it", key="take_make_apart", type="primary", on_click=_start, args=(run, target))


def _progress_words(progress: Progress) -> str:
    """Such as "They are written as ONNX (7 s so far)"."""
    if progress.state == "waiting":
        return f"Waits for another one, place {progress.place}"
    return f"{progress.words or 'A process of its own begins'} ({duration(round(progress.seconds))} so far)"


def _start(run: Run, target: Target) -> None:
    try:
        export_jobs().start(run, target.name)
    except InputError as error:
        st.toast(sentence(error), icon=":material/hourglass_empty:")


def _offer(run: Run, target: Target, made: Exported) -> None:
    """What was made, and the button that saves it: one file, or several in a ZIP."""
    if made.warning:
        st.warning(escape_markdown(made.warning), icon=":material/warning:")
    st.caption(made.sentence)
    (first, *others) = made.files
    name = f"{target.name}-{abs(run.number)}.zip" if others else first.name
    st.download_button(  # its content is asked for when it is saved, for the dialog may be drawn anew every second
        f"Save {name}", partial(_zipped, made) if others else partial(_content, first), file_name=name,
        icon=":material/download:",
        mime="application/zip" if others else first.mime, on_click="ignore", key=f"save_{run.run_id}_{target.name}",
    )  # fmt: skip


def _content(file: File) -> bytes:
    return file.content


def _zipped(made: Exported) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in made.files:
            archive.writestr(file.name, file.content)
    return buffer.getvalue()
