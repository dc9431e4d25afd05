"""Figures at their boundary: what is drawn, what it is called, and that nothing a person typed is markup."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from core.analysis.history import frame
from core.charts import theme
from core.charts.confusion import confusion_matrix, describe_confusion
from core.charts.curves import Line, curves_figure, describe_curves
from core.charts.distribution import class_counts, describe_counts, describe_pixels, pixel_histogram
from core.charts.looks import TONES, look
from core.charts.probabilities import describe_probabilities, percent, probability_bars
from core.engine.events import EpochEnd, Progress, to_json
from tests.charts.eyes import contrast
from tests.charts.reading import figures

PAGES = ("#ffffff", "#0e1117")
ALL_SHADES = [shade for tones in TONES.values() for tone in tones for shade in tone.shades]


def run(name: str = "CNN", epochs: int = 3, inside: int = 0, best: int = 2, number: int = 0, val: bool = True) -> Line:
    """A run whose validation loss is 1/(epoch + 1), best at ``best``, with ``inside`` points in each epoch."""
    rows = []
    for e in range(epochs + 1):
        loss = 1 / (e + 1)
        train = (loss, 1 - loss / 2) if e else (None, None)
        held_out = (loss, 1 - loss / 2) if val else (None, None)
        rows.append(to_json(EpochEnd(e, 100 * e, *train, *held_out, 0.1, 1.0, e * 2.0, 2.0, e == best)))
        for i in range(1, inside + 1):
            at = e + i / (inside + 1)
            rows.append(to_json(Progress(at, round(100 * at), loss, 1 - loss / 2, 0.1, 1.0, 1.0, 2 * at)))
    return Line(name, look("blue", number, 0), frame(rows))


def data(fig: go.Figure) -> list[go.Scatter]:
    """The traces that hold points; the others explain the legend."""
    return [trace for trace in fig.data if trace.x is not None and trace.x[0] is not None]


def test_every_colour_with_a_meaning_is_readable_on_light_and_on_dark() -> None:
    for colour in (*ALL_SHADES, theme.WRONG, theme.GREY):
        assert min(contrast(colour, page) for page in PAGES) >= 3, colour


COUNTS = pd.DataFrame([(s, d, 100 * d + n) for s, n in (("train", 7), ("test", 3)) for d in range(10)])
COUNTS.columns = pd.Index(["split", "digit", "count"])
MATRIX = np.diag(np.arange(10, 20))
MATRIX[4, 9], MATRIX[7, 2] = 5, 2
PROBS = np.array([0.0005, 0.0, 0.1, 0.0, 0.0, 0.0, 0.0, 0.8, 0.0995, 0.0])
FIGURES = {
    "loss": lambda: curves_figure([run()]).built(),
    "no curves": lambda: curves_figure([]).built(),
    "matrix": lambda: confusion_matrix(MATRIX, normalise=False),
    "shares": lambda: confusion_matrix(MATRIX, normalise=True),
    "counts": lambda: class_counts(COUNTS),
    "pixels": lambda: pixel_histogram(np.arange(256)),
    "no pixels": lambda: pixel_histogram(np.zeros(256, int)),
}


def test_every_figure_names_both_axes_and_lets_the_page_shine_through() -> None:
    for name, draw in FIGURES.items():
        fig = draw()
        assert fig.layout.xaxis.title.text, name
        assert fig.layout.yaxis.title.text, name
        template = fig.layout.template.layout
        assert template.paper_bgcolor == template.plot_bgcolor == "rgba(0,0,0,0)", name
        assert fig.layout.paper_bgcolor is None, name
        assert fig.layout.font.color is None, name
        assert fig.layout.uirevision == "fixed", name
        assert fig.layout.height <= 760, name
        assert "NaN" not in fig.to_json(), name


def test_nothing_offers_to_send_data_away() -> None:
    assert theme.CONFIG["showSendToCloud"] is False
    assert theme.CONFIG["displaylogo"] is False


def test_training_is_dotted_validation_solid_and_a_small_mark_points_at_the_best_epoch() -> None:
    fig = curves_figure([run(), run("MLP", number=1)]).built()
    dashes = [trace.line.dash for trace in data(fig) if "lines" in trace.mode]
    assert dashes == ["solid", "dot"] * 2
    marks = [trace for trace in data(fig) if trace.marker.standoff]
    assert [(mark.x[0], mark.y[0]) for mark in marks] == [(2.0, pytest.approx(1 / 3))] * 2
    assert all(mark.marker.standoff >= mark.marker.size for mark in marks), "it stands below the curve, not on it"
    legend = [trace.name for trace in fig.data if trace.showlegend is not False]
    assert legend == ["CNN", "MLP", "validation", "training, while learning", "best epoch"]
    assert {trace.line.color for trace in data(fig) if trace.legendgroup == "run 1" and "lines" in trace.mode} == {
        look("blue", 1, 0).colour
    }


@pytest.mark.parametrize(
    ("x", "metric", "x_title", "y_title"),
    [
        ("epoch", "loss", "Epoch (passes over the training images)", "Loss (nats per image)"),
        ("step", "accuracy", "Step (number of weight updates)", "Accuracy (%)"),
        ("seconds", "loss", "Elapsed seconds (of computing, not waiting)", "Loss (nats per image)"),
    ],
)
def test_axes_say_their_units(x, metric, x_title, y_title) -> None:
    fig = curves_figure([run()], x=x, metric=metric).built()
    assert (fig.layout.xaxis.title.text, fig.layout.yaxis.title.text) == (x_title, y_title)


def test_accuracy_is_drawn_in_percent_and_told_with_two_decimals() -> None:
    fig = curves_figure([run()], metric="accuracy").built()
    assert fig.layout.yaxis.tickformat is None, "40 rather than 40.00, and as many digits as it takes when zoomed"
    np.testing.assert_allclose(data(fig)[0].y, [50, 75, 100 - 100 / 6, 87.5])
    assert "%{customdata:.2f} %" in data(fig)[0].hovertemplate


def test_the_log_accuracy_axis_puts_errors_on_a_log_scale_and_survives_a_perfect_score() -> None:
    line = run()
    line.history.loc[line.history.index[-1], "accuracy"] = 1.0
    fig = curves_figure([line], metric="accuracy", log_y=True).built()
    assert fig.layout.yaxis.type == "log"
    assert fig.layout.yaxis.autorange == "reversed"
    assert min(data(fig)[0].y) == 0.01
    assert data(fig)[0].customdata[-1] == 100
    ticks = dict(zip(fig.layout.yaxis.tickvals, fig.layout.yaxis.ticktext, strict=True))
    assert (ticks[10], ticks[0.1]) == ("90", "99.9")


def test_a_log_loss_axis_says_so() -> None:
    fig = curves_figure([run()], log_y=True).built()
    assert fig.layout.yaxis.type == "log"
    assert fig.layout.yaxis.title.text == "Loss (nats per image, log)"


def test_an_untrained_run_shows_one_marker_and_nothing_best() -> None:
    fig = curves_figure([run(epochs=0, best=0)]).built()
    (point,) = data(fig)
    assert "markers" in point.mode
    assert len(point.x) == 1
    assert fig.layout.xaxis.range == (0, 1), "more labels than a lonely 0"
    first_steps = curves_figure([run(epochs=0, inside=3, best=0)]).built()
    assert first_steps.layout.xaxis.autorange is True, "a browser that has drawn the other has to be told"
    assert not [trace for trace in data(first_steps) if trace.marker.standoff], "nothing was better than anything yet"


def test_no_points_are_said_in_words() -> None:
    for fig in (curves_figure([]).built(), curves_figure([Line("new", look("blue", 0, 0), frame([]))]).built()):
        assert [note.text for note in fig.layout.annotations] == ["No points yet"]
        assert not fig.data


def test_long_lines_are_thinned_to_300_points_and_keep_their_best_epoch() -> None:
    fig = curves_figure([run(epochs=1000, inside=3, best=617)]).built()
    for trace in data(fig):
        assert len(trace.x) <= 300
    assert 617.0 in data(fig)[0].x
    assert 1000.0 in data(fig)[0].x


def test_training_uses_the_points_inside_epochs_when_there_are_enough() -> None:
    training = [trace for trace in data(curves_figure([run(inside=5)]).built()) if trace.line.dash == "dot"]
    assert len(training[0].x) == 20
    training = [trace for trace in data(curves_figure([run(inside=0)]).built()) if trace.line.dash == "dot"]
    assert list(training[0].x) == [1, 2, 3]


def test_without_validation_the_training_line_carries_the_name() -> None:
    fig = curves_figure([run(val=False)]).built()
    legend = [trace.name for trace in fig.data if trace.showlegend is not False]
    assert legend == ["CNN", "training, while learning", "best epoch"]


def test_names_are_inert_everywhere() -> None:
    evil = '<a href="javascript:x">$\\alpha$</a>%{x}'
    text = curves_figure([run(evil)]).built().to_json()
    assert "<a" not in text
    assert "$\\\\alpha$" not in text
    assert "%{x}</" not in text
    assert theme.label("a" * 100).count("a") == 39
    assert theme.label("GRU, seed 1") == "GRU, seed 1"
    assert theme.label("<b>") == "&lt;b&gt;"
    assert "%{" not in theme.label("%{x}")


def test_every_cell_of_the_matrix_can_be_clicked_and_tells_what_it_is() -> None:
    for normalise in (False, True):
        overlay = confusion_matrix(MATRIX, normalise=normalise).data[-1]
        assert overlay.mode == "text"
        assert overlay.hoverinfo is None, "what can not be hovered can not be clicked"
        assert len(overlay.customdata) == 100
        for x, y, (truth, predicted, count, _) in zip(overlay.x, overlay.y, overlay.customdata, strict=True):
            assert (x, y) == (predicted, truth)
            assert count == MATRIX[int(truth), int(predicted)]
        assert overlay.customdata[49].tolist() == [4, 9, 5, pytest.approx(100 * 5 / 19)]


def test_the_diagonal_takes_no_part_in_the_colours_of_mistakes() -> None:
    cells = confusion_matrix(MATRIX).data[0]
    assert (cells.zmin, cells.zmax) == (-5, 5)
    assert (np.diag(cells.z) == cells.zmin).all()
    assert (cells.z[~np.eye(10, dtype=bool)] >= 0).all()
    grey, nothing, most = (colour for _, colour in cells.colorscale)
    assert (nothing, most) == tuple(colour for _, colour in theme.SCALE)
    assert grey != nothing
    assert cells.xgap is None, "a browser fills cells with gaps dot by dot, half of its page's time"
    assert confusion_matrix(np.diag([3] * 10)).data[0].zmax > 0


def test_numbers_stand_in_every_cell_as_counts_or_shares() -> None:
    for normalise, diagonal, mistake in ((False, "14", "5"), (True, "73.7", "26.3")):
        numbers = confusion_matrix(MATRIX, normalise=normalise).data[-1]
        notes = dict(zip(zip(numbers.y, numbers.x, strict=True), numbers.text, strict=True))
        assert len(notes) == 100
        assert (notes[4, 4], notes[4, 9], notes[0, 1]) == (diagonal, mistake, "0")
    assert "%" in confusion_matrix(MATRIX, normalise=True).layout.yaxis.title.text


@pytest.mark.parametrize(("dark", "page"), [(False, PAGES[0]), (True, PAGES[1])])
def test_numbers_in_the_matrix_are_readable_on_every_shade(dark: bool, page: str) -> None:
    matrix = np.diag([30] * 10)
    matrix[0, 1:] = np.arange(1, 10)
    fig = confusion_matrix(matrix, dark=dark)
    colour, ground = (np.array([int(c[i : i + 2], 16) for i in (1, 3, 5)]) for c in (theme.WRONG, page))
    for text, ink in zip(fig.data[-1].text[1:10], fig.data[-1].textfont.color[1:10], strict=True):
        share = int(text) / 9
        cell = "#" + "".join(f"{round(part):02x}" for part in share * colour + (1 - share) * ground)
        assert contrast(ink, cell) >= 4, (text, cell)


def test_a_matrix_without_images_is_still_a_figure() -> None:
    fig = confusion_matrix(np.zeros((10, 10), np.int64), normalise=True)
    assert len(fig.data[-1].x) == 100
    assert describe_confusion(np.zeros((10, 10), np.int64)) == "Confusion matrix without images."


def test_class_counts_prints_its_numbers_and_tells_splits_apart_without_colour() -> None:
    fig = class_counts(COUNTS)
    assert [bar.name for bar in fig.data] == ["training", "test"]
    assert fig.data[0].text[3] == "307"
    assert fig.data[0].x[3] == 307
    assert len({bar.marker.pattern.shape for bar in fig.data}) == 2
    assert class_counts(COUNTS.assign(count=5000)).data[0].text[0] == "5,000"
    assert class_counts(COUNTS[:0]).layout.annotations[0].text == "No images yet"


def test_the_pixel_histogram_has_256_bars_on_a_log_scale() -> None:
    fig = pixel_histogram(np.arange(256))
    assert fig.layout.yaxis.type == "log"
    assert fig.data[0].y.tolist() == list(range(256))


def test_the_answer_stands_in_words_and_the_truth_at_its_bar() -> None:
    drawn = probability_bars(PROBS, "#0087ff", truth=2)
    assert "Reads 7, 80.0 % sure, ✗ wrong: it is 2" in drawn
    assert ">truth 2<" in drawn
    assert drawn.count("#0087ff") == drawn.count("font-weight:700") == 1
    assert drawn.count("title=") == 10
    assert "width:56.00%" in drawn  # 80 % of the 70 that leave room for the figure
    assert f'aria-label="{describe_probabilities(PROBS, 2)}"' in drawn
    assert "✓ right" in probability_bars(PROBS, "#0087ff", truth=7)
    assert "sure" not in probability_bars(PROBS, "#0087ff", titled=False).split("aria-label")[0]
    assert "not numbers" in probability_bars(np.full(10, np.nan), "#0087ff")


@pytest.mark.parametrize(
    ("fraction", "text"),
    [(0.0, "0.0 %"), (0.0004, "<0.1 %"), (0.5, "50.0 %"), (0.99962, ">99.9 %"), (1.0, "100.0 %")],
)
def test_a_probability_is_never_rounded_to_certainty(fraction: float, text: str) -> None:
    assert percent(fraction, as_html=False) == text


def test_descriptions_say_the_takeaway_in_one_sentence() -> None:
    assert figures(describe_confusion(MATRIX)) == ["152", "145", "95.39 %", "4", "9", "5", "26.32 %", "4"]
    assert figures(describe_confusion(np.diag([1] * 10))) == ["10", "10", "100.00 %"]
    two = describe_curves([run("slow", best=1), run("<fast>", best=3)], metric="loss")
    assert figures(two, "<fast>", "slow") == ["<fast>", "0.2500 nats", "3", "slow", "0.5000 nats", "1"]
    assert figures(describe_curves([run()], metric="accuracy"), "CNN") == ["CNN", "83.33 %", "2"]
    assert figures(describe_curves([])) == []
    counts = figures(describe_counts(COUNTS), "training", "test")
    assert counts[:6] == ["training", "4,570", "7", "0", "907", "9"]
    pixels = describe_pixels(np.array([3] + [0] * 254 + [1]))
    assert figures(pixels, "background", "ink") == ["4", "75.00 %", "background", "0", "25.00 %", "ink", "255"]
    assert figures(describe_probabilities(PROBS, truth=2), "truth") == ["7", "80.0 %", "2", "10.0 %", "truth", "2"]


def test_the_package_itself_does_not_wait_for_plotly() -> None:
    code = "import sys, core.charts; sys.exit('plotly' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False)
    assert done.returncode == 0
