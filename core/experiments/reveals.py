"""A visitor's guess beside what came out: right, close, off, or open because the runs can not tell.

A number is right within half of the lesson's tolerance and close within all of it; a tolerance that is a factor counts alike
on the logarithms. A band is right when both its ends are, a curve when every point is close, and close when half of them are.
An order is right when it puts no two the wrong way round that the runs tell apart, and close when it does so with one pair.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, NamedTuple

from core.experiments.apart import by_rank
from core.experiments.lessons import GuessValue, Lesson
from core.experiments.measures import Unit, shown
from core.experiments.plain_words import (
    change_words,
    gap_words,
    measured_words,
    number_sentence,
    pair_sentences,
    text_decimals,
)
from core.experiments.results import Result

Outcome = Literal["right", "close", "off", "open"]
# How its sentence begins.
BEGINNINGS: Mapping[Outcome, str] = MappingProxyType(
    {
        "right": "{whose} guess was right.",
        "close": "{whose} guess came close.",
        "off": "It came out otherwise than {who} guessed.",
        "open": "These runs can not tell.",
    }
)


class Voice(NamedTuple):
    """Whose guess the sentences speak of: of whom they speak to, or of whom writes them."""

    whose: str
    who: str


READER, WRITER = Voice("Your", "you"), Voice("My", "I")


@dataclass(frozen=True, slots=True)
class Reveal:
    """truth: what came out, in the form of a guess; None where it can not be known
    sentence: guess, truth and how sure that is · placeholders: what stands for each in the lesson's text, with its unit
    """

    outcome: Outcome
    truth: GuessValue | None
    sentence: str
    placeholders: Mapping[str, str]


def reveal(lesson: Lesson, guess: GuessValue, result: Result, voice: Voice = READER) -> Reveal:
    """guess: as ``Lesson.check_guess`` returns it · voice: ``WRITER`` for a report by whoever guessed"""
    truth = true_value(lesson, result)
    outcome = _outcome(lesson, guess, truth, result)
    parts = [BEGINNINGS[outcome].format(**voice._asdict())]
    misses = _misses(lesson, guess, truth) if lesson.answer.kind == "curve" else []
    if misses:
        parts.append(f"{sum(miss <= 1 for miss in misses)} of {len(misses)} numbers came close.")
    else:
        parts.append(f"{voice.who[0].upper()}{voice.who[1:]} guessed {words(lesson, guess)}")
        parts[-1] += (
            "." if outcome == "right" and lesson.guess.kind == "choice" else f"; {truth_words(lesson, result)}."
        )
    parts += _why(lesson, result)
    return Reveal(outcome, truth, " ".join(parts), MappingProxyType(_placeholders(lesson, guess, result)))


def answer_value(lesson: Lesson, result: Result) -> float | None:
    """The number that a bracket or a number is judged by, in the unit that is shown; None where it can not be known."""
    answer = lesson.answer
    if not answer.of:
        return None
    value = result.of(answer.of).mean
    other = result.of(answer.minus or answer.over).mean if answer.minus or answer.over else 0.0
    if value is None or other is None or (answer.over and not other):
        return None
    return value / other if answer.over else value - other


def true_value(lesson: Lesson, result: Result) -> GuessValue | None:
    """What came out in the form of a guess, None where it can not be known."""
    kind, options = lesson.answer.kind, lesson.guess.options
    if kind == "best":
        return options[_place_of_best(lesson, result)]
    if kind == "order":
        return by_rank(lesson.measure, result.measured)
    if kind == "curve":
        return tuple(math.nan if one.mean is None else one.mean for one in result.measured)
    if kind == "band":
        numbers = result.of(lesson.answer.of).numbers
        return (min(numbers), max(numbers)) if numbers else None
    value = answer_value(lesson, result)
    if value is None or kind == "value":
        return value
    return options[sum(value >= bound for bound in lesson.answer.bounds)]


def words(lesson: Lesson, value: GuessValue) -> str:
    """A guess, or a truth in its form, as a part of a sentence."""
    if isinstance(value, str):
        return f"“{value}”"
    if isinstance(value, (int, float)):
        return _number(lesson, value)
    if lesson.guess.kind == "order":
        return ", ".join(f"{place}. {label}" for place, label in enumerate(value, 1))
    numbers = [_number(lesson, float(number)) for number in value]
    if lesson.guess.kind == "band":
        return " to ".join(numbers)
    return ", ".join(f"{label}: {number}" for label, number in zip(lesson.labels, numbers, strict=True))


def truth_words(lesson: Lesson, result: Result) -> str:
    """What came out, or whose runs left it unknown, as a part of a sentence."""
    truth = true_value(lesson, result)
    if truth is not None:
        return f"what came out is {words(lesson, truth)}"
    needed = filter(None, (lesson.answer.of, lesson.answer.minus or lesson.answer.over))
    diverged = [label for label in needed if result.of(label).mean is None]
    if diverged:
        return f"every run of {' and of '.join(diverged)} diverged, so there is no number"
    return f"nothing can be divided by what came out for {lesson.answer.over}, which is 0"


def curve_rows(lesson: Lesson, guess: GuessValue, result: Result) -> list[tuple[str, str, str, str]]:
    """Of each point of a curve: its label, what was guessed, what came out and the gap, short enough for a telephone; none for
    another kind of guess."""
    truth = true_value(lesson, result)
    if lesson.answer.kind != "curve" or not isinstance(guess, tuple) or not isinstance(truth, tuple):
        return []
    pairs = list(zip(map(float, guess), map(float, truth), strict=True))
    unit: Unit = "%" if lesson.unit == "%" else ""  # any other one stands in the title of the axis

    def cell(value: float) -> str:
        return "diverged" if math.isnan(value) else shown(value, unit, lesson.decimals)

    return [
        (label, cell(a), cell(b), gap_words(lesson, a, b)) for label, (a, b) in zip(lesson.labels, pairs, strict=True)
    ]


def _number(lesson: Lesson, value: float) -> str:
    if math.isnan(value):
        return "nothing (diverged)"
    return shown(value, lesson.unit, lesson.decimals)


def _place_of_best(lesson: Lesson, result: Result) -> int:
    """Of the contestant that leads and is told apart from every other; behind all of them where there is none."""
    leader = by_rank(lesson.measure, result.measured)[0]
    of_leader = [pair for pair in result.apart if leader in (pair.a, pair.b)]
    leads = bool(of_leader) and all(pair.ahead == leader for pair in of_leader)
    return lesson.labels.index(leader) if leads else len(lesson.labels)


def _outcome(lesson: Lesson, guess: GuessValue, truth: GuessValue | None, result: Result) -> Outcome:
    if truth is None:
        return "open"
    kind = lesson.answer.kind
    if kind in ("best", "bracket"):
        if guess == truth:
            return "right"
        if kind == "best":
            return "open" if truth == lesson.guess.options[-1] else "off"
        value = answer_value(lesson, result)
        near = [
            bound
            for bound in lesson.answer.bounds
            if value is not None and abs(value - bound) <= lesson.answer.tolerance
        ]
        places = [lesson.guess.options.index(str(option)) for option in (guess, truth)]
        return "close" if near and abs(places[0] - places[1]) == 1 else "off"
    if kind == "order":
        return _outcome_of_order(guess, result)
    return _outcome_of_numbers(lesson, guess, truth)


def _outcome_of_order(guess: GuessValue, result: Result) -> Outcome:
    apart = [pair for pair in result.apart if pair.ahead]
    if not apart or not isinstance(guess, tuple):
        return "open"
    labels = list(map(str, guess))
    wrong = sum(labels.index(pair.ahead) > labels.index(pair.b if pair.ahead == pair.a else pair.a) for pair in apart)
    return "right" if not wrong else "close" if wrong == 1 else "off"


def _outcome_of_numbers(lesson: Lesson, guess: GuessValue, truth: GuessValue) -> Outcome:
    misses = _misses(lesson, guess, truth)
    if not misses:
        return "open"
    if lesson.answer.kind == "curve":
        n_close = sum(miss <= 1 for miss in misses)
        return "right" if n_close == len(misses) else "close" if 2 * n_close >= len(misses) else "off"
    worst = max(misses)
    return "right" if worst <= 0.5 else "close" if worst <= 1 else "off"


def _misses(lesson: Lesson, guess: GuessValue, truth: GuessValue | None) -> list[float]:
    """How far off each number of a guess is, in tolerances; without those of which every run diverged."""
    if truth is None:
        return []
    guesses, truths = (value if isinstance(value, tuple) else (value,) for value in (guess, truth))
    return [_miss(lesson, float(a), float(b)) for a, b in zip(guesses, truths, strict=True) if not math.isnan(float(b))]


def _miss(lesson: Lesson, guess: float, truth: float) -> float:
    """How far off, in tolerances."""
    tolerance = lesson.answer.tolerance
    if not lesson.guess.log:
        return round(abs(guess - truth) / tolerance, 9)
    return abs(math.log(guess / truth)) / math.log(tolerance) if truth > 0 else math.inf


def _why(lesson: Lesson, result: Result) -> list[str]:
    """Sentences that say how sure it is, and whose runs diverged."""
    sentences = []
    if lesson.answer.kind == "best":
        sentences = [_about_leader(lesson, result)]
    elif lesson.answer.kind == "bracket" and (value := answer_value(lesson, result)) is not None:
        sentences = [number_sentence(lesson, {one.label: one for one in result.measured}, value)]
    elif lesson.answer.kind == "order" and result.apart:
        together = [f"{pair.a} and {pair.b}" for pair in result.apart if not pair.ahead]
        open_ones = f"Not distinguishable, for luck could do it: {'; '.join(together)}."
        sentences = [open_ones if together else "Luck would hardly make any of the gaps between them."]
    for one in result.measured:
        if n := one.values.count(None):
            sentences.append(
                f"{n} of {len(one.values)} runs of {one.label} diverged and {'has' if n == 1 else 'have'} no value."
            )
    return sentences


def _about_leader(lesson: Lesson, result: Result) -> str:
    """The leader beside the next best, or beside the best of those that it is not told apart from: they leave it open."""
    leader, *others = by_rank(lesson.measure, result.measured)
    pairs = {next(iter({pair.a, pair.b} - {leader})): pair for pair in result.apart if leader in (pair.a, pair.b)}
    other = next((label for label in others if pairs[label].ahead != leader), others[0])
    return pair_sentences(lesson, result.of(leader), result.of(other), pairs[other])


def _placeholders(lesson: Lesson, guess: GuessValue, result: Result) -> dict[str, str]:
    measure, decimals = lesson.measure, text_decimals(lesson)

    def of_contestant(value: float | None) -> str:
        return "no value (diverged)" if value is None else measured_words(measure, value, decimals)

    texts = {
        "n": f"{max(one.n for one in result.measured):,}",
        "seeds": f"{len(result.measured[0].values):,}",
        "guess": words(lesson, guess),
        "seconds": f"{result.seconds:,.0f} seconds",
    }
    value = answer_value(lesson, result)
    texts["value"] = "no value" if value is None else shown(value, lesson.unit, lesson.decimals)
    texts["change"] = "no value" if value is None else change_words(lesson, value)
    for one in result.measured:
        texts[one.label] = of_contestant(one.mean)
        texts[f"{one.label}.low"] = of_contestant(min(one.numbers, default=None))
        texts[f"{one.label}.high"] = of_contestant(max(one.numbers, default=None))
    return texts
