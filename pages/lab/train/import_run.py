"""A run from another Digit Lab: its bundle is uploaded and checked, and then it stands in the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.compare.taken_in import TakenIn, take_in
from core.errors import InputError
from core.runs import bundles
from core.runs.schema import StorageError
from pages.shared.markdown import escape_markdown, sentence
from pages.shared.services import get_ready, store
from pages.shared.uploads import forget, one_at_a_time, refusal, visit_mb
from pages.shared.visitor import owner

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

FOLD = "import_run"  # key of the expander
TURN, OUTCOME = "import_run_turn", "import_run_outcome"  # session state: imports so far; what became of the last one
BUNDLE_MB = bundles.MAX_BYTES // 2**20


def import_run() -> None:
    """Draw the folded field, and say what became of the last file."""
    place = st.expander("Import a run or a comparison from another Digit Lab", key=FOLD, on_change="rerun")
    if not place.open:
        return
    with place:
        st.write(
            "Choose a ZIP file that was made there with “Take it with you”, as a bundle: a run, or a comparison with all its "
            "runs. Settings, curves, weights and answers are checked before anything is kept; then it is yours."
        )
        field = f"import_bundle_{st.session_state.setdefault(TURN, 0)}"
        file = st.file_uploader(
            "Bundle", type="zip", max_upload_size=min(BUNDLE_MB, visit_mb()), key=field,
            help=f"At most {BUNDLE_MB:,} MB a file and {visit_mb():,} MB a visit. A run that is here already stays as it is.",
        )  # fmt: skip
        if file is None and (reason := refusal(field)):
            st.error(escape_markdown(reason), icon=":material/error:")
        if file is not None and st.button(
            "Check and import", type="primary", icon=":material/upload_file:", key="import_bundle"
        ):
            _import(file)
            st.rerun()
        kind, words = st.session_state.get(OUTCOME, ("", ""))
        if kind == "error":
            st.error(words, title="This file can not be used", icon=":material/error:")
        elif kind == "done":
            st.success(words, icon=":material/check_circle:")


def _import(file: UploadedFile) -> None:
    get_ready()
    try:
        with st.spinner("Checking every part …"), one_at_a_time():
            taken = take_in(store(), file.getvalue(), owner())
    except StorageError:  # busy is not bad
        raise
    except InputError as error:
        st.session_state[OUTCOME] = ("error", sentence(error))
        return
    forget(file)
    st.session_state[TURN] += 1  # and the field is empty
    st.session_state[OUTCOME] = ("done", _words(taken))


def _words(taken: TakenIn) -> str:
    name = escape_markdown(taken.name)
    if not taken.n_new:
        return f"{name} is here already, and stays as it is."
    if taken.run_id:
        return f"{name} was imported, and stands in the table."
    others = "" if taken.n_new == taken.n_runs else " The others were here already."
    return (
        f"{name} was imported with {taken.n_new:,} of its {taken.n_runs:,} runs, and stands on the Race page.{others}"
    )
