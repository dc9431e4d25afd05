"""The kept digits as files for other programs, and digits from such files."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from core.data.class_set import MAX_DIGITS, Digits
from core.data.class_set_files import MAX_FILE_BYTES, read_files
from core.errors import InputError
from core.export.class_set import CLASS_SET_TARGETS, export_class_set
from core.runs import class_set
from core.runs.class_set import ClassSet
from pages.shared.markdown import escape_markdown
from pages.shared.services import store
from pages.shared.taking import make_it, pick_form, take_button
from pages.shared.uploads import forget, one_at_a_time, visit_mb
from pages.shared.visitor import owner

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

TURN, OUTCOME = "draw_import_turn", "draw_import_outcome"  # session state: imports so far; what became of the last one
FILE_MB = MAX_FILE_BYTES // 2**20


def our_files(kept: ClassSet) -> None:
    """The view "Save and load"."""
    st.markdown("**Save all of them**")
    if len(kept):
        take_button("draw_take", choose_form, kept.digits)
    else:
        st.caption("Nothing is kept yet.")
    st.markdown("**Add digits from files**")
    _load()


def choose_form(digits: Digits) -> None:
    """What stands in the dialog that saves them."""
    st.markdown(f"**Our digits ({len(digits):,})**")
    target = pick_form(CLASS_SET_TARGETS, "take_class_set_form")
    make = partial(export_class_set, target.name, digits)
    make_it(("class set", digits.hash, target.name), make, f"class-set-{target.name}")


def _load() -> None:
    turn = st.session_state.setdefault(TURN, 0)
    files = st.file_uploader(
        "CSV, ZIP, or both IDX files", accept_multiple_files=True, max_upload_size=FILE_MB, key=f"draw_import_{turn}",
        help=f"In the forms above, of at most {MAX_DIGITS:,} digits and {FILE_MB} MB a file, and {visit_mb():,} MB a visit. "
        "What is there already is not added twice.",
    )  # fmt: skip
    if files and st.button("Add them", type="primary", icon=":material/upload_file:", key="draw_import"):
        _import(files)
        st.rerun()
    kind, words = st.session_state.get(OUTCOME, ("", ""))
    if kind == "error":
        # Not as a sentence: it begins with the name of a file.
        st.error(escape_markdown(words), title="These files can not be used", icon=":material/error:")
    elif kind == "done":
        st.success(words, icon=":material/check_circle:")


def _import(files: list[UploadedFile]) -> None:
    try:
        with st.spinner("Checking every digit …"), one_at_a_time():
            digits = read_files([(file.name, file.getvalue()) for file in files])
            added = class_set.add(store(), digits, owner=owner())
    except InputError as error:
        st.session_state[OUTCOME] = ("error", str(error))
        return
    for file in files:
        forget(file)
    st.session_state[TURN] += 1  # and the field is empty
    repeated = f" {added.n_known:,} {'was' if added.n_known == 1 else 'were'} there already." if added.n_known else ""
    st.session_state[OUTCOME] = (
        "done",
        f"Added {len(added.numbers):,} digit{'' if len(added.numbers) == 1 else 's'}.{repeated}",
    )
