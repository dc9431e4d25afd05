"""Data: which digits there are to learn from, what they look like, and how to get more."""

from __future__ import annotations

import streamlit as st

from core.data.config import DataConfig
from core.data.split import split
from core.fields import SPLIT_WORDS
from pages.learn.data.add_data import by_hand, kaggle_upload, mnist_download
from pages.learn.data.choice import load_or_explain, pick_dataset
from pages.learn.data.samples import samples
from pages.learn.data.summary import average_digits, figures, images_per_digit, means_and_pixels
from pages.learn.data.variations import variations
from pages.shared.choices import keep_only, pick_tab
from pages.shared.glossary import explain
from pages.shared.link_names import VARIATIONS
from pages.shared.locks import show_locks

SPLITS = {str(name): word.capitalize() for name, word in SPLIT_WORDS.items()}
PARTS = {
    "samples": "Samples", "counts": "How many of each", "average": "Average digit", "variations": "Variations"
}  # fmt: skip
# What of a part's choices stands in the address.
PARAMETERS = {
    "samples": ("split", "digits", "rows", "labels", "seed"), "variations": (*VARIATIONS, "digit", "variant")
}  # fmt: skip

st.title("Data")
st.write("See the handwritten digits that the networks learn from, and add more.")
show_locks()
dataset = load_or_explain(pick_dataset())

if dataset is not None:
    parts = split(dataset, DataConfig())  # the one that every run starts from unless told otherwise
    means, pixels = means_and_pixels(dataset, parts)
    labels = {
        "train": dataset.train_labels[parts.train], "val": dataset.train_labels[parts.val], "test": dataset.test_labels
    }  # fmt: skip
    st.caption(dataset.source)
    figures(dataset, parts, labels, SPLITS, pixels)
    explain("label", "training images", "validation", "test", "pixel value", "variation")
    for name, tab in pick_tab("part", "data_tab", PARTS).items():
        if not tab.open:
            continue
        keep_only(name, PARAMETERS)
        with tab:
            if name == "samples":
                samples(dataset, parts, labels, SPLITS)
            elif name == "counts":
                images_per_digit(labels, SPLITS)
            elif name == "average":
                average_digits(means, pixels)
            else:
                variations(dataset, parts, labels["train"])

st.divider()
st.subheader("Add data")
with st.grid(2, min_column_width=320):
    with st.container():
        kaggle_upload()
    with st.container():
        mnist_download()
        by_hand()
