"""What came out of a lesson, and whether a guess was right: the right values, by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from stored_runs import N_TEST, ended

from core.config import RunConfig
from core.data.paths import assets_root
from core.engine import speed
from core.errors import ConfigError, RunError
from core.experiments import lessons as declared
from core.experiments.apart import Apart, Measured, judge
from core.experiments.lessons import GuessValue, Lesson, parse
from core.experiments.measures import MEASURES
from core.experiments.pictures import guess_axes, reveal_alt, reveal_figure
from core.experiments.plain_words import close_sentence, luck_basis, luck_lines, measured_words
from core.experiments.results import Result, from_values, read_result
from core.experiments.reveals import WRITER, Reveal, curve_rows, reveal
from core.runs import shipped
from core.runs.store import Store

Values = list[float | None]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "runs")
    yield opened
    opened.close()


def made(front: str, contestants: str = "", result: str = "{MLP} {CNN}") -> Lesson:
    """A lesson of softmax regression against an MLP, called MLP and CNN."""
    pairs = 'pairs = [["CNN", "MLP"]]\n' if "minus" in front or "over" in front else ""
    head = f'course = "figures"\nplace = 1\ntitle = "T"\nquestion = "Q?"\nminutes = 5\n{pairs}'
    both = (
        contestants
        or '[[contestant]]\nlabel = "MLP"\narchitecture = "softmax"\n[[contestant]]\nlabel = "CNN"\narchitecture = "mlp"\n'
    )
    text = f"## Result\n{result}\n## Why\nW\n## What this does not show\nN\n## Carry on\nC?\n"
    return parse("made", f"+++\n{head}{front}\n{both}+++\n{text}")


BEST = """
[guess]
kind = "choice"
ask = "Which?"
options = ["The MLP", "The CNN", "Neither"]
[experiment]
kind = "train"
measure = "test_acc"
seeds = [SEEDS]
[answer]
kind = "best"
"""


def trained(store: Store, lesson: Lesson, accuracies: dict[str, list[float | None]]) -> list[str]:
    """The runs of a lesson with these test accuracies; None: it diverged."""
    run_ids = []
    places = dict.fromkeys(lesson.labels, 0)
    for label, _, config in lesson.configs():
        accuracy = accuracies[label][places[label]]
        places[label] += 1
        run_ids.append(store.create(config, request="pause"))
        ended(store, run_ids[-1], 0.9, accuracy or 0.5, status="diverged" if accuracy is None else "finished")
    return run_ids


def result_of(lesson: Lesson, **values: Any) -> Result:
    """A result that is not read from runs."""
    measured = tuple(Measured(label, tuple(of), 200, "test") for label, of in values.items())
    return Result("made", measured, tuple(range(len(measured[0].values))), (), 12.4)


def test_six_seeds_tell_two_apart_or_do_not(store: Store) -> None:
    lesson = made(BEST.replace("SEEDS", "0, 1, 2, 3, 4, 5"))
    clear = {"MLP": [0.8, 0.81, 0.79, 0.8, 0.82, 0.8], "CNN": [0.9, 0.91, 0.9, 0.92, 0.9, 0.9]}
    run_ids = trained(store, lesson, clear)
    result = read_result(store, lesson, run_ids)
    assert result.of("CNN") == Measured("CNN", (90.0, 91.0, 90.0, 92.0, 90.0, 90.0), N_TEST, "test")
    assert (result.seeds, result.seconds) == ((0, 1, 2, 3, 4, 5), 24.0)
    seen = reveal(lesson, "The CNN", result)
    assert (seen.outcome, seen.truth) == ("right", "The CNN")
    assert seen.sentence == (
        "Your guess was right. You guessed “The CNN”. CNN: 90.50 %, MLP: 80.33 % (accuracy on test images, means of 6 seeds, "
        "200 images). CNN is ahead by 10.17 percentage points, and luck would hardly do that."
    )
    assert (seen.placeholders["CNN"], seen.placeholders["CNN.high"], seen.placeholders["n"]) == (
        "90.50 %",
        "92.00 %",
        "200",
    )
    assert declared.filled(lesson.sections["Result"], seen.placeholders) == "80.33 % 90.50 %"
    assert {reveal(lesson, guess, result).outcome for guess in ("The MLP", "Neither")} == {"off"}
    assert tuple(reveal_figure(lesson, "The CNN", result).built().layout.yaxis.ticktext) == ("★ CNN", "MLP")
    (remark,) = reveal_figure(lesson, "Neither", result).built().layout.annotations
    assert remark.text == "Guess: “Neither”"
    assert reveal(lesson, "The MLP", result, WRITER).sentence.startswith(
        "It came out otherwise than I guessed. I guessed “The MLP”;"
    )
    assert reveal_alt(lesson, "Neither", result) == (
        "Accuracy on test images (%): the guess was “Neither”, what came out is “The CNN”."
    )
    assert from_values(lesson, result.as_values()) == result
    with pytest.raises(ConfigError, match="made: this is no result"):
        from_values(lesson, {"lesson": "made"})


def test_what_luck_can_do_is_open_and_who_diverges_loses() -> None:
    lesson = made(BEST.replace("SEEDS", "0, 1, 2, 3, 4, 5"))

    def seen(guess: GuessValue, mlp: Values, cnn: Values) -> Reveal:
        result = result_of(lesson, MLP=mlp, CNN=cnn)
        return reveal(lesson, guess, replace(result, apart=judge(MEASURES["test_acc"], [result.measured], {})))

    mixed: tuple[Values, Values] = [80, 90, 80, 90, 80, 90], [90, 80, 90, 80, 90, 81]
    luck = seen("The CNN", *mixed)
    assert (luck.outcome, luck.truth) == ("open", "Neither")
    assert luck.sentence.endswith("means of 6 seeds, 200 images). Not distinguishable: a gap like this can be luck.")
    assert seen("Neither", *mixed).outcome == "right"
    fell = seen("The CNN", [None] * 5 + [20], [90, 91, 90, 92, 90, 90])
    assert fell.outcome == "right"
    assert (
        "CNN: 90.50 %, MLP: 20.00 % (accuracy on test images, means of 6 and 1 seeds, 200 images). CNN is ahead, and"
        in (fell.sentence)
    ), "a gap to the one that did not diverge would say too little"
    assert "5 of 6 runs of MLP diverged and have no value" in fell.sentence
    lucky = seen("The CNN", [None] * 5 + [99], [90, 91, 90, 92, 90, 90])
    assert "CNN: 90.50 %, MLP: 99.00 %" in lucky.sentence, (
        "who mostly diverges does not lead by the one run that did not"
    )
    lost = seen("The CNN", [None] * 6, [90, 91, 90, 92, 90, 90])
    assert (lost.outcome, lost.truth) == ("right", "The CNN"), "diverging always is no better than diverging mostly"
    assert lost.sentence.endswith(
        "CNN: 90.50 %, MLP: diverged (accuracy on test images, mean of 6 seeds, 200 images). CNN is ahead, and luck would "
        "hardly do that. 6 of 6 runs of MLP diverged and have no value."
    )
    both = seen("The CNN", [None] * 6, [None] * 6)
    assert both.outcome == "open"
    assert "Every run of MLP and of CNN diverged, so there is no number to compare" in both.sentence
    losses = (Measured("MLP", (2.0, 2.1, 2.0, 2.2, 2.0, None), 200, "test"), Measured("CNN", (0.1,) * 6, 200, "test"))
    two = (Measured("MLP", (99.0, None), 9_000, "test"), Measured("CNN", (90.0, 90.0), 9_000, "test"))
    (few,) = judge(MEASURES["test_acc"], [two], {})
    assert not few.ahead, "of two runs one diverged"
    (pair,) = judge(MEASURES["test_loss"], [losses], {})
    assert (pair.ahead, pair.sentence) == (
        "CNN",
        "Loss on test images, mean of 6: MLP 2.060, CNN 0.100; CNN is ahead, and luck would hardly do that.",
    )


def test_runs_of_something_else_are_no_result(store: Store) -> None:
    lesson = made(BEST.replace("SEEDS", "0, 1"))
    run_ids = trained(store, lesson, {"MLP": [0.8, 0.8], "CNN": [0.9, 0.9]})
    with pytest.raises(RunError, match="other settings than those of MLP"):
        read_result(store, lesson, run_ids[::-1])
    with pytest.raises(RunError, match="3 runs can not be those of 2"):
        read_result(store, lesson, run_ids[:3])
    waiting = store.create(lesson.configs()[0][2], request="pause")
    with pytest.raises(RunError, match="has not ended"):
        read_result(store, lesson, [waiting, *run_ids[1:]])
    store.delete(run_ids[3])
    with pytest.raises(RunError, match="1 of the runs of this lesson were deleted"):
        read_result(store, lesson, run_ids)


def test_fewer_seeds_are_judged_image_by_image(store: Store) -> None:
    lesson = made(BEST.replace("SEEDS", "0"))
    for accuracy, outcome in ((0.9, "right"), (0.81, "open")):
        result = read_result(store, lesson, trained(store, lesson, {"MLP": [0.8], "CNN": [accuracy]}))
        assert reveal(lesson, "The CNN", result).outcome == outcome
        assert "MLP alone read 0 of them" in result.apart[0].sentence
        sentence = reveal(lesson, "The CNN", result).sentence
        assert "(accuracy on test images, one run each, 200 images)" in sentence
        assert ("two trained networks" in sentence) == (outcome == "right")


NUMBER = """
[guess]
kind = "number"
ask = "How many?"
low = 0
high = 100
step = 1
[experiment]
kind = "train"
measure = "test_acc"
seeds = [0, 1]
[answer]
kind = "value"
of = "MLP"
tolerance = 4
"""


def test_a_number_is_right_within_half_of_the_tolerance() -> None:
    lesson = made(NUMBER)
    result = result_of(lesson, MLP=[90.0, 92.0], CNN=[94.0, 96.0])
    outcomes = {guess: reveal(lesson, guess, result).outcome for guess in (89.0, 93.0, 87.0, 95.0, 95.5)}
    assert outcomes == {89.0: "right", 93.0: "right", 87.0: "close", 95.0: "close", 95.5: "off"}
    seen = reveal(lesson, 95.5, result)
    assert seen.sentence == "It came out otherwise than you guessed. You guessed 95.50 %; what came out is 91.00 %."
    assert (seen.placeholders["value"], seen.placeholders["seconds"]) == ("91.00 %", "12 seconds")
    diverged = result_of(lesson, MLP=[None, None], CNN=[94.0, 96.0])
    seen = reveal(lesson, 90.0, diverged)
    assert seen.outcome == "open"
    assert "You guessed 90.00 %; every run of MLP diverged, so there is no number. 2 of 2 runs of MLP" in seen.sentence
    assert reveal_alt(lesson, 90.0, diverged).endswith("every run of MLP diverged, so there is no number.")
    fig = reveal_figure(lesson, 95.5, result).built()
    assert (fig.layout.xaxis.title.text, fig.layout.shapes[0].x0, fig.layout.shapes[0].x1) == (
        "Accuracy on test images (%)",
        87,
        95,
    )
    apart = made(NUMBER.replace('of = "MLP"', 'of = "CNN"\nminus = "MLP"'))
    assert reveal(apart, 4.0, result).placeholders["value"] == "4.00 percentage points"
    ratio = made(NUMBER.replace('of = "MLP"', 'of = "CNN"\nover = "MLP"').replace("low = 0", "low = 0.1\nlog = true"))
    seen = reveal(ratio, 2.0, result)
    assert (seen.outcome, seen.placeholders["value"]) == ("right", "1.0 times"), "a factor of 2 is the root of 4"
    assert seen.placeholders["change"] == "1.0 times as much"
    assert seen.placeholders["CNN"] == "95.00 %"
    assert [reveal(ratio, guess, result).outcome for guess in (4.0, 4.5)] == ["close", "off"]


GAP = NUMBER.replace('of = "MLP"', 'of = "CNN"\nminus = "MLP"')


@pytest.mark.parametrize(
    ("seeds", "cnn", "conclusion"),
    [
        (
            6,
            [0.9, 0.91, 0.9, 0.92, 0.9, 0.9],
            "CNN is ahead by 10.17 percentage points, and luck would hardly do that.",
        ),
        (6, [0.8, 0.81, 0.8, 0.79, 0.82, 0.8], "There is no difference."),
        (6, [0.79, 0.82, 0.8, 0.81, 0.81, 0.8], "Not distinguishable: a gap like this can be luck."),
        (2, [0.9, 0.9], "CNN is ahead by 9.50 percentage points, and luck would hardly do that."),
        (2, [0.79, 0.99], "Not distinguishable: a gap like this can be luck."),
        (2, [0.81, 0.81], "Not distinguishable: a gap like this can be luck."),
    ],
)
def test_what_a_lesson_compares_is_told_apart_or_not(
    store: Store, seeds: int, cnn: list[float | None], conclusion: str
) -> None:
    lesson = made(GAP.replace("[0, 1]", str(list(range(seeds)))))
    mlp: list[float | None] = [0.8, 0.81, 0.79, 0.8, 0.82, 0.8] if conclusion != "There is no difference." else cnn
    result = read_result(store, lesson, trained(store, lesson, {"MLP": mlp[:seeds], "CNN": cnn}))
    (line,) = luck_lines(lesson, result)
    assert line.endswith(f" %. {conclusion}")
    assert line.startswith("CNN: ")
    assert luck_basis(lesson, result).startswith(
        f"Judged {'over 6 seeds' if seeds == 6 else 'by the luck of the images'}"
    )
    assert luck_lines(lesson, replace(result, apart=())) == [], "kept before the lesson named its pairs"


def test_several_pairs_are_judged_together() -> None:
    three = [Measured(label, (80.0 + gap,), 1_000, "test") for label, gap in (("a", 0.0), ("b", 3.6), ("c", 0.1))]
    a, b, c = three
    (alone,) = judge(MEASURES["test_acc"], [(a, b)], {})
    assert alone.ahead == "b"
    assert [pair.ahead for pair in judge(MEASURES["test_acc"], [(a, b), (b, c), (a, c)], {})] == ["", "", ""]


def test_pairs_that_do_not_fit_are_refused() -> None:
    front = GAP.replace("[0, 1]", "[0, 1, 2, 3, 4, 5]")
    third = "".join(f'[[contestant]]\nlabel = "{label}"\narchitecture = "mlp"\n' for label in ("MLP", "CNN", "RNN"))

    def refused(pairs: str, reason: str, front: str = front) -> None:
        head = f'course = "figures"\nplace = 1\ntitle = "T"\nquestion = "Q?"\nminutes = 5\npairs = {pairs}\n'
        text = "## Result\nR\n## Why\nW\n## What this does not show\nN\n## Carry on\nC?\n"
        with pytest.raises(ConfigError, match=reason):
            parse("made", f"+++\n{head}{front}\n{third}+++\n{text}")

    refused("[]", "pairs: the answer compares CNN with MLP, so these two are one of them")
    refused(
        '[["CNN", "MLP"], ["MLP", "CNN"]]',
        "pairs: each is of two different ones of MLP, CNN, RNN, and none comes twice",
    )
    refused('[["CNN", "MLP"], ["RNN", "RNN"]]', "pairs: each is of two different ones")
    refused('[["CNN", "MLP"], ["RNN", "GRU"]]', "pairs: each is of two different ones")
    refused('[["CNN", "MLP"], ["CNN", "RNN"]]', "experiment.seeds: 6 can tell nothing in 2 pairs, 7 are needed")
    all_judged = BEST.replace("SEEDS", "0, 1").replace('"Neither"]', '"The RNN", "Neither"]')
    refused('[["CNN", "MLP"]]', "pairs: none are named beside an answer of kind 'best'", all_judged)


def test_a_bracket_an_order_a_curve_and_a_band() -> None:
    options = 'kind = "choice"\nask = "?"\noptions = ["less", "a little", "much"]\n'
    start, experiment = NUMBER.index("kind"), NUMBER.index("[experiment]")
    answer = 'kind = "bracket"\nof = "CNN"\nminus = "MLP"\nbounds = [0, 3]\ntolerance = 1.5'
    value = 'kind = "value"\nof = "MLP"\ntolerance = 4'
    bracket = made((NUMBER[:start] + options + NUMBER[experiment:]).replace(value, answer))
    result = result_of(bracket, MLP=[90.0, 92.0], CNN=[94.0, 96.0])
    assert [reveal(bracket, guess, result).outcome for guess in ("less", "a little", "much")] == [
        "off",
        "close",
        "right",
    ]
    assert reveal(bracket, "much", result).sentence.endswith(
        "CNN: 95.00 %, MLP: 91.00 % (accuracy on test images, means of 2 seeds, 200 images). "
        "That is 4.00 percentage points more."
    )
    assert reveal(bracket, "less", result_of(bracket, MLP=[90.0, 92.0], CNN=[80.0, 80.0])).placeholders["change"] == (
        "11.00 percentage points less"
    )
    same = reveal(bracket, "much", result_of(bracket, MLP=[90.0, 92.0], CNN=[92.0, 90.0]))
    assert same.sentence.endswith("That is no difference.")

    order = made(
        NUMBER[:start]
        + 'kind = "order"\nask = "?"\n'
        + NUMBER[experiment : NUMBER.index("[answer]")]
        + '[answer]\nkind = "order"\n'
    )
    apart = Result("made", result.measured, (0, 1), (Apart("MLP", "CNN", "CNN", "s"),), 1.0)
    outcomes = [reveal(order, guess, apart).outcome for guess in (("CNN", "MLP"), ("MLP", "CNN"))]
    assert outcomes == ["right", "close"], "one pair the wrong way round"
    luck = Result("made", result.measured, (0, 1), (Apart("MLP", "CNN", "", "s"),), 1.0)
    seen = reveal(order, ("MLP", "CNN"), luck)
    assert (seen.outcome, seen.truth) == ("open", ("CNN", "MLP"))
    assert "You guessed 1. MLP, 2. CNN; what came out is 1. CNN, 2. MLP." in seen.sentence
    assert "Not distinguishable, for luck could do it: MLP and CNN." in seen.sentence
    places = [trace.text[0].strip("\u00a0") for trace in reveal_figure(order, ("MLP", "CNN"), luck).built().data]
    assert places == ["2. CNN", "1. MLP"]

    points = "".join(
        f'[[contestant]]\nlabel = "{label}"\narchitecture = "softmax"\nx = {x}\n'
        for x, label in ((1, "MLP"), (2, "CNN"))
    )
    curve = made(NUMBER.replace('"number"', '"curve"\nx_title = "X"').replace('"value"\nof = "MLP"', '"curve"'), points)
    guesses: dict[GuessValue, str] = {(90.0, 92.0): "right", (90.0, 70.0): "close", (50.0, 50.0): "off"}
    assert {guess: reveal(curve, guess, result).outcome for guess in guesses} == guesses
    fig = reveal_figure(curve, (90.0, 92.0), result).built()
    assert (fig.layout.xaxis.title.text, list(fig.data[0].y)) == ("X", [90.0, 92.0])
    assert list(guess_axes(curve, [50.0, None]).built().data[1].y) == [50.0]
    off = reveal(curve, (50.0, 50.0), result).sentence
    assert "It came out otherwise than you guessed. 0 of 2 numbers came close." in off
    assert curve_rows(curve, (100.0, 95.0), result) == [
        ("MLP", "100.00 %", "91.00 %", "9.00 points too high"), ("CNN", "95.00 %", "95.00 %", "none"),
    ]  # fmt: skip
    assert "4 percentage points away counts as close for each number" in close_sentence(curve)
    assert not close_sentence(order)
    half = result_of(curve, MLP=[90.0, 92.0], CNN=[None, None])
    assert "CNN diverged" in reveal(curve, (90.0, 50.0), half).sentence
    assert reveal(curve, (90.0, 50.0), half).outcome == "right"
    assert curve_rows(curve, (91.0, 50.0), half) == [
        ("MLP", "91.00 %", "91.00 %", "none"), ("CNN", "50.00 %", "diverged", "not known"),
    ]  # fmt: skip

    band = made(
        NUMBER.replace('"number"', '"band"').replace('"value"', '"band"').replace("[0, 1]", "[0, 1, 2, 3, 4, 5]")
    )
    result = result_of(band, MLP=[90.0, 92.0, 91.0, 90.5, 91.0, 91.0], CNN=[1.0] * 6)
    assert reveal(band, (88.0, 92.0), result).truth == (90.0, 92.0)
    assert reveal_figure(band, (85.0, 92.0), result).built().layout.shapes[0].y0 == 85.0
    assert guess_axes(band, (85.0, 92.0)).built().layout.shapes[0].y1 == 92.0
    assert not guess_axes(band).built().layout.shapes
    bands: dict[GuessValue, str] = {(88.0, 92.0): "right", (86.0, 92.0): "close", (85.0, 92.0): "off"}
    assert {guess: reveal(band, guess, result).outcome for guess in bands} == bands
    assert (
        "You guessed 85.00 % to 92.00 %; what came out is 90.00 % to 92.00 %."
        in reveal(band, (85.0, 92.0), result).sentence
    )


COUNT = BEST.replace('"train"', '"count"').replace("seeds = [SEEDS]\n", "")


def test_what_is_counted_is_exact_and_what_is_timed_is_timed_several_times_in_turn(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    lesson = made(COUNT.replace("test_acc", "n_params"))
    result = read_result(store, lesson)
    assert [one.values for one in result.measured] == [(7_850.0,), (109_386,)]
    assert result.apart == (Apart("MLP", "CNN", "CNN", "Number of weights: MLP 7,850 weights, CNN 109,386 weights."),)
    assert reveal(lesson, "The CNN", result).outcome == "right", "the most where no direction is better"
    fewest = read_result(store, made(COUNT.replace("test_acc", "multiply_adds")))
    assert fewest.apart[0].ahead == "MLP"

    asked: list[str] = []

    def run_speeds(config: RunConfig) -> tuple[float, float]:
        asked.append(config.architecture)
        return 100.0, 1_000.0 if config.architecture == "softmax" else 500.0 + len(asked)

    monkeypatch.setattr(speed, "run_speeds", run_speeds)
    lesson = made(COUNT.replace("test_acc", "images_per_s"))
    result = read_result(store, lesson)
    assert asked == ["softmax", "mlp"] * 8
    assert result.of("CNN").values == (502.0, 504.0, 506.0, 508.0, 510.0, 512.0, 514.0, 516.0)
    seen = reveal(lesson, "The MLP", result)
    assert seen.outcome == "right"
    assert seen.sentence.endswith(
        "MLP: 1,000 images per second, CNN: 509 images per second (images read per second, means of 8 measurements). MLP is "
        "ahead by 491 images per second, and luck would hardly do that."
    )


SHIPPED = """
[[contestant]]
label = "MLP"
run = "digits-mlp"
[[contestant]]
label = "CNN"
run = "digits-cnn"
measure = { id = "distorted_acc", distortion = "shift", strength = 4, images = 50 }
"""


def test_runs_that_came_with_the_program_are_found_by_name(store: Store) -> None:
    lesson = made(BEST.replace('"train"', '"shipped"').replace("seeds = [SEEDS]\n", ""), SHIPPED)
    assert not lesson.needs_mnist()
    with pytest.raises(RunError, match="digits-mlp that came with the program is not there"):
        read_result(store, lesson)
    shipped.adopt(store, assets_root() / "reference_runs")
    result = read_result(store, lesson)
    assert [(one.n, one.split, len(one.values)) for one in result.measured] == [(382, "test", 1), (50, "test", 1)]
    assert result.of("MLP").mean > result.of("CNN").mean
    assert (result.seeds, result.seconds) == ((), 0.0)
    assert result.apart[0].sentence.startswith("Accuracy: MLP 9")
    assert "luck would hardly do that" in result.apart[0].sentence


def test_a_change_says_which_way_it_went_and_which_pair_leaves_it_open() -> None:
    change = MEASURES["train_change"]
    assert [measured_words(change, value, 2) for value in (-13.17, 1.0, -0.001)] == [
        "13.17 percentage points down",
        "1.00 percentage points up",
        "0.00 percentage points up or down",
    ]
    three = "".join(f'[[contestant]]\nlabel = "{label}"\narchitecture = "softmax"\n' for label in ("MLP", "CNN", "VIT"))
    lesson = made(BEST.replace("SEEDS", "0, 1").replace('"Neither"]', '"The VIT", "Neither"]'), three)
    pairs = (Apart("MLP", "CNN", "MLP", "s"), Apart("MLP", "VIT", "", "s"), Apart("CNN", "VIT", "", "s"))
    result = replace(result_of(lesson, MLP=[95.0, 95.0], CNN=[90.0, 90.0], VIT=[80.0, 80.0]), apart=pairs)
    seen = reveal(lesson, "The MLP", result)
    assert (seen.outcome, seen.truth) == ("open", "Neither")
    assert "MLP: 95.00 %, VIT: 80.00 %" in seen.sentence, "not beside CNN, which it is told apart from"
