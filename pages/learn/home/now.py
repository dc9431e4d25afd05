"""What is training now, or else the newest run of this computer."""

from __future__ import annotations

import streamlit as st

from pages.shared.busy import fragment
from pages.shared.live_state import Wanted, current
from pages.shared.redraw import redraw_page_if_changed
from pages.shared.run_picker import describe, has_result
from pages.shared.services import store
from pages.shared.status import is_active
from pages.shared.watch import MOST_RUNS, watch_card

IN_A_ROW, CARD_WIDTH = 3, 260  # cards beside each other; pixels, the least of each


def training_now() -> None:
    """Up to date by itself while something trains."""
    _now(_active_statuses())


@fragment
def _now(statuses: dict[str, str]) -> None:
    """What is training, by itself up to date while there is something. ``statuses``: run id -> status, when it was drawn"""
    runs = store().runs()
    own = [run for run in runs if not run.shipped and has_result(run)]
    redraw_page_if_changed(statuses, _active_statuses())
    if statuses:
        shown = list(statuses)[:MOST_RUNS]
        wanted = Wanted("runs", tuple(shown))
        snapshot = current(wanted)
        with st.grid(min(len(shown), IN_A_ROW), min_column_width=CARD_WIDTH):
            for run_id in shown:
                with st.container(gap="xsmall"):
                    st.text(snapshot["cards"][run_id]["name"])
                    watch_card(snapshot, wanted, run_id, f"now_{run_id}", live=True, reruns_page=True)
        st.page_link(
            "pages/lab/train/page.py",
            label="Watch",
            icon=":material/show_chart:",
            query_params={"run": ",".join(shown)},
        )
    elif own:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption("Nothing is training at the moment. The newest run:", width="content")
            st.text(describe(own[0]), width="content")
            link = {"run": own[0].run_id}
            st.page_link(
                "pages/lab/train/page.py", label="See its curves", icon=":material/show_chart:", query_params=link
            )
    else:
        st.caption("Nothing has been trained here yet.")


def _active_statuses() -> dict[str, str]:
    """Of all runs with which something can happen by itself."""
    return {run.run_id: run.status for run in store().runs() if is_active(run)}
