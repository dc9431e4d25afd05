"""One amount of damage: what each network reads and weighs then, and the digits that it can no longer read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import streamlit as st

from core.analysis.tolerance import Change
from core.charts.inside import describe_grid
from core.charts.signed import common_limit
from core.charts.tiles import tiles
from core.data.dataset import Images
from core.errors import InputError
from core.inspect.damage import Damage, Measured
from core.machine.faults import faults_as_input_errors
from core.runs.rows import Run
from pages.lab.robustness.after_words import difference
from pages.lab.robustness.damage_reading import Member, Question
from pages.shared.choices import choose
from pages.shared.gallery import sheet
from pages.shared.markdown import escape_markdown, sentence
from pages.shared.run_picker import percent
from pages.shared.services import predictor

if TYPE_CHECKING:
    from core.inspect.activations import Activation, Floats

MAX_DIGITS = 8
MAX_PICTURES, PICTURE_PIXELS, PICTURES_IN_A_ROW = 16, 56, 8
READABLE = ("templates", "kernels")  # weights that are pictures by themselves
NETWORK = "robustness_damage_network"


class Looked(NamedTuple):
    """A damaged network at some images. answers (N,) · before, after: its first layer whose weights are pictures, else its very
    first, of the network as it was and of the damaged one"""

    answers: np.ndarray[tuple[int], np.dtype[np.int64]]
    before: Activation
    after: Activation


def pick_amount(damage: Damage) -> float:
    """Draw the slider; begins in the middle."""
    amount: float = choose(
        f"How much ({damage.unit})", "amount", f"robustness_amount_{damage.name}", damage.amounts,
        damage.amounts[len(damage.amounts) // 2], st.select_slider, format_func=damage.words,
        help="Only these amounts are measured. The arrow keys move it, too.",
    )  # fmt: skip
    return amount


def show_amount(
    members: Sequence[Member], question: Question, amount: float, curves: Sequence[Sequence[Measured]],
    changed: Mapping[str, Sequence[Change]],
) -> None:  # fmt: skip
    """Draw the table of one amount, and below it one network's digits and its first layer."""
    damage = question.damage
    st.subheader(f"{damage.title}: {damage.words(amount)}")
    points = [next((point for point in curve if point.amount == amount), None) for curve in curves]
    rows = []
    for member, curve, point in zip(members, curves, points, strict=True):
        if point is None:
            rows.append([member.name, *["not measured yet"] * 4])
            continue
        change = next((change for change in changed.get(member.run.run_id, ()) if change.amount == amount), None)
        effect = point.effect
        rows.append(
            [
                member.name, f"{percent(point.right.mean())} of {len(point.right):,}",
                difference(change.pair) if change else "undamaged" if point is curve[0] else "not measured yet",
                f"{effect.bytes:,} of {point.dense_bytes:,}",
                f"{effect.n_hit:,} of {effect.n_parts:,} {damage.parts}" if effect.n_parts else "it has no hidden units",
            ]
        )  # fmt: skip
    columns = ["Run", "Validation images read", "Against undamaged", "Bytes", "Hit"]
    st.table(pd.DataFrame(rows, columns=columns).set_index("Run"), alt="What each run reads and weighs at this amount")
    by_id = {
        member.run.run_id: (member, curve[0], point)
        for member, curve, point in zip(members, curves, points, strict=True)
        if point and point.effect.n_hit and curve[0].amount == damage.amounts[0]
    }
    if by_id:
        run_id = next(iter(by_id))
        if len(by_id) > 1:
            run_id = choose(
                "Look at the digits of", "network", NETWORK, by_id, run_id, st.selectbox,
                format_func=lambda run_id: by_id[run_id][0].name,
            )  # fmt: skip
        _digits(*by_id[run_id], question, amount)


def _digits(member: Member, before: Measured, after: Measured, question: Question, amount: float) -> None:
    """What it read before and no longer does, and its first layer beside that of the whole network."""
    lost = np.flatnonzero(before.right & ~after.right)
    won = int((after.right & ~before.right).sum())
    shown = lost[:MAX_DIGITS] if len(lost) else np.arange(1)
    name = escape_markdown(member.name)
    try:
        with faults_as_input_errors():
            looked = _looked(
                member.run.run_id, member.run.version, question.damage.name, question.draw, amount,
                tuple(map(int, shown)), member.run, member.images[shown], question.damage,
            )  # fmt: skip
    except InputError as error:
        st.error(f"{name}: {sentence(error)}", icon=":material/error:")
        return
    if len(lost):
        more = f", the first {len(shown)} of them here" if len(shown) < len(lost) else ""
        st.markdown(
            f"**{name}** no longer reads {len(lost):,} of the {int(before.right.sum()):,} images that it read undamaged{more}, "
            f"and now reads {won:,} that it misread."
        )
        captions = [
            f"a {truth}, now read as {answer}"
            for truth, answer in zip(member.labels[shown], looked.answers, strict=True)
        ]
        sheet(member.images[shown], columns=4, captions=captions, alt=f"Digits no longer read: {'; '.join(captions)}")
    else:
        st.markdown(f"**{name}** still reads every one of the images that it read before.")
    _first_layers(looked)


def _first_layers(looked: Looked) -> None:
    """In one range of colours, that of the network as it was."""
    pictures = [_pictures(layer) for layer in (looked.before, looked.after)]
    limit = common_limit(pictures[:1])
    has_weights = looked.before.pictures and looked.before.pictures.kind in READABLE
    what = "weights" if has_weights else "numbers for the first of these digits"
    with st.grid(2, min_column_width=300):
        for which, of_one in zip(("undamaged", "damaged"), pictures, strict=True):
            some = of_one[:MAX_PICTURES]
            more = f", the first {len(some)} of {len(of_one)}" if len(some) < len(of_one) else ""
            with st.container():
                st.caption(f"**{looked.before.title}**, its {what}, {which}{more}.")
                scale = max(1, PICTURE_PIXELS // max(some.shape[1:]))
                st.image(
                    tiles(some, limit=limit, columns=PICTURES_IN_A_ROW, scale=scale), width="content",
                    alt=describe_grid(some, f"{what} of {looked.before.title.lower()}, {which}"),
                )  # fmt: skip


def _pictures(layer: Activation) -> Floats:
    """(N, h, w): weights that are pictures, of kernels those for the first input; else what the layer makes."""
    from core.inspect.layer_pictures import as_pictures

    if layer.pictures and layer.pictures.kind in READABLE:
        values = layer.pictures.values
        return values[:, 0] if values.ndim == 4 else values
    return as_pictures(layer)


@st.cache_resource(show_spinner=False, max_entries=64)
def _looked(
    run_id: str, version: int, damage: str, draw: int, amount: float, indices: tuple[int, ...], _run: Run, _images: Images,
    _damage: Damage,
) -> Looked:  # fmt: skip
    from core.inspect.activations import activations

    reader = predictor(_run)
    network = _damage.apply(reader.module, amount, draw).network
    layers = [activations(module, _images[0], reader.mean, reader.std) for module in (reader.module, network)]
    place = next((i for i, layer in enumerate(layers[0]) if layer.pictures and layer.pictures.kind in READABLE), 0)
    answers = reader.with_module(network).answers(_images)
    return Looked(answers, layers[0][place], layers[1][place])
