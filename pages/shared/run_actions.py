"""What can be done to runs that were ticked in a table: rename, tag, note, delete, and bring back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

import streamlit as st

from core.errors import InputError
from core.runs.rows import MOST_TAGS, NOTES_LENGTH, TAG_LENGTH, Run
from pages.shared.markdown import escape_markdown
from pages.shared.services import store, worker

OUT_OF_QUEUE = "Not begun, taken out of the queue: {n}."  # what ``undo`` says after ``stop``
_FAULT = "run_actions_fault"  # session state: why the last click had no effect


def undo(key: str, deleted_words: str = "") -> None:
    """Above a table or a menu: what went wrong with the last click, and the way back from the last deletion.

    deleted_words: how the deletion of ``{n}`` runs is said; without it "Deleted 3 runs."
    """
    if fault := st.session_state.pop(_FAULT, ""):
        st.error(escape_markdown(fault), icon=":material/error:")
    if deleted := st.session_state.get(f"{key}_deleted"):
        n = len(deleted)
        words = deleted_words.format(n=f"{n:,}") if deleted_words else f"Deleted {n:,} run{'s' if n > 1 else ''}."
        with st.container(horizontal=True, vertical_alignment="center"):
            st.text(words)
            st.button("Undo", icon=":material/undo:", key=f"{key}_undo", on_click=_restore, args=(key,))


def stop(key: str, ids: Iterable[str]) -> None:
    """In a callback: stop these runs. Those that have not begun leave the queue and all lists; ``undo`` with the same key
    puts them back."""
    removed = []
    for run_id in ids:
        with _fault_kept():
            run = store().run(run_id)
            if not run.has_ended and not run.version and run.status in ("queued", "paused"):
                store().delete(run_id)
                removed.append(run_id)
            else:
                store().request(run_id, "stop")
    if removed:
        st.session_state[f"{key}_deleted"] = removed
    worker().wake()


def delete_button(
    key: str, ids: Sequence[str], help: str = "Can be undone; one that is training is stopped.", *, button_key: str = ""
) -> None:
    """Deletes these runs; ``undo`` with the same key offers them back. button_key: where two buttons have one way back"""
    st.button(
        "Delete", icon=":material/delete:", key=button_key or f"{key}_delete", on_click=_delete, args=(key, ids), help=help
    )  # fmt: skip


def name_field(
    name_key: str, name: str, rename: Callable[[str], object], *, width: int | Literal["stretch"] = "stretch"
) -> None:
    """name_key: of the field · name: the present one · rename: gives the new one; raises InputError"""
    st.text_input("New name", key=name_key, placeholder=name, on_change=_rename, args=(name_key, rename), width=width)


def run_name_field(key: str, run: Run) -> None:
    """The same for one run."""
    name_field(f"{key}_name_{run.run_id}", run.name, lambda name: store().annotate(run.run_id, name=name))


def tags_field(key: str, runs: Sequence[Run], offered: Iterable[str]) -> None:
    """The tags of one run, or those that several have in common. offered: tags of other runs; others can be typed"""
    common = [tag for tag in runs[0].tags if all(tag in run.tags for run in runs)]
    tags_key = f"{key}_tags_{'_'.join(run.run_id for run in runs)}"
    st.session_state.setdefault(tags_key, common)
    st.multiselect(
        "Tags" if len(runs) == 1 else "Tags of all of them", sorted({*offered, *common}), key=tags_key,
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


def _rename(name_key: str, rename: Callable[[str], object]) -> None:
    with _fault_kept():
        rename(st.session_state[name_key])
        st.session_state[name_key] = ""


def _tag(others: dict[str, list[str]], tags_key: str) -> None:
    """others: tags of each run that stay whatever is chosen"""
    for run_id, own in others.items():
        with _fault_kept():
            store().annotate(run_id, tags=[*own, *st.session_state[tags_key]])


def _note(run_id: str, notes_key: str) -> None:
    with _fault_kept():
        store().annotate(run_id, notes=st.session_state[notes_key])


def _delete(key: str, ids: Sequence[str]) -> None:
    deleted = []
    for run_id in ids:
        with _fault_kept():  # another visitor was faster
            store().delete(run_id)
            deleted.append(run_id)
    if deleted:
        st.session_state[f"{key}_deleted"] = deleted


def _restore(key: str) -> None:
    deleted = st.session_state.pop(f"{key}_deleted", [])
    for run_id in list(deleted):
        with _fault_kept():  # there may be too many runs by now; what is not back stays offered
            store().restore(run_id)
            deleted.remove(run_id)
    if deleted:
        st.session_state[f"{key}_deleted"] = deleted


@contextmanager
def _fault_kept() -> Iterator[None]:
    """In a callback: what can not be done is said above the table when the page is drawn next, and stays until the click
    after that. A toast would be gone before it is read."""
    try:
        yield
    except InputError as error:
        st.session_state[_FAULT] = str(error)
