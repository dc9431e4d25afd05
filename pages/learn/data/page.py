"""Data: which digits there are to learn from, what they look like, and how to get more."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core import data
from core.analysis import images as analysis
from core.charts.distribution import class_counts, describe_counts, describe_pixels, pixel_histogram
from core.charts.theme import CONFIG
from core.data.config import DataConfig, DatasetName
from core.data.dataset import N_CLASSES, Dataset, Split
from core.data.split import split
from core.errors import DataError
from core.fields import settings
from pages.learn.data.importing import by_hand, kaggle_upload, mnist_download
from pages.shared.gallery import sheet
from pages.shared.link_state import follow_once, remember
from pages.shared.markdown import sentence
from pages.shared.services import dataset, get_ready

SPLITS = {"train": "Training", "val": "Validation", "test": "Test"}
START = {
    "shift": 2.0,
    "rotation": 15.0,
    "zoom": 0.1,
    "shear": 10.0,
    "elastic": 0.0,
    "thickness": 0.0,
}  # enough to see it
ROW = 10  # digits in a row, or the next multiple of those chosen below it
LAST_CHOICE = 999_999


@st.cache_data(show_spinner="Averaging …", max_entries=8)
def looks(_chosen: Dataset, _split: Split, hashes: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Mean images (11, 28, 28) and pixel counts (256,) of the training images; the hashes key the cache."""
    pictures = analysis.mean_images(_chosen.train_images, _chosen.train_labels, _split.train)
    return pictures, analysis.pixel_counts(_chosen.train_images, _split.train)


def other_samples() -> None:
    """The next choice, in the box where it can be read, noted down and typed again."""
    st.session_state["data_seed"] = (st.session_state["data_seed"] + 1) % (LAST_CHOICE + 1)


st.title("Data")
st.write("See the handwritten digits that the networks learn from, and add more.")

available = {one.name: one for one in data.available()}
if asked := follow_once("dataset", "data_name"):
    if asked in available:
        st.session_state["data_name"] = asked
    else:
        st.warning("The link asks for a dataset that there is not. Here are the others.", icon=":material/link_off:")
st.session_state.setdefault("data_name", "digits")
chosen_name = st.segmented_control(
    "Dataset", list(available), required=True, key="data_name", persist_state="session",
    format_func=lambda one: available[one].title if available[one].present else f"{available[one].title} (not here yet)",
)  # fmt: skip
name: DatasetName = chosen_name or "digits"
remember("dataset", "data_name", name)

chosen: Dataset | None = None
try:
    chosen = dataset(name)
except DataError as error:
    missing = not available[name].present
    (st.info if missing else st.error)(sentence(error), icon=":material/download:" if missing else ":material/error:")
    st.write("Until then, the embedded digits are always there." if name != "digits" else "")

if chosen is not None:
    hashes = tuple(chosen.hashes.values())
    divided = split(chosen, DataConfig())  # the one that every run starts from unless told otherwise
    pictures, pixels = looks(chosen, divided, hashes)
    labels = {
        "train": chosen.train_labels[divided.train], "val": chosen.train_labels[divided.val], "test": chosen.test_labels
    }  # fmt: skip
    st.caption(chosen.source)

    with st.grid(7, min_column_width=115):
        for key, word in SPLITS.items():
            st.metric(f"{word} images", f"{len(labels[key]):,}")
        if len(chosen.unlabelled_images):
            st.metric("Unlabelled images", f"{len(chosen.unlabelled_images):,}")
        st.metric("Mean pixel", f"{divided.mean:.4f}", help="Of the training images; 0 is background, 1 is full ink.")
        st.metric("Deviation", f"{divided.std:.4f}", help="How far pixels lie from the mean (standard deviation).")
        st.metric("Background", f"{100 * pixels[0] / pixels.sum():.2f} %", help="Share of pixels without any ink.")

    samples, counts, average, varied = st.tabs(
        ["Samples", "How many of each", "Average digit", "Variations"], key="data_tab", on_change="rerun"
    )

    if samples.open:
        with samples:
            with st.container(horizontal=True, vertical_alignment="bottom"):
                on = st.segmented_control(
                    "From", list(SPLITS), default="train", required=True, format_func=SPLITS.__getitem__, key="data_from",
                    persist_state="session",
                )  # fmt: skip
                digits = st.pills(
                    "Digits", range(N_CLASSES), selection_mode="multi", default=range(N_CLASSES), key="data_digits",
                    persist_state="session",
                )  # fmt: skip
                rows = st.slider("Rows", 1, 20, 4, key="data_rows", persist_state="session", width=180)
                captions = st.toggle("Labels", key="data_captions", persist_state="session")
                seed = st.number_input(
                    "Choice", 0, LAST_CHOICE, step=1, key="data_seed", persist_state="session", width=150,
                    help="The same number picks the same images again.",
                )  # fmt: skip
                st.button(
                    "Other samples", type="primary", icon=":material/shuffle:", shortcut="Ctrl+Enter",
                    on_click=other_samples,
                )  # fmt: skip
            columns = len(digits) * (ROW // len(digits)) if digits else ROW
            picked = analysis.sample(labels[on], sorted(digits), rows * columns, seed)
            if len(picked):
                source = chosen.test_images if on == "test" else chosen.train_images
                index = picked if on == "test" else getattr(divided, on)[picked]
                truths = [str(label) for label in labels[on][picked]]
                sheet(
                    source[index], columns=columns, captions=truths if captions else None,
                    alt=f"{len(picked)} {SPLITS[on].lower()} images with the labels {' '.join(truths)}",
                )  # fmt: skip
                st.caption(f"{len(picked):,} of {len(labels[on]):,} {SPLITS[on].lower()} images, choice {seed:,}.")
            else:
                st.info("Choose at least one digit." if not digits else "There are no such images in this part.")

    if counts.open:
        with counts:
            frame = analysis.class_counts(labels)
            st.write("A network learns best what it sees often, so every digit should be there about equally often.")
            st.plotly_chart(class_counts(frame), width="stretch", config=dict(CONFIG), alt=describe_counts(frame))
            with st.expander("The same as a table"):
                table = frame.pivot_table(index="digit", columns="split", values="count", sort=False).reset_index()
                st.dataframe(table.rename(columns=SPLITS | {"digit": "Digit"}), hide_index=True)

    if average.open:
        with average:
            st.write("All training images of a digit laid on top of each other: bright is where most of them have ink.")
            names = [*map(str, range(N_CLASSES)), "all"]
            sheet(pictures, columns=6, captions=names, alt="The average image of each digit, and of all of them")
            st.write("How bright the pixels are: nearly all are either background or ink.")
            st.plotly_chart(pixel_histogram(pixels), width="stretch", config=dict(CONFIG), alt=describe_pixels(pixels))

    if varied.open:
        with varied:
            st.write(
                "Training can show each image a little different every time, so that a network learns shapes, not pixels."
            )
            with st.grid(3, min_column_width=230):
                amounts = {
                    one.name: st.slider(
                        f"{one.title} ({one.unit})" if one.unit else one.title, one.low, one.high, START[one.name],
                        one.step, help=one.help, key=f"data_{one.name}", persist_state="session",
                    )
                    for one in settings(DataConfig)
                    if one.name in START
                }  # fmt: skip
            with st.container(horizontal=True, vertical_alignment="bottom"):
                digit = st.pills(
                    "Digit", range(N_CLASSES), default=5, required=True, key="data_digit", persist_state="session"
                )
                turn = st.session_state.setdefault("data_variant", 0)
                if st.button("Another one", icon=":material/shuffle:"):
                    st.session_state["data_variant"] = turn = turn + 1
            get_ready()
            from core.data.augment import variants  # needs torch, which half of this page does without

            picked = analysis.sample(labels["train"], [digit], 1, turn)
            if len(picked):
                original = chosen.train_images[divided.train[picked[0]]]
                sheet(
                    variants(original, 11, DataConfig(**amounts), seed=turn), columns=6,
                    captions=["original", *(f"variant {i}" for i in range(1, 12))],
                    alt=f"A {digit} as it was written, and eleven random variants of it",
                )  # fmt: skip
            else:
                st.info(f"There is no {digit} among the training images.")

st.divider()
st.subheader("Add data")
with st.grid(2, min_column_width=320):
    with st.container():
        kaggle_upload()
    with st.container():
        mnist_download()
        by_hand()
