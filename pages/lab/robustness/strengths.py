"""Moved, turned, noisy: how many of the same test images each run still reads when a distortion grows."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.analysis.metrics import INTERVAL_MEANING
from core.charts.robustness import describe_strengths, strength_curves
from core.charts.signed import signed_text
from core.charts.theme import CONFIG
from core.data.config import DataConfig
from core.data.dataset import Images
from core.fields import settings
from core.inspect.distortions import DISTORTIONS, Distortion, distort
from core.inspect.robustness import UNDISTORTED, Point, points
from core.runs.rows import Run
from pages.lab.robustness.judged import Judged, judged
from pages.lab.robustness.known import KNOWN, SOURCE
from pages.lab.robustness.measured import RESULT_COLUMNS, on_images, result_table, shown_counts, table
from pages.lab.robustness.measuring import POLL_SECONDS, goes_on, measuring
from pages.shared.busy import fragment
from pages.shared.chart_ink import inked
from pages.shared.choices import choose
from pages.shared.digit_choice import digit_looked_at
from pages.shared.glossary import explain, explained
from pages.shared.markdown import escape_markdown
from pages.shared.run_picker import percent
from pages.shared.services import get_ready
from pages.shared.tables import show_table

KEY = "robustness_distortion"
VARIATIONS = {
    "shift": "shift",
    "rotation": "rotation",
    "scale": "zoom",
    "thickness": "thickness",
}  # distortion -> setting
WHAT = "Every distortion at every strength"


def show(runs: Sequence[Run]) -> None:
    """Draw the choice of a distortion, what measures it, and its chart."""
    members = judged(runs)
    if members is None:
        return
    is_moving = goes_on(members, WHAT)
    fragment(_strengths, run_every=POLL_SECONDS if is_moving else None)(members, is_moving)


def _plan() -> tuple[Point, ...]:
    """Every distortion at every strength: they are all measured together, the one on screen first."""
    name = st.session_state.get(KEY, next(iter(DISTORTIONS)))
    return tuple(dict.fromkeys((*points([name]), *points(tuple(DISTORTIONS)))))


def _strengths(members: Judged, is_moving: bool) -> None:
    """is_moving: what the page around it was drawn for"""
    get_ready()  # a fragment has a thread of its own
    distortion = _pick()
    places = _places(distortion)
    shown = shown_counts(members, list(places))
    rows = table(members, shown, places, "strength")
    measuring(members, _plan(), WHAT, is_moving)
    st.caption(
        f"{distortion.help} {on_images(shown, members)} The bands are 95 % intervals; the pictures show one digit at each "
        "strength.",
        help=INTERVAL_MEANING,
    )
    words = describe_strengths(rows, distortion.title, distortion.unit, distortion.neutral)
    strengths = sorted(places.values())
    st.plotly_chart(
        inked(strength_curves(rows, _axis_title(distortion), _pictures(distortion, strengths), strengths)),
        key=f"robustness_curves_{distortion.name}", alt=words,
        config=dict(CONFIG),
    )  # fmt: skip
    if shown.is_measured:
        st.markdown(escape_markdown(words))
    _learned_from(members, distortion)
    _beside_known(rows, distortion)
    _weakest_points(members)
    explain("distortion", "accuracy", "test", "interval")
    _twin(members)


def _pick() -> Distortion:
    """The choice; it stands in the address."""
    name = choose(
        "Distortion", "distortion", KEY, DISTORTIONS, next(iter(DISTORTIONS)), st.pills,
        format_func=lambda name: DISTORTIONS[name].title, required=True, wrap=True, label_visibility="collapsed",
    )  # fmt: skip
    return DISTORTIONS[name]


def _places(distortion: Distortion) -> dict[Point, float]:
    """Where each of its points stands on the axis; the undistorted images at the neutral strength."""
    return {
        UNDISTORTED: distortion.neutral,
        **{Point(distortion.name, strength): strength for strength in distortion.strengths[1:]},
    }


def _pictures(distortion: Distortion, strengths: Sequence[float]) -> list[Images]:
    """One digit at each strength: the one of this visit."""
    image = digit_looked_at()[None]
    return [distort(distortion.name, image, strength)[0] for strength in strengths]


def _axis_title(distortion: Distortion) -> str:
    return f"{distortion.title} ({distortion.unit or 'no unit'})"


def _learned_from(members: Judged, distortion: Distortion) -> None:
    """Which of the runs had learned from images that were varied in the same way: mostly that is why they stand it."""
    setting = next(
        (setting for setting in settings(DataConfig) if setting.name == VARIATIONS.get(distortion.name)), None
    )
    if setting is None:
        return
    amounts = [
        (name, run.config["data"].get(setting.name)) for run, name in zip(members.runs, members.names, strict=True)
    ]
    varied = [f"{escape_markdown(name)} ({setting.label(amount)})" for name, amount in amounts if amount]
    if varied:
        st.caption(f"Learned from images that were varied likewise ({setting.title.lower()}): {', '.join(varied)}.")


def _beside_known(rows: pd.DataFrame, distortion: Distortion) -> None:
    """What was measured beforehand of two networks, and the runs' own figures at the same strength."""
    if distortion.name not in KNOWN:
        return
    reference = KNOWN[distortion.name]
    beside = rows[rows["strength"] == reference.strength][["name", "accuracy", "low", "high"]]
    own = [
        f"{escape_markdown(name)} {percent(accuracy)} ({percent(low)} to {percent(high)})"
        for name, accuracy, low, high in beside.itertuples(index=False)
    ]
    if own:
        st.caption(f"**Here**, at {_with_unit(distortion, reference.strength)}: {'; '.join(own)}.")
    st.caption(f"**Known**: {reference.sentence} {SOURCE}")


def _weakest_points(members: Judged) -> None:
    """All distortions at a glance: at which strength each run reads least."""
    plan = _plan()
    shown = shown_counts(members, plan)
    if not shown.is_measured:
        return
    so_far = "" if len(shown.right) == len(members.runs) * len(plan) else " of what has been measured so far"
    cells: dict[str, dict[str, str]] = {}
    for distortion in DISTORTIONS.values():
        rows = table(members, shown, _places(distortion), "strength").sort_values("accuracy", kind="stable")
        weakest = rows.drop_duplicates("name")[["name", "accuracy", "strength"]].itertuples(index=False)
        cells[distortion.title] = {
            name: f"{percent(accuracy)} at {_with_unit(distortion, strength)}" for name, accuracy, strength in weakest
        }
    st.subheader("All distortions")
    st.caption(f"Where each run reads least{so_far}. {on_images(shown, members)}")
    overview = pd.DataFrame.from_dict(cells, orient="index").reindex(columns=list(members.names))
    show_table(
        overview.rename_axis("Distortion"), "", index=True, height="content", placeholder="–",
        alt="The lowest accuracy of each run with each distortion, and at which strength",
    )  # fmt: skip


def _with_unit(distortion: Distortion, strength: float) -> str:
    """ "4 pixels", "−1"."""
    return f"{signed_text(strength)} {distortion.unit}".rstrip()


def _twin(members: Judged) -> None:
    twin = st.expander("The same as a table", key="robustness_twin", on_change="rerun")
    if not twin.open:
        return
    parts = []
    for each in DISTORTIONS.values():
        places = _places(each)
        rows = table(members, shown_counts(members, list(places)), places, "strength")
        parts.append(rows.assign(distortion=each.title, unit=each.unit))
    rows = pd.concat(parts, ignore_index=True)
    results = result_table(rows, {name: rows[name] for name in ("distortion", "strength", "unit")})
    show_table(
        results, "robustness", place=twin, height=400, column_config=explained(results, RESULT_COLUMNS),
        alt="Accuracy of each run for each distortion and strength",
    )  # fmt: skip
