"""Images picked on a map: marked on every map, shown with what is read, and beside the training images next to one of them."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core.errors import InputError
from core.machine.faults import faults_as_input_errors
from pages.lab.inside.map_reading import OnMap, Placed, learned_images, read
from pages.shared.choices import follow, keep
from pages.shared.gallery import sheet
from pages.shared.link_state import follow_once, linked_widget, remember
from pages.shared.markdown import escape_markdown, sentence

if TYPE_CHECKING:
    from core.inspect.activations import Floats

SHOWN_PICKS, COLUMNS = 24, 6
NEIGHBOURS = 8
LINKED, BITS = "picked", "~"  # in the address: its name, and what stands before a bit for each image
PICKS = "inside_map_picks"  # in the session: the key of the images, and the positions of the picked ones


def picked_on(shown: OnMap) -> list[int]:
    """Positions of the picked images, by a link or before; those that were picked among other images are forgotten."""
    if linked := follow_once(LINKED, PICKS):
        _pick(unpacked(linked, shown), shown)
    key, positions = st.session_state.get(PICKS, ((), []))
    picks = list(positions) if key == shown.key else []
    remember(LINKED, PICKS, packed(picks, shown))
    return picks


def packed(positions: Sequence[int], shown: OnMap) -> str:
    """Positions on the map as a part of an address: a few one by one, in their order; many as a bit for each image."""
    if not positions:
        return ""
    if len(positions) <= SHOWN_PICKS:
        return f"{shown.digits.name}:{','.join(map(str, positions))}"
    bits = np.zeros(len(shown.images), bool)
    bits[list(positions)] = True
    return f"{shown.digits.name}:{BITS}{base64.urlsafe_b64encode(np.packbits(bits).tobytes()).decode().rstrip('=')}"


def unpacked(text: str, shown: OnMap) -> list[int]:
    """What ``packed`` made; [] of anything else, such as of other images."""
    name, _, rest = text.partition(":")
    if name != shown.digits.name:
        return []
    n = len(shown.images)
    if not rest.startswith(BITS):
        return [int(part) for part in rest.split(",") if part.isascii() and part.isdecimal() and int(part) < n]
    letters = rest.removeprefix(BITS)
    try:
        bits = np.frombuffer(base64.urlsafe_b64decode(letters + "=" * (-len(letters) % 4)), np.uint8)
    except ValueError:
        return []
    return np.flatnonzero(np.unpackbits(bits)[:n]).tolist()


def click(chart: str, shown: OnMap) -> None:
    """A click or a box on one map picks the images on both; none of them picks nothing anew."""
    values = [point.get("customdata") for point in st.session_state[chart].selection.points]
    positions = [int(value[0] if isinstance(value, (list, tuple)) else next(iter(value.values())))
                 for value in values if value]  # fmt: skip
    if positions:
        _pick(sorted(positions), shown)


def _pick(positions: Sequence[int], shown: OnMap) -> None:
    st.session_state[PICKS] = shown.key, list(dict.fromkeys(positions))


def show_buttons(placed: Sequence[Placed], shown: OnMap) -> None:
    """What picks without a pointer, and what everybody asks first."""
    from core.inspect.embedding import nearest

    misread = np.flatnonzero(np.any([entry.made.answers != shown.labels for entry in placed], axis=0)).tolist()
    around = nearest(placed[0].made.vectors, placed[0].vector[None], NEIGHBOURS)[0][0].tolist()
    st.caption("Click a digit on a map, or draw a box around several. They are marked on every map and shown below.")
    with st.container(horizontal=True):
        for label, icon, key, positions in (
            (f"The {NEIGHBOURS} nearest to the star", "star", "near", around),
            (f"The {len(misread):,} misread ones", "rule", "misread", misread),
            ("None", "close", "none", []),
        ):
            st.button(
                label, icon=f":material/{icon}:", key=f"inside_map_{key}", on_click=_pick, args=(positions, shown),
                disabled=not positions and key == "misread",
            )  # fmt: skip


def show_picked(placed: Sequence[Placed], shown: OnMap, picks: Sequence[int]) -> None:
    """The picked digits with what is read, and the training images next to one of them."""
    st.subheader("The picked digits")
    few = list(picks[:SHOWN_PICKS])
    answers = [entry.made.answers[few] for entry in placed]
    captions = [f"{label}, read {' | '.join(map(str, row))}"
                for label, row in zip(shown.labels[few], np.stack(answers, axis=1), strict=True)]  # fmt: skip
    marks = np.any([row != shown.labels[few] for row in answers], axis=0).tolist()
    sheet(shown.images[few], columns=COLUMNS, captions=captions, marks=marks, alt=f"Picked: {'; '.join(captions)}")
    order = " Of two answers, the first is that of the first map." if len(placed) > 1 else ""
    more = f" The first {len(few):,} of {len(picks):,} are shown." if len(few) < len(picks) else ""
    st.caption(f"Below each its true digit, and what is read.{order}{more}")
    options = [*few, -1]
    follow("neighbours", "inside_map_chosen", options, options[0])
    position: int = linked_widget(
        "neighbours", st.selectbox, "Nearest training images of", options, key="inside_map_chosen", width=320,
        format_func=lambda i: "the digit above, the star" if i < 0 else
        f"picked digit {options.index(i) + 1}, a {shown.labels[i]} (test image {shown.chosen[i]:,})",
    )  # fmt: skip
    keep("neighbours", position, options[0])
    with st.grid(len(placed), min_column_width=300):
        for entry in placed:
            with st.container():
                st.markdown(f"**{escape_markdown(entry.run.label)}**")
                _neighbours(entry, entry.vector if position < 0 else entry.made.vectors[position])


def _neighbours(entry: Placed, vector: Floats) -> None:
    """The training images whose vectors point most nearly the same way. vector (D,)"""
    from core.inspect.embedding import nearest

    bar = st.empty()
    try:
        with faults_as_input_errors(), st.spinner("Reads its training images …"):
            images, labels = learned_images(entry.run)
            positions = nearest(read(entry.run, images, "learned", bar).vectors, vector[None], NEIGHBOURS)[0][0]
    except InputError as error:
        st.info(f"Its training images can not be shown. {sentence(error)}", icon=":material/info:")
        return
    finally:
        bar.empty()
    captions = [f"a {label}" for label in labels[positions]]
    counts = Counter(labels[positions].tolist()).most_common()
    words = ", ".join(f"{n} labelled {digit}" for digit, n in counts)
    sheet(images[positions], columns=NEIGHBOURS // 2, captions=captions, alt=f"Nearest training images: {words}")
    st.caption(f"The nearest among {len(images):,} of its training images, the nearest first: {words}.")
