"""Compare: which network reads better, at what cost, on which digits, and since when."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.runs.rows import Run
from pages.lab.compare.board import board
from pages.shared.choices import keep_only
from pages.shared.link_state import follow_once, link_key, linked_widget, remember
from pages.shared.locks import show_locks
from pages.shared.markdown import escape_markdown
from pages.shared.robustness_link import see_robustness
from pages.shared.run_picker import compared_first, has_result, pick_runs, with_images
from pages.shared.services import get_ready, store
from pages.shared.watch import MOST_COMPARED as LIMIT

RUNS, VIEW = "compare_runs", "compare_view"
VIEWS = {
    "board": "Leaderboard", "curves": "Curves", "cost": "Cost", "images": "Image by image", "learned": "When learned",
}  # fmt: skip
# What of a section's choices stands in the address.
PARAMETERS = {
    "board": ("trained_on", "after", "epoch", "filter", "baseline", "differences"),
    "curves": ("x", "smoothing"), "cost": ("trained_on", "cost", "quality", "split"),
    "images": ("a", "b", "right", "voters"), "learned": ("measure", "network", "images", "a", "b"),
}  # fmt: skip


def pick_view() -> str:
    """The section to show; it stands in the address, beside the runs."""
    linked = follow_once("view", VIEW, default="curves" if "run" in st.query_params else "board")
    if linked in VIEWS:
        st.session_state[VIEW] = linked
    st.session_state.setdefault(VIEW, "board")
    view: str = linked_widget(
        "view", st.segmented_control, "Section", list(VIEWS), format_func=VIEWS.__getitem__, required=True, key=VIEW,
        label_visibility="collapsed",
    ) or "board"  # fmt: skip
    remember("view", VIEW, view)
    keep_only(view, PARAMETERS)
    return view


def with_result(runs: Sequence[Run]) -> list[Run]:
    """Those that were judged on test images; names the others."""
    waiting = [escape_markdown(run.label) for run in runs if not has_result(run)]
    if waiting:
        st.caption(f"Left out, without a result: {', '.join(waiting)}.")
    return [run for run in runs if has_result(run)]


st.title("Compare")
st.write("See which network reads better, what that costs, and whether the difference is more than luck.")
show_locks()
with st.spinner("Getting the networks ready …"):
    get_ready()
view = pick_view()
if view == "board":
    # A link that nobody has followed yet must not win over the rows that are ticked here.
    board({VIEW: "curves", link_key(RUNS): st.query_params.get("run", "")}, RUNS)
    st.stop()
everyone = store().runs()
able = with_images(everyone) if view == "images" else everyone
runs = pick_runs(
    RUNS, LIMIT, with_curves=True, label="Runs to compare", start=compared_first(able or everyone, LIMIT),
    showable={run.run_id for run in able or everyone},
)  # fmt: skip
if not runs:
    st.stop()
if view == "curves":
    from pages.lab.compare import overlay

    overlay.show(runs)
elif view == "cost":
    from pages.lab.compare import pareto

    pareto.show(runs)
elif view == "images":
    from pages.lab.compare import pairing

    pairing.show(with_result(runs))
else:
    from pages.lab.compare import when_learned

    when_learned.show(with_result(runs))
if with_weights := [run for run in runs if has_result(run)]:
    see_robustness(with_weights)
