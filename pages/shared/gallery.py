"""Digits on screen as one composed picture, in the colours of the page around it."""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping, Sequence

import numpy as np
import streamlit as st
from PIL import Image

from core.charts.sprite import contact_sheet
from core.data import DATASETS
from core.data.config import DataConfig
from core.data.dataset import Images, Labels
from core.data.label_errors import SOURCE
from core.data.split import split as split_dataset
from core.errors import InputError
from core.fields import SplitName
from core.runs.manifest import own_images
from core.runs.rows import Run
from pages.shared.services import dataset

PER_PAGE = 24


def is_dark() -> bool:
    """Whether the visitor sees a dark page."""
    return st.context.theme.type == "dark"


def sheet(
    images: Images,
    *,
    columns: int,
    alt: str,
    scale: int = 3,
    captions: Sequence[str] | None = None,
    marks: Sequence[bool] | None = None,
) -> None:
    """Draw digits in rows, each with its caption; see ``contact_sheet``. Narrow screens shrink the picture as a whole."""
    # As it is: otherwise it is made a JPEG anew with each look, which takes time and blurs the edges of pixels.
    st.image(_png(images, columns, scale, captions, marks, is_dark()), output_format="PNG", alt=alt)


@st.cache_resource(show_spinner=False, max_entries=128)
def _png(
    images: Images,
    columns: int,
    scale: int,
    captions: Sequence[str] | None,
    marks: Sequence[bool] | None,
    dark: bool,
) -> bytes:
    picture = contact_sheet(images, columns=columns, scale=scale, captions=captions, marks=marks, dark=dark)
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG")
    return stream.getvalue()


def captioned(images: Images | None, lines: Mapping[int, str], marks: Sequence[bool] | None = None) -> None:
    """Digits with their captions, four in a row; the captions alone, and why, where the images have gone.

    images: all of them, as ``pictures`` gives them · lines: index of an image -> its caption · marks: as in ``sheet``
    """
    listed = "; ".join(lines.values()).replace("\n", " ")
    if images is None:
        st.warning("The images themselves are not here any more (the dataset has changed), only the answers.")
        st.text(listed)
    else:
        sheet(images[list(lines)], columns=4, captions=list(lines.values()), marks=marks, alt=f"Images: {listed}")


def numbered(index: int, label_errors: Collection[int]) -> str:
    """The number of an image in its caption, with a star where its label is known to be wrong: "#947*"."""
    return f"#{index}{'*' if index in label_errors else ''}"


def explain_stars(run: Run, errors: Collection[int], shown: Collection[int]) -> None:
    """Below the images: what a star means; nothing is said where none is shown.

    errors: indices of all images of the run whose label is known to be wrong · shown: those of the images on screen
    """
    if set(errors) & set(shown):
        phrase = DATASETS[run.config["data"]["dataset"]].phrase
        st.caption(
            rf"\* One of {len(errors)} test images of {phrase} whose own label is known to be wrong.", help=SOURCE
        )


def pager(n: int, key: str) -> slice:
    """Page numbers for n digits, drawn only where there is more than one page; returns the ones to show.

    key: another one for other digits, so that those begin at their first page
    """
    pages = -(-n // PER_PAGE) or 1
    page = st.pagination(pages, key=key) if pages > 1 else 1
    return slice((page - 1) * PER_PAGE, min(page * PER_PAGE, n))


def pictures(run: Run, split: SplitName, labels: Labels) -> Images | None:
    """The images (N, 28, 28) that a run was judged on, "val" or "test"; None when its dataset has gone or changed since.

    labels (N,): those of its evaluation, which the images must still have
    """
    try:
        digits = own_images(run.manifest, dataset(run.config["data"]["dataset"]))
        if split == "test":
            images, now = digits.test_images, digits.test_labels
        else:
            held_out = split_dataset(digits, DataConfig(**run.config["data"])).val
            images, now = digits.train_images[held_out], digits.train_labels[held_out]
    except InputError:
        return None
    return images if np.array_equal(now, labels) else None
