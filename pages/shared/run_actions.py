"""What can be done to runs that were ticked in a table: rename, tag, note, delete, and bring back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import streamlit as st

from core.errors import InputError
from core.runs.rows import MOST_TAGS, NOTES_LENGTH, TAG_LENGTH, Run
from pages.shared.markdown import escape_markdown
from pages.shared.services import store

_FAULT = "run_actions_fault"


def undo(key: str) -> None:
    """Above a table: what went wrong with the last click, and the way back from the last deletion."""
    if sentence := st.session_state.pop(_FAULT, ""):
        st.error(escape_markdown(sentence), icon=":material/error:")
    if deleted := st.session_state.get(f"{key}_deleted"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.text("Deleted 1 run." if len(deleted) == 1 else f"Deleted {len(deleted):,} runs.")
            st.button("Undo", icon=":material/undo:", key=f"{key}_undo", on_click=_restore, args=(key,))


def delete_button(key: str, ids: Sequence[str]) -> None:
    st.button(
        "Delete",
        icon=":material/delete:",
        key=f"{key}_delete",
        on_click=_delete,
        args=(key, ids),
        help="Can be undone; one that is training is stopped.",
    )


def name_field(key: str, run: Run) -> None:
    name_key = f"{key}_name_{run.run_id}"
    st.text_input("New name", key=name_key, placeholder=run.name, on_change=_rename, args=(run.run_id, name_key))


def tags_field(key: str, runs: Sequence[Run], known: Iterable[str]) -> None:
    """The tags of one run, or those that several have in common. known: tags to offer; others can be typed"""
    common = [tag for tag in runs[0].tags if all(tag in run.tags for run in runs)]
    tags_key = f"{key}_tags_{'_'.join(run.run_id for run in runs)}"
    st.session_state.setdefault(tags_key, common)
    st.multiselect(
        "Tags" if len(runs) == 1 else "Tags of all of them", sorted({*known, *common}), key=tags_key,
        accept_new_options=True, max_selections=MOST_TAGS, on_change=_tag,
        args=({run.run_id: [tag for tag in run.tags if tag not in common] for run in runs}, tags_key),
        placeholder="Choose or type", help=f"Words to find runs again by, of at most {TAG_LENGTH} characters each.",
    )  # fmt: skip


def notes_field(key: str, run: Run) -> None:
    notes_key = f"{key}_notes_{run.run_id}"
    st.session_state.setdefault(notes_key, run.notes)
    st.text_area(
        "Notes", key=notes_key, max_chars=NOTES_LENGTH, on_change=_note, args=(run.run_id, notes_key),
        placeholder="What was tried, what was expected, what came out",
    )  # fmt: skip


def _rename(run_id: str, name_key: str) -> None:
    try:
        store().annotate(run_id, name=st.session_state[name_key])
        st.session_state[name_key] = ""
    except InputError as error:
        st.session_state[_FAULT] = str(error)


def _tag(others: dict[str, list[str]], tags_key: str) -> None:
    """others: tags of each run that stay whatever is chosen"""
    for run_id, own in others.items():
        try:
            store().annotate(run_id, tags=[*own, *st.session_state[tags_key]])
        except InputError as error:
            st.session_state[_FAULT] = str(error)


def _note(run_id: str, notes_key: str) -> None:
    try:
        store().annotate(run_id, notes=st.session_state[notes_key])
    except InputError as error:
        st.session_state[_FAULT] = str(error)


def _delete(key: str, ids: Sequence[str]) -> None:
    deleted = []
    for run_id in ids:
        try:
            store().delete(run_id)
            deleted.append(run_id)
        except InputError as error:  # another visitor was faster
            st.session_state[_FAULT] = str(error)
    if deleted:
        st.session_state[f"{key}_deleted"] = deleted


def _restore(key: str) -> None:
    for run_id in st.session_state.pop(f"{key}_deleted", []):
        try:
            store().restore(run_id)
        except InputError as error:
            st.session_state[_FAULT] = str(error)
