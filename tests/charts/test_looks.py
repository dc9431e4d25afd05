"""Who is drawn how: by architecture, told apart by any eyes, the same whatever is shown beside it."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest

from core import models
from core.charts.looks import TONES, look
from tests.charts.eyes import EYES, difference

ARCHITECTURES = {name: models.hue_and_place(name) for name in models.TABLE}
FIRST = {name: look(*hue_and_place, 0) for name, hue_and_place in ARCHITECTURES.items()}
# The smallest difference between the first shades of two architectures, in units of CIELAB.
LEAST = {"full": 21, "protan": 12, "deutan": 12}
# The same between shades of one architecture, which have different markers too, and of two, for full sight.
LEAST_WITHIN, LEAST_ACROSS = {"full": 6, "protan": 4, "deutan": 4}, 10


@pytest.mark.parametrize("eyes", EYES)
def test_the_colours_of_architectures_stay_apart_for_all_eyes(eyes: str) -> None:
    pairs = {(a, b): difference(FIRST[a].colour, FIRST[b].colour, eyes) for a, b in combinations(FIRST, 2)}
    closest = min(pairs, key=pairs.__getitem__)
    assert pairs[closest] >= LEAST[eyes], (closest, pairs[closest])


def test_no_shade_of_one_architecture_is_taken_for_another_one() -> None:
    shades = {name: TONES[hue][place].shades for name, (hue, place) in ARCHITECTURES.items()}
    for a, b in combinations(shades, 2):
        least = min(difference(one, other) for one in shades[a] for other in shades[b])
        assert least >= LEAST_ACROSS, (a, b)


def test_every_architecture_has_a_marker_of_its_own() -> None:
    assert len({own.symbol for own in FIRST.values()}) == len(FIRST)


@pytest.mark.parametrize("eyes", EYES)
def test_runs_of_one_architecture_differ_in_shade_and_marker(eyes: str) -> None:
    for name, (hue, place) in ARCHITECTURES.items():
        looks = [look(hue, place, repeat) for repeat in range(18)]
        assert len({(one.colour, one.symbol) for one in looks}) == 18, name
        assert len({one.symbol.removesuffix("-open") for one in looks[:7]}) >= 6, "five on a chart have five shapes"
        for five in zip(*(looks[place:] for place in range(1, 6)), strict=False):
            assert len({one.symbol for one in five}) == 5, name
        assert all(a.symbol != b.symbol for a, b in pairwise(looks)), name
        for three in zip(looks[1:], looks[2:], looks[3:], strict=False):
            for a, b in combinations((looks[0], *three), 2):
                assert difference(a.colour, b.colour, eyes) >= LEAST_WITHIN[eyes], (name, a, b)


def test_an_architecture_of_a_later_day_takes_a_colour_that_no_other_has(monkeypatch: pytest.MonkeyPatch) -> None:
    later = models.Entry("Later", "convolutional", ""), models.Entry("Of a new family", "spiking", "")
    table = {**models.TABLE, "later": later[0], "new": later[1]}
    monkeypatch.setattr(models, "TABLE", table)
    looks = [look(*models.hue_and_place(name), 0) for name in table]
    assert looks[: len(FIRST)] == list(FIRST.values()), "those that were there keep theirs"
    assert len({one.colour for one in looks}) == len({one.symbol for one in looks}) == len(table)
    assert look(*models.hue_and_place("of another version"), 0).colour not in {one.colour for one in looks}


def test_where_a_hue_has_no_further_tone_its_first_comes_again_with_the_next_shade() -> None:
    n = len(TONES["blue"])
    assert look("blue", n, 0)[:2] == look("blue", 0, 1)[:2]
