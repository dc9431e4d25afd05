"""The weights of the layers where they are pictures: templates, kernels, attention over the patches, token mixing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import streamlit as st

from core.charts.inside import describe_attention, describe_grid
from core.charts.signed import Limit, common_limit
from core.charts.tiles import tiles
from core.data.dataset import Images
from core.runs.rows import Run
from pages.lab.inside.network import layers
from pages.lab.inside.pictures import encoded, png
from pages.shared.choices import follow, keep
from pages.shared.link_state import linked_widget

if TYPE_CHECKING:
    from core.inspect.activations import Activation, Pictures

HEAD_PIXELS = 112  # side of the picture of what one head looks at: four for each pixel of the digit
HEADS_IN_A_ROW, DIGITS_IN_A_ROW, MAX_IN_A_ROW = 2, 5, 8


class Choice(NamedTuple):
    """channel: of the inputs of a kernel, the one that is shown · patch: the one that asks, in attention"""

    channel: int
    patch: int


def choose(runs: Sequence[Run], image: Images) -> Choice:
    """Draw the fields that these networks need: which input of the kernels, and which patch looks at the others."""
    shown = [layer.pictures for run in runs for layer in layers(run, image) if layer.pictures]
    n_channels = max((of.values.shape[1] for of in shown if of.kind == "kernels"), default=1)
    n_patches = max((of.values.shape[1] for of in shown if of.kind == "attention"), default=1)
    channel = patch = 0
    with st.container(horizontal=True):
        if n_channels > 1:
            follow("input", "inside_kernel_input", range(n_channels), 0)
            channel = int(
                linked_widget(
                    "input", st.number_input, f"Input of the kernels (0 to {n_channels - 1})", 0, n_channels - 1,
                    key="inside_kernel_input", width=220,
                    help="A kernel has a window for each map that goes in. Layers with fewer show their last one.",
                )
            )  # fmt: skip
            keep("input", channel, 0)
        if n_patches > 1:
            follow("patch", "inside_asking_patch", range(n_patches), n_patches // 2)
            patch = int(
                linked_widget(
                    "patch", st.number_input, f"Patch that looks (0 to {n_patches - 1})", 0, n_patches - 1,
                    key="inside_asking_patch", width=220,
                    help="Counted row by row from the top left; it has a frame.",
                )
            )  # fmt: skip
            keep("patch", patch, n_patches // 2)
    return Choice(channel, patch)


def largest_weight(runs: Sequence[Run], image: Images) -> float:
    """The size of the largest weight on screen."""
    return common_limit([layer.pictures.values for run in runs for layer in layers(run, image) if layer.pictures])


def show_weights(run: Run, image: Images, choice: Choice, limit: Limit, n_networks: int, *, most: int | None) -> None:
    """Draw all of one network. image (28, 28) uint8 · n_networks: beside each other · most: pictures of a layer, None: all"""
    made = layers(run, image)
    for number, layer in enumerate(made, start=1):
        if layer.pictures:
            _layer(number, layer, layer.pictures, image, choice, limit, n_networks, most, is_last=layer is made[-1])
    if not any(layer.pictures for layer in made):
        st.info(
            "Its weights have no place in the image, so they make no picture. Look at what each layer makes of the digit.",
            icon=":material/grid_off:",
        )
    elif not all(layer.pictures for layer in made):
        st.caption("The other layers have no weights, or none that have a place in the image.")


def _layer(
    number: int, layer: Activation, of: Pictures, image: Images, choice: Choice, limit: Limit, n_networks: int,
    most: int | None, *, is_last: bool,
) -> None:  # fmt: skip
    """number: of the layer, counted as in the view of one number"""
    if of.kind == "attention":
        _attention(f"{number}. {layer.title}", of, image, min(choice.patch, of.values.shape[1] - 1), limit)
        return
    pictures, what, in_a_row = of.values, "", MAX_IN_A_ROW
    if of.kind == "kernels":
        n_inputs = pictures.shape[1]
        channel = min(choice.channel, n_inputs - 1)
        pictures = pictures[:, channel]
        what = "Each picture is the window of one unit: what it looks for wherever it stands."
        what += f" Here for input {channel} of {n_inputs:,}." if n_inputs > 1 else ""
    elif of.kind == "places":
        what = "Each picture shows how much one hidden unit counts each patch of the image."
    elif is_last:
        what = "One template for each digit, from 0 to 9: ink speaks for it where the template is yellow, against it where it "
        what += "is blue and hatched."
        in_a_row = DIGITS_IN_A_ROW
    else:
        size = "pixel of the image" if pictures.shape[1] == len(image) else "pixel of a patch"
        what = f"Each picture shows how much one unit counts each {size}."
    shown = pictures[:most]
    more = f", the first {len(shown)} of {len(pictures)}" if len(shown) < len(pictures) else ""
    st.caption(
        f"**{number}. {layer.title}**: {len(pictures)} pictures of {' × '.join(map(str, pictures.shape[1:]))}{more}. {what}"
    )
    st.image(
        png(shown, limit, n_networks, in_a_row),
        width="content",
        alt=describe_grid(shown, f"weights of {layer.title.lower()}"),
    )


def _attention(title: str, of: Pictures, image: Images, patch: int, limit: Limit) -> None:
    """Where each head looks for one patch, over the outline of the digit."""
    heads, n_patches, _ = of.values.shape
    side = math.isqrt(n_patches)
    looks = of.values[:, patch].reshape(heads, side, side)
    row, column = divmod(patch, side)
    st.caption(
        f"**{title}**: {heads} heads, each a picture of where in the image it looks for the patch with the frame "
        f"(row {row}, column {column}). The brighter, the more it takes from there."
    )
    pixels = tiles(
        looks,
        limit=limit,
        columns=HEADS_IN_A_ROW,
        scale=HEAD_PIXELS // side,
        under=np.asarray(image),
        framed=(row, column),
    )
    st.image(encoded(pixels), width="content", alt=describe_attention(of.values))
