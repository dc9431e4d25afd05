"""Getting more digits: a Kaggle file from the visitor, MNIST from its mirrors, and where files may be put by hand."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from core import data
from core.data import download, kaggle, mnist
from core.data.paths import data_root
from core.errors import DataError
from pages.shared.busy import fragment
from pages.shared.markdown import escape_markdown, sentence
from pages.shared.services import dataset
from pages.shared.uploads import forget, one_at_a_time, refusal, visit_mb

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

MEGABYTE = 1_000_000
UPLOAD_MB = kaggle.MAX_BYTES // 2**20  # server.maxUploadSize is not lower


@dataclass
class MnistDownload:
    """The server's one download of MNIST, watched by every visitor. since: when the current file began, seconds."""

    job: download.Download | None = None
    file: str = ""
    since: float = 0.0


@st.cache_resource(show_spinner=False)
def mnist_job() -> MnistDownload:
    """The same for all visitors, so that thirty pressed buttons make one download."""
    return MnistDownload()


def kaggle_upload() -> None:
    """Choose a file, have every line of it checked, see what became of it."""
    st.markdown("**Import Kaggle’s files**")
    st.write(
        "Choose train.csv or test.csv of Kaggle’s competition “Digit Recognizer”. Every line is checked before anything "
        f"is kept. At most {UPLOAD_MB} MB a file and {visit_mb():,} MB a visit."
    )
    field = f"data_upload_{st.session_state.setdefault('data_upload_turn', 0)}"
    file = st.file_uploader("Kaggle file (train.csv or test.csv)", type="csv", max_upload_size=UPLOAD_MB, key=field)
    if file is None and (reason := refusal(field)):
        st.error(escape_markdown(reason), icon=":material/error:")
        return
    if file is not None and st.session_state.get("data_checked") != file.file_id:
        existing = [name for name in kaggle.FILES.values() if (data_root() / "kaggle" / name).is_file()]
        if existing:
            st.warning(
                f"Already there: {' and '.join(existing)}. A file of the same kind is replaced, for everyone on this server."
            )
        if not existing or st.button("Check and replace", type="primary", icon=":material/upload_file:"):
            _import(file)
    kind, outcome = st.session_state.get("data_outcome", ("", ""))
    if kind == "error":
        st.error(sentence(outcome), title="This file can not be used", icon=":material/error:")
    elif kind == "done":
        st.success(outcome, icon=":material/check_circle:")


def _import(file: UploadedFile) -> None:
    with st.spinner("Checking every line …"), one_at_a_time():
        try:
            upload = kaggle.save_upload(None, file.getvalue())
        except DataError as error:
            # The file stays chosen: the visitor sees which one it was, and it is not checked again at every click.
            st.session_state["data_checked"] = file.file_id
            st.session_state["data_outcome"] = ("error", str(error))
            return
    dataset.clear("kaggle")
    forget(file)
    st.session_state["data_upload_turn"] += 1  # and the field is empty
    st.session_state["data_outcome"] = ("done", f"{upload.path.name} is in place: {upload.n_images:,} images.")
    st.rerun()


def mnist_download() -> None:
    """The button, then progress with bytes and time left, then how it ended."""
    st.markdown("**Download MNIST**")
    if mnist.is_present():
        st.success("MNIST is here.", icon=":material/check_circle:")
        return
    st.write("70,000 digits in four files, 12 MB in all. Everything else goes on meanwhile.")
    job = mnist_job().job
    running = job is not None and job.state.status == "running"
    if running:
        _progress()
        return
    if job is not None and job.state.status == "failed":
        st.error(sentence(job.state.message), title="MNIST could not be downloaded", icon=":material/error:")
    elif job is not None:
        st.info(job.state.message, icon=":material/info:")
    if st.button("Download MNIST" if job is None else "Try again", type="primary", icon=":material/download:"):
        mnist_job().job = download.Download()
        st.rerun()


@partial(fragment, run_every=1.0)
def _progress() -> None:
    watch = mnist_job()
    if watch.job is None or watch.job.state.status != "running":
        st.rerun()
    state = watch.job.state
    if state.progress is None:
        st.progress(0.0, state.message)
    else:
        st.progress(_share(state.progress), f"{state.message}, {_amount(watch, state.progress)}")
    if st.button("Stop", icon=":material/stop:", key="data_stop"):
        watch.job.stop()


def _share(progress: download.DownloadProgress) -> float:
    within = progress.bytes_done / progress.bytes_total if progress.bytes_total else 0.0
    return min(1.0, (progress.files_done + within) / progress.files_total)


def _amount(watch: MnistDownload, progress: download.DownloadProgress) -> str:
    """“3.1 of 9.9 MB, about 4 seconds left for this file”."""
    if watch.file != progress.file:
        watch.file, watch.since = progress.file, time.monotonic()
    done, total = progress.bytes_done, progress.bytes_total
    if not total:
        return f"{done / MEGABYTE:.1f} MB so far"
    seconds = (time.monotonic() - watch.since) * (total - done) / done if done else 0.0
    left = f", about {seconds:,.0f} seconds left for this file" if seconds >= 1 else ""
    return f"{done / MEGABYTE:.1f} of {total / MEGABYTE:.1f} MB{left}"


def by_hand() -> None:
    """Where files may be put, and what lies there."""
    st.markdown("**Or put files here by hand**")
    st.text(
        f"{data_root() / 'mnist'}\n{data_root() / 'kaggle'}"
    )  # st.code brings half a second of highlighting with it
    present = data.present_names()
    unlabelled = (data_root() / "kaggle" / kaggle.FILES["test"]).is_file()
    st.write(
        f"Found: MNIST {'yes' if 'mnist' in present else 'no'}; Kaggle train.csv {'yes' if 'kaggle' in present else 'no'}, "
        f"test.csv {'yes' if unlabelled else 'no'}. MNIST’s four files may be gzipped or not."
    )
