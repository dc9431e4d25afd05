"""An architecture in words and numbers: its size and text, its settings, and where it comes from."""

from __future__ import annotations

import streamlit as st

from core import models
from core.fields import Setting, settings
from pages.shared.architecture_text import show_to_try
from pages.shared.inside_link import see_inside
from pages.shared.markdown import escape_markdown
from pages.shared.run_picker import has_result
from pages.shared.services import store

TRIED = "Teaches"  # the heading of a file under which its text for readers on screen has links


def headline(name: str) -> None:
    """Its size, and the way to train it."""
    record = models.get(name)
    config = record.config()
    st.markdown(f"#### {models.title(name)}")
    st.caption(
        f"Family: {models.TABLE[name].family}. {record.n_params(config):,} parameters, {record.multiply_adds(config):,} "
        "multiply-adds for one image."
    )
    with st.container(horizontal=True):
        st.page_link(
            "pages/lab/train/page.py", label="Train this one", icon=":material/play_arrow:",
            query_params={"architecture": name},
        )  # fmt: skip
        trained = next(
            (run for run in store().runs() if run.architecture == name and has_result(run) and not run.patient), None
        )
        if trained:
            see_inside([trained])


def defaults(name: str) -> None:
    """Its own settings, each with its default and its sentence of help."""
    st.markdown(f"**{models.title(name)}**")
    declared = settings(models.get(name).config)
    if not declared:
        st.write("There is nothing to set: the images fix its inputs, the ten digits its outputs.")
    st.markdown("\n".join(map(_line, declared)))


def _line(setting: Setting) -> str:
    default = escape_markdown(setting.label(setting.default))
    return f"- {escape_markdown(setting.title)}: **{default}**. {escape_markdown(setting.help)}"


def about(name: str) -> None:
    """Its idea, its source and what differs, as its file says them, and what to try, as its text does."""
    from core.inspect.anatomy import about as sections

    st.markdown(f"**{models.title(name)}**")
    lines = [
        f"- **{heading}.** {escape_markdown(text)}" for heading, text in sections(name).items() if heading != TRIED
    ]
    st.markdown("\n".join(lines))
    show_to_try(name)
