"""How a drawing becomes 28 × 28 pixels: the switches of two steps, and a picture of every step."""

from __future__ import annotations

import streamlit as st

from core.charts.sprite import enlarge
from core.data.drawn import INK_SIDE_PIXELS, Drawn
from pages.shared.choices import follow, switch
from pages.shared.gallery import sheet

STEP_HEIGHT = 140  # pixels

CROP, CENTRE = "draw_crop", "draw_centre"


def follow_steps() -> None:
    """Put what a link says into ``CROP`` and ``CENTRE``, which are asked for before their switches are drawn further below."""
    follow("crop", CROP, (False, True), True)
    follow("centre", CENTRE, (False, True), True)


def what_they_see(digit: Drawn) -> None:
    """The picture that goes into the networks."""
    st.caption("What the networks see")
    sheet(digit.image[None], columns=1, scale=4, alt="The 28 × 28 pixels that go into the networks")


def preparation(digit: Drawn | None) -> None:
    """The switches, and the way of a digit from the drawing to the networks where there is one."""
    place = st.container(key="draw_preparation")
    with place.expander("How the drawing becomes 28 × 28 pixels", icon=":material/crop:"):
        st.write(
            "The networks learned from digits that are all the same size and in the same place, so yours is treated the same "
            "way. Switch a step off and see what that does to the answers."
        )
        with st.container(horizontal=True):
            crop = switch(f"Crop and scale to {INK_SIDE_PIXELS} pixels", "crop", CROP, default=True)
            centre = switch("Centre the ink", "centre", CENTRE, default=True)
        if digit is not None and not digit.blank:
            _steps(digit, crop, centre)


def _steps(digit: Drawn, crop: bool, centre: bool) -> None:
    """The way from the drawing to the network, one picture a step, all equally high."""
    pictures = [("cut out" if crop else "left as it is", digit.cropped)]
    if digit.thickened is not None:
        pictures.append(("thin strokes widened", digit.thickened))
    pictures += [
        (f"made {max(digit.scaled.shape)} pixels large", enlarge(digit.scaled, 8)),
        ("put on 28 × 28", enlarge(digit.pasted, 5)),
        ("ink centred" if centre else "not centred", enlarge(digit.image, 5)),
    ]
    with st.container(horizontal=True, gap="medium"):
        for number, (step, image) in enumerate(pictures, start=1):
            caption = f"Step {number}: {step}"
            height, width = image.shape
            with st.container(width=max(STEP_HEIGHT, round(STEP_HEIGHT * width / height))):
                st.image(image, width=max(1, round(STEP_HEIGHT * width / height)), output_format="PNG", alt=caption)
                st.caption(caption)
