"""Layer by layer: what each of the networks makes of the digit, one column a network."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from PIL import Image

from core.charts.inside import describe_grid
from core.charts.signed import Limit, common_limit
from core.charts.tiles import tiles
from core.data.dataset import Images
from core.errors import InputError
from core.machine.faults import faults_as_input_errors
from core.runs.rows import Run
from pages.lab.inside.network import layers
from pages.shared.markdown import escape_markdown, sentence
from pages.shared.probability_bars import show_bars

if TYPE_CHECKING:
    from core.inspect.activations import Activation, Floats

RANGES = {"unit": "Each picture", "layer": "Each layer", "all": "All layers and networks"}
MAX_PICTURES = 16  # of a layer, before all are asked for
COLUMNS = 8
LOGITS_PER_ROW = 10
TILE_PIXELS, WHOLE_PIXELS, MAX_SCALE = (
    60,
    480,
    24,
)  # size of a picture among others, and alone; screen pixels per number


def show(runs: Sequence[Run], image: Images) -> None:
    """Draw all layers. image (28, 28) uint8"""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        scope = st.segmented_control(
            "Strongest colour", list(RANGES), default="layer", required=True, format_func=RANGES.__getitem__,
            key="inside_range", persist_state="session", wrap=True,
            help="What has the strongest colour: the largest number of each picture, of each layer, or of everything on "
            "screen, so that layers and networks can be compared. Zero is always grey; less than zero is hatched.",
        )  # fmt: skip
        everything = st.toggle("Show all units", key="inside_all", persist_state="session")
    made: list[tuple[Run, tuple[Activation, ...]]] = []
    for run in runs:
        try:
            with faults_as_input_errors():
                made.append((run, layers(run, image)))
        except InputError as error:
            st.error(f"{escape_markdown(run.label)} can not be opened. {sentence(error)}", icon=":material/error:")
    limits: dict[str, Limit] = {"unit": "unit", "layer": "layer"}
    limit = limits.get(scope) or common_limit([layer.values for _, of_run in made for layer in of_run])
    with st.grid(len(made) or 1, min_column_width=300):
        for run, of_run in made:
            with st.container():
                st.markdown(f"**{escape_markdown(run.label)}**")
                for layer in of_run:
                    _layer(layer, limit, everything=everything)
                st.caption("Its answer")
                show_bars(_softmax(of_run[-1].values), run, titled=False)


def _layer(layer: Activation, limit: Limit, *, everything: bool) -> None:
    pictures = as_pictures(layer)
    shown = pictures if everything else pictures[:MAX_PICTURES]
    more = f", the first {len(shown)} of {len(pictures)}" if len(shown) < len(pictures) else ""
    st.caption(f"{layer.title}: {shape_words(layer)}{more}")
    st.image(_png(shown, limit), width="content", alt=describe_grid(shown, f"pictures of {layer.title.lower()}"))


def as_pictures(layer: Activation) -> Floats:
    """The numbers of a layer as pictures (N, h, w): maps as they are; one picture of states; of tokens, one for each number
    over the places in the image; units in rows."""
    values = layer.values
    if layer.kind == "maps":
        return values
    if layer.kind == "tokens" and (side := math.isqrt(len(values))) ** 2 == len(values):
        return values.T.reshape(-1, side, side)
    if layer.kind in ("states", "mixing", "tokens"):
        return values[None]
    per_row = LOGITS_PER_ROW if len(values) == LOGITS_PER_ROW else 2 ** math.ceil(math.log2(math.sqrt(len(values)) * 2))
    rows = math.ceil(len(values) / per_row)
    cells = np.zeros(rows * per_row, np.float32)
    cells[: len(values)] = values
    return cells.reshape(1, rows, per_row)


def _softmax(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max())
    probs: Floats = powers / powers.sum()
    return probs


def shape_words(layer: Activation) -> str:
    """Such as "24 × 14 × 14"."""
    return " × ".join(f"{n:,}" for n in layer.values.shape)


def _png(pictures: Floats, limit: Limit) -> bytes:
    height, width = pictures.shape[1:]
    scale = max(1, min(MAX_SCALE, (TILE_PIXELS if len(pictures) > 1 else WHOLE_PIXELS) // max(height, width)))
    stream = io.BytesIO()
    Image.fromarray(tiles(pictures, limit=limit, columns=COLUMNS, scale=scale)).save(stream, "PNG")
    return stream.getvalue()
