"""One number, worked out: a unit is chosen by a click, and the sum behind one of its numbers stands there to be checked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from core.charts.inside import LEGEND_PIXELS, describe_grid, number_grid, picture_grid
from core.charts.signed import BARE_MARGIN_PIXELS, signed_text
from core.charts.theme import CONFIG
from core.data.dataset import SIDE, Images
from core.errors import InputError
from core.inspect.layer_pictures import as_pictures
from core.machine.faults import faults_as_input_errors
from core.runs.rows import Run
from pages.lab.inside.network import layers, pick_network
from pages.lab.inside.pictures import shape_words
from pages.shared.chart_ink import inked
from pages.shared.choices import choose, follow, keep
from pages.shared.link_state import linked_widget
from pages.shared.markdown import sentence
from pages.shared.services import predictor

if TYPE_CHECKING:
    from core.inspect.activations import Activation, Floats
    from core.inspect.arithmetic import RecurrentStep, WeightedSum

SHOWN_UNITS, IN_A_ROW = 36, 6
GRID_PIXELS = 360  # width of the maps, that of a small phone: as high there as on a large screen
SMALL_SIDE = 7  # numbers along a side up to which a window is written out
PLACES = frozenset({"Row", "Column", "Number", "Patch", "Pixel"})  # what a position beside the unit can be called
PLAIN = {**CONFIG, "displayModeBar": False}


def show(runs: Sequence[Run], image: Images) -> None:
    """Draw the choice of a number, and how it comes about. image (28, 28) uint8"""
    from core.inspect.arithmetic import WeightedSum, arithmetic

    names = {run.run_id: run for run in runs}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        run_id = next(iter(names))
        if len(runs) > 1:
            run_id = pick_network(names)
        run = names[run_id]
        try:
            with faults_as_input_errors():
                made = layers(run, image)
        except InputError as error:
            st.error(sentence(error), icon=":material/error:")
            return
        layer_key = f"inside_layer_{run_id}"
        follow("layer", layer_key, range(len(made)), 0)
        position: int = linked_widget(
            "layer", st.selectbox, "Layer", range(len(made)),
            format_func=lambda i: f"{i + 1}. {made[i].title}: {shape_words(made[i].values.shape)}",
            key=layer_key,
        )  # fmt: skip
        keep("layer", position)
    layer = made[position]
    index = _pick_number(layer, f"{run_id}_{position}")
    value = float(layer.values[index])
    st.markdown(f"**How the {signed_text(value)} at {_place(layer, index)} comes about**")
    network = predictor(run)
    try:
        with faults_as_input_errors():
            step = arithmetic(network.module, image, network.mean, network.std, position, index)
    except InputError as error:
        st.info(sentence(error), icon=":material/function:")
        return
    if isinstance(step, WeightedSum):
        _sum(step, layer)
    else:
        _recurrent(step, index)


def _pick_number(layer: Activation, key: str) -> tuple[int, ...]:
    """Which number of the layer: its unit by a click or a menu, its place by two fields; at first the strongest."""
    strongest = tuple(int(i) for i in np.unravel_index(np.abs(layer.values).argmax(), layer.values.shape))
    axes = _axes(layer)
    unit_axis = axes.index("Unit")
    unit_key = f"inside_unit_{key}"
    follow("unit", unit_key, range(layer.values.shape[unit_axis]), strongest[unit_axis])
    if layer.kind == "maps":
        pictures = as_pictures(layer)[:SHOWN_UNITS]
        grid_key = f"inside_grid_{key}"
        grid = picture_grid(pictures, selected=st.session_state[unit_key], columns=IN_A_ROW)
        tile = (GRID_PIXELS - BARE_MARGIN_PIXELS) // min(IN_A_ROW, len(pictures))
        grid.update_layout(height=math.ceil(len(pictures) / IN_A_ROW) * tile + LEGEND_PIXELS)
        st.plotly_chart(
            inked(grid), key=grid_key, config=PLAIN, on_select=lambda: _clicked(grid_key, unit_key), width=GRID_PIXELS,
            selection_mode="points", alt=describe_grid(pictures, "maps of this layer"),
        )  # fmt: skip
        st.caption("Click a map to choose its unit.")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        index = [0] * len(axes)
        for axis, name in enumerate(axes):
            size = layer.values.shape[axis]
            field = unit_key if axis == unit_axis else f"inside_{name.lower()}_{key}"
            if axis != unit_axis:
                follow(name.lower(), field, range(size), strongest[axis])
            index[axis] = int(
                linked_widget(
                    name.lower(),
                    st.number_input,
                    f"{name} (0 to {size - 1:,})",
                    0,
                    size - 1,
                    step=1,
                    key=field,
                    width=170,
                )
            )
            keep(name.lower(), index[axis])
    for name in PLACES.difference(axes):
        keep(name.lower(), None)
    return tuple(index)


def _axes(layer: Activation) -> tuple[str, ...]:
    """What the positions of a number of this layer are called."""
    if layer.kind == "maps":
        return "Unit", "Row", "Column"
    if layer.kind == "units":
        return ("Unit",)
    if layer.kind == "mixing":
        return "Number", "Unit"
    steps = "Pixel" if len(layer.values) != SIDE else "Column" if layer.by_columns else "Row"
    return {"states": steps}.get(layer.kind, "Patch"), "Unit"


def _place(layer: Activation, index: tuple[int, ...]) -> str:
    return ", ".join(f"{name.lower()} {i:,}" for name, i in zip(_axes(layer), index, strict=True))


def _clicked(grid_key: str, unit_key: str) -> None:
    points = st.session_state[grid_key].selection.points
    if points and points[0].get("customdata"):
        custom = points[0]["customdata"]
        st.session_state[unit_key] = int(
            custom[0] if isinstance(custom, (list, tuple)) else next(iter(custom.values()))
        )


def _sum(step: WeightedSum, layer: Activation) -> None:
    """What goes in, the weights, and what they make together."""
    n = step.inputs.size
    st.markdown(
        f"The sum of {n:,} products, {signed_text(step.product_sum)}, and the bias, {signed_text(step.bias)}, make "
        f"{signed_text(step.before)}." + ("" if step.before == step.after else
        f" The activation makes {signed_text(step.after)} of it.")
    )  # fmt: skip
    if step.inputs.ndim == 3:
        parts, channel = (step.inputs, step.weights, step.products), 0
        if len(step.inputs) > 1:
            sums = step.products.sum(axis=(1, 2))
            order = [int(i) for i in np.abs(sums).argsort()[::-1]]
            channel = choose(
                "Of which input", "of_input", f"inside_channel_{layer.name}", order, order[0], st.selectbox,
                format_func=lambda i: f"input {i}: adds {signed_text(float(sums[i]))}",
                help="The one that adds most stands first.", width=240,
            )  # fmt: skip
        _three([part[channel] for part in parts])
    elif n == SIDE * SIDE:
        _three([part.reshape(SIDE, SIDE) for part in (step.inputs, step.weights, step.products)])
    _largest(step, opened=step.inputs.ndim != 3 and n != SIDE * SIDE)


def _three(parts: Sequence[Floats]) -> None:
    with st.grid(3, min_column_width=220):
        for title, part in zip(("What goes in", "Weights", "Products"), parts, strict=True):
            with st.container():
                st.caption(title)
                small = max(part.shape) <= SMALL_SIDE
                figure = number_grid(part) if small else picture_grid(part[None], columns=1)
                st.plotly_chart(
                    inked(figure),
                    key=f"inside_three_{title}",
                    config=PLAIN,
                    alt=describe_grid(part[None], title.lower()),
                )


def _largest(step: WeightedSum, *, opened: bool) -> None:
    """opened: where nothing else shows the products"""
    shape = step.inputs.shape
    rows = []
    for flat in step.largest:
        place = np.unravel_index(flat, shape)
        taken, weight = float(step.inputs[place]), float(step.weights[place])
        rows.append((", ".join(str(int(i)) for i in place), *map(signed_text, (taken, weight, taken * weight))))
    with st.expander(f"The {len(rows)} largest products", expanded=opened):
        st.table(pd.DataFrame(rows, columns=["Input", "Value", "Weight", "Product"]))


def _recurrent(step: RecurrentStep, index: tuple[int, ...]) -> None:
    st.markdown(f"{step.formula[0].upper()}{step.formula[1:]}.")
    rows = [
        (gate.name, *map(signed_text, (gate.from_input, gate.from_state, gate.bias, gate.value))) for gate in step.gates
    ]
    st.table(pd.DataFrame(rows, columns=["Gate", "From the input", "From the state before", "Bias", "Value"]))
    before = float(step.state_before[index[-1] % len(step.state_before)])
    words = f"The state of unit {index[-1]} was {signed_text(before)} before"
    if step.cell_before is not None and step.cell_after is not None:
        words += f", its cell {signed_text(step.cell_before)}, which becomes {signed_text(step.cell_after)}"
    st.markdown(f"{words}. The new state is {signed_text(step.after)}.")
    st.markdown(f"In numbers: {in_numbers(step, before)}.")


def in_numbers(step: RecurrentStep, before: float) -> str:
    """The formula of a memory with its numbers, such as "(1 − 0.25) × 0.5 + 0.25 × −0.1 = 0.35". before: state of the unit"""
    gates = {gate.name: signed_text(gate.value) for gate in step.gates}
    after = signed_text(step.after)
    if step.cell_before is not None and step.cell_after is not None:
        cell = signed_text(step.cell_after)
        return (
            f"cell {gates['forget gate']} × {signed_text(step.cell_before)} + {gates['input gate']} × {gates['candidate']} = "
            f"{cell}, state {gates['output gate']} × tanh({cell}) = {after}"
        )
    if update := gates.get("update gate"):
        return f"(1 − {update}) × {gates['candidate']} + {update} × {signed_text(before)} = {after}"
    (gate,) = step.gates
    return f"tanh({signed_text(gate.from_input)} + {signed_text(gate.from_state)} + {signed_text(gate.bias)}) = {after}"
