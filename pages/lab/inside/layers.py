"""Layer by layer: what each of the networks makes of the digit, its weights, or its numbers; one column a network."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.charts.inside import describe_grid
from core.charts.probabilities import percent
from core.charts.signed import Limit
from core.data.dataset import Images
from core.errors import InputError
from core.inspect.layer_pictures import FirstLook, LayerPictures, softmax
from core.machine.faults import faults_as_input_errors
from core.runs.first_looks import MAX_PICTURES
from core.runs.rows import Run
from pages.lab.inside.layer_words import axis_words, layer_sentence
from pages.lab.inside.network import layers, look
from pages.lab.inside.numbers import show_numbers
from pages.lab.inside.pictures import png, shape_words
from pages.lab.inside.weights import choose, largest_weight, show_weights
from pages.shared.answer import show_answer
from pages.shared.choices import pick, switch
from pages.shared.markdown import escape_markdown, sentence

SHOWN = {"layers": "What each layer makes", "weights": "Its weights", "numbers": "As numbers"}
MAX_UNFOLDED = 9  # layers of a network up to which all are shown at once
FIRST_SHOWN, LAST_SHOWN = 4, 3  # of a deeper one: how the digit goes in, and how the answer comes out
RANGES = {"unit": "Each picture", "layer": "Each layer", "all": "All layers and networks"}


def show(runs: Sequence[Run], image: Images) -> None:
    """Draw all layers. image (28, 28) uint8"""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        shown = pick("Show", "show", "inside_shown", SHOWN, "layers")
        scope, everything = _appearance() if shown != "numbers" else ("layer", False)
    looks: list[tuple[Run, FirstLook]] = []
    for run in runs:
        try:
            with faults_as_input_errors():
                if shown != "layers":
                    layers(run, image)  # needs the weights themselves, which may be damaged
                looks.append((run, look(run, image, everything=everything and shown == "layers")))
        except InputError as error:
            st.error(f"{escape_markdown(run.label)} can not be opened. {sentence(error)}", icon=":material/error:")
    most = None if everything else MAX_PICTURES
    limits: dict[str, Limit] = {"unit": "unit", "layer": "layer"}
    if shown == "weights":
        choice = choose([run for run, _ in looks], image)
        limits["all"] = largest_weight([run for run, _ in looks], image)
    else:
        limits["all"] = max((layer.largest for _, of_run in looks for layer in of_run.layers), default=0.0)
    limit = limits[scope]
    with st.grid(len(looks) or 1, min_column_width=240):
        for run, of_run in looks:
            with st.container():
                _head(run, of_run)
                if shown == "weights":
                    show_weights(run, image, choice, limit, len(looks), most=most)
                elif shown == "numbers":
                    show_numbers(run, image)
                else:
                    _all_layers(run, of_run.layers, limit, len(looks))


def _appearance() -> tuple[str, bool]:
    """What has the strongest colour, and whether all pictures of a layer are shown."""
    scope = pick(
        "Strongest colour", "range", "inside_range", RANGES, "layer",
        "What has the strongest colour: the largest number of each picture, of each layer, or of everything on "
        "screen, so that layers and networks can be compared. Zero is always grey; less than zero is hatched.",
    )  # fmt: skip
    return scope, switch("Show all units", "all", "inside_all")


def _head(run: Run, of_run: FirstLook) -> None:
    """What the network reads, as Draw says it."""
    show_answer(of_run.probs, run)
    views = int(run.config["training"].get("tta_views", 1))
    if views > 1:
        alone = softmax(of_run.logits)
        st.caption(
            f"It looks {views} times, each time with the digit moved a little, and answers with the mean, as on Draw. Below, "
            f"it looks once: a {alone.argmax()}, {percent(float(alone.max()), as_html=False)} sure."
        )


def _all_layers(run: Run, layers_of_run: Sequence[LayerPictures], limit: Limit, n_networks: int) -> None:
    """One below the other; of a deep network those in the middle are folded away, and drawn only while they are open."""
    n = len(layers_of_run)
    numbered = list(enumerate(layers_of_run, start=1))
    first = numbered if n <= MAX_UNFOLDED else numbered[:FIRST_SHOWN]
    for number, layer in first:
        _layer(number, layer, limit, n_networks, is_last=number == n)
    if n <= MAX_UNFOLDED:
        return
    middle, last = numbered[FIRST_SHOWN:-LAST_SHOWN], numbered[-LAST_SHOWN:]
    place = st.expander(
        f"Layers {middle[0][0]} to {middle[-1][0]} of {n}", key=f"inside_middle_{run.run_id}", on_change="rerun"
    )  # fmt: skip
    if place.open:
        with place:
            for number, layer in middle:
                _layer(number, layer, limit, n_networks, is_last=False)
    for number, layer in last:
        _layer(number, layer, limit, n_networks, is_last=number == n)


def _layer(number: int, layer: LayerPictures, limit: Limit, n_networks: int, *, is_last: bool) -> None:
    """number: of the layer, counted as in the view of one number"""
    n_shown = len(layer.pictures)
    more = f", the first {n_shown} of {layer.n_pictures}" if n_shown < layer.n_pictures else ""
    st.caption(
        f"**{number}. {layer.title}**: {shape_words(layer.shape)}{more}. {layer_sentence(layer, is_last=is_last)} "
        f"{axis_words(layer)}".rstrip()
    )
    st.image(
        png(layer.pictures, layer.largest if limit == "layer" else limit, n_networks), width="content",
        alt=describe_grid(layer.pictures, f"pictures of {layer.title.lower()}"),
    )  # fmt: skip
