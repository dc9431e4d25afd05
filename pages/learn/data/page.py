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
from pages.shared.glossary import explain
from pages.shared.locks import show_locks

SPLITS = {str(name): word.capitalize() for name, word in SPLIT_WORDS.items()}

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
    samples_tab, counts_tab, average_tab, variations_tab = st.tabs(
        ["Samples", "How many of each", "Average digit", "Variations"], key="data_tab", on_change="rerun"
    )
    if samples_tab.open:
        with samples_tab:
            samples(dataset, parts, labels, SPLITS)
    if counts_tab.open:
        with counts_tab:
            images_per_digit(labels, SPLITS)
    if average_tab.open:
        with average_tab:
            average_digits(means, pixels)
    if variations_tab.open:
        with variations_tab:
            variations(dataset, parts, labels["train"])

st.divider()
st.subheader("Add data")
with st.grid(2, min_column_width=320):
    with st.container():
        kaggle_upload()
    with st.container():
        mnist_download()
        by_hand()
