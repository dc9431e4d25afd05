"""Pictures of what is inside a network: where each stands, what its colours mean, and its sign without any colour."""

from __future__ import annotations

import base64
import io
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFont

from core.charts.embedding import DIGIT_COLOURS, describe_embedding, embedding_map
from core.charts.inside import (
    attention_grid,
    attribution_overlay,
    describe_attention,
    describe_attribution,
    describe_grid,
    describe_states,
    number_grid,
    picture_grid,
    states_over_steps,
)
from core.charts.layers import describe_layer_gradients, layer_gradients
from core.charts.signed import COLOURS, NEGATIVE, POSITIVE, ZERO, common_limit, signed_text
from core.charts.theme import WRONG
from tests.charts.eyes import EYES, contrast, difference
from tests.charts.reading import figures

PAGES = ("#ffffff", "#0e1117")


def pictures(n: int = 5, height: int = 4, width: int = 3) -> np.ndarray[Any, np.dtype[np.float32]]:
    return (
        np.random.default_rng(0).normal(size=(n, height, width)).astype(np.float32) * np.arange(1, n + 1)[:, None, None]
    )


def hatched(fig: Any, rows: int, columns: int) -> np.ndarray[Any, Any]:
    """Which cells have lines over them."""
    (image,) = fig.layout.images
    assert (image.x, image.y, image.sizex, image.sizey) == (-0.5, -0.5, columns, rows)
    file = io.BytesIO(base64.b64decode(image.source.split(",")[1]))
    alpha = np.asarray(Image.open(file))[..., 1]
    scale = alpha.shape[0] // rows
    return alpha.reshape(rows, scale, columns, scale).max(axis=(1, 3)) > 0


def test_each_picture_stands_where_its_point_is_and_is_not_turned() -> None:
    values = pictures()
    fig = picture_grid(values, columns=3)
    cells, points = np.asarray(fig.data[0].z), fig.data[1]
    assert cells.shape == (9, 11)
    for i, (x, y) in enumerate(zip(points.x, points.y, strict=True)):
        top, left = int(y - 1.5), int(x - 1)
        np.testing.assert_allclose(cells[top : top + 4, left : left + 3], values[i] / np.abs(values).max(), rtol=1e-6)
    assert np.isnan(cells[4]).all()
    assert np.asarray(points.customdata).tolist() == [[0], [1], [2], [3], [4]]
    assert fig.layout.yaxis.range[0] > fig.layout.yaxis.range[1], "the first row is on top"


def test_the_range_is_common_or_of_the_layer_or_of_each_unit() -> None:
    values = pictures()
    sizes = np.abs(values).max(axis=(1, 2))

    def strongest(**how: Any) -> list[float]:
        cells = np.asarray(picture_grid(values, columns=5, **how).data[0].z)
        return [float(np.nanmax(np.abs(cells[:, 4 * i : 4 * i + 3]))) for i in range(5)]

    np.testing.assert_allclose(strongest(limit="layer"), sizes / sizes.max(), rtol=1e-5)
    np.testing.assert_allclose(strongest(limit="unit"), np.ones(5), rtol=1e-5)
    common = common_limit([values, 2 * values])
    np.testing.assert_allclose(strongest(limit=common), sizes / sizes.max() / 2, rtol=1e-5)
    bar = picture_grid(values, limit=12.5).data[0].colorbar
    assert tuple(bar.ticktext) == ("−12.5", "0", "12.5")


def test_the_lowest_number_of_the_colour_bar_has_room() -> None:
    digit = np.zeros((28, 28), np.uint8)
    fig = attribution_overlay(np.full((28, 28), -0.00578, np.float32), digit)
    bar = fig.data[0].colorbar
    assert bar.ticktext[0] == "−0.00578"
    room = fig.layout.margin.l + bar.xpad  # left of the bar's end, in the middle of the number
    assert room >= ImageFont.load_default(12).getlength(bar.ticktext[0]) / 2


@pytest.mark.parametrize(
    "values", [pictures(), -pictures(), np.zeros((3, 2, 2), np.float32), 1e-9 * pictures()], ids=str
)
def test_zero_has_the_same_colour_whatever_there_is(values: np.ndarray) -> None:
    for fig in (picture_grid(values), picture_grid(values, limit="unit"), number_grid(values[0])):
        cells = fig.data[0]
        assert (cells.zmin, cells.zmax) == (-1, 1)
        assert tuple(tuple(stop) for stop in cells.colorscale) == COLOURS
        assert COLOURS[1] == (0.5, ZERO)


@pytest.mark.parametrize("eyes", EYES)
def test_all_eyes_tell_more_from_less_and_both_from_nothing(eyes: str) -> None:
    assert min(difference(a, b, eyes) for a, b in combinations((NEGATIVE, ZERO, POSITIVE), 2)) > 35
    assert all(contrast(ZERO, page) > 3 for page in PAGES)


def test_what_is_below_zero_is_hatched_and_nothing_else() -> None:
    values = pictures(1, 5, 6)
    below = hatched(picture_grid(values), 5, 6)
    shares = values[0] / np.abs(values).max()
    np.testing.assert_array_equal(below, shares < -0.02)
    assert below.any()
    assert not below.all()
    assert not picture_grid(np.abs(values)).layout.images


def test_a_minus_is_as_wide_as_a_plus_and_zero_has_none() -> None:
    assert [signed_text(value) for value in (-0.3121, 4.0, 0.0, -0.0)] == ["−0.312", "4", "0", "0"]


def test_numbers_can_be_read_in_their_cells() -> None:
    values = np.linspace(-1, 1, 16, dtype=np.float32).reshape(4, 4)
    fig = number_grid(values)
    assert fig.data[1].text[0] == "−1"
    stops = [np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) for colour in (NEGATIVE, ZERO, POSITIVE)]
    for share, ink in zip(values.ravel(), fig.data[1].textfont.color, strict=True):
        low, high = (stops[0], stops[1]) if share < 0 else (stops[1], stops[2])
        rgb = np.rint(low + (high - low) * (share + 1 if share < 0 else share)).astype(int)
        assert contrast("#" + "".join(f"{part:02x}" for part in rgb), ink) > 4.4
    with pytest.raises(ValueError, match="17 by 2, must be at most 16 by 16"):
        number_grid(np.zeros((17, 2), np.float32))


def test_attention_shows_matrices_or_where_one_patch_looks() -> None:
    weights = np.random.default_rng(1).dirichlet(np.ones(16), (2, 16)).astype(np.float32)
    assert np.asarray(attention_grid(weights).data[0].z).shape == (16, 33)
    cells = np.asarray(attention_grid(weights, token=5).data[0].z)
    np.testing.assert_allclose(cells[:, 5:9], weights[1, 5].reshape(4, 4) / weights[:, 5].max(), rtol=1e-5)
    assert "Attention of 2 heads over 16 patches" in describe_attention(weights)


def test_states_run_from_top_to_bottom() -> None:
    states = np.zeros((28, 5), np.float32)
    states[20:, 2] = -2
    fig = states_over_steps(states)
    assert np.asarray(fig.data[0].z)[20].tolist() == [0, 0, -1, 0, 0]
    assert hatched(fig, 28, 5).sum() == 8
    assert describe_states(states).endswith("they change most from step 20 to step 21.")


def test_marks_on_a_digit_say_how_much_speaks_for_it() -> None:
    image, values = np.zeros((28, 28), np.uint8), np.zeros((28, 28), np.float32)
    image[10, 10] = 255
    values[10, 10], values[0, 0] = 3, -1
    fig = attribution_overlay(values, image)
    assert np.asarray(fig.data[0].z)[10, 10] == 1
    assert figures(describe_attribution(values, image)) == ["75 %", "25 %", "75 %"]
    assert np.asarray(attribution_overlay(values, image, limit=6).data[0].z)[10, 10] == 0.5
    assert describe_attribution(0 * values, image) == "Every pixel counts zero."


def test_a_grid_in_words() -> None:
    values = pictures()
    values[1] = 0
    largest = int(np.abs(values).max(axis=(1, 2)).argmax()) + 1
    sentence = describe_grid(values, "maps of the first layer")
    assert sentence.startswith("5 maps of the first layer, from −")
    assert sentence.endswith(f"the strongest is number {largest}, and 1 of them are zero everywhere.")


def test_a_map_of_images_marks_the_misread_and_the_selected_ones() -> None:
    points = np.arange(12, dtype=np.float64).reshape(6, 2)
    labels, predicted = np.array([3, 3, 7, 7, 7, 0]), np.array([3, 5, 7, 7, 1, 0])
    traces = {
        trace.name: trace for trace in embedding_map(points, labels, predicted, selected=[5, 99], here=(4, 2)).data
    }
    assert traces["misread"].x.tolist() == [2, 8]
    assert traces["misread"].marker.color == WRONG
    assert traces["picked"].x.tolist() == [10]
    assert (traces["this digit"].x, traces["this digit"].y) == ((4,), (2,))
    many = np.zeros(60, int)
    crowded = embedding_map(np.zeros((60, 2)), many, many, selected=range(60)).data[-1]
    assert crowded.marker.size < traces["picked"].marker.size, "squares that leave the map to be seen"
    assert traces["7"].customdata.tolist() == [[2, 7, 7], [3, 7, 7], [4, 7, 1]]
    assert figures(describe_embedding(labels, predicted)) == ["6", "2"]


def test_digits_stand_out_on_any_page_and_for_any_eyes() -> None:
    assert len(DIGIT_COLOURS) == 10
    assert all(contrast(colour, page) >= 3 for colour in DIGIT_COLOURS for page in PAGES)
    for eyes, least in (("full", 30), ("protan", 18), ("deutan", 18)):
        assert min(difference(a, b, eyes) for a, b in combinations(DIGIT_COLOURS, 2)) > least


def test_each_layer_has_a_bar_and_one_without_a_gradient_is_named() -> None:
    names, norms = ["convolution", "dense, ReLU", "dense"], np.array([0.0012, 0.0, 30.0])
    fig = layer_gradients(names, norms, "#0072b2")
    (bars,) = fig.data
    assert list(bars.x) == [0.0012, 30.0]
    assert list(bars.y) == [1, 3]
    assert (fig.layout.xaxis.type, fig.layout.xaxis.title.text) == ("log", "Length of the gradient (log)")
    assert fig.layout.yaxis.title.text == "Layer (number)"
    assert fig.layout.yaxis.range[0] > fig.layout.yaxis.range[1], "the first layer is on top"
    assert fig.layout.xaxis.range[0] < np.log10(0.0012)
    for norm in (norms, np.array([0.1, 0.2, 0.21]), np.array([3.0, 3.0, 3.0]), np.array([1e-9, 1.0, 0.0])):
        assert 2 <= len(layer_gradients(names, norm, "#0072b2").layout.xaxis.tickvals) <= 4, norm
    assert fig.layout.annotations[0].text == "Without a gradient: layer 2"
    words = describe_layer_gradients(names, norms)
    assert figures(words) == ["3", "30", "3", "0.0012", "1", "2"]
    assert "No layer" in layer_gradients(names, np.full(3, np.nan), "#0072b2").layout.annotations[0].text
    assert describe_layer_gradients(names, 0 * norms) == "No layer has a gradient."
