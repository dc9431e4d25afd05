"""Home: what this is, what to try first, what is training now."""

from __future__ import annotations

import streamlit as st

from core.errors import InputError
from core.experiments.presets import PRESETS
from pages.learn.home.now import training_now
from pages.learn.home.prefetch import fetch_ahead
from pages.shared.markdown import escape_markdown
from pages.shared.services import launch, store
from pages.shared.watch import watch_start

FIRST_EXPERIMENT = PRESETS["first-look"]

st.title("Digit Lab")
st.markdown(
    "Here you train small neural networks that read handwritten digits, and see how differently they go about it. "
    "You choose the networks, change one thing at a time, and watch the curves while they learn. "
    "Then you look at their mistakes and write digits of your own for them to read."
)
ready = sum(run.shipped and not run.patient for run in store().runs())
with st.grid(2 if ready else 1, min_column_width=320):
    with st.container(border=True, height="stretch"):
        st.subheader("Try this first")
        st.markdown(
            "Two networks learn from the same handwritten digits: one looks at all pixels at once, the other slides small "
            "detectors over the picture. Which one reads better? It takes about half a minute and needs no download."
        )
        if st.button(
            "Start the first experiment",
            type="primary",
            icon=":material/play_arrow:",
            key="first",
        ):
            try:
                started = launch(FIRST_EXPERIMENT.configs())
            except InputError as error:
                st.error(escape_markdown(error), icon=":material/error:")
            else:
                st.switch_page("pages/lab/train/page.py", query_params={"run": ",".join(started)})
    if ready:
        with st.container(border=True, height="stretch"):
            st.subheader("Or draw a digit now")
            st.markdown(
                f"{ready:,} networks came with Digit Lab, trained beforehand; they are marked “shipped”. "
                "Write a digit and see which of them can read it, or look at the digits that they get wrong."
            )
            with st.container(horizontal=True, vertical_alignment="center"):
                if st.button("Draw a digit", icon=":material/draw:", key="draw"):
                    st.switch_page("pages/lab/draw/page.py")
                st.page_link("pages/lab/mistakes/page.py", label="See their mistakes", icon=":material/rule:")
            st.page_link(
                "pages/lab/compare/page.py",
                label="Compare the networks that came with it",
                icon=":material/compare_arrows:",
            )
with st.container(horizontal=True):
    st.page_link("pages/learn/data/page.py", label="Look at the digits", icon=":material/grid_view:")
    st.page_link("pages/lab/train/page.py", label="Set up your own training", icon=":material/timeline:")
    if not ready:
        st.page_link("pages/lab/draw/page.py", label="Write a digit", icon=":material/draw:")


st.subheader("Training now")
training_now()
fetch_ahead()
watch_start(".st-key-first button", "The two networks wait to start …", "home_start")
