"""A lesson of each kind that ends within a second, in place of those that come with the program."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.experiments import lessons, stored_results

SMALL = 'settings = { dataset = "digits", epochs = 1, n_train = 300, batch_size = 64 }'
TEXT = """
## Before you guess

Something to know before.

## Result

It was {A} of {n} images; you guessed {guess}.

## Why

Because it is so.

## What this does not show

Other digits.

## Carry on

What comes next?
"""
LOOKS = """
[[look]]
page = "inside"
label = "See why"
query = { run = "{run:B}", view = "why" }
point = "inside_view"
tip = "Here you choose the way to look inside."

[[look]]
page = "data"
label = "See the digits"
"""


def _file(
    place: int, title: str, guess: str, experiment: str, contestants: str, answer: str, looks: str = "", pairs: str = ""
) -> str:
    return f"""+++
course = "learning"
place = {place}
title = "{title}"
question = "What comes of {title}?"
minutes = 5
claim = "Somebody said so."
{pairs}

[guess]
ask = "What do you think?"
{guess}

[experiment]
{experiment}
{contestants}
[answer]
{answer}
{looks}
+++
{TEXT}"""


def _train(seeds: str, settings: str = SMALL) -> str:
    return f'kind = "train"\nmeasure = "test_acc"\nseeds = {seeds}\n{settings}\n'


def _contestants(**rates: float) -> str:
    return "".join(_contestant(label, lr) for label, lr in rates.items())


def _contestant(label: str, lr: float, more: str = "") -> str:
    return f'\n[[contestant]]\nlabel = "{label}"\narchitecture = "softmax"\nsettings = {{ lr = {lr} }}\n{more}'


PERCENT = 'low = 0\nhigh = 100\nstep = 0.5\nunit = "%"\ndecimals = 1\n'
FILES = {
    "choosing": _file(
        1, "Two rates", 'kind = "choice"\noptions = ["A", "B", "Neither"]', _train("[0, 1]"),
        _contestants(A=0.0001, B=0.005), 'kind = "best"', LOOKS,
    ),
    "band": _file(
        2, "A band", f'kind = "band"\n{PERCENT}', _train("[0, 1, 2, 3, 4, 5]"), _contestants(A=0.1),
        'kind = "band"\nof = "A"\ntolerance = 5',
    ),
    "curve": _file(
        3, "A curve", f'kind = "curve"\nx_title = "Learning rate"\n{PERCENT}', _train("[0]"),
        _contestant("A", 0.002, "x = 0.002\n") + _contestant("B", 0.2, "x = 0.2\n"), 'kind = "curve"\ntolerance = 5',
    ),
    "order": _file(
        4, "An order", 'kind = "order"', _train("[0]"), _contestants(A=0.0003, B=0.3, C=0.03), 'kind = "order"',
    ),
    "number": _file(
        5, "A number", 'kind = "number"\nlow = 0\nhigh = 90000\nstep = 10', 'kind = "count"\nmeasure = "n_params"',
        _contestants(A=0.1), 'kind = "value"\nof = "A"\ntolerance = 1000',
    ),
    "timed": _file(
        6, "A speed", 'kind = "number"\nlow = 0\nhigh = 900000\nstep = 10', 'kind = "count"\nmeasure = "images_per_s"',
        _contestants(A=0.1), 'kind = "value"\nof = "A"\ntolerance = 1000',
    ),
    "elsewhere": _file(
        7, "MNIST", 'kind = "choice"\noptions = ["A", "B", "Neither"]',
        _train("[0, 1]", SMALL.replace("digits", "mnist")), _contestants(A=0.0001, B=0.005), 'kind = "best"', LOOKS,
    ),
    "pairs": _file(
        8, "Pairs", 'kind = "choice"\noptions = ["Less", "As much", "More"]',
        _train("[0, 1]", SMALL.replace("digits", "mnist")), _contestants(A=0.0001, B=0.005, C=0.05),
        'kind = "bracket"\nof = "B"\nminus = "A"\nbounds = [-5, 5]', pairs='pairs = [["B", "A"], ["B", "C"]]',
    ),
}  # fmt: skip


@pytest.fixture(autouse=True)
def small_lessons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder in which they lie."""
    folder = tmp_path / "lessons"
    folder.mkdir()
    for lesson_id, text in FILES.items():
        (folder / f"{lesson_id}.md").write_text(text, "utf-8")
    for module in (lessons, stored_results):
        monkeypatch.setattr(module, "folder", lambda: folder)
    lessons.lessons.cache_clear()
    yield folder
    lessons.lessons.cache_clear()
