"""Architectures: what each network is made of, what it costs, and how fast it is here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from core import models
from core.charts.diagram import describe_diagram, diagram, shape
from core.config import run_config
from core.errors import ConfigError
from core.fields import settings
from pages.learn.architectures.costs import NUMBER, comparison, costs
from pages.shared.baselines import baselines
from pages.shared.gallery import is_dark
from pages.shared.lesson import lesson
from pages.shared.link_state import follow_once, remember
from pages.shared.markdown import escape_markdown, sentence
from pages.shared.services import get_ready

if TYPE_CHECKING:
    from core.inspect.anatomy import Layer

CHOICE = "architectures"
LIMIT = 3  # side by side
START = ["mlp", "cnn"]
ROWS = 12  # of a layer table before it scrolls


@st.cache_data(show_spinner=False)
def anatomy(name: str) -> tuple[Layer, ...]:
    """The layers of an architecture at default settings."""
    from core.inspect.anatomy import layers

    return layers(run_config(name, {}))


def follow_link() -> None:
    """Choose what a link asks for; says on screen what of it can not be had. A link is followed once."""
    linked = follow_once(CHOICE, CHOICE)
    if not linked:
        return
    named = list(dict.fromkeys(part.strip() for part in linked.split(",")))
    known = [name for name in named if name in models.TABLE]
    strangers = [name for name in named if name not in models.TABLE]
    if strangers:
        more = f" ({len(strangers) - 1:,} more like it)" if len(strangers) > 1 else ""
        text = f"The link asks for a network that is not here: {strangers[0][:40]!r}{more}."
        st.warning(escape_markdown(text), icon=":material/link_off:")
    if len(known) > LIMIT:
        st.warning(f"The link asks for {len(known)} networks; {LIMIT} fit side by side.", icon=":material/link_off:")
    if known:
        st.session_state[CHOICE] = known[:LIMIT]


def choose() -> list[str]:
    """The architectures to show side by side, in the address as well."""
    chosen: list[str] = st.multiselect(
        "Networks", list(models.TABLE), format_func=models.title, key=CHOICE, max_selections=LIMIT,
        persist_state="session", help=f"Up to {LIMIT} side by side.",
    )  # fmt: skip
    remember(CHOICE, CHOICE, ",".join(chosen))
    return chosen


def side_by_side(chosen: list[str], draw: Callable[[str], None], width: int = 270) -> None:
    """One column per architecture, one below the other where columns would be narrower than ``width`` pixels."""
    with st.grid(len(chosen), min_column_width=width, gap="medium"):
        for name in chosen:
            with st.container():
                draw(name)


def headline(name: str) -> None:
    record = models.get(name)
    config = record.config()
    st.markdown(f"#### {models.title(name)}")
    st.caption(f"Family: {models.TABLE[name].family}")
    with st.container(horizontal=True, gap="medium"):
        st.metric("Parameters", f"{record.n_params(config):,}", width="content")
        st.metric("Multiply-adds", f"{record.multiply_adds(config):,}", width="content")
    st.page_link(
        "pages/lab/train/page.py",
        label="Train this one",
        icon=":material/play_arrow:",
        query_params={"architecture": name},
    )
    st.markdown(lesson(name))


def picture(name: str) -> None:
    st.markdown(f"**{models.title(name)}**")
    try:
        steps = anatomy(name)
    except ConfigError as error:
        st.error(sentence(error), icon=":material/error:")
        return
    st.graphviz_chart(diagram(steps, dark=is_dark()), alt=describe_diagram(models.title(name), steps))


def layer_table(name: str) -> None:
    st.markdown(f"**{models.title(name)}**")
    try:
        steps = anatomy(name)
    except ConfigError:  # its picture has said why
        return
    frame = pd.DataFrame(
        {
            "Layer": [step.kind for step in steps],
            "Output shape": [shape(step.output_shape) for step in steps],
            "Parameters": [step.n_params for step in steps],
            "Multiply-adds": [step.multiply_adds for step in steps],
            "Name in the code": [step.name for step in steps],
        }
    )
    st.dataframe(
        frame, hide_index=True, height="content" if len(frame) <= ROWS else 460,
        column_config={"Layer": st.column_config.TextColumn(width=175), "Parameters": NUMBER, "Multiply-adds": NUMBER},
        alt=f"The layers of {models.title(name)}",
    )  # fmt: skip
    st.caption(f"Together {frame['Parameters'].sum():,} parameters and {frame['Multiply-adds'].sum():,} multiply-adds.")


def defaults(name: str) -> None:
    st.markdown(f"**{models.title(name)}**")
    known = settings(models.get(name).config)
    if not known:
        st.write("There is nothing to set: the images fix its inputs, the ten digits its outputs.")
    st.markdown(
        "\n".join(
            f"- {escape_markdown(one.title)}: **{escape_markdown(one.label(one.default))}**. {escape_markdown(one.help)}"
            for one in known
        )
    )


def about(name: str) -> None:
    from core.inspect.anatomy import about as said

    st.markdown(f"**{models.title(name)}**")
    st.markdown("\n".join(f"- **{heading}.** {escape_markdown(text)}" for heading, text in said(name).items()))


st.title("Architectures")
st.write("See what each network is made of, what it costs to use, and how its idea differs from the others.")
with st.spinner("Taking the networks apart …"):
    get_ready()
    costs()
follow_link()
st.session_state.setdefault(CHOICE, START)
comparison(st.session_state[CHOICE])
st.subheader("Without learning: two baselines")
baselines()

st.subheader("Side by side")
chosen = choose()
if not chosen:
    st.info("Choose at least one network.", icon=":material/account_tree:")
    st.stop()
side_by_side(chosen, headline)
# What is not open is not drawn: the tables and lists of three networks take a browser as long as all the rest.
drawn, tabulated, settable, sourced = st.tabs(
    ["How an image goes through", "Layer by layer", "Settings at default", "About"],
    key="architectures_part", on_change="rerun",
)  # fmt: skip
if drawn.open:
    with drawn:
        st.caption(
            "Each box is a layer, with the shape of what it hands on; a filled box holds weights that are learned. A dashed "
            "frame is gone through as often as it says."
        )
        side_by_side(chosen, picture)
if tabulated.open:
    with tabulated:
        side_by_side(chosen, layer_table, width=430)
if settable.open:
    with settable:
        side_by_side(chosen, defaults)
if sourced.open:
    with sourced:
        side_by_side(chosen, about)
