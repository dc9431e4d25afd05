"""What every "Take it with you" has: the button, the dialog, the choice of a form, and the button that saves what was made."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Hashable, Mapping
from functools import lru_cache, partial
from typing import ParamSpec

import streamlit as st

from core.errors import InputError
from core.export.source import Exported, File
from core.export.targets import Target
from pages.shared.busy import busy_instead
from pages.shared.markdown import escape_markdown, sentence
from pages.shared.uploads import one_at_a_time

P = ParamSpec("P")

MADE = "taken"  # session state: what was made last, and of what


def take_button(key: str, choose: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
    """The button that opens the dialog. choose: draws what stands in it"""
    if st.button("Take it with you", icon=":material/ios_share:", key=key):
        _dialog(partial(choose, *args, **kwargs))


# What looks anew every second within it would go on when it is closed, if the page were not drawn anew then.
@st.dialog("Take it with you", width="medium", on_dismiss="rerun")
def _dialog(choose: Callable[[], None]) -> None:
    with busy_instead("This"):
        choose()


def pick_form(targets: Mapping[str, Target], key: str) -> Target:
    """The form that is chosen, and what it is."""
    name = st.selectbox(
        "Form", list(targets), format_func=lambda name: targets[name].title, key=key, persist_state="session"
    )
    st.caption(targets[name].help)
    return targets[name]


def make_it(made_of: Hashable, make: Callable[[], Exported], name: str, *, is_ready: bool = True) -> None:
    """The button that has it made, and then the one that saves it. made_of: what decides what is in it · name: of the ZIP that
    several files are saved in"""
    if st.button("Make it", key="take_make", type="primary", disabled=not is_ready):
        st.session_state[MADE] = (made_of, _made(make))
    made_before, made = st.session_state.get(MADE, ((), None))
    if made is not None and made_before == made_of:
        offer(made, name)


def _made(make: Callable[[], Exported]) -> Exported | None:
    """None when it can not be made, and then the reason is on screen."""
    try:
        with st.spinner("Being made …"), one_at_a_time():
            return make()
    except InputError as error:
        st.error(sentence(error), icon=":material/error:")
        return None


def offer(made: Exported, name: str) -> None:
    """What was made, and the button that saves it: one file, or several in a ZIP of this name."""
    if made.warning:
        st.warning(escape_markdown(made.warning), icon=":material/warning:")
    st.caption(escape_markdown(made.sentence))
    (first, *others) = made.files
    name = f"{name}.zip" if others else first.name
    # The content itself, no function that gives it: while that is called, the button can not be pressed and so loses the focus,
    # and the dialog no longer hears Escape.
    st.download_button(
        f"Save {name}", _zipped(made.files) if others else first.content, file_name=name,
        icon=":material/download:", mime="application/zip" if others else first.mime, on_click="ignore", key=f"save_{name}",
    )  # fmt: skip


@lru_cache(maxsize=4)  # the dialog may be drawn anew every second
def _zipped(files: tuple[File, ...]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.writestr(file.name, file.content)
    return buffer.getvalue()
