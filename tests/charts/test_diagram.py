"""The picture of a network shows each layer, each way around, and a repetition once."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from core.charts.diagram import describe_diagram, diagram, shape


@dataclass(frozen=True)
class Made:
    kind: str
    output_shape: tuple[int, ...]
    n_params: int
    inputs: tuple[int, ...]


CHAIN = [Made("dense, ReLU", (128,), 100_480, (-1,)), Made("dense", (10,), 1_290, (0,))]


def block(start: int) -> list[Made]:
    """Two layers and a way around them."""
    return [
        Made("norm", (4, 8), 16, (start - 1,)),
        Made("dense", (4, 8), 72, (start,)),
        Made("addition", (4, 8), 0, (start - 1, start + 1)),
    ]


BLOCKS = [
    Made("dense", (4, 8), 400, (-1,)), *block(1), *block(4), *block(7), Made("mean", (8,), 0, (9,)),
    Made("dense", (10,), 90, (10,)),
]  # fmt: skip


def edges(dot: str) -> set[tuple[int, int]]:
    return {(int(a), int(b)) for a, b in re.findall(r'"(-?\d+)" -> "(\d+)"', dot)}


def boxes(dot: str) -> dict[int, str]:
    return {int(name): label for name, label in re.findall(r'^"(\d+)" \[label="(.*?)"', dot, re.MULTILINE)}


def test_each_layer_is_a_box_and_the_image_comes_first() -> None:
    dot = diagram(CHAIN)
    assert boxes(dot) == {0: r"dense, ReLU\n128\n100,480 weights", 1: r"dense\n10\n1,290 weights"}
    assert edges(dot) == {(-1, 0), (0, 1)}
    assert "cluster" not in dot


def test_a_repetition_is_drawn_once_with_its_ways_around() -> None:
    dot = diagram(BLOCKS)
    assert set(boxes(dot)) == {0, 1, 2, 3, 10, 11}
    assert edges(dot) == {(-1, 0), (0, 1), (1, 2), (0, 3), (2, 3), (3, 10), (10, 11)}
    assert '"3 times"' in dot
    assert re.search(r'subgraph "cluster_1" \{.*"1" "2" "3" \}', dot)


def test_what_differs_is_no_repetition() -> None:
    wider = [Made(one.kind, (5, 8), one.n_params, one.inputs) for one in block(4)]
    assert "cluster" not in diagram([*BLOCKS[:4], *wider])


def test_only_layers_with_weights_are_filled() -> None:
    lines = [line for line in diagram(BLOCKS).splitlines() if re.match(r'"\d+" \[', line)]
    assert all(("filled" in line) == ("weights" in line) for line in lines)
    assert {"filled" in line for line in lines} == {True, False}


@pytest.mark.parametrize(("dark", "ink"), [(False, "#111418"), (True, "#ffffff")])
def test_words_can_be_read_on_any_page(dark: bool, ink: str) -> None:
    dot = diagram(BLOCKS, dark=dark)
    assert 'bgcolor="transparent"' in dot
    assert set(re.findall(r'fontcolor="(.*?)"', dot)) == {ink}


def test_a_name_can_not_leave_its_box() -> None:
    dot = diagram([Made('a"] evil [b="\\', (1,), 0, (-1,))])
    assert r'"0" [label="a\"] evil [b=\"\\\n1"]' in dot


def test_the_description_names_every_layer_and_says_what_repeats() -> None:
    assert describe_diagram("MLP", CHAIN) == "MLP: dense, ReLU (128), then dense (10)."
    description = describe_diagram("Mixer", BLOCKS)
    assert "then 3 times [norm (4 × 8), dense (4 × 8), addition (4 × 8)], then mean (8)" in description


def test_shapes_read_as_people_write_them() -> None:
    assert shape((32, 28, 28)) == "32 × 28 × 28"
