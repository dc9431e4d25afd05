"""How many images there are of each digit, what they look like on average, and how bright their pixels are."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import streamlit as st

from core.analysis import images
from core.charts.distribution import class_counts, describe_counts, describe_pixels, pixel_histogram
from core.charts.theme import CONFIG
from core.data.dataset import N_CLASSES, Dataset, Labels, SplitIndices
from pages.shared.chart_ink import inked
from pages.shared.gallery import sheet
from pages.shared.tables import show_table


def means_and_pixels(dataset: Dataset, parts: SplitIndices) -> tuple[np.ndarray, np.ndarray]:
    """Mean images (11, 28, 28) of each digit and of all, and pixel counts (256,), of the training images."""
    return _means_and_pixels(dataset, parts, tuple(dataset.hashes.values()))


@st.cache_data(show_spinner="Averaging …", max_entries=8)
def _means_and_pixels(
    _dataset: Dataset, _parts: SplitIndices, hashes: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray]:
    means = images.mean_images(_dataset.train_images, _dataset.train_labels, _parts.train)
    return means, images.pixel_counts(_dataset.train_images, _parts.train)


def figures(
    dataset: Dataset, parts: SplitIndices, labels: Mapping[str, Labels], words: Mapping[str, str], pixels: np.ndarray
) -> None:
    """The numbers above the tabs. labels, words: split -> labels (N,) and what it is called · pixels (256,): counts"""
    with st.grid(7, min_column_width=115):
        for split, word in words.items():
            st.metric(f"{word} images", f"{len(labels[split]):,}")
        if len(dataset.unlabelled_images):
            st.metric("Unlabelled images", f"{len(dataset.unlabelled_images):,}")
        st.metric("Mean pixel", f"{parts.mean:.4f}", help="Of the training images; 0 is background, 1 is full ink.")
        st.metric("Deviation", f"{parts.std:.4f}", help="How far pixels lie from the mean (standard deviation).")
        st.metric("Background", f"{100 * pixels[0] / pixels.sum():.2f} %", help="Share of pixels without any ink.")


def images_per_digit(labels: Mapping[str, Labels], words: Mapping[str, str]) -> None:
    """The tab "How many of each"."""
    frame = images.class_counts(labels)
    st.write("A network learns best what it sees often, so every digit should be there about equally often.")
    st.plotly_chart(inked(class_counts(frame)), width="stretch", config=dict(CONFIG), alt=describe_counts(frame))
    with st.expander("The same as a table"):
        table = frame.pivot_table(index="digit", columns="split", values="count", sort=False).reset_index()
        show_table(table.rename(columns={**words, "digit": "Digit"}), "images_per_digit")


def average_digits(means: np.ndarray, pixels: np.ndarray) -> None:
    """The tab "Average digit". means (11, 28, 28), pixels (256,): as ``means_and_pixels`` gives them"""
    st.write("All training images of a digit laid on top of each other: bright is where most of them have ink.")
    names = [*map(str, range(N_CLASSES)), "all"]
    sheet(means, columns=6, captions=names, alt="The average image of each digit, and of all of them")
    st.write("How bright the pixels are: nearly all are either background or ink.")
    st.plotly_chart(inked(pixel_histogram(pixels)), width="stretch", config=dict(CONFIG), alt=describe_pixels(pixels))
