"""Home: what this is, what to try first, what is training now."""

from __future__ import annotations

import streamlit as st

from core.errors import InputError
from core.experiments.presets import PRESETS
from pages.learn.home.prefetch import fetch_ahead
from pages.shared.live_state import Wanted, fresh
from pages.shared.markdown import escape_markdown
from pages.shared.run_picker import describe
from pages.shared.services import launch, store
from pages.shared.status import is_active
from pages.shared.watch import MOST_RUNS, watch_card

FIRST_EXPERIMENT = PRESETS["first-look"]

st.title("Digit Lab")
st.markdown(
    "Here you train small neural networks that read handwritten digits, and see how differently they go about it. "
    "You choose the networks, change one thing at a time, and watch the curves while they learn. "
    "Then you look at their mistakes and write digits of your own for them to read."
)
ready = sum(run.shipped for run in store().runs())
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
            shortcut="mod+enter",
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


@st.fragment
def now(statuses: dict[str, str]) -> None:
    """What is training, by itself up to date while there is something. ``statuses``: run id -> status, when it was drawn"""
    runs = store().runs()
    own = [run for run in runs if not run.shipped]
    if active_statuses() != statuses:
        st.rerun()
    if statuses:
        shown = list(statuses)[:MOST_RUNS]
        wanted = Wanted(tuple(shown), "epoch", log_y=False)
        look = fresh(wanted)
        for run_id in shown:
            st.text(look["cards"][run_id]["name"])
            watch_card(look, wanted, run_id, f"now_{run_id}", live=True, alone=True)
        st.page_link(
            "pages/lab/train/page.py",
            label="Watch",
            icon=":material/show_chart:",
            query_params={"run": ",".join(shown)},
        )
    elif own:
        st.caption("Nothing is training at the moment. The newest run:")
        st.text(describe(own[0]))
        link = {"run": own[0].run_id}
        st.page_link("pages/lab/train/page.py", label="See its curves", icon=":material/show_chart:", query_params=link)
    else:
        st.caption("Nothing has been trained here yet.")


def active_statuses() -> dict[str, str]:
    """Of all runs with which something can happen by itself."""
    return {run.run_id: run.status for run in store().runs() if is_active(run)}


st.subheader("Training now")
now(active_statuses())
fetch_ahead()
