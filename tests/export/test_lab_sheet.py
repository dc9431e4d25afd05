"""A pupil's lab sheet: complete, in two forms, and nobody's words are markup in it."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from core.experiments import lessons
from core.experiments.apart import Apart, Measured
from core.experiments.lessons import Lesson
from core.experiments.plain_words import luck_lines
from core.experiments.results import Result
from core.experiments.stored_results import stored_result
from core.export.lab_sheet import LabSheetSource, make
from core.export.sheet_blocks import STYLE, Facts, Image, Prose, Table, Text, as_html, as_markdown
from core.export.source import Source
from core.runs.guesses import Guess, Value

HOSTILE = '<script>x</script> $x$ **b** [a](http://x.org) | `c` & "q"'


IMAGE = Image(b"<svg/>", b"png", 'a "b"')


class Reader(HTMLParser):
    """tags: every one with its attributes · text: all of it"""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data + " "


def some_guess(lesson: Lesson, reason: str = HOSTILE) -> Guess:
    form = lesson.guess
    values: dict[str, Value] = {
        "choice": max(form.options, key=len, default=""), "number": form.low or 0.0, "order": lesson.labels[::-1],
        "curve": (form.low or 0.0,) * len(lesson.labels), "band": (form.low or 0.0, form.high or 0.0),
    }  # fmt: skip
    value = lesson.check_guess(values[form.kind])
    return Guess("", 1, lesson.id, value, reason, "7b", "<b>Ada</b>", (), None, "2099-11-29T08:00:00+00:00", None)


def sheet_of(source: Source, lesson: Lesson, n_runs: int = 0, result: Result | None = None) -> tuple[str, str]:
    """HTML and Markdown. n_runs: as many times the run of ``source`` · result: other figures than those that came with the
    lesson"""
    result = result or stored_result(lesson)
    assert result is not None
    own = replace(result, machine="") if n_runs else result
    runs = [source.run] * n_runs
    html, markdown = make(LabSheetSource(source.store, lesson, some_guess(lesson), own, runs)).files
    assert (html.name, markdown.name) == (f"lab-sheet-{lesson.id}.html", f"lab-sheet-{lesson.id}.md")
    return html.content.decode(), markdown.content.decode()


# One of each kind of guess and of experiment; all of them are printed in tests/e2e.
KINDS = {(lesson.guess.kind, lesson.experiment.kind): lesson for lesson in lessons.lessons().values()}


@pytest.mark.parametrize("lesson", KINDS.values(), ids=lambda lesson: lesson.id)
def test_every_lesson_has_a_sheet_that_needs_nothing_else(source: Source, lesson: Lesson) -> None:
    content, markdown = sheet_of(source, lesson)
    read = Reader(content)
    assert lesson.question in read.text
    assert HOSTILE in read.text, "as it was typed"
    assert "beforehand" in read.text
    assert "Your guess" not in read.text, "the pupil writes this report"
    tags = {tag for tag, _ in read.tags}
    assert not tags & {"script", "b", "a", "link", "iframe", "object", "svg"}
    sources = [attributes["src"] or "" for _, attributes in read.tags if "src" in attributes]
    assert sources
    assert all(address.startswith("data:image/svg+xml;base64,") for address in sources)
    own = re.sub(r"data:[\w/+;,=]+", "", content.replace(lesson.question, ""))
    assert "http" not in own.replace("http-equiv", "").replace("http://x.org", "")
    words = read.text.replace(HOSTILE, "").partition("Question")[2]
    assert "**" not in words, "a mark that the sheet does not read"
    assert "|" not in words
    assert "{" not in words, "a placeholder without a value"
    assert lesson.sections["Carry on"].split(".")[0][:40] in markdown
    assert r"\<script\>x\</script\> \$x\$ \*\*b\*\* \[a\]\(http\://x.org\) \| \`c\` \& " in markdown
    assert "data:image/png;base64," in markdown


def test_a_sheet_names_no_setting_that_does_nothing(source: Source) -> None:
    _, markdown = sheet_of(source, lessons.get("without-a-bend"))
    rows = [line for line in markdown.splitlines() if "hidden layers" in line]
    assert [("activation" in row, "hidden layers none" in row) for row in rows] == [
        (False, True),
        (True, False),
        (True, False),
    ]


def test_a_sheet_of_own_runs_says_how_they_were_made_and_how_sure_the_figures_are(source: Source) -> None:
    lesson = lessons.get("same-weights")
    ours = {"MLP": (91.1, 91.36, 90.84, 91.62, 92.67, 91.88), "CNN": (97.6, 97.1, 98.2, 97.6, 97.6, 97.1)}
    measured = tuple(Measured(label, values, 382, "test") for label, values in ours.items())
    apart = (Apart("MLP", "CNN", "CNN", "CNN is ahead."),)
    content, _ = sheet_of(source, lesson, 12, Result(lesson.id, measured, tuple(range(6)), apart, 1.0))
    text = " ".join(Reader(content).text.split())
    manifest = source.run.manifest
    for part in (
        "MLP 91.58 % 90.84 to 92.67 % 90.90 to 92.26 % 382 test images 6", "Seeds 0, 1, 2, 3, 4, 5",
        "dataset Embedded digits, epochs 10, batch size 32, learning rate 0.003", "hidden layers 29",
        "convolution blocks 14-28-56", manifest["cpu"], f"Digit Lab {manifest['versions']['digit-lab']}", "Threads", "1 run,",
        "seconds of computing; all before this guess",
        "before the result was shown",
        "While they learned", "Class 7b", "<b>Ada</b>",
    ):  # fmt: skip
        assert part in text.replace("\u00a0", " "), part
    assert len([tag for tag, _ in Reader(content).tags if tag == "img"]) == 2
    without, _ = sheet_of(source, lessons.get("parameters-grow"))
    assert "While they learned" not in without
    assert "These numbers are exact" in without


def test_a_sheet_says_of_what_the_lesson_compares_whether_it_could_be_luck(source: Source) -> None:
    lesson = lessons.get("shuffled-pixels")
    result = stored_result(lesson)
    assert result is not None
    for text in sheet_of(source, lesson):
        assert "Could it be luck?" in text
        plain_text = Reader(text).text.replace("\\", "") if text.startswith("<") else text.replace("\\", "")
        for line in luck_lines(lesson, result):
            assert line in plain_text.replace("\u00a0", " "), line


def test_the_interval_of_one_share_is_that_of_its_images(source: Source) -> None:
    lesson = lessons.get("not-my-digit")
    result = stored_result(lesson)
    assert result is not None
    measured = result.measured[1]
    content, _ = sheet_of(source, lesson)
    from core.analysis.metrics import accuracy_interval

    low, high = (100 * end for end in accuracy_interval(measured.numbers[0] / 100, measured.n))
    assert f"{low:.2f} to {high:.2f}\u00a0%" in content
    assert "it knows nothing of other seeds" in content


def test_every_mark_in_the_lessons_words_is_read() -> None:
    """What a sheet shows of a lesson is converted here, so that none of its marks is left over."""
    for lesson in lessons.lessons().values():
        for heading in ("What this does not show", "Carry on"):
            text = Reader(as_html("", [Prose(lesson.sections[heading])])).text.replace(STYLE, "")
            assert not re.search(r"\*|^- |\||`|^#|\]\(|\?lesson=", text, re.MULTILINE), (lesson.id, heading)


def test_blocks_are_the_same_in_both_forms() -> None:
    blocks = [
        Text("1. a\nb *c*", is_small=True), Facts([("<t>", "<x>")]), Table(["h|1", "h2"], [["a", "<i>"]]), IMAGE,
        Prose("One **two** *four* <b>\nthree.\n\n"
              "- [See it](data?dataset=digits) Now\n- a\n  b\n- c\n\n| x | y |\n|---|---|\n| 1 | **2** |"),
    ]  # fmt: skip
    page = as_html("<T>", blocks)
    assert "<h1>&lt;T&gt;</h1>" in page
    assert "<li>See it Now</li><li>a b</li><li>c</li>" in page
    assert "One <strong>two</strong> <em>four</em> &lt;b&gt; three." in page
    assert "<td>1</td><td><strong>2</strong></td>" in page
    assert 'alt="a &quot;b&quot;" src="data:image/svg+xml;base64,PHN2Zy8+"' in page
    text = as_markdown("<T>", blocks)
    assert text.startswith(
        "# \\<T\\>\n\n1\\. a b \\*c\\*\n\n- **\\<t\\>:** \\<x\\>\n\n| h\\|1 | h2 |\n| --- | --- |\n| a | \\<i\\> |"
    )
    assert '![a "b"](data:image/png;base64,cG5n)' in text
