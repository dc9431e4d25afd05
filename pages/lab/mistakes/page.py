"""Mistakes: which digits a trained network misreads, and how sure it was about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from core.analysis.answers import MNIST_LABEL_ERRORS, answers, select
from core.analysis.metrics import confused_pairs, confusion, per_class, wilson
from core.charts.confusion import Matrix, confusion_matrix, describe_confusion
from core.charts.theme import CONFIG
from core.data import available
from core.data.config import title
from core.data.dataset import N_CLASSES
from core.errors import DataError, InputError
from core.machine.threads import use_one_thread
from core.runs.rows import Run
from pages.shared.gallery import is_dark, pager, pictures, sheet
from pages.shared.markdown import escape_markdown, sentence
from pages.shared.probability_bars import show_bars
from pages.shared.run_picker import percent, pick_run
from pages.shared.services import evaluation, store

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from core.engine.evaluate import Evaluation

SPLITS = {"test": "Test images", "val": "Validation images"}
ANY = "any"
DIGITS = [ANY, *map(str, range(N_CLASSES))]
PERCENT = st.column_config.NumberColumn(format="%.2f %%")


def show(*digits: str) -> None:
    """Filter the gallery by these (truth, prediction), or as the menus say.

    The matrix gets a new key, so that its last click is forgotten and the same cell can be clicked again.
    """
    if digits:
        st.session_state.update(mistakes_truth=digits[0], mistakes_predicted=digits[1])
    st.session_state["mistakes_turn"] = st.session_state.get("mistakes_turn", 0) + 1


def clicked(key: str) -> None:
    """A cell of the matrix was clicked."""
    points = st.session_state[key].selection.points
    if points:
        show(str(int(points[0]["y"])), str(int(points[0]["x"])))


# What everybody who looks at the same run is shown is worked out once.
@st.cache_resource(show_spinner=False, max_entries=32)
def answered(run_id: str, on: str, _found: Evaluation) -> pd.DataFrame:
    return answers(_found.logits, _found.labels)


@st.cache_resource(show_spinner=False, max_entries=64)
def chart(matrix: Matrix, *, shares: bool, dark: bool) -> go.Figure:
    return confusion_matrix(matrix, normalise=shares, dark=dark)


def without_images(chosen: Run, error: DataError) -> None:
    """Say why a shipped run can not be looked at, how that changes, and which ones can be."""
    here = {one.name for one in available() if one.present}
    dataset = chosen.config["data"]["dataset"]
    if dataset in here:
        st.error(sentence(error), icon=":material/error:")
    else:
        st.info(
            f"{escape_markdown(chosen.label)} came with Digit Lab, but the images of {title(dataset)} did not. As soon as they "
            "are here, it reads them and its mistakes can be seen.", icon=":material/download:",
        )  # fmt: skip
        st.page_link(
            "pages/learn/data/page.py", label=f"Get {title(dataset)} on the Data page", icon=":material/arrow_forward:",
            query_params={"dataset": dataset},
        )  # fmt: skip
    offered = [one for one in store().runs() if one.shipped and one.config["data"]["dataset"] in here]
    if offered:
        st.write("The images of these are here:")
        with st.container(horizontal=True):
            for one in offered:
                st.button(
                    escape_markdown(one.label), key=f"mistakes_offer_{one.run_id}", icon=":material/rule:",
                    on_click=st.session_state.update, args=({"mistakes_run": one.run_id},),
                )  # fmt: skip


st.title("Mistakes")
st.write("See which digits a network misreads, and how sure it was about them.")
use_one_thread()

choice, judged = st.columns([2, 1])
with choice:
    run = pick_run("mistakes_run")
if run is None:
    st.stop()
chose = "usually choose the settings" if run.config["training"]["monitor"] == "last" else "chose the best epoch"
on = judged.segmented_control(
    "Judged on", list(SPLITS), default="test", required=True, format_func=SPLITS.__getitem__, key="mistakes_on",
    persist_state="session", on_change=show, args=(ANY, ANY),
    help=f"The test images were never used while training. The validation images {chose}, so they flatter.",
)  # fmt: skip

try:
    with st.spinner(f"{escape_markdown(run.label)} reads these images, once; its answers are kept …"):
        found = evaluation(run, on)
except DataError as error:
    without_images(run, error)
    st.stop()
except InputError as error:
    st.error(sentence(error), icon=":material/error:")
    st.stop()
if found is None:
    st.info("This run held no images out for validation.", icon=":material/rule:")
    st.stop()
if not np.isfinite(found.logits).all():
    st.error("This network’s answers are not numbers: its training diverged. There is nothing to look at.")
    st.stop()

table = answered(run.run_id, on, found)
matrix = confusion(table["truth"].to_numpy(), table["predicted"].to_numpy())
n, right = len(table), int(np.trace(matrix))
low, high = wilson(right, n)
with st.grid(3, min_column_width=150):
    st.metric("Accuracy", percent(right / n), help="Share of images that were read correctly.")
    st.metric("Mistakes", f"{n - right:,}", help="Number of images that were misread.")
    st.metric("Loss", f"{table['loss'].mean():.4f} nats", help="Mean per image. 0 is perfect; guessing gives 2.3026.")
st.caption(
    f"n = {n:,} images. With new images from the same writers, the accuracy would lie between {percent(low)} and "
    f"{percent(high)} (95 % interval after Wilson)."
)
images = pictures(run, on, found.labels)
doubtful = MNIST_LABEL_ERRORS if on == "test" and run.config["data"]["dataset"] == "mnist" else frozenset[int]()

left, beside = st.columns([11, 10], gap="medium")
with left:
    st.subheader("What was read as what")
    shares = st.toggle("Percent of each true digit", key="mistakes_shares", persist_state="session")
    key = f"mistakes_matrix_{st.session_state.get('mistakes_turn', 0)}"
    st.plotly_chart(
        chart(matrix, shares=shares, dark=is_dark()), width="stretch", key=key,
        on_select=lambda: clicked(key), selection_mode="points", config={**CONFIG, "displayModeBar": False},
        alt=describe_confusion(matrix),
    )  # fmt: skip
    st.caption("Click a cell to see its images, or choose its two digits with the menus.")
    st.subheader("Most confused")
    pairs = confused_pairs(matrix)
    pairs["share"] *= 100
    names = {"truth": "True digit", "predicted": "Read as", "count": "Images", "share": "Of this digit"}
    st.dataframe(
        pairs.rename(columns=names), hide_index=True, height="content", column_config={"Of this digit": PERCENT}
    )
with beside:
    st.subheader("The images")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        menu: dict[str, Any] = {"options": DIGITS, "on_change": show, "persist_state": "session", "width": 110}
        truth = st.selectbox("True digit", key="mistakes_truth", **menu)
        predicted = st.selectbox("Read as", key="mistakes_predicted", **menu)
        st.button("Show all", on_click=show, args=(ANY, ANY), disabled=(truth, predicted) == (ANY, ANY))
    wanted = select(table, *(None if digit == ANY else int(digit) for digit in (truth, predicted)))
    what = "image" if truth == predicted != ANY else "mistake"
    if wanted.empty:
        st.success(f"There is no such {what}." if n > right else f"Nothing was misread: all {n:,} images are right.")
    else:
        st.caption(f"{len(wanted):,} {what}{'s' if len(wanted) > 1 else ''}, the one with the largest loss first.")
        page = wanted.iloc[pager(len(wanted), f"mistakes_page_{run.run_id}_{on}_{truth}_{predicted}")]
        shown = page[["index", "truth", "predicted"]].itertuples(index=False)
        lines = {i: f"{t} read as {p}\n#{i}{'*' if i in doubtful else ''}" for i, t, p in shown}
        listed = "; ".join(lines.values()).replace("\n", " ")
        if images is None:
            st.warning("The images themselves are not here any more (the dataset has changed), only the answers.")
            st.text(listed)
        else:
            sheet(images[list(lines)], columns=4, captions=list(lines.values()), alt=f"Images: {listed}")
        if "*" in listed:
            st.caption(r"\* One of 15 test images of MNIST whose own label is known to be wrong.")

if not wanted.empty:
    st.subheader("One image")
    index = st.selectbox(
        "Image", list(lines), format_func=lambda i: ": ".join(reversed(lines[i].split("\n"))),
        key=f"mistakes_image_{run.run_id}_{on}_{truth}_{predicted}_{page.index[0]}", width=280,
    )  # fmt: skip
    row = table[table["index"] == index].iloc[0]
    probs = row[[f"p{digit}" for digit in range(N_CLASSES)]].to_numpy(np.float64)
    label = int(row["truth"])
    with st.grid(2, min_column_width=280):
        if images is not None:
            sheet(images[[index]], columns=1, scale=10, alt=f"Image {index}, labelled {label}")
        show_bars(probs, run.number, label)
    st.caption(f"Loss of this image: {row['loss']:.4f} nats.")

st.subheader("Digit by digit")
st.caption(
    "Precision: of all it read as this digit, how many were. Recall: of all that were this digit, how many it read. "
    "F1: between the two."
)
digits = per_class(matrix)
digits[["precision", "recall", "f1"]] *= 100
names = {"digit": "Digit", "n": "Images", "precision": "Precision", "recall": "Recall", "f1": "F1"}
st.dataframe(
    digits.rename(columns=names), hide_index=True, height="content", placeholder="–",
    column_config={"Precision": PERCENT, "Recall": PERCENT, "F1": PERCENT},
)  # fmt: skip
st.download_button(
    "All answers as CSV", lambda: table.to_csv(index=False).encode(), icon=":material/download:",
    file_name=f"answers-{'shipped-' * run.shipped}{abs(run.number)}-{on}.csv", mime="text/csv", on_click="ignore",
    help="One line per image: its index, the true and the read digit, the loss in nats, ten probabilities (fractions).",
)  # fmt: skip
