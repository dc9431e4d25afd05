"""The images of the selected cell, the worst answer first, and one of them with its ten probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from core.analysis.predictions import rows_of_cell
from core.data.dataset import N_CLASSES, Images
from core.data.label_errors import label_errors
from core.fields import SplitName
from core.runs.rows import Run
from pages.lab.mistakes.selection import ANY, DIGITS, PREDICTED, TRUTH, select_cell
from pages.shared.choices import choose
from pages.shared.gallery import captioned, explain_stars, numbered, pager, pictures, sheet
from pages.shared.inside_link import see_inside
from pages.shared.probability_bars import show_bars

if TYPE_CHECKING:
    import pandas as pd

    from core.data.dataset import Labels


@dataclass(frozen=True, eq=False, slots=True)
class Shown:
    """The images on screen. images: all of the split, None when they have gone · captions: index -> two lines
    key: another one for every run, cell and page"""

    images: Images | None
    captions: dict[int, str]
    key: str


def cell_images(run: Run, split: SplitName, table: pd.DataFrame, labels: Labels) -> Shown | None:
    """The menus and a page of images; None when the selected cell is empty.

    table: as ``core.analysis.predictions.prediction_table`` gives it · labels (N,): those of the evaluation
    """
    st.subheader("The images")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        menu: dict[str, Any] = {"on_change": select_cell, "width": 110}
        truth = choose("True digit", "truth", TRUTH, DIGITS, ANY, st.selectbox, **menu)
        predicted = choose("Read as", "read_as", PREDICTED, DIGITS, ANY, st.selectbox, **menu)
        st.button("Show all", on_click=select_cell, args=(ANY, ANY), disabled=(truth, predicted) == (ANY, ANY))
    rows = rows_of_cell(table, *(None if digit == ANY else int(digit) for digit in (truth, predicted)))
    what = "image" if truth == predicted != ANY else "mistake"
    if rows.empty:
        any_mistake = (table["truth"] != table["predicted"]).any()
        st.success(
            f"There is no such {what}." if any_mistake else f"Nothing was misread: all {len(table):,} images are right."
        )
        return None
    st.caption(f"{len(rows):,} {what}{'s' if len(rows) > 1 else ''}, the one with the largest loss first.")
    key = f"{run.run_id}_{split}_{truth}_{predicted}"
    page = rows.iloc[pager(len(rows), f"mistakes_page_{key}")]
    errors = label_errors(labels)
    cells = page[["index", "truth", "predicted"]].itertuples(index=False)
    captions = {i: f"{t} read as {p}\n{numbered(i, errors)}" for i, t, p in cells}
    images = pictures(run, split, labels)
    captioned(images, captions)
    explain_stars(run, errors, captions)
    return Shown(images, captions, f"{key}_{page.index[0]}")


def one_image(run: Run, table: pd.DataFrame, shown: Shown) -> None:
    """One of the images that are shown, large, with what the network thought of it."""
    st.subheader("One image")
    index = st.selectbox(
        "Image", list(shown.captions), format_func=lambda i: ": ".join(reversed(shown.captions[i].split("\n"))),
        key=f"mistakes_image_{shown.key}", width=280,
    )  # fmt: skip
    row = table[table["index"] == index].iloc[0]
    probs = row[[f"p{digit}" for digit in range(N_CLASSES)]].to_numpy(np.float64)
    label = int(row["truth"])
    with st.grid(2, min_column_width=280):
        if shown.images is not None:
            sheet(shown.images[[index]], columns=1, scale=10, alt=f"Image {index}, labelled {label}")
        show_bars(probs, run, label)
    st.caption(f"Loss of this image: {row['loss']:.4f} nats.")
    if shown.images is not None:
        see_inside([run], shown.images[index])
