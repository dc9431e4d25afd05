"""What damaged networks read, drawn as measured."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.charts.damage import bytes_curves, damage_curves, describe_bytes, describe_damage
from core.charts.looks import look
from tests.charts.reading import figures

SHARES = [(0.0, "0 %", 0.98, 40_000), (0.5, "50 %", 0.97, 22_000), (0.9, "90 %", 0.31, 6_000)]
BITS = [(32.0, "32 bits", 0.98, 40_000), (8.0, "8 bits", 0.98, 11_000), (1.0, "1 bit", 0.2, 2_000)]


def table(points: list[tuple[float, str, float, int]], *names: str) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"number": number, "name": name, "look": look("blue", number, 0), "amount": amount, "words": words,
             "accuracy": accuracy, "low": accuracy - 0.01, "high": accuracy + 0.02, "n": 500, "bytes": size}
            for number, name in enumerate(names) for amount, words, accuracy, size in points
        ]
    )  # fmt: skip


def test_a_line_and_its_band_stand_where_they_were_measured() -> None:
    figure = damage_curves(table(SHARES, "CNN", "MLP"), "Weights (%)", "share", (0.0, 0.5, 0.9, 0.98), marked=0.5)
    band, line, _, other = figure.data
    np.testing.assert_allclose(line.x, [0, 50, 90])
    np.testing.assert_allclose(line.y, [98, 97, 31])
    np.testing.assert_allclose(band.x, [0, 50, 90, 90, 50, 0])
    np.testing.assert_allclose(band.y, [97, 96, 30, 33, 99, 100])
    assert (line.name, other.name) == ("CNN", "MLP")
    assert line.marker.symbol != other.marker.symbol
    assert line.line.color != other.line.color
    assert (figure.layout.shapes[0].x0, figure.layout.shapes[0].x1) == (50, 50)
    assert figure.layout.xaxis.range[0] < 0 < 98 < figure.layout.xaxis.range[1], "it stays while more is measured"
    assert "(%)" in figure.layout.xaxis.title.text
    assert "(%)" in figure.layout.yaxis.title.text


def test_bits_go_from_many_to_few() -> None:
    axis = damage_curves(table(BITS, "CNN"), "Bits (per weight)", "bits", (32, 8, 4, 1)).layout.xaxis
    assert (axis.type, list(axis.tickvals), list(axis.ticktext)) == ("log", [32, 8, 4, 1], ["32", "8", "4", "1"])
    left, right = axis.range
    assert left > np.log10(32) > 0 > right


def test_bytes_say_at_which_amount_they_are_left() -> None:
    figure = bytes_curves(table(SHARES, "CNN"))
    (line,) = figure.data
    assert line.x.tolist() == [40_000, 22_000, 6_000]
    assert [row[3] for row in line.customdata] == ["0 %", "50 %", "90 %"]
    assert figure.layout.xaxis.type == "log"


def test_without_a_measurement_the_charts_say_so() -> None:
    for figure in (damage_curves(pd.DataFrame(), "Weights (%)", "share", (0.0, 1.0)), bytes_curves(pd.DataFrame())):
        assert not figure.data
        assert figure.layout.annotations[0].text == "Nothing has been measured yet"


def test_the_descriptions_carry_the_numbers() -> None:
    rows = table(SHARES, "CNN")
    assert figures(describe_damage(rows, "Pruned"), "CNN") == ["CNN", "98.00 %", "31.00 %", "90 %", "90 %"]
    assert figures(describe_damage(rows[:1], "Pruned"), "CNN") == ["CNN", "98.00 %"]
    assert figures(describe_bytes(rows), "CNN") == ["CNN", "98.00 %", "40,000", "31.00 %", "6,000"]
