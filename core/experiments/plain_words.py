"""What came out of a lesson, in sentences for a reader of fifteen: which one, by how much, and on how many images and seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

from core.analysis.verdicts import FEWEST_SEEDS
from core.experiments.apart import Apart, Measured
from core.experiments.lessons import Lesson
from core.experiments.measures import Measure, Unit, shown
from core.experiments.results import Result
from core.fields import SPLIT_WORDS

AS_MANY: Mapping[Unit, str] = MappingProxyType(
    {"": "as large", "%": "as much", "points": "as much", "seconds": "as long"}
)
LESS: Mapping[Unit, str] = MappingProxyType(
    {"weights": "fewer", "multiply-adds": "fewer", "images per second": "fewer"}
)


def change_words(lesson: Lesson, value: float) -> str:
    """A ratio or a difference with its direction: "1.3 times as many", "3.71 percentage points less"; any other number with its
    unit. value: in the unit that is shown"""
    text = shown(abs(value), lesson.unit, lesson.decimals)
    if lesson.answer.over:
        return f"{text} {AS_MANY.get(lesson.measure.unit, 'as many')}"
    if lesson.answer.minus:
        if text == shown(0.0, lesson.unit, lesson.decimals):
            return "no difference"
        return f"{text} {'more' if value > 0 else LESS.get(lesson.measure.unit, 'less')}"
    return measured_words(lesson.measure, value, lesson.decimals)


def text_decimals(lesson: Lesson) -> int:
    """Of what was measured, in sentences."""
    return lesson.measure.decimals if lesson.answer.over else lesson.decimals


def measured_words(measure: Measure, value: float, decimals: int) -> str:
    """What was measured, with its unit; of a change, which way it went: "13.17 percentage points down"."""
    if measure.unit == "points" and measure.higher_is_better is None:
        text = shown(abs(value), measure.unit, decimals)
        way = "up or down" if text == shown(0.0, measure.unit, decimals) else "up" if value > 0 else "down"
        return f"{text} {way}"
    return shown(value, measure.unit, decimals)


def gap_words(lesson: Lesson, guess: float, truth: float) -> str:
    """How far a guessed number is from what came out: "12.3 points too high", "2.5 times too low" where the numbers
    stand on a log axis. truth: NaN where every run diverged"""
    if math.isnan(truth):
        return "not known"
    way = "high" if guess > truth else "low"
    if lesson.guess.log:
        if truth <= 0:  # no factor leads there
            return f"too {way}"
        factor = f"{max(guess / truth, truth / guess):,.1f}"
        return "hardly any" if factor == "1.0" else f"{factor} times too {way}"
    text = shown(abs(guess - truth), "", lesson.decimals)
    if text == shown(0.0, "", lesson.decimals):
        return "none"
    return f"{text}{' points' if lesson.unit == '%' else ''} too {way}"


def close_sentence(lesson: Lesson) -> str:
    """How near a number has to be, and why so; "" where none is guessed."""
    answer = lesson.answer
    if answer.kind not in ("value", "band", "curve"):
        return ""
    if lesson.guess.log:
        near = f"Up to {answer.tolerance:g} times too high or too low counts as close"
    else:
        unit = "percentage points" if lesson.unit == "%" else lesson.unit
        near = f"Up to {answer.tolerance:g} {unit}".rstrip() + " away counts as close"
        if answer.kind != "curve":
            near += f", up to {answer.tolerance / 2:g} as right"
    where = {"value": "", "band": " at both ends", "curve": " for each number"}[answer.kind]
    return f"{near}{where}: here the rough size matters, not the last digit."


def number_sentence(lesson: Lesson, measured: Mapping[str, Measured], value: float) -> str:
    """What a bracket is judged by. measured: by label · value: in the unit that is shown"""
    answer = lesson.answer
    if other := answer.minus or answer.over:
        pair = (measured[answer.of], measured[other])
        return f"{_side_by_side(lesson, *pair)} That is {change_words(lesson, value)}."
    of = measured[answer.of]
    return f"{of.label}: {change_words(lesson, value)} ({_basis(lesson, of)})."


def pair_sentences(lesson: Lesson, a: Measured, b: Measured, pair: Apart) -> str:
    """Two contestants, and whether these runs tell them apart. a: of the two, whoever is to be named first"""
    alone = ""
    if pair.ahead and len(a.values) == 1 and lesson.experiment.kind != "count":
        alone = "This is about these two trained networks: trained anew, it may come out otherwise."
    return " ".join(filter(None, (_side_by_side(lesson, a, b), _conclusion(lesson, a, b, pair), alone)))


def _conclusion(lesson: Lesson, a: Measured, b: Measured, pair: Apart) -> str:
    """Whether the gap between two could be luck; "" where there is none in it."""
    measure = lesson.measure
    if a.mean is not None and a.mean == b.mean and a.values == b.values:
        return "There is no difference."
    if not pair.ahead and (diverged := [one.label for one in (a, b) if one.mean is None]):
        return (
            f"Every run of {' and of '.join(diverged)} diverged, so there is no number to compare: not distinguishable."
        )
    if not pair.ahead:
        return "Not distinguishable: a gap like this can be luck."
    if measure.exact and not measure.of_baseline:
        return ""
    ahead = "is ahead"
    if measure.higher_is_better is None:
        ahead = "is higher" if measure.unit == "points" else "has more"
    by = ""
    if a.mean is not None and b.mean is not None and None not in (*a.values, *b.values):
        unit = "points" if measure.is_accuracy else measure.unit
        by = f" by {shown(abs(a.mean - b.mean), unit, text_decimals(lesson))}"
    return f"{pair.ahead} {ahead}{by}, and luck would hardly do that."


def luck_lines(lesson: Lesson, result: Result) -> list[str]:
    """Of each pair that the text of a lesson compares: both figures, and whether their gap could be luck."""
    judged = {frozenset((pair.a, pair.b)): pair for pair in result.apart}
    lines = []
    for names in lesson.pairs:
        if pair := judged.get(frozenset(names)):  # a result that was kept before the lesson named the pair lacks it
            a, b = map(result.of, names)
            lines.append(f"{_figures(lesson, a, b, '; ')}. {_conclusion(lesson, a, b, pair)}")
    return lines


def luck_basis(lesson: Lesson, result: Result) -> str:
    """Of what luck the lines speak, in a sentence."""
    n = min(len(result.of(label).values) for pair in lesson.pairs for label in pair)
    if n >= FEWEST_SEEDS:
        of = "seeds" if lesson.experiment.kind == "train" else "measurements"
        return (
            f"Judged over {n} {of}. Where one is named as ahead, luck alone makes such a gap less than 5 times in 100."
        )
    if n > 1:
        return f"Judged by the luck of the images, and by whether all {n} seeds agree. Trained anew, small gaps may change."
    return "Judged by the luck of the images alone. Trained anew, small gaps may change."


def _side_by_side(lesson: Lesson, a: Measured, b: Measured) -> str:
    return f"{_figures(lesson, a, b)} ({_basis(lesson, a, b)})."


def _figures(lesson: Lesson, a: Measured, b: Measured, between: str = ", ") -> str:
    return between.join(
        f"{one.label}: {'diverged' if one.mean is None else measured_words(lesson.measure, one.mean, text_decimals(lesson))}"
        for one in (a, b)
    )


def _basis(lesson: Lesson, *measured: Measured) -> str:
    """What the numbers are and what they rest on: "accuracy on test images, means of 6 seeds, 382 images"."""
    counts = [len(one.numbers) for one in measured if one.numbers]  # whoever only diverged has no mean
    parts = [lesson.measure.title]
    if max(counts, default=0) > 1:
        of = "seeds" if lesson.experiment.kind == "train" else "measurements"
        parts.append(f"mean{'s' * (len(counts) > 1)} of {' and '.join(map(str, dict.fromkeys(counts)))} {of}")
    elif not lesson.measure.exact:
        parts.append("one run" + " each" * (len(measured) > 1))
    is_named = f"{SPLIT_WORDS[measured[0].split]} images" in lesson.measure.title if measured[0].split else False
    images = (f"{one.n:,} images" if is_named else one.images for one in measured)
    return ", ".join([*parts, *dict.fromkeys(filter(None, images))])
