"""Every file of a lesson is one that can be read, run and judged; errors say which field and what is allowed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from page_links import ADDRESSES, check_link, has_key

from core import data, models
from core.errors import ConfigError
from core.experiments import lessons as declared
from core.experiments.lessons import COURSES, PLACEHOLDERS, Lesson, filled, parse
from core.experiments.plain_words import luck_lines
from core.experiments.reveals import reveal, true_value
from core.experiments.stored_results import stored_result
from pages.shared.glossary import terms

FILES = sorted(declared.folder().glob("*.md"))
MEAN_WORDS, MOST_WORDS = 12, 20  # of a sentence, for somebody of fifteen
NO_TERMS = {"LeCun", "LeNet", "VGG"}  # of people and of single networks
SAME_WEIGHTS = (declared.folder() / "same-weights.md").read_text("utf-8")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_is_a_lesson(path: Path) -> None:
    lesson = parse(path.stem, path.read_text("utf-8"))
    lesson.check()
    configs = lesson.configs()
    for label, _, config in configs:
        (own,) = (one.settings for one in lesson.contestants if one.label == label)
        idle = config.idle_sentences({*lesson.experiment.settings, *own})
        assert not idle, f"{lesson.id}: contestant {label}: {idle}"
    assert len(configs) == len(lesson.experiment.seeds) * len(lesson.contestants)
    strangers = {look.page for look in lesson.looks} - ADDRESSES
    assert not strangers, f"{lesson.id}: look.page is {strangers}, allowed is one of {sorted(ADDRESSES)}"
    for look in lesson.looks:
        check_link(f"{lesson.id}: look.query of {look.page}", look.page, look.query)
        assert not look.point or has_key(look.page, look.point), (
            f"{lesson.id}: look.point: {look.page} has no {look.point}"
        )
    assert stored_result(lesson) or not lesson.needs_mnist(), f"python -m core lessons measure {lesson.id} is to be run"
    texts = " ".join([lesson.title, *texts_of(lesson)])
    assert "!" not in texts, f"{lesson.id}: no exclamation marks"
    assert "<" not in re.sub(r"`[^`]*`", "", texts), f"{lesson.id}: no markup"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_somebody_of_fifteen_can_read_it(path: Path) -> None:
    lesson = parse(path.stem, path.read_text("utf-8"))
    sentences = sentences_of(lesson)
    lengths = [len(sentence.split()) for sentence in sentences]
    too_long = [sentence for sentence in sentences if len(sentence.split()) > MOST_WORDS]
    assert not too_long, f"{lesson.id}: at most {MOST_WORDS} words a sentence"
    assert sum(lengths) / len(lengths) <= MEAN_WORDS, f"{lesson.id}: sentences are too long on average"
    explained = {form for term in terms().values() for form in (term.name, *term.also)} | NO_TERMS
    short_forms = {word for word in re.findall(r"[A-Za-z]+", " ".join(sentences)) if re.search(r"[A-Z].*[A-Z]", word)}
    strange = {word for word in short_forms if word.removesuffix("s") not in explained}
    assert not strange, f"{lesson.id}: assets/glossary.md does not explain {sorted(strange)}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_its_text_reads_well_with_what_came_out(path: Path) -> None:
    lesson = parse(path.stem, path.read_text("utf-8"))
    result = stored_result(lesson)
    assert result is not None
    truth = true_value(lesson, result)
    assert truth is not None
    shown = reveal(lesson, truth, result)
    assert len(luck_lines(lesson, result)) == len(lesson.pairs)
    assert shown.outcome == "right", f"{lesson.id}: what came out is the right guess"
    text = filled(" ".join(lesson.sections.values()), shown.placeholders)
    assert not re.search(rf"\{{({'|'.join(PLACEHOLDERS)})\}}", text)
    assert not re.search(
        r"\b1 (seeds|trainings|images|runs|measurements)\b|\b0 (test|new|validation)|no value|%\s*%", text
    )


def test_the_options_of_a_choice_name_the_numbers_that_decide_it() -> None:
    in_words = {"2": ("twice", "two"), "3": ("three",)}
    for lesson in declared.lessons().values():
        options = " ".join(lesson.guess.options).lower()
        numbers = re.findall(r"\d+(?:\.\d+)?", options)
        for bound in (f"{abs(bound):g}" for bound in lesson.answer.bounds):
            is_named = bound in numbers or any(word in options.split() for word in in_words.get(bound, ()))
            assert is_named, f"{lesson.id}: nobody is told that {bound} decides"


def test_whoever_compares_figures_says_which_could_be_luck() -> None:
    for lesson in declared.lessons().values():
        may_be_luck = not all(lesson.asked(one).measure.exact for one in lesson.contestants)
        differ = len({(one.architecture, one.run, str(one.settings)) for one in lesson.contestants}) > 1
        assert lesson.judged or not (may_be_luck and differ), f"{lesson.id}: pairs: its text compares, so name whom"


def texts_of(lesson: Lesson) -> list[str]:
    """What a visitor reads of it beside its title and its options."""
    tips = [look.tip for look in lesson.looks]
    return [lesson.question, lesson.guess.ask, *tips, *lesson.sections.values()]


def sentences_of(lesson: Lesson) -> list[str]:
    """Of its texts, without tables, addresses of links and bold beginnings of a line."""
    lines = "\n\n".join(texts_of(lesson)).splitlines()
    text = "\n".join(re.sub(r"^- \*\*[^*]*\*\*", "", line) for line in lines if not line.startswith("|"))
    text = re.sub(r"\{[^}]*\}", "x", re.sub(r"\]\([^)]*\)", "]", text))
    return [sentence for sentence in re.split(r"(?<=[.?:;])\s+|\n\n", text) if sentence.strip()]


def test_the_courses_are_complete() -> None:
    places: dict[str, list[int]] = {course: [] for course in COURSES}
    for lesson in declared.lessons().values():
        places[lesson.course].append(lesson.place)
    for course, taken in places.items():
        assert taken == sorted(set(taken)), f"{course}: two lessons have one place, {taken}"
    assert list(declared.lessons()) == [lesson.id for lesson in declared.lessons().values()]
    with pytest.raises(ConfigError, match=r"lesson is 'nothing', allowed is one of .*same-weights"):
        declared.get("nothing")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('course = "networks"', 'course = "cooking"', r"lesson\.md: course: .*'networks', 'learning' or 'figures'"),
        ('course = "networks"', 'cours = "networks"', r"course: Field required; cours: is no field here"),
        ('measure = "test_acc"', 'measure = "luck"', r"experiment\.measure: id is 'luck', allowed is one of test_acc"),
        ('measure = "test_acc"', 'measure = "n_params"', r"contestant MLP: .*'train' can not measure n_params"),
        ("seeds = [0, 1, 2, 3, 4, 5]", "seeds = []", r"experiment: seeds are \[\], allowed is one or more"),
        ('"The CNN", ', "", r"guess\.options: there are 2, an answer of kind 'best' needs 3"),
        ('kind = "best"', 'kind = "order"', r"answer\.kind is 'order', allowed .* 'choice' is 'best' or 'bracket'"),
        ('kind = "best"', 'kind = "best"\nof = "RNN"', r"answer\.of is 'RNN', allowed is one of MLP, CNN"),
        ('label = "CNN"', 'label = "MLP"', r"contestant\.label: MLP, MLP must be different"),
        ("{run:CNN}", "{run:RNN}", r"look\.query: \{run:RNN\} is unknown, allowed is one of run:CNN, run:MLP, runs"),
        ("{n} test", "{m} test", r"Result: \{m\} is unknown, allowed is one of .*, n, seconds"),
        ("at all 784", "at {n}", r"Before you guess: \{n\} is unknown, allowed is one of seeds"),
        ("## Why", "## Because", r"the headings are .*Because.*, allowed is Before you guess, Result, Why"),
        ('architecture = "cnn"', 'architecture = "knn"', r"contestant CNN: architecture is 'knn', allowed is one of"),
        ('architecture = "cnn"', 'architecture = "cnn"\nx = 1', r"contestant CNN: x is there where the guess is a curve"),
        ("minutes = 7", "minutes = ", r"lesson\.md: Invalid value"),
    ],
)  # fmt: skip
def test_an_error_names_the_field_and_what_is_allowed(old: str, new: str, sentence: str) -> None:
    assert old in SAME_WEIGHTS
    with pytest.raises(ConfigError, match=sentence):
        parse("lesson", SAME_WEIGHTS.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("epochs = 10", "epochs = 0", r"lesson\.md: contestant MLP: Epochs \(epochs\) is 0, allowed is"),
        ("widths = []", "depth = 3", r"contestant CNN: depth: not a setting of cnn"),
        ('"test_acc"', '{ id = "distorted_acc", distortion = "luck" }', r"contestant MLP: .*luck"),
        (
            '"test_acc"',
            '{ id = "distorted_acc", distortion = "shift", strength = 99 }',
            r"strength of shift is 99, allowed is 0 to",
        ),
    ],
)
def test_settings_and_measures_exist(old: str, new: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        parse("lesson", SAME_WEIGHTS.replace(old, new)).check()


def test_a_visitor_can_guess_only_what_is_asked() -> None:
    lesson = parse("lesson", SAME_WEIGHTS)
    assert lesson.check_guess("The CNN") == "The CNN"
    with pytest.raises(ConfigError, match="one of: The MLP, The CNN, They can not"):
        lesson.check_guess("<b>The CNN</b>")
    number = declared.GuessForm(kind="number", ask="How many?", low=0, high=100, step=1)
    answer = declared.Answer(kind="value", of="MLP", tolerance=2)
    numbers = lesson.model_copy(update={"guess": number, "answer": answer})
    assert numbers.check_guess(97) == 97.0
    for wrong in (101, float("nan"), "97", True, None):
        with pytest.raises(ConfigError, match="a number from 0 to 100"):
            numbers.check_guess(wrong)
    band = numbers.model_copy(update={"guess": number.model_copy(update={"kind": "band"})})
    assert band.check_guess([9, 5]) == (5.0, 9.0)
    with pytest.raises(ConfigError, match="has 3 numbers, needed are 2"):
        band.check_guess([1, 2, 3])
    order = numbers.model_copy(update={"guess": declared.GuessForm(kind="order", ask="Which is better?")})
    assert order.check_guess(["CNN", "MLP"]) == ("CNN", "MLP")
    with pytest.raises(ConfigError, match="name each once"):
        order.check_guess(["CNN", "CNN"])


def test_settings_are_those_of_the_registry() -> None:
    lesson = parse("lesson", SAME_WEIGHTS)
    assert [(label, seed) for label, seed, _ in lesson.configs([7])] == [("MLP", 7), ("CNN", 7)]
    assert {config.training.seed for _, _, config in lesson.configs()} == set(range(6))
    sizes = [models.get(one.architecture).n_params(lesson.config(one).model) for one in lesson.contestants]
    assert abs(sizes[0] - sizes[1]) < 0.05 * sizes[0]
    assert not lesson.needs_mnist()
    assert lesson.config(lesson.contestants[0]).data.dataset == data.EMBEDDED
    assert declared.filled("{MLP} of {n}, {strange}", {"MLP": "97 %", "n": "340"}) == "97 % of 340, {strange}"
