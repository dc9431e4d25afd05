"""Draw: write a digit once, and every chosen network reads it."""

from __future__ import annotations

import streamlit as st

from core.analysis.images import sample
from core.charts.probabilities import percent
from core.charts.sprite import enlarge
from core.data import EMBEDDED, present_names
from core.data.dataset import N_CLASSES, Images
from core.data.drawn import BOX, MAX_UPLOAD_BYTES, PAD, Drawn, from_rgba, from_upload, to_digit
from core.errors import DataError, InputError
from core.machine.threads import use_one_thread
from core.runs.rows import Run
from pages.lab.draw.canvas import pad
from pages.shared.gallery import sheet
from pages.shared.markdown import escape_markdown, sentence
from pages.shared.probability_bars import show_bars
from pages.shared.run_picker import pick_runs
from pages.shared.services import dataset, predictor

LIMIT = 5
UPLOAD_MB = MAX_UPLOAD_BYTES // 2**20  # Streamlit counts in these
STEP = 140  # height of a step's picture, pixels
SOURCES = {"pad": "Draw it", "file": "Upload a picture", "sample": "Take one from the data"}
EMPTY = {
    "pad": "Nothing drawn yet. Draw a digit into the black square.",
    "file": "No picture yet. Choose one with a single digit.",
}
BLANK = EMPTY | {
    "file": "The picture looks empty: there is no ink on it that stands out.",
    "sample": "This image is empty.",
}


def given(source: str, run: Run, crop: bool, centre: bool) -> tuple[Drawn | None, int | None]:
    """What the visitor gave as a digit (None: nothing yet), and its label where that is known. Raises DataError."""
    if source == "pad":
        canvas = pad("draw_pad")
        return (None if canvas is None else from_rgba(canvas, crop=crop, centre=centre)), None
    if source == "file":
        file = st.file_uploader(
            "Picture of one digit (PNG or JPEG)", type=["png", "jpg", "jpeg"], max_upload_size=UPLOAD_MB,
            key="draw_file", help=f"Dark on light or light on dark. At most {UPLOAD_MB} MB.",
        )  # fmt: skip
        return (None if file is None else from_upload(file.getvalue(), crop=crop, centre=centre)), None
    wanted_data = run.config["data"]["dataset"]
    data = dataset(
        wanted_data if wanted_data in present_names() else EMBEDDED
    )  # a shipped run comes without its images
    wanted = st.pills(
        "Digit", range(N_CLASSES), key="draw_digit", help="Which digit; none chosen: any.", persist_state="session"
    )
    turn = st.session_state.setdefault("draw_turn", 0)
    if st.button("Another one", type="primary", icon=":material/shuffle:"):
        st.session_state["draw_turn"] = turn = turn + 1
    digits = [wanted] if wanted is not None else [turn * 7 % N_CLASSES]
    found = sample(data.test_labels, digits, 1, turn)
    if not len(found):
        raise DataError(f"there is no {digits[0]} among the test images of {data.title}: choose another digit")
    index = found[0]
    label = int(data.test_labels[index])
    st.caption(f"Test image {index:,} of {data.title}. Its label says {label}.")
    return to_digit(data.test_images[index], crop=crop, centre=centre), label


def answer(run: Run, image: Images, label: int | None) -> None:
    """What a run reads, in words and as bars in its colour."""
    try:
        probs = predictor(run).probabilities(image[None])[0]
    except InputError as error:
        st.error(f"{escape_markdown(run.label)} can not answer. {sentence(error)}", icon=":material/error:")
        return
    digit = int(probs.argmax())
    verdict = "" if label is None else ", right" if digit == label else f", wrong: it is {label}"
    sure = f"{percent(float(probs[digit]), as_html=False)} sure{verdict}"
    st.metric(f"{escape_markdown(run.label)} reads", str(digit), sure, delta_color="off", delta_arrow="off")
    show_bars(probs, run.number, label, titled=False)  # the words stand above, large


def steps(drawn: Drawn, crop: bool, centre: bool) -> None:
    """The way from the drawing to the network, one picture a step, all equally high."""
    pictures = {
        "Step 1: cut out" if crop else "Step 1: left as it is": drawn.cropped,
        f"Step 2: made {max(drawn.scaled.shape)} pixels large": enlarge(drawn.scaled, 8),
        "Step 3: put on 28 × 28": enlarge(drawn.pasted, 5),
        "Step 4: ink centred" if centre else "Step 4: not centred": enlarge(drawn.image, 5),
    }
    with st.container(horizontal=True, gap="medium"):
        for caption, image in pictures.items():
            height, width = image.shape
            with st.container(width=max(STEP, round(STEP * width / height))):
                st.image(image, width=max(1, round(STEP * width / height)), output_format="PNG", alt=caption)
                st.caption(caption)


@st.fragment
def board(runs: list[Run]) -> None:
    """Everything that a stroke changes; only this is run again after one."""
    use_one_thread()
    source = st.segmented_control(
        "Your digit", list(SOURCES), default="pad", required=True, format_func=SOURCES.__getitem__, key="draw_source",
        persist_state="session",
    )  # fmt: skip
    crop, centre = (st.session_state.get(f"draw_{switch}", True) for switch in ("crop", "centre"))
    drawn = label = fault = None
    with st.container(horizontal=True, gap="medium"):
        with st.container(width=PAD):
            try:
                drawn, label = given(source, runs[0], crop, centre)
            except InputError as error:
                fault = error
                st.error(sentence(error), icon=":material/error:")
        if fault is None and (drawn is None or drawn.blank):
            st.info(EMPTY.get(source, "") if drawn is None else BLANK[source], icon=":material/draw:", width=320)
        elif drawn is not None:
            with st.container(width=200):
                st.caption("What the networks see")
                sheet(drawn.image[None], columns=1, scale=6, alt="The 28 × 28 pixels that go into the networks")
            if len(runs) == 1:
                with st.container(width=270):
                    answer(runs[0], drawn.image, label)
    if drawn is not None and not drawn.blank and len(runs) > 1:
        with st.grid(3, min_column_width=240):
            for run in runs:
                with st.container():
                    answer(run, drawn.image, label)
    with st.expander("How the drawing becomes 28 × 28 pixels", icon=":material/crop:"):
        st.write(
            "The networks learned from digits that are all the same size and in the same place, so yours is treated the same "
            "way. Switch a step off and see what that does to the answers."
        )
        with st.container(horizontal=True):
            st.toggle(f"Crop and scale to {BOX} pixels", True, key="draw_crop", persist_state="session")
            st.toggle("Centre the ink", True, key="draw_centre", persist_state="session")
        if drawn is not None and not drawn.blank:
            steps(drawn, crop, centre)


st.title("Draw")
st.write("Write a digit once, and every network you choose reads it.")
chosen = pick_runs("draw_runs", LIMIT)
if chosen:
    board(chosen)
